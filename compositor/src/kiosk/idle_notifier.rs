//! Timers of ext-idle-notify and of the capture notice.

use super::Kiosk;

impl Kiosk {
    /// Arms the timer for the end of the capture notice.
    pub(crate) fn arm_notice(&mut self) {
        // An armed timer is kept: otherwise it would be moved with each captured frame.
        let Some(deadline) = self.protocols.captures.unwatched_at().map(Some) else { return };
        self.arm(|kiosk| kiosk.protocols.captures.notice_timer(), deadline, Kiosk::follow_notices);
    }

    /// Arms the timer for the next idle notification. Called when one is added or starts again; input that only
    /// postpones them needs no call.
    pub(crate) fn arm_idle_notifier(&mut self) {
        let deadline = self.protocols.idle_notifier.deadline();
        let then = |kiosk: &mut Kiosk| {
            let now = kiosk.now();
            kiosk.protocols.idle_notifier.time(now);
            kiosk.arm_idle_notifier();
        };
        self.arm(|kiosk| &mut kiosk.protocols.idle_notifier.timer, deadline, then);
    }
}
