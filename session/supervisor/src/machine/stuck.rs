//! A shell that even SIGKILL does not end: a thread of it waits in the kernel for a disk, a file system or a driver that
//! does not answer. No other one is started beside it, for it may hold the profile: the measures that need none come
//! next, as far as their budgets go, and else it is waited for, with a sentence on the screen.

use std::time::Duration;

use super::parts::{Browser, Intent, Launch, Trouble};
use super::{Effect, Machine};
use crate::recovery::Rung;

/// From the kill by force until a process has gone. Gigabytes of memory that was swapped out take seconds.
const FORCED_LIMIT: Duration = Duration::from_secs(30);
/// We were not running ourselves when its end was due: the machine slept, and it has not had its time.
const LATE: Duration = Duration::from_secs(2);
/// Between two looks whether a measure may be taken again.
const AGAIN: Duration = Duration::from_secs(60);

impl Machine {
    /// A shell that is asked to end at `now`, and killed after `grace`.
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
        // Whoever leaves does so without it, and what is stopped waits for nothing.
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
        (self.trouble, self.launch) = (Trouble::Crashed, Launch::Pause(now + AGAIN));
        let action = match rung {
            Some(Rung::Session) => "kiosk-session is started anew",
            Some(_) => "the device is restarted",
            None => "started again when it has ended",
        };
        if is_news || rung.is_some() {
            self.failed(reason, action.to_owned(), effects);
        } else {
            self.reason = reason;
        }
    }

    /// It has ended after all.
    pub(super) fn no_longer_stuck(&mut self) {
        if matches!(self.browser, Browser::Stuck { .. }) {
            self.launch = Launch::Now;
            self.reboot.clear();
        }
    }
}
