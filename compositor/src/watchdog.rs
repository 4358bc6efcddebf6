//! The service manager's watchdog, fed from the loop that draws: a loop whose flips do not come back, or that hangs,
//! does not feed it and is started again.

use smithay::reexports::calloop::timer::{TimeoutAction, Timer};

use crate::kiosk::Kiosk;

/// Feeds the watchdog from now on, if the service manager wants it fed: twice within its interval.
pub fn start(kiosk: &mut Kiosk) {
    let Some(interval) = kiosk.lifecycle.notifier.watchdog() else { return };
    let half = interval / 2;
    let inserted = kiosk.handle.insert_source(Timer::from_duration(half), move |_, _, kiosk| {
        if kiosk.flips.can_draw() {
            kiosk.lifecycle.notifier.alive();
        } else {
            tracing::error!("page flips lost; watchdog not fed");
        }
        TimeoutAction::ToDuration(half)
    });
    if let Err(error) = inserted {
        tracing::error!(%error, "no watchdog");
    }
}
