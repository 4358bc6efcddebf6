//! Idle detection: the countdown of `idle.reset`, the reset itself, and the notifications that the device is idle or in
//! use. No I/O and no clock; the root state feeds events and waits for [`Machine::deadline`].
//!
//! - A reset follows only after use: without input since the last reset no time is measured.
//! - After `idle.reset` without input a countdown of [`COUNTDOWN`] is shown. Any input ends it and is not passed on.
//! - Then the sessions are told, and a screen covers the page until all of them have done it. Input during that time
//!   does nothing.
//! - Pages may listen: they hear once that there was no input for [`Machine::set_idle_after`], and once that there is some
//!   again. Nothing is waited for without a page that listens.
//! - Video playback does not prevent the reset: the countdown asks whether somebody is watching.

use std::time::Duration;

/// How long the countdown is shown: time to read it and to reach the screen.
pub const COUNTDOWN: Duration = Duration::from_secs(10);
/// Time limit of a reset; after the next `idle.reset` it is asked for again. Starting a browser takes less, even on
/// slow machines.
pub const GIVE_UP: Duration = Duration::from_secs(300);
/// A session that is silent for so long during a reset counts as hung, and the page is shown again. A working session
/// reports each step, and reloads a page that does not finish loading after 90 seconds.
pub const SILENCE: Duration = Duration::from_secs(100);
/// The device is idle after this time without input: people who read do not touch.
pub const REST: Duration = Duration::from_secs(5 * 60);

const SECOND: Duration = Duration::from_secs(1);

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A key, touch or pointer event.
    Input {
        /// It is more than the end of one (a release).
        begins: bool,
    },
    /// The machine resumed from suspend.
    Woke,
    /// A session asks to be told when the device is idle, or withdraws that.
    IdleNotice {
        /// The number of its shell.
        shell: usize,
        /// False: no longer.
        wants: bool,
    },
    /// A shell's page subscribes to presence events, or no longer does. A new subscriber has been told nothing yet.
    Listens {
        /// The shell's number.
        shell: usize,
        /// False: no longer.
        listens: bool,
    },
    /// A session reports a step of an unfinished reset.
    Progress,
    /// All sessions have done the reset.
    Done,
    /// The deadline may have come.
    Time,
}

/// What to do after an event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Ask the sessions for this reset.
    pub reset: Option<u64>,
    /// The reset was not done in time.
    pub gave_up: bool,
    /// Do not pass this input on.
    pub swallow: bool,
    /// Shells whose sessions to tell that the device is idle.
    pub at_rest: Vec<usize>,
    /// Shells whose pages to tell that the device is idle (true) or in use again (false).
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
    /// No input since the last reset.
    Untouched,
    Used,
    /// `left`: seconds, as it is shown.
    Countdown {
        ends: Duration,
        left: u64,
    },
    Resetting {
        /// When it is given up if the sessions stay silent.
        until: Duration,
        /// When it is given up regardless.
        end: Duration,
    },
}

/// The state machine.
#[derive(Debug, Clone)]
pub struct Machine {
    /// `None`: never.
    reset_after: Option<Duration>,
    /// Of the last input.
    active: Duration,
    phase: Phase,
    /// Of the last reset, from 1.
    number: u64,
    /// Shells whose sessions asked to be told.
    awaiting_rest: Vec<usize>,
    /// Time without input after which pages are told that the device is idle.
    idle_after: Duration,
    /// Shells whose pages subscribed, and whether they were told that the device is idle.
    listening: Vec<(usize, bool)>,
}

impl Machine {
    /// A device that has not been used yet; `reset_after`: time without input until the countdown.
    pub fn new(reset_after: Option<Duration>, now: Duration) -> Self {
        Self {
            reset_after,
            active: now,
            phase: Phase::Untouched,
            number: 0,
            awaiting_rest: Vec::new(),
            idle_after: REST,
            listening: Vec::new(),
        }
    }

    /// Sets when pages are told that the device is idle: when the screens go off, or after [`REST`].
    pub fn set_idle_after(&mut self, screen_off: Option<Duration>) {
        self.idle_after = screen_off.unwrap_or(REST);
    }

    /// Handles an event.
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
            Event::IdleNotice { shell, wants } => {
                self.awaiting_rest.retain(|waiting| *waiting != shell);
                if wants {
                    self.awaiting_rest.push(shell);
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

    /// Applies what the passing of time decides.
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
            outcome.at_rest = std::mem::take(&mut self.awaiting_rest);
        }
        if now >= self.active + self.idle_after {
            let untold = self.listening.iter_mut().filter(|(_, idle)| !*idle);
            outcome.presence.extend(untold.map(|(shell, idle)| {
                *idle = true;
                (*shell, true)
            }));
        }
    }

    /// The next time at which something changes without an event.
    pub fn deadline(&self) -> Option<Duration> {
        let phase = match self.phase {
            Phase::Untouched => None,
            Phase::Used => self.reset_after.map(|after| self.active + after),
            // The picture changes each second.
            Phase::Countdown { ends, left } => Some(ends.saturating_sub(Duration::from_secs(left.saturating_sub(1)))),
            Phase::Resetting { until, .. } => Some(until),
        };
        let rest = (!self.awaiting_rest.is_empty()).then(|| self.active + REST);
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
