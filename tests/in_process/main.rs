//! What people see and what clients are told, with the whole compositor in the test's process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../fixture/mod.rs"]
mod fixture;

mod accessibility;
mod alpha;
mod bad;
mod brightness;
mod browser_popups;
mod bus;
mod capture;
mod children;
mod commit_timing;
mod constraints;
mod data_control;
mod dialogs;
mod display_faults;
mod fifo;
mod foreign_parents;
mod foreign_toplevel;
mod frames;
mod idle_reset;
mod input_devices;
mod input_events;
mod keyboard;
mod layouts;
mod mirror;
mod output_management;
mod output_power;
mod outputs;
mod pace;
mod page_calls;
mod pens;
mod pings;
mod pointer_focus;
mod popups;
mod power;
mod privilege;
mod protocols;
mod reboot;
mod reload;
mod requests;
mod rotation;
mod scale;
mod screens_everywhere;
mod security_context;
mod several_shells;
mod shell_window;
mod splash;
mod system_screens;
mod text_input;
mod trust;
mod uploads;
mod virtual_input;
mod watch_notice;
mod wishes;
