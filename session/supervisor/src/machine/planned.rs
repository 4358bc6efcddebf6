//! A browser that works is replaced by a new one, but never under somebody's hands: once a day (`browser.restart-at`),
//! after an upgrade of its program, or because its memory grows.
//!
//! Any of these makes it due; the compositor then says when nobody uses the device. Whatever else starts the browser
//! anew in the meantime has done it already.

use std::time::Duration;

use super::{Effect, Machine};

/// A browser that started less than this ago is as good as a new one: the clock may be set across the hour, twice too.
const YOUNG: Duration = Duration::from_secs(3600);

/// Why a new one is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It is the time of `browser.restart-at`.
    TimeOfDay,
    /// Another version of its program is on the disk: a page's next process would be of that one, or fail.
    Replaced,
    /// In words.
    Memory(String),
}

impl Why {
    /// One clause, for people.
    pub fn words(&self) -> &str {
        match self {
            Why::TimeOfDay => "browser.restart-at",
            Why::Replaced => "its program was replaced by another version",
            Why::Memory(words) => words,
        }
    }
}

/// Whether a planned restart waits.
#[derive(Debug, Clone, Default)]
pub(super) struct Planned {
    launched: Duration,
    due: Option<Why>,
}

impl Planned {
    /// It is due, and waits until nobody uses the device.
    pub fn waits(&self) -> bool {
        self.due.is_some()
    }

    /// Why; empty: none waits.
    pub fn words(&self) -> &str {
        self.due.as_ref().map(Why::words).unwrap_or_default()
    }

    /// The browser was started.
    pub fn launched(&mut self, now: Duration) {
        *self = Planned { launched: now, due: None };
    }
}

impl Machine {
    /// A new one is wanted.
    pub(super) fn restart_due(&mut self, why: Why, now: Duration) {
        let is_young = why == Why::TimeOfDay && now < self.planned.launched + YOUNG;
        if self.settings.command || !self.running() || is_young {
            return;
        }
        if self.planned.due.as_ref() != Some(&why) {
            tracing::info!(why = why.words(), "the browser is restarted when nobody uses the device");
        }
        self.planned.due = Some(why);
    }

    /// Why the browser is restarted when nobody uses the device; empty: it is not.
    pub fn restart_reason(&self) -> &str {
        if self.running() { self.planned.words() } else { "" }
    }

    /// Nobody uses the device. A page that is being cleaned up is left to end that.
    pub(super) fn nobody_there(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        let Some(why) = self.planned.due.take().filter(|_| self.running()) else { return };
        tracing::info!(why = why.words(), "nobody uses the device, the browser is restarted");
        self.restart(now, effects);
    }
}
