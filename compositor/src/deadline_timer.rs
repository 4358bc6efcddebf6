//! One timer for the next deadline of a state machine. It is not moved at every event: if it fires too early, it is
//! armed again. [`crate::power`] and [`crate::idle`] have one each; the root arms them.

use std::time::Duration;

use crate::event_loop::TimerToken;

/// The timer, if it is armed.
#[derive(Debug, Default)]
pub struct DeadlineTimer {
    armed: Option<TimerToken>,
}

/// How to change the timer for the next deadline.
#[derive(Debug)]
pub struct NextTimer {
    /// The armed timer to remove, if any.
    pub replaces: Option<TimerToken>,
    /// When the new one has to fire, monotonic; `None`: there is no deadline.
    pub deadline: Option<Duration>,
}

impl DeadlineTimer {
    /// `None`: the armed timer fires early enough for this deadline, or neither is there.
    pub fn to_arm(&mut self, deadline: Option<Duration>) -> Option<NextTimer> {
        let armed = self.armed.map(|timer| timer.deadline());
        if armed == deadline || armed.zip(deadline).is_some_and(|(armed, deadline)| armed <= deadline) {
            return None;
        }
        Some(NextTimer { replaces: self.armed.take(), deadline })
    }

    /// The timer for that deadline is armed.
    pub fn armed(&mut self, timer: TimerToken) {
        self.armed = Some(timer);
    }

    /// The armed timer fired, and is gone.
    pub fn fired(&mut self) {
        self.armed = None;
    }
}
