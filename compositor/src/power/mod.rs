//! The screens' power: which are on, and until when, by commands, by the schedule and by idleness. Decides and
//! remembers; the root feeds it, switches what it says and waits for its deadlines.
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
pub use reason::Reason;
pub use schedule::Level;
use sleep::Sleep;

/// The screens' power.
pub struct Power {
    machine: Machine,
    schedule: Vec<ScheduleEntry>,
    /// When the schedule says something else, as of the last time that it was followed.
    edge: Option<Timestamp>,
    /// Since when the screens that are off are off for that reason.
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

    /// The configuration is another one: idling and the schedule follow it from now on. What is off stays so.
    pub fn configure(&mut self, config: &Config) {
        self.machine.set_idle_after(config.idle.screen_off);
        self.idle_after = config.idle.screen_off;
        self.schedule.clone_from(&config.power.schedule);
        self.edge = None;
    }

    /// Something happened at this monotonic time: the screens that are to be switched on or off because of it.
    pub fn step(&mut self, event: Event, now: Duration) -> Vec<(ScreenId, bool)> {
        let switches = self.machine.step(event, now).0;
        match event {
            // One that is off may be off for another reason now.
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

    /// Whether a screen is to be on.
    pub fn is_on(&self, screen: ScreenId) -> bool {
        self.machine.is_on(screen)
    }

    /// How long a page has to wait before it may put a screen out; `None`: not at all.
    pub fn page_may_put_out(&self, now: Duration) -> Option<Duration> {
        self.machine.page_may_put_out(now)
    }

    /// Why a screen is off, for code that decides; `None`: it is on.
    pub fn cause(&self, screen: ScreenId) -> Option<Cause> {
        self.machine.off_because(screen)
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
    pub fn scheduled(&mut self, zone: &TimeZone, now: Timestamp) -> Option<Level> {
        let level = schedule::level(&self.schedule, zone, now);
        self.edge = level.and_then(|level| level.until);
        level
    }

    /// When time alone changes something, monotonic; `None`: only another event does.
    pub fn deadline(&self) -> Option<Duration> {
        self.machine.deadline()
    }
}
