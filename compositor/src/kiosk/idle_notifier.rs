//! The timers of ext-idle-notify, and of the line on screens that are watched.

use super::Kiosk;

impl Kiosk {
    /// Wakes when a screen is watched no more.
    pub(crate) fn arm_notice(&mut self) {
        // One that is armed is left: with a film that is watched it would come and go with each picture.
        let Some(deadline) = self.protocols.captures.unwatched_at().map(Some) else { return };
        if let Err(error) = self.arm(|kiosk| kiosk.protocols.captures.notice_timer(), deadline, Kiosk::follow_notices) {
            tracing::error!(%error, "timer not armed");
        }
    }

    /// Wakes when a client's wish comes true. Goes where wishes come or wait again; what only puts them off needs nothing.
    pub(crate) fn arm_idle_notifier(&mut self) {
        let deadline = self.protocols.idle_notifier.deadline();
        let then = |kiosk: &mut Kiosk| {
            let now = kiosk.now();
            kiosk.protocols.idle_notifier.time(now);
            kiosk.arm_idle_notifier();
        };
        if let Err(error) = self.arm(|kiosk| &mut kiosk.protocols.idle_notifier.timer, deadline, then) {
            tracing::error!(%error, "timer not armed");
        }
    }
}
