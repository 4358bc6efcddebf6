//! The kiosk's session side: configuration, the contract with the compositor, and what `kiosk-session` and
//! `kioskctl` are made of. Nothing here knows smithay.

pub mod api;
pub mod authority;
pub mod browser;
pub mod bus;
pub mod client;
pub mod config;
pub mod control_link;
pub mod daemon;
pub mod devtools;
pub mod files;
pub mod launcher;
pub mod logging;
pub mod machine;
pub mod memory;
pub mod notify;
pub mod page;
pub mod probe;
pub mod profile;
pub mod quota;
pub mod recovery;
pub mod socket_watch;
pub mod text;
