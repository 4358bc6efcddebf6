//! The timer of ext-idle-notify.

use super::Kiosk;

impl Kiosk {
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
