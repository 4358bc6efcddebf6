//! Idle detection and `idle.reset`. Holds the state machine ([`machine`]) and which sessions have not completed a
//! reset; the root shows the screens, notifies the sessions and waits for the deadlines.

mod machine;

use std::time::Duration;

use kiosk_core::texts::{Text, Texts};
use machine::Machine;
pub use machine::{Event, Outcome, REST, Shows};

use crate::{deadline_timer::DeadlineTimer, stage::SystemScreen};

/// The state machine and the sessions' part in it.
pub struct Idle {
    machine: Machine,
    /// By shell: its session has not completed the last reset.
    owed: Vec<bool>,
    /// By shell: its session asked to be told when the device is idle.
    wants: Vec<bool>,
    /// By shell: the number of its page that subscribed; 0: none.
    listens: Vec<u64>,
    /// For the next deadline.
    pub timer: DeadlineTimer,
}

impl Idle {
    /// For `shells` shells; `reset_after`: `idle.reset`, where there are sessions to carry it out.
    pub fn new(reset_after: Option<Duration>, shells: usize, now: Duration) -> Self {
        Self {
            machine: Machine::new(reset_after, now),
            owed: vec![false; shells],
            wants: vec![false; shells],
            listens: vec![0; shells],
            timer: DeadlineTimer::default(),
        }
    }

    /// Something happened at this monotonic time.
    pub fn step(&mut self, event: Event, now: Duration) -> Outcome {
        let outcome = self.machine.step(event, now);
        if outcome.reset.is_some() {
            self.owed.fill(true);
        }
        outcome
    }

    /// The reset that this shell's session has still to do.
    pub fn owed_by(&self, shell: usize) -> Option<u64> {
        self.owed.get(shell).is_some_and(|owed| *owed).then(|| self.machine.number())
    }

    /// A session says that this reset is done.
    pub fn done_by(&mut self, shell: usize, reset: u64) {
        if let Some(owed) = self.owed.get_mut(shell).filter(|_| reset == self.machine.number()) {
            *owed = false;
        }
    }

    /// Stores whether a session asks to be told; returns whether that changed.
    pub fn notice_changed(&mut self, shell: usize, wants: bool) -> bool {
        self.wants.get_mut(shell).is_some_and(|before| std::mem::replace(before, wants) != wants)
    }

    /// Stores the page that subscribed; returns whether that changed.
    pub fn listener_changed(&mut self, shell: usize, listens: u64) -> bool {
        self.listens.get_mut(shell).is_some_and(|before| std::mem::replace(before, listens) != listens)
    }

    /// `idle.screen-off`, after which pages are told that the device is idle.
    pub fn set_screen_off(&mut self, screen_off: Option<Duration>) {
        self.machine.set_idle_after(screen_off);
    }

    /// Whether a reset is under way.
    pub fn is_resetting(&self) -> bool {
        self.machine.shows() == Shows::Resetting
    }

    /// The screen over the page.
    pub fn screen(&self, texts: &Texts) -> Option<SystemScreen> {
        let (title, text) = match self.machine.shows() {
            Shows::Nothing => return None,
            Shows::Countdown(left) => (Text::IdleTitle, texts.say(Text::IdleText, &[("seconds", &left.to_string())])),
            Shows::Resetting => (Text::ResetTitle, texts.say(Text::ResetText, &[])),
        };
        Some(SystemScreen::Message { title: texts.say(title, &[]), text })
    }

    /// The next time at which something changes without an event, monotonic.
    pub fn deadline(&self) -> Option<Duration> {
        self.machine.deadline()
    }
}
