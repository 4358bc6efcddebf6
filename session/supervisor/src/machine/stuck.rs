//! A shell that SIGKILL does not end, as a thread of it waits in the kernel for a disk, a file system or a driver. No
//! other one is started, as it may hold the profile: measures that need no new shell come next, within their budgets,
//! else it is waited for, with a message on the screen.

use std::time::Duration;

use super::parts::{Browser, DelayReason, Intent, Launch};
use super::{Effect, FailureKind, Machine};
use crate::recovery::Rung;

/// Time limit from SIGKILL to the exit. Freeing gigabytes of swapped memory takes seconds.
const FORCED_LIMIT: Duration = Duration::from_secs(30);
/// If we notice the deadline this late, we were not running ourselves (suspend): the wait starts over.
const LATE: Duration = Duration::from_secs(2);
/// Interval between checks whether a measure may be taken.
const AGAIN: Duration = Duration::from_secs(60);

impl Machine {
    /// The state of a shell that gets SIGTERM at `now`, and SIGKILL after `grace`.
    pub(super) fn ending(grace: Duration, now: Duration) -> Browser {
        Browser::Ending { limit: now + grace + FORCED_LIMIT }
    }

    pub(super) fn expire_ending(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        match self.browser {
            Browser::Ending { limit } if now >= limit + LATE => self.browser = Self::ending(Duration::ZERO, now),
            Browser::Ending { limit: at } | Browser::Stuck { again: at } if now >= at => self.is_stuck(now, effects),
            _ => {}
        }
    }

    fn is_stuck(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        let is_news = !matches!(self.browser, Browser::Stuck { .. });
        self.browser = Browser::Stuck { again: now + AGAIN };
        // A shutdown or stop does not wait for it.
        if self.intent != Intent::Run {
            return;
        }
        let reason = format!(
            "{} can't be ended: it waits in the kernel, for a disk, a file system or a driver that does not answer",
            self.settings.program
        );
        let rung = self.recovery.ladder.stuck(self.measures, now);
        if let Some(rung) = rung {
            effects.push(Effect::TakeMeasure { rung, reason: reason.clone() });
        }
        (self.trouble, self.launch) = (DelayReason::Crashed, Launch::Pause(now + AGAIN));
        let action = match rung {
            Some(Rung::Session) => "kiosk-session is started anew",
            Some(_) => "the device is restarted",
            None => "started again when it has ended",
        };
        if is_news || rung.is_some() {
            self.failed(FailureKind::Browser, reason, action.to_owned(), effects);
        } else {
            self.reason = reason;
        }
    }

    /// It has exited after all.
    pub(super) fn no_longer_stuck(&mut self) {
        if matches!(self.browser, Browser::Stuck { .. }) {
            self.launch = Launch::Now;
            self.reboot.clear();
        }
    }
}
