//! Hears of backlights that come, go, or are changed by somebody else (keys that the firmware handles, another
//! program): the kernel tells each change. The root listens; nothing is said while nothing changes.

use std::io;

use smithay::reexports::udev::{EventType, MonitorBuilder, MonitorSocket};

/// A socket that is readable when there is news of a backlight.
pub fn listen() -> io::Result<MonitorSocket> {
    MonitorBuilder::new()?.match_subsystem("backlight")?.listen()
}

/// The backlights that there is news of, and of each whether it has just come.
pub fn news(socket: &MonitorSocket) -> impl Iterator<Item = (String, bool)> + '_ {
    socket.iter().map(|event| (event.sysname().to_string_lossy().into_owned(), event.event_type() == EventType::Add))
}
