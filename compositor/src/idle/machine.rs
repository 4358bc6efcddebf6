//! When nobody is there any more: the countdown of `idle.reset`, the reset itself, and who wants to hear that the device
//! is at rest. No I/O and no clock; the root state feeds events and waits for [`Machine::deadline`].
//!
//! - Only what somebody has used is reset: without any input since the last reset nothing is waited for.
//! - After `idle.reset` without input a countdown of [`COUNTDOWN`] is shown. Any input ends it and does nothing else.
//! - Then the sessions are told, and a screen covers the page until all of them have done it. Input during that time
//!   does nothing.
//! - Pages may listen: they hear once that there was no input for [`Machine::set_idle_after`], and once that there is some
//!   again. Nothing is waited for without a page that listens.
//! - Whoever plays a film does not keep the device from it: the countdown asks whether somebody watches.

use std::time::Duration;

/// How long the countdown is shown: time to read it and to reach the screen.
pub const COUNTDOWN: Duration = Duration::from_secs(10);
/// A session that has not done its reset by then never will; it is told again after the next `idle.reset`. A browser
/// that has to be started for it takes less on slow machines too.
pub const GIVE_UP: Duration = Duration::from_secs(300);
/// A session that says nothing for so long hangs: who stands before the screen need not wait for it. One that works says
/// where it is with each step, and a page that loads and loads is started anew by it after 90 seconds.
pub const SILENCE: Duration = Duration::from_secs(100);
/// Without input for this long the device is at rest: people who read do not touch.
pub const REST: Duration = Duration::from_secs(5 * 60);

const SECOND: Duration = Duration::from_secs(1);

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A key, a touch, a movement.
    Input {
        /// Not just the end of one.
        begins: bool,
    },
    /// The machine slept, and is awake again: somebody woke it, or something did.
    Woke,
    /// A session wants to hear when the device is at rest, or no longer does.
    Asked {
        /// The number of the shell that it looks after.
        shell: usize,
        /// False: no longer.
        wants: bool,
    },
    /// A shell's page wants to hear of people who go and come, or no longer does. It has heard of nothing yet.
    Listens {
        /// The shell's number.
        shell: usize,
        /// False: no longer.
        listens: bool,
    },
    /// A session that has not done the reset yet says where it is.
    Progress,
    /// All sessions have done the reset.
    Done,
    /// The deadline may have come.
    Time,
}

/// What is to be done about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The sessions are to be told to do this reset.
    pub reset: Option<u64>,
    /// The reset was not done in time.
    pub gave_up: bool,
    /// This input is to do nothing else.
    pub swallow: bool,
    /// Shells whose sessions are to be told that the device is at rest.
    pub at_rest: Vec<usize>,
    /// Shells whose pages are to be told that nobody is there (true), or that somebody is again.
    pub presence: Vec<(usize, bool)>,
}

/// What covers the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    /// The page is seen.
    Nothing,
    /// So many seconds are left.
    Countdown(u64),
    /// The page is being reset.
    Resetting,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// As the last reset left it.
    Untouched,
    Used,
    /// `left`: seconds, as it is shown.
    Countdown {
        ends: Duration,
        left: u64,
    },
    Resetting {
        /// When it is given up, if nothing more is heard of it.
        until: Duration,
        /// When it is given up in any case.
        end: Duration,
    },
}

/// The device's use by people.
#[derive(Debug, Clone)]
pub struct Machine {
    /// `None`: never.
    reset_after: Option<Duration>,
    /// Of the last input.
    active: Duration,
    phase: Phase,
    /// Of the last reset, from 1.
    number: u64,
    /// Shells whose sessions want to hear of rest.
    asked: Vec<usize>,
    /// Without input for this long nobody is there, for the pages that listen.
    idle_after: Duration,
    /// Shells whose pages listen, and whether they know that nobody is there.
    listening: Vec<(usize, bool)>,
}

impl Machine {
    /// Nobody has been there yet; `reset_after`: how long without input until the countdown.
    pub fn new(reset_after: Option<Duration>, now: Duration) -> Self {
        Self {
            reset_after,
            active: now,
            phase: Phase::Untouched,
            number: 0,
            asked: Vec::new(),
            idle_after: REST,
            listening: Vec::new(),
        }
    }

    /// Without input for this long pages hear that nobody is there: when the screens go off, or after [`REST`].
    pub fn set_idle_after(&mut self, screen_off: Option<Duration>) {
        self.idle_after = screen_off.unwrap_or(REST);
    }

    /// Takes an event in.
    pub fn step(&mut self, event: Event, now: Duration) -> Outcome {
        let mut outcome = Outcome::default();
        if matches!(event, Event::Input { .. } | Event::Woke) {
            let told = self.listening.iter_mut().filter(|(_, idle)| *idle);
            let presence = told.map(|(shell, idle)| {
                *idle = false;
                (*shell, false)
            });
            outcome.presence = presence.collect();
        }
        match event {
            Event::Input { begins } => {
                self.active = now;
                match self.phase {
                    Phase::Untouched if self.reset_after.is_some() => self.phase = Phase::Used,
                    Phase::Countdown { .. } if begins => {
                        self.phase = Phase::Used;
                        outcome.swallow = true;
                    }
                    Phase::Resetting { .. } => outcome.swallow = begins,
                    _ => {}
                }
            }
            Event::Woke => {
                self.active = now;
                if matches!(self.phase, Phase::Countdown { .. }) {
                    self.phase = Phase::Used;
                }
            }
            Event::Asked { shell, wants } => {
                self.asked.retain(|asked| *asked != shell);
                if wants {
                    self.asked.push(shell);
                }
            }
            Event::Listens { shell, listens } => {
                self.listening.retain(|(known, _)| *known != shell);
                if listens {
                    self.listening.push((shell, false));
                }
            }
            Event::Progress => {
                if let Phase::Resetting { until, end } = &mut self.phase {
                    *until = (now + SILENCE).min(*end);
                }
            }
            Event::Done => {
                if matches!(self.phase, Phase::Resetting { .. }) {
                    self.phase = Phase::Untouched;
                }
            }
            Event::Time => {}
        }
        self.pass(now, &mut outcome);
        outcome
    }

    /// What the passing of time alone has decided.
    fn pass(&mut self, now: Duration, outcome: &mut Outcome) {
        if let (Phase::Used, Some(after)) = (self.phase, self.reset_after)
            && now >= self.active + after
        {
            self.phase = Phase::Countdown { ends: now + COUNTDOWN, left: 0 };
        }
        match &mut self.phase {
            Phase::Countdown { ends, .. } if now >= *ends => {
                self.phase = Phase::Resetting { until: now + SILENCE, end: now + GIVE_UP };
                self.number += 1;
                outcome.reset = Some(self.number);
            }
            Phase::Countdown { ends, left } => {
                *left = ends.saturating_sub(now).as_millis().div_ceil(SECOND.as_millis()) as u64;
            }
            Phase::Resetting { until, .. } if now >= *until => {
                self.phase = Phase::Used;
                self.active = now;
                outcome.gave_up = true;
            }
            _ => {}
        }
        if now >= self.active + REST {
            outcome.at_rest = std::mem::take(&mut self.asked);
        }
        if now >= self.active + self.idle_after {
            let untold = self.listening.iter_mut().filter(|(_, idle)| !*idle);
            outcome.presence.extend(untold.map(|(shell, idle)| {
                *idle = true;
                (*shell, true)
            }));
        }
    }

    /// When time alone changes something; `None`: only another event does.
    pub fn deadline(&self) -> Option<Duration> {
        let phase = match self.phase {
            Phase::Untouched => None,
            Phase::Used => self.reset_after.map(|after| self.active + after),
            // Each second is another picture.
            Phase::Countdown { ends, left } => Some(ends.saturating_sub(Duration::from_secs(left.saturating_sub(1)))),
            Phase::Resetting { until, .. } => Some(until),
        };
        let rest = (!self.asked.is_empty()).then(|| self.active + REST);
        let idle = self.listening.iter().any(|(_, idle)| !idle).then(|| self.active + self.idle_after);
        phase.into_iter().chain(rest).chain(idle).min()
    }

    /// What covers the page.
    pub fn shows(&self) -> Shows {
        match self.phase {
            Phase::Untouched | Phase::Used => Shows::Nothing,
            Phase::Countdown { left, .. } => Shows::Countdown(left),
            Phase::Resetting { .. } => Shows::Resetting,
        }
    }

    /// The reset that is under way or was the last one; 0: none yet.
    pub fn number(&self) -> u64 {
        self.number
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
