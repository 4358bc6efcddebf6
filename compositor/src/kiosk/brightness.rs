//! Brightness: finds a monitor's control after its first frame, restores the saved level, and watches the kernel's
//! backlight events.

use std::io;

use smithay::reexports::calloop::{Interest, Mode, PostAction, generic::Generic};

use super::{Hardware, Kiosk};
use crate::{
    brightness::{Answered, BrightnessError, MIN_RESTORED_PERCENT, Next, watch},
    screens::ScreenId,
};

impl Kiosk {
    /// The screen shows a frame: finds its monitor's brightness control, if that is due.
    pub(crate) fn find_brightness(&mut self, id: ScreenId) {
        if !self.hardware.brightness.take_due(id) {
            return;
        }
        let (Some(sysfs), Some(screen)) = (self.hardware.backend.sysfs(), self.screens.get_mut(id)) else { return };
        if self.hardware.brightness.find(screen, &sysfs) {
            self.status.publisher.mark_changed();
            self.restore_brightness(id);
        }
    }

    /// The monitor's control is known: sets the saved or configured brightness.
    fn restore_brightness(&mut self, id: ScreenId) {
        let Some(screen) = self.screens.get(id) else { return };
        let Some(percent) = self.policy_of(screen.identity(), &screen.name).brightness else { return };
        let (percent, name) = (i32::from(percent.percent()).max(MIN_RESTORED_PERCENT), screen.name.clone());
        if screen.brightness == Some(percent) {
            return;
        }
        if let Err(error) = self.set_brightness(id, percent) {
            self.problem(format!("{name}: the brightness that was kept could not be set: {error}"));
        }
    }

    /// Sets the brightness of a screen's monitor, 0 to 100. A later failure is reported as a problem.
    pub(crate) fn set_brightness(&mut self, id: ScreenId, percent: i32) -> Result<(), BrightnessError> {
        let Some(screen) = self.screens.get_mut(id) else { return Ok(()) };
        self.hardware.brightness.set(screen, percent)?;
        self.status.publisher.mark_changed();
        Ok(())
    }

    /// Handles a thread's answer.
    pub(crate) fn brightness_answered(&mut self, answered: Answered) {
        let Self { hardware: Hardware { brightness, .. }, screens, .. } = self;
        let Some((id, next)) = brightness.answered(answered, |id| screens.get_mut(id)) else { return };
        self.status.publisher.mark_changed();
        let (failed, then) = match next {
            Next::Restore => return self.restore_brightness(id),
            Next::Report { failed, then } => (failed, then),
        };
        let name = self.screens.get(id).map(|screen| screen.name.clone()).unwrap_or_default();
        if let Some(error) = failed {
            self.problem(format!("{name}: the brightness could not be set: {error}"));
        }
        if let Some(percent) = then
            && let Err(error) = self.set_brightness(id, percent)
        {
            self.problem(format!("{name}: {error}"));
        }
    }

    /// Watches the kernel's backlight events, if this back end's monitors have any.
    pub fn watch_backlights(&mut self) {
        if self.hardware.backend.sysfs().is_none() {
            return;
        }
        if let Err(error) = self.listen_for_backlights() {
            tracing::warn!(%error, "backlights not watched: changes by others are not seen");
        }
    }

    fn listen_for_backlights(&mut self) -> io::Result<()> {
        let source = Generic::new(watch::listen()?, Interest::READ, Mode::Level);
        let inserted = self.main_loop.handle.insert_source(source, |_, socket, kiosk| {
            for (name, come) in watch::news(socket) {
                kiosk.backlight_changed(&name, come);
            }
            Ok(PostAction::Continue)
        });
        inserted.map(drop).map_err(|error| io::Error::other(error.to_string()))
    }

    fn backlight_changed(&mut self, name: &str, come: bool) {
        let (changed, again) = self.hardware.brightness.backlight_changed(self.screens.iter_mut(), name, come);
        if changed {
            self.status.publisher.mark_changed();
        }
        for id in again {
            self.hardware.brightness.forget(id);
            self.hardware.brightness.lit(id);
            self.find_brightness(id);
        }
    }
}
