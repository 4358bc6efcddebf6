//! When a screen draws: a state machine per screen, with no I/O and no clock.
//!
//! The loop asks [`Redraw::wants_draw`] at the end of each turn, draws, and says what came of it with
//! [`Redraw::drawn`]; page flips and pacing timers come in through [`Redraw::flipped`] and
//! [`Redraw::paced`]. Nothing requested means nothing drawn and no timer armed.

/// What a screen waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing under way.
    Idle,
    /// A frame is on its way to the screen: the page flip will tell.
    Flip,
    /// Nothing was queued (no damage, or no display), and clients wait for their frame callbacks: a timer
    /// stands in for the page flip.
    Pace,
    /// No device access (another VT), until [`Redraw::resume`].
    Suspended,
}

/// What became of an attempt to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drawn {
    /// A frame is queued; a page flip follows.
    Queued,
    /// Nothing had changed. `waiting`: frame callbacks are due all the same, so the loop starts the pacing timer.
    Empty { waiting: bool },
    /// The device refused; the loop starts the pacing timer and the frame is tried again.
    Failed,
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

    /// Whether the loop is to draw now.
    pub fn wants_draw(&self) -> bool {
        self.requested && self.state == State::Idle
    }

    /// Whether a page flip is outstanding: the watchdog's question.
    pub fn awaits_flip(&self) -> bool {
        self.state == State::Flip
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
                self.state = State::Flip;
                false
            }
            Drawn::Empty { waiting } => {
                self.requested = false;
                self.state = if waiting { State::Pace } else { State::Idle };
                waiting
            }
            Drawn::Failed => {
                self.state = State::Pace;
                true
            }
        }
    }

    /// The page flip came. Returns whether it was awaited: only then are frame callbacks due.
    pub fn flipped(&mut self) -> bool {
        let awaited = self.state == State::Flip;
        if awaited {
            self.state = State::Idle;
        }
        awaited
    }

    /// The pacing timer fired. Returns whether it still matters.
    pub fn paced(&mut self) -> bool {
        let awaited = self.state == State::Pace;
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
        assert!(redraw.flipped());
        assert!(!redraw.wants_draw());
    }

    #[test]
    fn a_request_during_a_flip_is_drawn_after_it() {
        let mut redraw = Redraw::default();
        let _ = redraw.drawn(Drawn::Queued);
        redraw.request();
        assert!(!redraw.wants_draw());
        assert!(redraw.flipped());
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
        assert!(!redraw.flipped(), "a late flip of another VT's time is not ours");
        redraw.resume();
        assert!(redraw.wants_draw());
    }

    proptest! {
        /// Whatever happens: a request is drawn as soon as the screen is free, and the screen always gets free.
        #[test]
        fn a_request_is_never_lost(events in prop::collection::vec(0u8..8, 0..200)) {
            let mut redraw = Redraw::default();
            for event in events {
                match event {
                    0 => redraw.request(),
                    1 if redraw.wants_draw() => { let _ = redraw.drawn(Drawn::Queued); }
                    2 if redraw.wants_draw() => { let _ = redraw.drawn(Drawn::Empty { waiting: true }); }
                    3 if redraw.wants_draw() => { let _ = redraw.drawn(Drawn::Failed); }
                    4 => { redraw.flipped(); }
                    5 => { redraw.paced(); }
                    6 => redraw.suspend(),
                    7 => redraw.resume(),
                    _ => {}
                }
            }
            redraw.request();
            if redraw.state == State::Suspended { redraw.resume(); }
            redraw.flipped();
            redraw.paced();
            prop_assert!(redraw.wants_draw());
        }
    }
}
