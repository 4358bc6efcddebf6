//! Watches for backlights that are added, removed or changed by others (keys that the firmware handles, another
//! program), by the kernel's uevents.

use std::io;

use smithay::reexports::udev::{EventType, MonitorBuilder, MonitorSocket};

/// A socket that is readable when there is an event of a backlight.
pub fn listen() -> io::Result<MonitorSocket> {
    MonitorBuilder::new()?.match_subsystem("backlight")?.listen()
}

/// The backlights with events, and for each whether it was added.
pub fn news(socket: &MonitorSocket) -> impl Iterator<Item = (String, bool)> + '_ {
    socket.iter().map(|event| (event.sysname().to_string_lossy().into_owned(), event.event_type() == EventType::Add))
}
