//! Carries out the decisions of the [`Power`](crate::power::Power) machine, and arms its timers: one for its next
//! deadline, and one on the wall clock for the edges of the schedule and of the night light. Without a deadline no timer is armed.

use std::{os::fd::OwnedFd, rc::Rc};

use jiff::{Timestamp, tz::TimeZone};
use kiosk_core::day_clock::{ZoneWatch, alarm};
use smithay::reexports::calloop::{Interest, Mode, PostAction, generic::Generic};

use super::Kiosk;
use crate::{power::Event, screens::ScreenId};

/// Most attempts to read the schedule while the clock is being set.
const MAX_TRIES: usize = 3;

impl Kiosk {
    /// Handles an event of the power machine: switches screens. Returns whether any was switched on.
    pub fn power_event(&mut self, event: Event) -> bool {
        let switches = self.activity.power.step(event, self.now());
        let mut lit = false;
        for (id, on) in &switches {
            // Commands and new monitors are switched by their callers, which test them first.
            if self.screens.get(*id).is_some_and(|screen| screen.power != *on) {
                self.set_power(*id, *on);
                lit |= *on;
            }
        }
        for (id, _) in &switches {
            let Some(screen) = self.screens.get(*id) else { continue };
            let output = &screen.name;
            match self.off_because(*id) {
                Some(reason) => tracing::info!(output, reason, "screen off"),
                None => tracing::info!(output, "screen on"),
            }
        }
        if !switches.is_empty() {
            self.status.publisher.mark_changed();
        }
        if switches.iter().any(|(_, on)| !on) {
            // Clients get no touches on a screen that is off.
            self.touch_cancel();
        }
        self.arm_power_timer();
        lit
    }

    /// A monitor is attached to this screen for the first time. Returns whether the screen has to be on.
    pub(crate) fn power_for(&mut self, id: ScreenId, on: bool) -> bool {
        self.power_event(Event::Attached { screen: id, on });
        self.activity.power.is_on(id)
    }

    /// Why a screen is off, in words; `None`: it is on.
    pub(crate) fn off_because(&self, id: ScreenId) -> Option<String> {
        self.activity.power.off_because(id).map(|reason| reason.text(&TimeZone::system()))
    }

    fn arm_power_timer(&mut self) {
        let then = |kiosk: &mut Kiosk| {
            kiosk.power_event(Event::Time);
        };
        self.arm(|kiosk| &mut kiosk.activity.power.timer, self.activity.power.deadline(), then);
    }

    /// Starts to follow the schedule, if there is one, and to watch for resume.
    pub fn start_clock(&mut self) {
        if let Err(error) = self.watch_clock() {
            self.problem(format!(
                "power.schedule and night-light.schedule are not followed, and sleep is not noticed: there is no timer for them: {error}"
            ));
        }
    }

    fn watch_clock(&mut self) -> std::io::Result<()> {
        let timer = Rc::new(alarm::open()?);
        alarm::set(&timer, None)?;
        self.main_loop.timers.clock = Some(timer.clone());
        // Watched before the zone is first read, so that no change is missed.
        if self.follows_clock() {
            self.watch_zone_once(&timer);
        }
        self.wait_for_edge(&timer);
        let source = Generic::new(timer, Interest::READ, Mode::Level);
        let inserted = self.main_loop.handle.insert_source(source, |_, timer, kiosk| {
            alarm::acknowledge(timer);
            // The schedule first: a screen that has to be off by now is not lit by the resume.
            kiosk.wait_for_edge(timer);
            if kiosk.activity.power.slept() {
                kiosk.woke_up();
            }
            Ok(PostAction::Continue)
        });
        inserted.map(drop).map_err(|error| std::io::Error::other(error.to_string()))
    }

    fn follows_clock(&self) -> bool {
        self.activity.power.has_schedule() || self.activity.night_light.has_schedule()
    }

    /// Applies a changed schedule, of the power or of the night light.
    pub(crate) fn schedule_changed(&mut self) {
        let Some(timer) = self.main_loop.timers.clock.clone() else { return };
        if !self.activity.power.has_schedule() {
            self.power_event(Event::Schedule(None));
        }
        if self.follows_clock() {
            self.watch_zone_once(&timer);
        }
        self.wait_for_edge(&timer);
        self.arm_power_timer();
    }

    fn watch_zone_once(&mut self, timer: &Rc<OwnedFd>) {
        if std::mem::replace(&mut self.main_loop.timers.watches_zone, true) {
            return;
        }
        if let Err(error) = self.watch_zone(timer.clone()) {
            tracing::warn!(%error, "time zone not watched: a change is seen at a schedule's next edge");
        }
    }

    /// Reads the schedule again when the system's time zone changes.
    fn watch_zone(&mut self, timer: Rc<OwnedFd>) -> std::io::Result<()> {
        let source = Generic::new(ZoneWatch::system()?, Interest::READ, Mode::Level);
        let inserted = self.main_loop.handle.insert_source(source, move |_, watch, kiosk| {
            if watch.changed() {
                tracing::info!("time zone changed; schedules read again");
                // jiff caches it for minutes otherwise.
                jiff::tz::reset_system_time_zone_cache();
                kiosk.wait_for_edge(&timer);
            }
            Ok(PostAction::Continue)
        });
        inserted.map(drop).map_err(|error| std::io::Error::other(error.to_string()))
    }

    /// Reads the schedules again, if they are followed.
    pub(super) fn follow_clock(&mut self) {
        if let Some(timer) = self.main_loop.timers.clock.clone() {
            self.wait_for_edge(&timer);
        }
    }

    fn wait_for_edge(&mut self, timer: &OwnedFd) {
        // If the clock is set meanwhile, setting the timer fails once, and the schedule has to be read again.
        for _ in 0..MAX_TRIES {
            let now = Timestamp::now();
            let until = [self.follow_schedule(now), self.follow_night_light(now)];
            match alarm::set(timer, until.into_iter().flatten().min()) {
                Ok(()) => return,
                Err(error) => tracing::debug!(%error, "clock set while the schedules were read"),
            }
        }
        self.problem(
            "power.schedule and night-light.schedule are not followed any more: the timer for the next edge could not be set"
                .into(),
        );
    }

    /// The zone of the schedules.
    pub(super) fn time_zone(&mut self) -> TimeZone {
        TimeZone::try_system().unwrap_or_else(|error| {
            self.problem(format!("schedules are followed in UTC: the system's time zone is not known: {error}"));
            TimeZone::UTC
        })
    }

    /// Applies the schedule for this moment. Returns its next edge; `None`: it has none.
    pub fn follow_schedule(&mut self, now: Timestamp) -> Option<Timestamp> {
        if !self.activity.power.has_schedule() {
            return None;
        }
        let zone = self.time_zone();
        let level = self.activity.power.scheduled(&zone, now);
        let until = level.and_then(|level| level.until);
        tracing::debug!(now = %now, ?level, "power schedule");
        self.power_event(Event::Schedule(level.map(|level| level.on)));
        until
    }
}
