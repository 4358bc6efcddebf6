//! The client side of kioskd's and kiosk-session's D-Bus services; `main.rs` is the command line on it.

#![warn(missing_docs)]
#![deny(clippy::indexing_slicing)]
#![cfg_attr(not(test), deny(clippy::string_slice))]

pub mod client;
