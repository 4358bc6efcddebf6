//! The client side of kioskd's and kiosk-session's D-Bus services; `main.rs` is the command line on it.

pub mod client;
