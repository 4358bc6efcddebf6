//! Timers for delayed commits: of barriers that no screen ends (fifo), and of target times (commit-timing).

use std::time::Duration;

use super::Kiosk;

/// Longest timer: a later time is checked again after this.
const LONGEST_SLEEP: Duration = Duration::from_secs(24 * 60 * 60);

impl Kiosk {
    /// Arms the timer for the oldest barrier. Called when a barrier is set; barriers that end earlier need no timer.
    pub(crate) fn arm_fifo(&mut self) {
        let deadline = self.protocols.fifo.deadline();
        let then = |kiosk: &mut Kiosk| {
            kiosk.end_old_barriers();
            kiosk.arm_fifo();
        };
        self.arm(|kiosk| &mut kiosk.protocols.fifo.timer, deadline, then);
    }

    /// Arms the timer for the next commit's target time.
    pub(crate) fn arm_commit_timing(&mut self) {
        let furthest = self.now() + LONGEST_SLEEP;
        let deadline = self.protocols.commit_timing.deadline().map(|at| at.min(furthest));
        let then = |kiosk: &mut Kiosk| {
            kiosk.end_due_commits();
            kiosk.arm_commit_timing();
        };
        self.arm(|kiosk| &mut kiosk.protocols.commit_timing.timer, deadline, then);
    }
}
