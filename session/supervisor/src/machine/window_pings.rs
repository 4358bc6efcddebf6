//! Pings of the shell's window by the compositor: the only check of programs other than the browser, and of a browser
//! whose page answers while its windows are stuck. Rare, as each wakes three programs.

use std::time::Duration;

use super::parts::Page;
use super::{Effect, Machine};

type Effects = Vec<Effect>;

/// Interval between pings.
const INTERVAL: Duration = Duration::from_secs(30);
/// Time limit for the answer. A program that waits for a disk or is swapped in may not handle its window for a while.
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);
/// If we notice the deadline this late, we were not running ourselves: the wait starts over.
const LATE: Duration = Duration::from_secs(2);

/// The state of the window's pings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct WindowPings {
    /// Number of the last ping.
    number: u64,
    /// When the next one is due; `None`: the window is not visible.
    next: Option<Duration>,
    /// The deadline for the answer to a pending ping.
    answer_by: Option<Duration>,
}

impl WindowPings {
    /// For the report.
    pub fn number(self) -> u64 {
        self.number
    }

    /// Its next deadline. A browser's window is pinged together with its page (`wakes` is false), which wakes us
    /// anyway.
    pub fn deadline(self, wakes: bool) -> Option<Duration> {
        self.answer_by.or(self.next.filter(|_| wakes))
    }

    /// Whether it is visible and may be pinged.
    pub fn is_seen(self) -> bool {
        self.next.is_some()
    }

    /// Drops a pending ping: the window or the compositor changed.
    pub fn forget(&mut self) {
        (self.next, self.answer_by) = (None, None);
    }

    /// Drops the pending ping's deadline.
    pub fn no_answer(&mut self) {
        self.answer_by = None;
    }

    /// Pings at once, if it is visible.
    pub fn ask_now(&mut self, now: Duration) {
        // A pending ping is completed first.
        if let Some(next) = self.next.as_mut().filter(|_| self.answer_by.is_none()) {
            *next = now + INTERVAL;
            self.number = self.number.wrapping_add(1).max(1);
        }
    }

    /// It became visible.
    pub fn seen(&mut self, now: Duration) {
        self.next.get_or_insert(now + INTERVAL);
    }
}

impl Machine {
    /// The compositor has sent a ping.
    pub(super) fn window_asked(&mut self, number: u64, commits: Option<u64>, now: Duration, effects: &mut Effects) {
        if number == self.window_pings.number && self.window_pings.next.is_some() {
            // An unanswered earlier ping keeps its deadline.
            self.window_pings.answer_by.get_or_insert(now + TIMEOUT);
            if let Some(commits) = commits {
                self.window_drawn(commits, now, effects);
            }
        }
    }

    /// The window has answered.
    pub(super) fn window_alive(&mut self, number: u64) {
        if number == self.window_pings.number {
            self.window_pings.answer_by = None;
        }
    }

    pub(super) fn expire_window_ping(&mut self, now: Duration, effects: &mut Effects) {
        let seen = matches!(self.page, Page::Up { .. } | Page::Loading { over_page: true, .. });
        if let Some(by) = self.window_pings.answer_by.filter(|by| now >= *by) {
            if now >= by + LATE {
                self.window_pings.answer_by = Some(now + TIMEOUT);
                return;
            }
            let reason = format!("the window of {} does not answer the compositor", self.settings.program);
            return self.replace_shell(reason, now, effects);
        }
        if self.window_pings.next.is_some_and(|at| now >= at) {
            self.window_pings.next = seen.then_some(now + INTERVAL);
            if seen && self.window_pings.answer_by.is_none() {
                self.window_pings.number = self.window_pings.number.wrapping_add(1).max(1);
            }
        }
    }
}
