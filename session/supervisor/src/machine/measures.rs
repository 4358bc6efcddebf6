//! The strongest measures: the service manager restarts kiosk-session, kioskd restarts the device. They are only taken
//! after they were recorded persistently.

use super::parts::{Browser, Intent};
use super::{Effect, Failure, FailureKind, Machine};
use crate::recovery::{Measures, Rung};

impl Machine {
    /// Sets the available measures; called before each turn.
    pub fn set_measures(&mut self, measures: Measures) {
        self.measures = measures;
    }

    /// Whether the session ends to be restarted.
    pub fn renews(&self) -> bool {
        self.intent == Intent::Renew
    }

    pub(super) fn measure_kept(&mut self, rung: Rung) {
        match rung {
            // Not if it was stopped or is shutting down.
            Rung::Session if self.intent == Intent::Run => self.intent = Intent::Renew,
            Rung::Reboot if self.intent == Intent::Run => self.reboot.clone_from(&self.reason),
            _ => {}
        }
    }

    /// Continues without the measure.
    pub(super) fn measure_refused(&mut self, rung: Rung, reason: String, effects: &mut Vec<Effect>) {
        let stuck = matches!(self.browser, Browser::Stuck { .. });
        let action = match rung {
            Rung::Session if stuck => "kiosk-session is not started anew, the browser's end is waited for",
            Rung::Reboot if stuck => "the device is not restarted, the browser's end is waited for",
            Rung::Session => "kiosk-session is not started anew, the browser is tried again",
            Rung::Reboot => "the device is not restarted, the browser is tried again",
            // The profile was discarded already.
            _ => "more may be lost than once a day",
        };
        if rung == Rung::Reboot {
            self.reboot.clear();
        }
        let action = action.into();
        effects.push(Effect::Failed(Failure { kind: FailureKind::Measure, reason, action, goes_on: false }));
    }
}
