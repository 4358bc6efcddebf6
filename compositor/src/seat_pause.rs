//! Pause and resume: another virtual terminal is in front, or the machine was suspended. Pending frames are given up,
//! and on resume everything is drawn again. Called by the back end and after suspend.

use std::time::Duration;

use crate::{backend::DeviceChange, idle, kiosk::Kiosk, power, seat_check::SeatCheck};

/// Delay before a display device that was not ready at resume is tried again.
const RESUME_RETRY: Duration = Duration::from_millis(200);

/// The session of the seat's manager (seatd, logind).
#[derive(Debug, Default)]
pub struct SeatSession {
    /// Another virtual terminal has the devices.
    pub paused: bool,
    /// The check whether the seat is still ours.
    pub check: SeatCheck,
}

impl Kiosk {
    /// Another VT is in front: stops drawing and releases all input.
    pub fn session_paused(&mut self) {
        tracing::info!("seat session paused");
        self.seat.session.paused = true;
        self.seat_has_news();
        self.status.publisher.mark_changed();
        self.hardware.backend.pause();
        // Leases end with it.
        self.protocols.drm_leases.displays_changed();
        self.release_keys();
        self.touch_cancel();
        self.seat.swallow.forget();
        for screen in self.screens.iter_mut() {
            screen.redraw.suspend();
        }
    }

    /// Our VT is in front again. The screens' contents are unknown: draws everything.
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
        self.protocols.drm_leases.displays_changed();
        self.seat.session.paused = false;
        // Switching to this terminal counts as input: the screens come on.
        self.power_event(power::Event::Input { wakes: true });
        self.draw_from_scratch();
    }

    /// The machine resumed from suspend. The session is not paused for that: the kernel switches the screens off and on
    /// without an event.
    pub fn woke_up(&mut self) {
        tracing::info!("resumed from suspend");
        self.hardware.backend.device_changed(DeviceChange::Slept);
        self.touch_cancel();
        self.power_event(power::Event::Woke);
        self.idle_event(idle::Event::Woke);
        // While paused nothing may be drawn; everything is drawn when the session resumes.
        if !self.seat.session.paused {
            self.draw_from_scratch();
        }
    }

    /// The screens' contents are unknown: draws all that are on, and switches the others off.
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
