//! The kiosk's session side: configuration, the contract with the compositor, and what `kiosk-session` and
//! `kioskctl` are made of. Nothing here knows smithay.

pub mod api;
pub mod authority;
pub mod client;
pub mod config;
pub mod devtools;
pub mod machine;
pub mod notify;
pub mod page;
pub mod probe;
pub mod recovery;
