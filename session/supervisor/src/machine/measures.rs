//! The strongest measures: kiosk-session is started anew by the service manager, the device is restarted by kioskd. They
//! are written down before they are taken, and without that they are not.

use super::parts::{Browser, Intent};
use super::{Effect, Failure, Machine};
use crate::recovery::{Measures, Rung};

impl Machine {
    /// What there is at this moment; said before each turn.
    pub fn set_measures(&mut self, measures: Measures) {
        self.measures = measures;
    }

    /// The session ends to be started anew.
    pub fn renews(&self) -> bool {
        self.intent == Intent::Renew
    }

    pub(super) fn measure_kept(&mut self, rung: Rung) {
        match rung {
            // Whoever stopped it, or ends it, is obeyed.
            Rung::Session if self.intent == Intent::Run => self.intent = Intent::Renew,
            Rung::Reboot if self.intent == Intent::Run => self.reboot.clone_from(&self.reason),
            _ => {}
        }
    }

    /// It is gone on without it, as before.
    pub(super) fn measure_refused(&mut self, rung: Rung, reason: String, effects: &mut Vec<Effect>) {
        let stuck = matches!(self.browser, Browser::Stuck { .. });
        let action = match rung {
            Rung::Session if stuck => "kiosk-session is not started anew, the browser's end is waited for",
            Rung::Reboot if stuck => "the device is not restarted, the browser's end is waited for",
            Rung::Session => "kiosk-session is not started anew, the browser is tried again",
            Rung::Reboot => "the device is not restarted, the browser is tried again",
            // The profile has been given up already.
            _ => "more may be lost than once a day",
        };
        if rung == Rung::Reboot {
            self.reboot.clear();
        }
        effects.push(Effect::Failed(Failure { reason, action: action.into() }));
    }
}
