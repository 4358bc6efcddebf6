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

use crate::{deadline_timer::DeadlineTimer, screens::ScreenId};
use machine::Machine;
pub use machine::{Event, GRACE};
pub use schedule::Level;
use sleep::Sleep;

/// The screens' power.
pub struct Power {
    machine: Machine,
    schedule: Vec<ScheduleEntry>,
    sleep: Sleep,
    /// For the next deadline.
    pub timer: DeadlineTimer,
}

impl Power {
    /// As configured; no screens are known yet.
    pub fn new(config: &Config, now: Duration) -> Self {
        Self {
            machine: Machine::new(config.idle.screen_off, now),
            schedule: config.power.schedule.clone(),
            sleep: Sleep::default(),
            timer: DeadlineTimer::default(),
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

    /// When time alone changes something, monotonic; `None`: only another event does.
    pub fn deadline(&self) -> Option<Duration> {
        self.machine.deadline()
    }
}
