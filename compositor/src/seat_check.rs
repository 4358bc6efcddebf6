//! Checks whether the seat is still ours, after a device of the seat has failed: an input device is gone, or a display
//! refuses frames. During a VT switch that is expected. Otherwise the seat may be lost without a message: a restarted
//! logind revokes all devices and does not know our session. Then the program exits, to get the seat again when it is
//! restarted.
//!
//! It is checked twice, as a VT switch may be in progress during the first check.

use std::time::Duration;

use crate::{kiosk::Kiosk, lifecycle::Exit};

/// Time limit for the event of a VT switch to arrive.
const NEWS_TIMEOUT: Duration = Duration::from_secs(3);

/// Whether the seat is being checked.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum SeatCheck {
    /// No check is pending.
    #[default]
    Idle,
    /// A device has failed: a check is scheduled.
    Scheduled,
    /// The displays refuse us, and no event has come: a second check is scheduled.
    Suspected,
}

impl Kiosk {
    /// A device of the seat has failed: schedules a check.
    pub fn check_seat(&mut self) {
        if self.seat.session.paused || self.seat.session.check != SeatCheck::Idle {
            return;
        }
        self.seat.session.check = SeatCheck::Scheduled;
        self.after(NEWS_TIMEOUT, |kiosk| {
            if kiosk.seat.session.paused || kiosk.hardware.backend.has_screens() {
                kiosk.seat.session.check = SeatCheck::Idle;
                return;
            }
            kiosk.seat.session.check = SeatCheck::Suspected;
            kiosk.after(NEWS_TIMEOUT, |kiosk| {
                let check = std::mem::take(&mut kiosk.seat.session.check);
                // Not during a VT switch.
                if check == SeatCheck::Suspected && !kiosk.hardware.backend.has_screens() {
                    tracing::error!("seat lost without an event (was logind restarted?); exiting for a restart");
                    kiosk.stop(Exit(1));
                }
            });
        });
    }

    /// The seat's manager sent an event of a VT switch: our session is known to it.
    pub(crate) fn seat_has_news(&mut self) {
        if self.seat.session.check == SeatCheck::Suspected {
            self.seat.session.check = SeatCheck::Scheduled;
        }
    }
}
