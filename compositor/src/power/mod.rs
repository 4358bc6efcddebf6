//! The screens' power: which are on, and until when, by commands, by the schedule and by idleness. The root feeds it
//! events, carries out its decisions and waits for its deadlines.
//!
//! The decisions are in `machine` (no I/O, no clock) and `schedule` (pure).

mod machine;
mod reason;
mod schedule;
mod sleep;

use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};
use kiosk_core::config::{Config, ScheduleEntry};

use crate::{deadline_timer::DeadlineTimer, screens::ScreenId};
use machine::Machine;
pub use machine::{Cause, Event, GRACE};
pub use reason::{Reason, on_the_wall};
pub use schedule::{Level, level};
use sleep::Sleep;

/// The screens' power.
pub struct Power {
    machine: Machine,
    schedule: Vec<ScheduleEntry>,
    /// The schedule's next edge, as of the last evaluation.
    edge: Option<Timestamp>,
    /// For each screen that is off: the reason, and since when.
    dark: Vec<(ScreenId, Cause, Timestamp)>,
    idle_after: Option<Duration>,
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
            edge: None,
            dark: Vec::new(),
            idle_after: config.idle.screen_off,
            sleep: Sleep::default(),
            timer: DeadlineTimer::default(),
        }
    }

    /// Applies a changed configuration to idling and the schedule. Screens that are off stay off.
    pub fn configure(&mut self, config: &Config) {
        self.machine.set_idle_after(config.idle.screen_off);
        self.idle_after = config.idle.screen_off;
        self.schedule.clone_from(&config.power.schedule);
        self.edge = None;
    }

    /// Handles an event at this monotonic time. Returns the screens to switch on or off.
    pub fn step(&mut self, event: Event, now: Duration) -> Vec<(ScreenId, bool)> {
        let switches = self.machine.step(event, now).0;
        match event {
            // The reason of a screen that is off may have changed.
            Event::Attached { screen, .. }
            | Event::Gone(screen)
            | Event::PageGone(screen)
            | Event::ByPage { screen, .. }
            | Event::Commanded { screen, .. } => {
                self.note_cause(screen);
            }
            Event::Schedule(_) => self.dark.clone().iter().for_each(|(screen, ..)| self.note_cause(*screen)),
            Event::Inhibited(_) | Event::Input { .. } | Event::Woke | Event::Time => {}
        }
        switches.iter().for_each(|(screen, _)| self.note_cause(*screen));
        switches
    }

    fn note_cause(&mut self, screen: ScreenId) {
        let cause = self.machine.off_because(screen);
        if self.dark.iter().any(|(known, was, _)| *known == screen && Some(*was) == cause) {
            return;
        }
        self.dark.retain(|(known, ..)| *known != screen);
        if let Some(cause) = cause {
            self.dark.push((screen, cause, Timestamp::now()));
        }
    }

    /// Why a screen is off and what ends it; `None`: it is on.
    pub fn off_because(&self, screen: ScreenId) -> Option<Reason> {
        let (_, cause, since) = self.dark.iter().find(|(known, ..)| *known == screen)?;
        Some(Reason { cause: *cause, since: *since, edge: self.edge, idle_after: self.idle_after })
    }

    /// Whether a screen has to be on.
    pub fn is_on(&self, screen: ScreenId) -> bool {
        self.machine.is_on(screen)
    }

    /// How long a page has to wait before it may switch a screen off; `None`: it may now.
    pub fn page_may_put_out(&self, now: Duration) -> Option<Duration> {
        self.machine.page_may_put_out(now)
    }

    /// Why a screen is off, for code that decides; `None`: it is on.
    pub fn cause(&self, screen: ScreenId) -> Option<Cause> {
        self.machine.off_because(screen)
    }

    /// Whether the machine was suspended since the last call.
    pub fn slept(&mut self) -> bool {
        self.sleep.slept()
    }

    /// Whether there is a schedule to follow.
    pub fn has_schedule(&self) -> bool {
        !self.schedule.is_empty()
    }

    /// Whether the schedule says on at this moment; `None`: no schedule applies.
    pub fn scheduled(&mut self, zone: &TimeZone, now: Timestamp) -> Option<Level> {
        let level = schedule::level(&self.schedule, zone, now);
        self.edge = level.and_then(|level| level.until);
        level
    }

    /// The next time at which something changes without an event, monotonic.
    pub fn deadline(&self) -> Option<Duration> {
        self.machine.deadline()
    }
}
