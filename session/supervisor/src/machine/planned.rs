//! A browser that works is replaced by a new one, but never under somebody's hands: once a day (`browser.restart-at`),
//! after an upgrade of its program, or because its memory grows.
//!
//! Any of these makes it due; the compositor then says when nobody uses the device. Whatever else starts the browser
//! anew in the meantime has done it already.

use std::time::Duration;

use super::{Effect, Machine};

/// A browser that started less than this ago is as good as a new one: the clock may be set across the hour, twice too.
const YOUNG: Duration = Duration::from_secs(3600);

/// A browser whose memory has grown is left alone until it is this old. Doubled with each one that is restarted for that
/// reason, up to a day: where a page needs so much after a while, a new browser is as full as the old one soon, and a
/// restart is of no use.
const MEMORY_AGE: Duration = Duration::from_secs(1800);
const MAX_MEMORY_AGE: Duration = Duration::from_secs(24 * 3600);
/// A browser that has run for this long shows what a page needs in a day's use, whatever it is replaced for then.
const DAYS_WORK: Duration = Duration::from_secs(12 * 3600);

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
    /// Restarts for memory's sake, each of which came as soon as it could.
    memory_restarts: u32,
    /// How old this browser was when its memory was first said to be too much.
    full_at: Option<Duration>,
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
        self.learn(now);
        (self.launched, self.due, self.full_at) = (now, None, None);
    }

    /// From the life of the last one: beside a restart a day no browser would ever come to the age at which its memory
    /// counts again, and the back-off would stay for a page that was mended long ago.
    fn learn(&mut self, now: Duration) {
        if now.saturating_sub(self.launched) >= DAYS_WORK {
            self.memory_restarts = match self.full_at {
                None => 0,
                Some(age) if age >= MEMORY_AGE.saturating_mul(2) => self.memory_restarts.saturating_sub(1),
                Some(_) => self.memory_restarts,
            };
        }
    }

    /// How old a browser has to be to be restarted for its memory.
    fn memory_age(&self) -> Duration {
        MEMORY_AGE.saturating_mul(1 << self.memory_restarts.min(8)).min(MAX_MEMORY_AGE)
    }

    /// The browser is restarted for its memory: the next one is given more time, unless this one took its time too.
    fn counted(&mut self, now: Duration) {
        let late = now.saturating_sub(self.launched) >= self.memory_age().saturating_mul(2);
        self.memory_restarts = if late { 0 } else { self.memory_restarts.saturating_add(1) };
    }
}

impl Machine {
    /// A new one is wanted.
    pub(super) fn restart_due(&mut self, why: Why, now: Duration) {
        if matches!(why, Why::Memory(_)) && self.running() {
            let age = now.saturating_sub(self.planned.launched);
            self.planned.full_at.get_or_insert(age);
        }
        let young = match why {
            Why::TimeOfDay => YOUNG,
            Why::Replaced => Duration::ZERO,
            Why::Memory(_) => self.planned.memory_age(),
        };
        let is_young = now < self.planned.launched + young;
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
        if matches!(why, Why::Memory(_)) {
            self.planned.counted(now);
        }
        self.restart(now, effects);
    }
}
