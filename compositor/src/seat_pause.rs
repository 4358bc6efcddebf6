//! The screens are taken away for a while and come back: another virtual terminal is in front, or the machine sleeps.
//! What was under way is given up, and afterwards everything is drawn anew. The back end and the clock of sleep call it.

use std::time::Duration;

use crate::{backend::DeviceChange, idle, kiosk::Kiosk, power, seat_check::SeatCheck};

/// Wait before a display device that was not ready at resume is tried again.
const RESUME_RETRY: Duration = Duration::from_millis(200);

/// The seat session, as the seat's manager (seatd, logind) counts it.
#[derive(Debug, Default)]
pub struct SeatSession {
    /// Another virtual terminal has the devices.
    pub paused: bool,
    /// Whether it is being found out if the seat is still ours.
    pub check: SeatCheck,
}

impl Kiosk {
    /// Another VT takes the screen: nothing is drawn, nothing is held, until it comes back.
    pub fn session_paused(&mut self) {
        tracing::info!("seat session paused");
        self.seat.session.paused = true;
        self.seat_has_news();
        self.status.publisher.mark_changed();
        self.hardware.backend.pause();
        self.release_keys();
        self.touch_cancel();
        self.seat.swallow.forget();
        for screen in self.screens.iter_mut() {
            screen.redraw.suspend();
        }
    }

    /// The screen is ours again. What it shows is not known: everything is drawn anew.
    pub fn session_resumed(&mut self) {
        if let Err(error) = self.hardware.backend.resume() {
            tracing::warn!(%error, "display device not ready at resume; retrying");
            self.after(RESUME_RETRY, |kiosk| {
                if kiosk.seat.session.paused {
                    kiosk.session_resumed();
                }
            });
            return;
        }
        tracing::info!("seat session active");
        self.seat.session.paused = false;
        // Somebody switched back to this terminal: the screens go on.
        self.power_event(power::Event::Input { wakes: true });
        self.draw_from_scratch();
    }

    /// The machine slept and is awake again. The session was not taken away for that: the kernel switched the screens
    /// off and on by itself, and told nobody.
    pub fn woke_up(&mut self) {
        tracing::info!("resumed from sleep");
        self.hardware.backend.device_changed(DeviceChange::Slept);
        self.touch_cancel();
        self.power_event(power::Event::Woke);
        self.idle_event(idle::Event::Woke);
        // Another terminal's picture is not ours to draw; when the session comes back all is drawn anyway.
        if !self.seat.session.paused {
            self.draw_from_scratch();
        }
    }

    /// What the screens show is not known: it is drawn on those that are there now, and the dark ones are put out.
    fn draw_from_scratch(&mut self) {
        self.status.publisher.mark_changed();
        for screen in self.screens.iter_mut() {
            screen.redraw.resume();
        }
        let dark: Vec<_> = self.screens.iter().filter(|screen| !screen.power).map(|screen| screen.id).collect();
        dark.into_iter().for_each(|id| self.set_power(id, false));
        self.displays_changed();
    }
}
