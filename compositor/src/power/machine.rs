//! Which screens are on: one state machine for commands, the schedule, idling and input, with no I/O and no clock.
//!
//! The root state feeds [`Event`]s and a monotonic time, switches what [`Machine::step`] returns, and arms a timer
//! for [`Machine::deadline`]. The rules:
//!
//! - What configuration says is off stays off until it is switched on by name.
//! - Any input lights what idling or the schedule put out; what a command put out it lights when nothing else can
//!   be lit and no screen is: a second screen that was switched off does not come on at every touch of the first.
//! - Lit by input while the schedule says off, a screen goes off again after the idle time, or after
//!   [`GRACE`] where that is "never"; who keeps the screen from idling does not keep it from this.
//! - Switched on by name while the schedule says off, it stays on until the schedule's next edge (and idles as
//!   ever).
//! - A machine that wakes from its sleep was woken by somebody, or for something: that lights what idling put out,
//!   and idling begins anew. The schedule's off time stays dark, for machines also wake at night to update themselves.
//! - A page may put its own screen out, and any input lights that again; so does the end of the page. Whoever lights it
//!   has it for [`PAGE_PAUSE`] at least: a page can't keep a screen dark. What it lights it lights as an input does, and
//!   never what a command or the configuration put out.
//! - An edge of the schedule takes over everything but what configuration says is off.

use std::time::Duration;

use crate::screens::ScreenId;

/// How long a screen that input lit in the schedule's off time stays on after the last input, where
/// `idle.screen-off` is "never".
pub const GRACE: Duration = Duration::from_secs(5 * 60);

/// How long a screen stays on that a page had put out and somebody else lit: time to read, and to take the page's right
/// away.
pub const PAGE_PAUSE: Duration = Duration::from_secs(60);

/// Why a screen is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// `power = "off"` in the configuration.
    Policy,
    /// Somebody switched it off.
    Command,
    /// The page that it shows did.
    Page,
    /// It is the schedule's off time.
    Schedule,
    /// Nobody touched anything for as long as is configured.
    Idle,
}

/// What one screen is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// `held`: switched on by name, so the schedule's off time does not put it out before its next edge.
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

/// What happens to screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A display that is not known yet, or another one, is there.
    Attached {
        /// Where.
        screen: ScreenId,
        /// What its policy says.
        on: bool,
    },
    /// The screen is no more.
    Gone(ScreenId),
    /// Somebody switched it.
    Commanded {
        /// Which.
        screen: ScreenId,
        /// What it was switched to.
        on: bool,
    },
    /// The page that is on it did, if it may: see [`Machine::page_may_put_out`].
    ByPage {
        /// Which.
        screen: ScreenId,
        /// What it is to be.
        on: bool,
    },
    /// The page that was on it is no more: what it had put out comes on.
    PageGone(ScreenId),
    /// What the schedule says now; `None`: nothing.
    Schedule(Option<bool>),
    /// Somebody keeps the screens from idling, or nobody does any more.
    Inhibited(bool),
    /// A key, a touch, a movement.
    Input {
        /// Not just the end of one: a dark screen comes on.
        wakes: bool,
    },
    /// The machine slept, and is awake again.
    Woke,
    /// The deadline may have come.
    Time,
}

/// What is to be switched.
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
    /// Of the last input, or what counts as one.
    active: Duration,
    /// From when on pages may put screens out.
    page_from: Duration,
    screens: Vec<(ScreenId, State)>,
}

impl Machine {
    /// No screens yet; `idle_after`: how long without input until they go off.
    pub fn new(idle_after: Option<Duration>, now: Duration) -> Self {
        Self { idle_after, inhibited: false, off_time: false, active: now, page_from: now, screens: Vec::new() }
    }

    /// How long without input until screens go off, from now on.
    pub fn set_idle_after(&mut self, idle_after: Option<Duration>) {
        self.idle_after = idle_after;
    }

    /// Takes an event. Returns the screens whose power changes, with what it is from now on.
    pub fn step(&mut self, event: Event, now: Duration) -> Switches {
        let before = match event {
            // The many inputs that change nothing cost nothing.
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
                // The end of a film is the start of idling.
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

    /// Whether a screen is to be on; unknown ones are.
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

    /// How long a page has to wait before it may put a screen out; `None`: not at all.
    pub fn page_may_put_out(&self, now: Duration) -> Option<Duration> {
        Some(self.page_from.saturating_sub(now)).filter(|wait| !wait.is_zero())
    }

    /// When the next screen goes off unless something happens before; `None`: nothing waits.
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

    /// A display that is plugged in is there to be seen, unless it is night.
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
            // It is to stay for as long as after an input.
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
