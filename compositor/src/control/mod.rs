//! The control plane: D-Bus objects on a thread of their own turn method calls into [`Call`]s for the event loop, and
//! the loop's [`Snapshot`]s into property values and `PropertiesChanged`. [`kiosk_bus`] serves D-Bus itself.
//!
//! The loop never waits for D-Bus; D-Bus never touches the compositor's state.
//!
//! [`Call`]: crate::command::Call
//! [`Snapshot`]: crate::snapshot::Snapshot

#![deny(clippy::indexing_slicing)]
#![cfg_attr(not(test), deny(clippy::string_slice))]

pub mod change;
mod interfaces;
mod names;
mod objects;
pub mod requests;
mod service;
mod shared;
#[cfg(test)]
mod tests;

pub use kiosk_bus::escape;
pub use names::{BUS_NAME, INPUTS_PATH, OUTPUTS_PATH, ROOT_PATH};
pub use service::{ControlHandle, ListenOn, start};
pub use shared::{Bus, Request};
