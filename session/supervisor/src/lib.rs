//! `kiosk-session`: waits for the page's server, launches and supervises the browser, detects when the page is up, and
//! recovers it when it fails. Nothing here depends on smithay.

#![deny(clippy::indexing_slicing)]
#![cfg_attr(not(test), deny(clippy::string_slice))]

pub mod aging;
pub mod browser;
pub mod bus;
pub mod certificate;
pub mod container;
pub mod control_link;
pub mod daemon;
pub mod devtools;
pub mod launcher;
pub mod machine;
pub mod memory;
pub mod page;
pub mod probe;
pub mod profile;
pub mod recovery;
pub mod sign_in;
pub mod uploads;
