//! Whether the seat is still ours, looked at when something that it gave us has failed: an input device is gone, or a
//! display takes nothing from us. On the way to another terminal that is as it should be. Otherwise the seat may be
//! lost without a word: logind takes all devices back when it is restarted, and then denies that it gave them. Then
//! the program ends, and gets them again when it is started again.
//!
//! It is looked at twice: somebody may be on the way to another terminal just when it is looked at.

use std::time::Duration;

use crate::{kiosk::Kiosk, lifecycle::Exit};

/// Within this time comes the news that another terminal has the screens.
const NEWS_TIMEOUT: Duration = Duration::from_secs(3);

/// Whether the seat is being checked.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum SeatCheck {
    /// No reason to.
    #[default]
    Idle,
    /// Something of it has failed: it is looked at soon.
    Scheduled,
    /// The displays take nothing from us, and no news has come yet: it is looked at once more.
    Suspected,
}

impl Kiosk {
    /// Something that the seat gave us has failed: looks soon whether it is still ours.
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
                // Not if the screens went to another terminal meanwhile, also if they are on the way to the next.
                if check == SeatCheck::Suspected && !kiosk.hardware.backend.has_screens() {
                    tracing::error!("seat lost without notice (was logind restarted?); exiting, to be started again");
                    kiosk.stop(Exit(1));
                }
            });
        });
    }

    /// The seat's manager has told us of a switch to another terminal: it knows us.
    pub(crate) fn seat_has_news(&mut self) {
        if self.seat.session.check == SeatCheck::Suspected {
            self.seat.session.check = SeatCheck::Scheduled;
        }
    }
}
