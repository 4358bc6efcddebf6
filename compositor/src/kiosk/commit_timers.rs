//! The timers of commits that wait: for the end of a barrier that no screen ends (fifo), and for their time
//! (commit-timing).

use std::time::Duration;

use super::Kiosk;

/// A time far away is come back to so often: no clock of the kernel's is asked for years.
const LONGEST_SLEEP: Duration = Duration::from_secs(24 * 60 * 60);

impl Kiosk {
    /// Wakes when a barrier is too old. Goes where one comes into force; those that end before need nothing.
    pub(crate) fn arm_fifo(&mut self) {
        let deadline = self.protocols.fifo.deadline();
        let then = |kiosk: &mut Kiosk| {
            kiosk.end_old_barriers();
            kiosk.arm_fifo();
        };
        if let Err(error) = self.arm(|kiosk| &mut kiosk.protocols.fifo.timer, deadline, then) {
            tracing::error!(%error, "timer not armed");
        }
    }

    /// Wakes when the time of a commit has come.
    pub(crate) fn arm_commit_timing(&mut self) {
        let furthest = self.now() + LONGEST_SLEEP;
        let deadline = self.protocols.commit_timing.deadline().map(|at| at.min(furthest));
        let then = |kiosk: &mut Kiosk| {
            kiosk.end_due_commits();
            kiosk.arm_commit_timing();
        };
        if let Err(error) = self.arm(|kiosk| &mut kiosk.protocols.commit_timing.timer, deadline, then) {
            tracing::error!(%error, "timer not armed");
        }
    }
}
