//! What people see and what clients are told, with the whole compositor in the test's process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../fixture/mod.rs"]
mod fixture;

mod bad;
mod brightness;
mod bus;
mod children;
mod devices;
mod dialogs;
mod frames;
mod input;
mod inputs;
mod mirror;
mod output_management;
mod output_power;
mod outputs;
mod pens;
mod popups;
mod power;
mod privilege;
mod protocols;
mod requests;
mod rotation;
mod scale;
mod shell;
mod shells;
mod splash;
