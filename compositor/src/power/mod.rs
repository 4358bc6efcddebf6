//! The screens' power: which are on, and until when, by commands, by the schedule and by idleness. Decides and
//! remembers; the root feeds it, switches what it says and waits for its deadlines.
//!
//! The decisions are in `machine` (no I/O, no clock) and `schedule` (pure).

mod machine;
mod schedule;
mod sleep;

use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};
use kiosk_core::config::{Config, ScheduleEntry};
use smithay::reexports::calloop::RegistrationToken;

use crate::screens::ScreenId;
use machine::Machine;
pub use machine::{Event, GRACE};
pub use schedule::Level;
use sleep::Sleep;

/// The screens' power.
pub struct Power {
    machine: Machine,
    schedule: Vec<ScheduleEntry>,
    sleep: Sleep,
    /// When the armed timer fires, monotonic.
    timer: Option<(Duration, RegistrationToken)>,
}

/// What is to become of the timer for the next deadline.
#[derive(Debug)]
pub struct NextTimer {
    /// The one that is armed, if any: it is to go.
    pub replaces: Option<RegistrationToken>,
    /// When the new one is to fire, monotonic; `None`: nothing is waited for.
    pub deadline: Option<Duration>,
}

impl Power {
    /// As configured; no screens are known yet.
    pub fn new(config: &Config, now: Duration) -> Self {
        Self {
            machine: Machine::new(config.idle.screen_off, now),
            schedule: config.power.schedule.clone(),
            sleep: Sleep::default(),
            timer: None,
        }
    }

    /// Something happened at this monotonic time: the screens that are to be switched on or off because of it.
    pub fn step(&mut self, event: Event, now: Duration) -> Vec<(ScreenId, bool)> {
        self.machine.step(event, now).0
    }

    /// Whether a screen is to be on.
    pub fn is_on(&self, screen: ScreenId) -> bool {
        self.machine.is_on(screen)
    }

    /// Whether the machine slept since this was last asked.
    pub fn slept(&mut self) -> bool {
        self.sleep.slept()
    }

    /// Whether there is a schedule to follow.
    pub fn has_schedule(&self) -> bool {
        !self.schedule.is_empty()
    }

    /// What the schedule says at this moment; `None`: nothing.
    pub fn scheduled(&self, zone: &TimeZone, now: Timestamp) -> Option<Level> {
        schedule::level(&self.schedule, zone, now)
    }

    /// `None`: the armed timer fires early enough for the next deadline, or neither is there.
    pub fn timer_to_arm(&mut self) -> Option<NextTimer> {
        let deadline = self.machine.deadline();
        let armed = self.timer.as_ref().map(|(at, _)| *at);
        if armed == deadline || armed.zip(deadline).is_some_and(|(armed, deadline)| armed <= deadline) {
            return None;
        }
        Some(NextTimer { replaces: self.timer.take().map(|(_, token)| token), deadline })
    }

    /// The timer for this deadline is armed.
    pub fn timer_armed(&mut self, deadline: Duration, token: RegistrationToken) {
        self.timer = Some((deadline, token));
    }

    /// The armed timer fired, and is gone.
    pub fn timer_fired(&mut self) {
        self.timer = None;
    }
}
