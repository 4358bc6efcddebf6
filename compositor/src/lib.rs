//! The kiosk compositor: one shell per screen on DRM/KMS, from the first frame to the page.
//!
//! `main.rs` is thin; everything is here, so that tests can run the compositor in their own process.

pub mod backend;
pub mod brightness;
pub mod child;
pub mod clients;
pub mod command;
pub mod control;
pub mod deadline_timer;
pub mod debug;
pub mod draw;
pub mod idle;
pub mod input;
pub mod keyboard;
pub mod kiosk;
pub mod layout;
pub mod lifecycle;
pub mod limits;
pub mod memory;
pub mod network;
pub mod notify;
pub mod options;
pub mod pairing;
mod paths;
pub mod persistence;
pub mod policy;
pub mod power;
pub mod privilege;
pub mod problems;
pub mod protocols;
pub mod publisher;
pub mod reload;
pub mod requests;
pub mod run;
pub mod screens;
pub mod seat_check;
pub mod seat_pause;
pub mod session_link;
pub mod signals;
pub mod snapshot;
pub mod sockets;
mod splash_style;
pub mod stage;
pub mod stall;
pub mod transaction;
pub mod trial;
pub mod watchdog;
