//! Whether a display's frames may use planes. A driver may refuse a commit that passed its test, or one that was not
//! tested again because nothing seemed to change: without this fallback the frame would fail for ever. Pure; the
//! presenter asks.

/// After so many failures in a row the planes are suspected: a single failure may have any cause.
const MAX_FAILURES: u32 = 2;

/// The fallback's state for one display.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct PlaneFallback {
    failures: u32,
    /// Frames are accepted only without planes.
    lost: bool,
}

impl PlaneFallback {
    /// Clients' buffers and the cursor may go on planes of their own.
    pub fn uses_planes(self) -> bool {
        !self.lost && self.failures < MAX_FAILURES
    }

    /// The driver refused a frame.
    pub fn refused(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// The driver accepted a frame. Returns whether planes were given up by that.
    pub fn taken(&mut self) -> bool {
        let at_fault = !self.uses_planes() && !self.lost;
        self.lost |= at_fault;
        self.failures = 0;
        at_fault
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_that_keep_a_frame_from_the_screen_are_left_alone() {
        let mut fallback = PlaneFallback::default();
        fallback.refused();
        assert!(fallback.uses_planes(), "once is nothing");
        fallback.refused();
        assert!(!fallback.uses_planes());
        assert!(fallback.taken(), "it was them");
        assert!(!fallback.uses_planes());
        assert!(!fallback.taken(), "said once");
        fallback.refused();
        assert!(!fallback.taken() && !fallback.uses_planes());
    }

    #[test]
    fn failures_between_frames_that_are_taken_are_forgiven() {
        let mut fallback = PlaneFallback::default();
        for _ in 0..10 {
            fallback.refused();
            assert!(!fallback.taken());
            assert!(fallback.uses_planes());
        }
    }
}
