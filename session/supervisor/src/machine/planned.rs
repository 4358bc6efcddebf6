//! `browser.restart-at`: a browser that has run for a day is replaced by a new one, but never under somebody's hands.
//!
//! The time of day makes it due; the compositor then says when nobody uses the device. Whatever else starts the browser
//! anew in the meantime has done it already.

use std::time::Duration;

use super::{Effect, Machine};

/// A browser that started less than this ago is as good as a new one: the clock may be set across the hour, twice too.
const YOUNG: Duration = Duration::from_secs(3600);

/// Whether a planned restart waits.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Planned {
    launched: Duration,
    due: bool,
}

impl Planned {
    /// It is due, and waits until nobody uses the device.
    pub fn waits(&self) -> bool {
        self.due
    }

    /// The browser was started.
    pub fn launched(&mut self, now: Duration) {
        *self = Planned { launched: now, due: false };
    }
}

impl Machine {
    /// It is the time of day for it.
    pub(super) fn restart_due(&mut self, now: Duration) {
        self.planned.due = !self.settings.command && self.running() && now >= self.planned.launched + YOUNG;
    }

    /// Nobody uses the device. A page that is being cleaned up is left to end that.
    pub(super) fn nobody_there(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        if !std::mem::take(&mut self.planned.due) || !self.running() {
            return;
        }
        tracing::info!("browser.restart-at: nobody uses the device, the browser is restarted");
        self.restart(now, effects);
    }
}
