//! Which screens are on: one state machine for commands, the schedule, idling and input, with no I/O and no clock.
//!
//! The root state feeds [`Event`]s and a monotonic time, switches what [`Machine::step`] returns, and arms a timer
//! for [`Machine::deadline`]. The rules:
//!
//! - A screen that the configuration switches off stays off until it is switched on by name.
//! - Any input switches on screens that are off by idling or schedule; those switched off by command only if no other
//!   screen is on or can be: a second screen that was switched off does not come on at every touch of the first.
//! - Switched on by input during the schedule's off time, a screen goes off again after the idle time, or after
//!   [`GRACE`] where that is "never"; idle inhibitors do not prevent this.
//! - Switched on by name during the schedule's off time, it stays on until the schedule's next edge (and idles as
//!   usual).
//! - Resume from suspend switches on screens that are off by idling, and the idle time starts over. The schedule's off
//!   time stays in force, as machines also wake at night for updates.
//! - A page may switch its own screen off; any input, or the end of the page, switches it on again. Then it stays on
//!   for at least [`PAGE_PAUSE`], so that a page cannot keep a screen off. A page switches on what input would, never a
//!   screen that is off by command or configuration.
//! - An edge of the schedule overrides everything but the configuration's off.

use std::time::Duration;

use crate::screens::ScreenId;

/// How long a screen that input switched on during the schedule's off time stays on after the last input, where
/// `idle.screen-off` is "never".
pub const GRACE: Duration = Duration::from_secs(5 * 60);

/// How long a screen stays on after a page had switched it off and something else switched it on.
pub const PAGE_PAUSE: Duration = Duration::from_secs(60);

/// Why a screen is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// `power = "off"` in the configuration.
    Policy,
    /// Switched off by command.
    Command,
    /// Switched off by its page.
    Page,
    /// It is the schedule's off time.
    Schedule,
    /// No input for the configured time.
    Idle,
}

/// The state of one screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// `held`: switched on by name, so the schedule's off time does not apply before its next edge.
    On {
        held: bool,
    },
    Off(Cause),
}

impl State {
    fn is_on(self) -> bool {
        matches!(self, Self::On { .. })
    }
}

/// An event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A new or another display was attached.
    Attached {
        /// Its screen.
        screen: ScreenId,
        /// Its policy.
        on: bool,
    },
    /// The screen was removed.
    Gone(ScreenId),
    /// Switched by command.
    Commanded {
        /// Which.
        screen: ScreenId,
        /// What it was switched to.
        on: bool,
    },
    /// Switched by its page, if it may: see [`Machine::page_may_put_out`].
    ByPage {
        /// Which.
        screen: ScreenId,
        /// The wanted power.
        on: bool,
    },
    /// Its page is gone: if the page had switched it off, it comes on.
    PageGone(ScreenId),
    /// The schedule's current state; `None`: there is none.
    Schedule(Option<bool>),
    /// Whether idling is inhibited.
    Inhibited(bool),
    /// A key, touch or pointer event.
    Input {
        /// It is more than the end of one (a release): screens come on.
        wakes: bool,
    },
    /// The machine resumed from suspend.
    Woke,
    /// The deadline may have come.
    Time,
}

/// The screens to switch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Switches(pub Vec<(ScreenId, bool)>);

/// All screens' power.
#[derive(Debug, Clone)]
pub struct Machine {
    /// `None`: never.
    idle_after: Option<Duration>,
    inhibited: bool,
    /// The schedule says off.
    off_time: bool,
    /// Time of the last activity.
    active: Duration,
    /// The time from which on pages may switch screens off.
    page_from: Duration,
    screens: Vec<(ScreenId, State)>,
}

impl Machine {
    /// No screens yet; `idle_after`: time without input until they go off.
    pub fn new(idle_after: Option<Duration>, now: Duration) -> Self {
        Self { idle_after, inhibited: false, off_time: false, active: now, page_from: now, screens: Vec::new() }
    }

    /// Sets the time without input until screens go off.
    pub fn set_idle_after(&mut self, idle_after: Option<Duration>) {
        self.idle_after = idle_after;
    }

    /// Handles an event. Returns the screens whose power changes, with the new state.
    pub fn step(&mut self, event: Event, now: Duration) -> Switches {
        let before = match event {
            // Fast path for input that changes nothing.
            Event::Input { .. } if self.screens.iter().all(|(_, state)| state.is_on()) => {
                self.active = now;
                return Switches::default();
            }
            _ => self.screens.clone(),
        };
        match event {
            Event::Attached { screen, on } => self.attached(screen, on, now),
            Event::Gone(screen) => self.screens.retain(|(known, _)| *known != screen),
            Event::Commanded { screen, on } => self.commanded(screen, on, now),
            Event::ByPage { screen, on } => self.by_page(screen, on, now),
            Event::PageGone(gone) => {
                let put_out =
                    |(screen, state): &&mut (ScreenId, State)| *screen == gone && *state == State::Off(Cause::Page);
                if let Some((_, state)) = self.screens.iter_mut().find(put_out) {
                    self.active = now;
                    *state = State::On { held: false };
                }
            }
            Event::Schedule(says) => self.schedule(says == Some(false), now),
            Event::Inhibited(inhibited) => {
                // The idle time starts at the end of the inhibition.
                if self.inhibited && !inhibited {
                    self.active = now;
                }
                self.inhibited = inhibited;
            }
            Event::Input { wakes } => {
                self.active = now;
                if wakes {
                    self.wake();
                }
            }
            Event::Woke => {
                self.active = now;
                for (_, state) in &mut self.screens {
                    if matches!(state, State::Off(Cause::Idle | Cause::Page)) {
                        *state = State::On { held: false };
                    }
                }
            }
            Event::Time => self.put_out(now),
        }
        let by_page = matches!(event, Event::ByPage { .. } | Event::PageGone(_));
        let page_put_out = |screen: ScreenId| before.contains(&(screen, State::Off(Cause::Page)));
        if !by_page && self.screens.iter().any(|(screen, state)| state.is_on() && page_put_out(*screen)) {
            self.page_from = now + PAGE_PAUSE;
        }
        let was = |screen: ScreenId| before.iter().find(|(known, _)| *known == screen).map(|(_, state)| state.is_on());
        let switched = self.screens.iter().filter(|(screen, state)| was(*screen) != Some(state.is_on()));
        Switches(switched.map(|(screen, state)| (*screen, state.is_on())).collect())
    }

    /// Whether a screen has to be on; true for unknown ones.
    pub fn is_on(&self, screen: ScreenId) -> bool {
        self.screens.iter().find(|(known, _)| *known == screen).is_none_or(|(_, state)| state.is_on())
    }

    /// Why a screen is off; `None`: it is on, or not known.
    pub fn off_because(&self, screen: ScreenId) -> Option<Cause> {
        match self.screens.iter().find(|(known, _)| *known == screen) {
            Some((_, State::Off(cause))) => Some(*cause),
            _ => None,
        }
    }

    /// How long a page has to wait before it may switch a screen off; `None`: it may now.
    pub fn page_may_put_out(&self, now: Duration) -> Option<Duration> {
        Some(self.page_from.saturating_sub(now)).filter(|wait| !wait.is_zero())
    }

    /// When the next screen goes off without a further event; `None`: none does.
    pub fn deadline(&self) -> Option<Duration> {
        self.screens.iter().filter_map(|(_, state)| self.ends(*state)).map(|(end, _)| end).min()
    }

    /// When and why a screen in this state goes off by itself.
    fn ends(&self, state: State) -> Option<(Duration, Cause)> {
        match state {
            State::On { held: false } if self.off_time => {
                Some((self.active + self.idle_after.unwrap_or(GRACE), Cause::Schedule))
            }
            State::On { .. } if !self.inhibited => Some((self.active + self.idle_after?, Cause::Idle)),
            _ => None,
        }
    }

    fn set(&mut self, screen: ScreenId, state: State) {
        match self.screens.iter_mut().find(|(known, _)| *known == screen) {
            Some((_, known)) => *known = state,
            None => self.screens.push((screen, state)),
        }
    }

    /// A newly plugged display comes on, unless it is the schedule's off time.
    fn attached(&mut self, screen: ScreenId, on: bool, now: Duration) {
        self.active = now;
        let state = match (on, self.off_time) {
            (false, _) => State::Off(Cause::Policy),
            (true, true) => State::Off(Cause::Schedule),
            (true, false) => State::On { held: false },
        };
        self.set(screen, state);
    }

    fn commanded(&mut self, screen: ScreenId, on: bool, now: Duration) {
        if on {
            // It stays on as long as after an input.
            self.active = now;
        }
        self.set(screen, if on { State::On { held: self.off_time } } else { State::Off(Cause::Command) });
    }

    fn by_page(&mut self, screen: ScreenId, on: bool, now: Duration) {
        let Some((_, state)) = self.screens.iter_mut().find(|(known, _)| *known == screen) else { return };
        match *state {
            State::On { .. } if on => self.active = now,
            State::Off(Cause::Page | Cause::Idle | Cause::Schedule) if on => {
                self.active = now;
                *state = State::On { held: false };
            }
            State::On { .. } if now >= self.page_from => *state = State::Off(Cause::Page),
            State::On { .. } | State::Off(_) => {}
        }
    }

    fn schedule(&mut self, off_time: bool, now: Duration) {
        if self.off_time == off_time {
            return;
        }
        self.off_time = off_time;
        if !off_time {
            self.active = now;
        }
        for (_, state) in &mut self.screens {
            *state = match (*state, off_time) {
                (State::Off(Cause::Policy), _) => *state,
                (_, true) => State::Off(Cause::Schedule),
                (_, false) => State::On { held: false },
            };
        }
    }

    fn wake(&mut self) {
        let of_itself = |state: &State| matches!(state, State::Off(Cause::Schedule | Cause::Idle | Cause::Page));
        let others_do = self.screens.iter().any(|(_, state)| state.is_on() || of_itself(state));
        for (_, state) in &mut self.screens {
            if of_itself(state) || (*state == State::Off(Cause::Command) && !others_do) {
                *state = State::On { held: false };
            }
        }
    }

    fn put_out(&mut self, now: Duration) {
        let ends: Vec<_> = self.screens.iter().map(|(_, state)| self.ends(*state)).collect();
        for ((_, state), end) in self.screens.iter_mut().zip(ends) {
            if let Some((end, cause)) = end
                && end <= now
            {
                *state = State::Off(cause);
            }
        }
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
