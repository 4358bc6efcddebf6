//! Planned restarts of a working browser, only while the device is idle: once a day (`browser.restart-at`), after an
//! upgrade of its program, or because its memory grows.
//!
//! Any of these makes it due; the compositor then reports when the device is idle. Another restart in the meantime
//! cancels it.

use std::time::Duration;

use super::{Effect, Machine, RestartCause};

/// A browser younger than this is not restarted: the clock may be set past the time more than once.
const YOUNG: Duration = Duration::from_secs(3600);

/// Smallest age of a browser for a restart because of memory. Doubled with each such restart, up to a day: if a page
/// always needs that much after a while, restarts do not help.
const MEMORY_AGE: Duration = Duration::from_secs(1800);
const MAX_MEMORY_AGE: Duration = Duration::from_secs(24 * 3600);
/// A browser that ran for this long shows a page's need in a day's use, whatever the reason of its restart.
const DAYS_WORK: Duration = Duration::from_secs(12 * 3600);

/// The reason of a planned restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RestartReason {
    /// It is the time of `browser.restart-at`.
    TimeOfDay,
    /// Its program was upgraded: a page's next process would be of the new version, or fail.
    Replaced,
    /// Memory growth, described.
    Memory(String),
}

impl RestartReason {
    /// One clause, for people.
    pub fn description(&self) -> &str {
        match self {
            RestartReason::TimeOfDay => "browser.restart-at",
            RestartReason::Replaced => "its program was replaced by another version",
            RestartReason::Memory(growth) => growth,
        }
    }
}

/// The state of planned restarts.
#[derive(Debug, Clone, Default)]
pub(super) struct Planned {
    launched: Duration,
    due: Option<RestartReason>,
    /// Consecutive early restarts because of memory.
    memory_restarts: u32,
    /// Age of this browser when its memory was first reported as too much.
    full_at: Option<Duration>,
}

impl Planned {
    /// Whether a restart is due and waits for the device to be idle.
    pub fn waits(&self) -> bool {
        self.due.is_some()
    }

    /// The reason; empty: none is due.
    pub fn description(&self) -> &str {
        self.due.as_ref().map(RestartReason::description).unwrap_or_default()
    }

    /// The browser was started.
    pub fn launched(&mut self, now: Duration) {
        self.learn(now);
        (self.launched, self.due, self.full_at) = (now, None, None);
    }

    /// Resets the back-off from the last browser's life: with a daily restart no browser would reach the age at which
    /// its memory counts, and the back-off would never end.
    fn learn(&mut self, now: Duration) {
        if now.saturating_sub(self.launched) >= DAYS_WORK {
            self.memory_restarts = match self.full_at {
                None => 0,
                Some(age) if age >= MEMORY_AGE.saturating_mul(2) => self.memory_restarts.saturating_sub(1),
                Some(_) => self.memory_restarts,
            };
        }
    }

    /// The smallest age for a restart because of memory.
    fn memory_age(&self) -> Duration {
        MEMORY_AGE.saturating_mul(1 << self.memory_restarts.min(8)).min(MAX_MEMORY_AGE)
    }

    /// Counts a restart because of memory: doubles the next browser's time, unless this one ran long.
    fn counted(&mut self, now: Duration) {
        let late = now.saturating_sub(self.launched) >= self.memory_age().saturating_mul(2);
        self.memory_restarts = if late { 0 } else { self.memory_restarts.saturating_add(1) };
    }
}

impl Machine {
    /// A planned restart is due.
    pub(super) fn restart_due(&mut self, why: RestartReason, now: Duration) {
        if matches!(why, RestartReason::Memory(_)) && self.running() {
            let age = now.saturating_sub(self.planned.launched);
            self.planned.full_at.get_or_insert(age);
        }
        let young = match why {
            RestartReason::TimeOfDay => YOUNG,
            RestartReason::Replaced => Duration::ZERO,
            RestartReason::Memory(_) => self.planned.memory_age(),
        };
        let is_young = now < self.planned.launched + young;
        if self.settings.command || !self.running() || is_young {
            return;
        }
        // A restart for memory counts for its back-off, whatever else falls due while it waits.
        let for_memory = matches!(self.planned.due, Some(RestartReason::Memory(_)));
        if for_memory && !matches!(why, RestartReason::Memory(_)) {
            return;
        }
        if !for_memory && self.planned.due.as_ref() != Some(&why) {
            tracing::info!(why = why.description(), "browser restart due when the device is idle");
        }
        self.planned.due = Some(why);
    }

    /// The reason of a due restart; empty: none.
    pub fn restart_reason(&self) -> &str {
        if self.running() { self.planned.description() } else { "" }
    }

    /// The device is idle: restarts, unless stored data is being deleted.
    pub(super) fn nobody_there(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        let Some(why) = self.planned.due.take().filter(|_| self.running()) else { return };
        tracing::info!(why = why.description(), "device idle: restarting the browser");
        if matches!(why, RestartReason::Memory(_)) {
            self.planned.counted(now);
        }
        self.restart(now, effects);
        self.restart_cause = RestartCause::Planned;
    }
}
