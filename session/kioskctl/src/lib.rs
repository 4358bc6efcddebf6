//! The client side of kioskd's and kiosk-session's D-Bus services; `main.rs` is the command line on it.

#![warn(missing_docs)]

pub mod client;
