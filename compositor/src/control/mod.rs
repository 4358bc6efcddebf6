//! The control plane: D-Bus objects on a thread of their own turn method calls into [`Call`]s for the event
//! loop, and the loop's [`Snapshot`]s into property values and `PropertiesChanged`.
//!
//! The loop never waits for D-Bus; D-Bus never touches the compositor's state.

mod answer;
mod bus;
mod change;
mod connection;
mod diff;
mod dispatch;
mod failure;
mod interfaces;
mod names;
mod peers;
mod properties;
mod schema;
mod service;
mod shared;
mod standard_xml;
#[cfg(test)]
mod tests;

pub use names::{BUS_NAME, INPUTS_PATH, OUTPUTS_PATH, ROOT_PATH, escape};
pub use service::{ControlHandle, Options, start};
pub use shared::Bus;
