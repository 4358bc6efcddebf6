//! The signs of life of the shell's window, which the compositor asks it for: all that is known of a program that is no
//! browser, and of a browser whose page answers while its windows are stuck. Asked rarely: each question wakes three
//! programs.

use std::time::Duration;

use super::parts::Page;
use super::{Effect, Machine};

type Effects = Vec<Effect>;

/// Between two questions.
const INTERVAL: Duration = Duration::from_secs(30);
/// For the answer. A program that reads its disk or is swapped in may not look at its window for a while; one that is
/// looked at by nobody for this long has gone.
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);
/// We were not running ourselves when the answer was due: it is waited for anew.
const LATE: Duration = Duration::from_secs(2);

/// What is known of the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Pulse {
    /// Of the last question.
    number: u64,
    /// When the next one is due; `None`: nobody sees the window.
    next: Option<Duration>,
    /// The compositor has asked, and the answer has to be there by then.
    answer_by: Option<Duration>,
}

impl Pulse {
    /// For the report.
    pub fn number(self) -> u64 {
        self.number
    }

    /// When time alone changes something. A page's window is asked when the page is (`wakes` is false): that wakes us
    /// anyway.
    pub fn deadline(self, wakes: bool) -> Option<Duration> {
        self.answer_by.or(self.next.filter(|_| wakes))
    }

    /// It may be asked.
    pub fn is_seen(self) -> bool {
        self.next.is_some()
    }

    /// What was asked is not waited for: there is another window, or another compositor, or none.
    pub fn forget(&mut self) {
        (self.next, self.answer_by) = (None, None);
    }

    /// Nobody hears of the answer.
    pub fn no_answer(&mut self) {
        self.answer_by = None;
    }

    /// It is asked at once, if people see it.
    pub fn ask_now(&mut self, now: Duration) {
        // What it was asked before is answered, or found to be not.
        if let Some(next) = self.next.as_mut().filter(|_| self.answer_by.is_none()) {
            *next = now + INTERVAL;
            self.number = self.number.wrapping_add(1).max(1);
        }
    }

    /// People see it now.
    pub fn seen(&mut self, now: Duration) {
        self.next.get_or_insert(now + INTERVAL);
    }
}

impl Machine {
    /// The compositor has asked.
    pub(super) fn window_asked(&mut self, number: u64, commits: Option<u64>, now: Duration, effects: &mut Effects) {
        if number == self.pulse.number && self.pulse.next.is_some() {
            // What it has not answered before it is not given more time for.
            self.pulse.answer_by.get_or_insert(now + TIMEOUT);
            if let Some(commits) = commits {
                self.window_drawn(commits, now, effects);
            }
        }
    }

    /// The window has answered.
    pub(super) fn window_alive(&mut self, number: u64) {
        if number == self.pulse.number {
            self.pulse.answer_by = None;
        }
    }

    pub(super) fn expire_pulse(&mut self, now: Duration, effects: &mut Effects) {
        let seen = matches!(self.page, Page::Up { .. } | Page::Loading { over_page: true, .. });
        if let Some(by) = self.pulse.answer_by.filter(|by| now >= *by) {
            if now >= by + LATE {
                self.pulse.answer_by = Some(now + TIMEOUT);
                return;
            }
            let reason = format!("the window of {} does not answer the compositor", self.settings.program);
            return self.replace_shell(reason, now, effects);
        }
        if self.pulse.next.is_some_and(|at| now >= at) {
            self.pulse.next = seen.then_some(now + INTERVAL);
            if seen && self.pulse.answer_by.is_none() {
                self.pulse.number = self.pulse.number.wrapping_add(1).max(1);
            }
        }
    }
}
