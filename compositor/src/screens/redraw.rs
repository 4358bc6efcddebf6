//! When a screen draws: a state machine per screen, with no I/O and no clock.
//!
//! The loop asks [`Redraw::wants_draw`] at the end of each turn, draws, and says what came of it with
//! [`Redraw::drawn`]; page flips and pacing timers come in through [`Redraw::flipped`] and
//! [`Redraw::paced`]. Nothing requested means nothing drawn and no timer armed.
//!
//! A frame that was asked for while another was on its way is not drawn right after that one's page flip: at that
//! moment clients are told that they may draw, and what they answer would miss the frame and be a whole period late,
//! and so would be each frame after it. They get a moment first ([`Redraw::client_drew`], [`Redraw::clients_timeout`]).

/// What a screen waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing under way.
    Idle,
    /// A frame is on its way to the screen: the page flip will tell.
    WaitingForFlip,
    /// Nothing was queued (no damage, or no display), and clients wait for their frame callbacks: a timer
    /// stands in for the page flip.
    WaitingForPace,
    /// A frame is due, and clients were told a moment ago that they may draw: the first that does ends the wait.
    WaitingForClients,
    /// No device access (another VT), until [`Redraw::resume`].
    Suspended,
}

/// What became of an attempt to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drawn {
    /// A frame is queued; a page flip follows.
    Queued,
    /// Nothing had changed.
    Empty {
        /// Frame callbacks are due all the same, so the loop starts the pacing timer.
        waiting: bool,
    },
    /// The device refused; the loop starts the pacing timer and the frame is tried again.
    Failed,
}

/// What follows from a page flip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flipped {
    /// It was not awaited.
    Stray,
    /// Frame callbacks are due.
    Awaited,
    /// Frame callbacks are due, and the loop is to arm a timer for [`Redraw::clients_timeout`].
    WaitForClients,
}

/// One screen's redraw state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redraw {
    state: State,
    requested: bool,
}

impl Default for Redraw {
    fn default() -> Self {
        // The first frame is always due.
        Self { state: State::Idle, requested: true }
    }
}

impl Redraw {
    /// Something on this screen changed.
    pub fn request(&mut self) {
        self.requested = true;
    }

    /// A client drew something for this screen.
    pub fn client_drew(&mut self) {
        self.requested = true;
        self.clients_timeout();
    }

    /// Clients had their moment to answer: what is due is drawn with or without them.
    pub fn clients_timeout(&mut self) {
        if self.state == State::WaitingForClients {
            self.state = State::Idle;
        }
    }

    /// Whether a frame was asked for, now or when the screen is free.
    pub fn is_due(&self) -> bool {
        self.requested
    }

    /// Whether the loop is to draw now.
    pub fn wants_draw(&self) -> bool {
        self.requested && self.state == State::Idle
    }

    /// Whether a page flip is outstanding: the watchdog's question.
    pub fn awaits_flip(&self) -> bool {
        self.state == State::WaitingForFlip
    }

    /// Whether a frame is on its way to the screen or about to be drawn, without anything else having to happen.
    pub fn is_under_way(&self) -> bool {
        self.wants_draw() || matches!(self.state, State::WaitingForFlip | State::WaitingForClients)
    }

    /// After an attempt to draw. Returns whether the loop is to arm the pacing timer.
    #[must_use]
    pub fn drawn(&mut self, outcome: Drawn) -> bool {
        if self.state == State::Suspended {
            return false;
        }
        match outcome {
            Drawn::Queued => {
                self.requested = false;
                self.state = State::WaitingForFlip;
                false
            }
            Drawn::Empty { waiting } => {
                self.requested = false;
                self.state = if waiting { State::WaitingForPace } else { State::Idle };
                waiting
            }
            Drawn::Failed => {
                self.state = State::WaitingForPace;
                true
            }
        }
    }

    /// The page flip came. `clients`: some wait for their frame callback, and will draw when they get it.
    pub fn flipped(&mut self, clients: bool) -> Flipped {
        if self.state != State::WaitingForFlip {
            return Flipped::Stray;
        }
        if self.requested && clients {
            self.state = State::WaitingForClients;
            return Flipped::WaitForClients;
        }
        self.state = State::Idle;
        Flipped::Awaited
    }

    /// The pacing timer fired. Returns whether it still matters.
    pub fn paced(&mut self) -> bool {
        let awaited = self.state == State::WaitingForPace;
        if awaited {
            self.state = State::Idle;
        }
        awaited
    }

    /// The device is gone for a while; an outstanding flip will never come.
    pub fn suspend(&mut self) {
        self.state = State::Suspended;
    }

    /// The device is back, or an outstanding flip is given up: draw from scratch.
    pub fn resume(&mut self) {
        self.state = State::Idle;
        self.requested = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_requested_draws_nothing() {
        let mut redraw = Redraw::default();
        assert!(redraw.wants_draw());
        assert!(!redraw.drawn(Drawn::Queued));
        assert!(!redraw.wants_draw());
        assert_eq!(redraw.flipped(false), Flipped::Awaited);
        assert!(!redraw.wants_draw());
    }

    #[test]
    fn a_request_during_a_flip_is_drawn_after_it() {
        let mut redraw = Redraw::default();
        let _ = redraw.drawn(Drawn::Queued);
        redraw.request();
        assert!(!redraw.wants_draw());
        assert_eq!(redraw.flipped(false), Flipped::Awaited);
        assert!(redraw.wants_draw());
    }

    #[test]
    fn what_is_due_at_a_flip_waits_a_moment_for_clients_to_answer() {
        let due_at_flip = || {
            let mut redraw = Redraw::default();
            let _ = redraw.drawn(Drawn::Queued);
            redraw.request();
            assert_eq!(redraw.flipped(true), Flipped::WaitForClients);
            assert!(!redraw.wants_draw());
            redraw
        };
        let mut redraw = due_at_flip();
        redraw.request();
        assert!(!redraw.wants_draw(), "the pointer is no answer");
        redraw.client_drew();
        assert!(redraw.wants_draw());
        let mut redraw = due_at_flip();
        redraw.clients_timeout();
        assert!(redraw.wants_draw());
        // With nothing due there is nothing to hold back.
        let _ = redraw.drawn(Drawn::Queued);
        assert_eq!(redraw.flipped(true), Flipped::Awaited);
        redraw.client_drew();
        assert!(redraw.wants_draw());
    }

    #[test]
    fn a_failure_is_tried_again() {
        let mut redraw = Redraw::default();
        assert!(redraw.drawn(Drawn::Failed));
        assert!(!redraw.wants_draw());
        assert!(redraw.paced());
        assert!(redraw.wants_draw());
    }

    #[test]
    fn a_flip_that_never_came_is_given_up_on_resume() {
        let mut redraw = Redraw::default();
        let _ = redraw.drawn(Drawn::Queued);
        redraw.suspend();
        assert_eq!(redraw.flipped(true), Flipped::Stray, "a late flip of another VT's time is not ours");
        redraw.resume();
        assert!(redraw.wants_draw());
    }

    proptest! {
        /// Whatever happens: a request is drawn as soon as the screen is free, and the screen always gets free.
        #[test]
        fn a_request_is_never_lost(events in prop::collection::vec(0u8..11, 0..200)) {
            let mut redraw = Redraw::default();
            for event in events {
                match event {
                    0 => redraw.request(),
                    1 if redraw.wants_draw() => { let _ = redraw.drawn(Drawn::Queued); }
                    2 if redraw.wants_draw() => { let _ = redraw.drawn(Drawn::Empty { waiting: true }); }
                    3 if redraw.wants_draw() => { let _ = redraw.drawn(Drawn::Failed); }
                    4 => { redraw.flipped(false); }
                    5 => { redraw.paced(); }
                    6 => redraw.suspend(),
                    7 => redraw.resume(),
                    8 => { redraw.flipped(true); }
                    9 => redraw.client_drew(),
                    10 => redraw.clients_timeout(),
                    _ => {}
                }
            }
            redraw.request();
            if redraw.state == State::Suspended { redraw.resume(); }
            redraw.flipped(true);
            redraw.paced();
            redraw.clients_timeout();
            prop_assert!(redraw.wants_draw());
        }
    }
}
