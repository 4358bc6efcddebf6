//! When a screen draws: a state machine per screen, with no I/O and no clock.
//!
//! The loop asks [`Redraw::wants_draw`] at the end of each turn, draws, and reports the result with [`Redraw::drawn`];
//! page flips and pacing timers come in through [`Redraw::flipped`] and [`Redraw::paced`]. Without a request nothing is
//! drawn and no timer is armed.
//!
//! A frame that was requested while another was pending is not drawn right after that one's page flip: clients get
//! their frame callbacks at that moment, and their commits would miss the frame and be a whole period late, as would
//! each one after it. They get a short time first ([`Redraw::client_drew`], [`Redraw::clients_timeout`]).

/// The state of a screen's redraw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing under way.
    Idle,
    /// A frame is queued: waiting for its page flip.
    WaitingForFlip,
    /// Nothing was queued (no damage, or no display), and clients wait for their frame callbacks: a timer
    /// stands in for the page flip.
    WaitingForPace,
    /// A frame is due, and clients have just got frame callbacks: the first commit ends the wait.
    WaitingForClients,
    /// No device access (another VT), until [`Redraw::resume`].
    Suspended,
}

/// The result of an attempt to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drawn {
    /// A frame is queued; a page flip follows.
    Queued,
    /// Nothing had changed.
    Empty {
        /// Frame callbacks are due, so the loop starts the pacing timer.
        waiting: bool,
    },
    /// The device refused; the loop starts the pacing timer and the frame is tried again.
    Failed,
}

/// What to do after a page flip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flipped {
    /// It was not expected.
    Stray,
    /// Frame callbacks are due.
    Awaited,
    /// Frame callbacks are due, and the loop arms a timer for [`Redraw::clients_timeout`].
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

    /// The clients' time is over: the due frame is drawn.
    pub fn clients_timeout(&mut self) {
        if self.state == State::WaitingForClients {
            self.state = State::Idle;
        }
    }

    /// Whether a frame was asked for, now or when the screen is free.
    pub fn is_due(&self) -> bool {
        self.requested
    }

    /// Whether the loop should draw now.
    pub fn wants_draw(&self) -> bool {
        self.requested && self.state == State::Idle
    }

    /// Whether a page flip is pending; used by the watchdog.
    pub fn awaits_flip(&self) -> bool {
        self.state == State::WaitingForFlip
    }

    /// Whether a frame is pending or about to be drawn without a further event.
    pub fn is_under_way(&self) -> bool {
        self.wants_draw() || matches!(self.state, State::WaitingForFlip | State::WaitingForClients)
    }

    /// After an attempt to draw. Returns whether to arm the pacing timer.
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

    /// The page flip came. `clients`: some clients wait for a frame callback.
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

    /// The session is paused; a pending flip will not come.
    pub fn suspend(&mut self) {
        self.state = State::Suspended;
    }

    /// The session is active again, or a pending flip is given up: draw a full frame.
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
    fn a_frame_due_at_a_flip_waits_briefly_for_client_commits() {
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
