//! Hears of backlights that come, go, or are changed by somebody else (keys that the firmware handles, another
//! program): the kernel tells each change. Started once, by the program itself; says nothing while nothing changes.

use std::io;

use smithay::reexports::{
    calloop::{Interest, Mode, PostAction, generic::Generic},
    udev::{EventType, MonitorBuilder},
};

use crate::kiosk::Kiosk;

impl Kiosk {
    /// Listens to the kernel's news of backlights, as far as this back end's displays have any.
    pub fn watch_backlights(&mut self) {
        if self.backend.sysfs().is_none() {
            return;
        }
        if let Err(error) = self.listen() {
            tracing::warn!(%error, "changes of backlights by others are not heard of");
        }
    }

    fn listen(&mut self) -> io::Result<()> {
        let socket = MonitorBuilder::new()?.match_subsystem("backlight")?.listen()?;
        let source = Generic::new(socket, Interest::READ, Mode::Level);
        let inserted = self.handle.insert_source(source, |_, socket, kiosk| {
            for event in socket.iter() {
                let name = event.sysname().to_string_lossy().into_owned();
                kiosk.backlight_changed(&name, event.event_type() == EventType::Add);
            }
            Ok(PostAction::Continue)
        });
        inserted.map(drop).map_err(|error| io::Error::other(error.to_string()))
    }
}
