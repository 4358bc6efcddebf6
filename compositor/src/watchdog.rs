//! The service manager's watchdog, fed from the event loop: a loop that hangs or whose page flips are lost does not
//! feed it, and the program is restarted. [`crate::stall`] logs where it hangs.

use std::time::Duration;

use kiosk_core::notify::TELL_AGAIN;

use crate::{kiosk::Kiosk, stall};

/// Feeds the watchdog from now on, if the service manager wants it fed: twice within its interval.
pub fn start(kiosk: &mut Kiosk) {
    let Some(interval) = kiosk.main_loop.lifecycle.notifier.watchdog() else { return };
    let half = interval / 2;
    if let Err(error) = stall::report_on_abort() {
        tracing::warn!(%error, "no thread to report a hanging event loop");
    }
    kiosk.after(half, move |kiosk| feed(kiosk, half));
}

/// Feeds it, and again after this time.
fn feed(kiosk: &mut Kiosk, half: Duration) {
    let mut next = half;
    if !kiosk.hardware.flips.can_draw() {
        tracing::error!("page flips lost; watchdog not fed");
    } else if !kiosk.main_loop.lifecycle.notifier.alive() {
        next = TELL_AGAIN.min(half);
    }
    kiosk.after(next, move |kiosk| feed(kiosk, half));
}
