//! What kioskd, kiosk-session and kioskctl share: the contract between them, the configuration, access control,
//! logging, and careful handling of files and sockets. Nothing here depends on smithay, a browser or a screen.

#![deny(clippy::indexing_slicing)]
#![cfg_attr(not(test), deny(clippy::string_slice))]

pub mod api;
pub mod authority;
pub mod chromium;
pub mod config;
pub mod container;
pub mod day_clock;
pub mod device_events;
pub mod device_watch;
pub mod durable;
pub mod files;
pub mod input_database;
mod journal;
mod log_limit;
pub mod logging;
pub mod moments;
pub mod notify;
pub mod page_calls;
pub mod quantities;
pub mod quota;
pub mod repeated;
pub mod security_context;
pub mod slots;
pub mod socket_watch;
pub mod sockets;
pub mod tcp;
pub mod text;
pub mod texts;
mod version_order;
