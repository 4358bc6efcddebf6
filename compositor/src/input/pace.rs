//! Withholds input from a client that does not read. libwayland disconnects a client whose socket is full, and a mouse
//! fills a socket within half a second, so a browser that is busy for a moment would lose its connection.
//!
//! From a quarter of the limit on, a client gets no motion and scroll events. Presses, touches and keys are still sent,
//! with their positions, up to a second limit; beyond it they are withheld until their release. Releases of what was
//! sent are always sent. The pointer's position is sent when the client reads again.

use std::time::Duration;

use smithay::{
    backend::input::{
        Device, Event as _, InputBackend, InputEvent, TabletToolTipEvent, TabletToolTipState, TouchEvent,
    },
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
};

use super::swallow::Act;
use crate::{backend::input_device::InputDevice, kiosk::Kiosk, privilege};

/// Delay before it is checked whether the client reads again, to send the withheld position; doubled each time.
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// Longest delay: after it checking stops until the next movement.
const ASK_LAST: Duration = Duration::from_secs(30);

/// A pointer position that was withheld from its client.
#[derive(Debug, Default)]
pub struct MissedMotion {
    /// It has to be sent.
    missed: bool,
    /// A timer is armed to try again.
    asks: bool,
}

/// Whether the surface's client reads its events.
pub(super) fn is_read(surface: &WlSurface) -> bool {
    surface.client().is_none_or(|client| privilege::reads(&client))
}

/// Whether the surface's client may get one more press, touch or key; counts it.
pub(super) fn accepts_press(surface: &WlSurface) -> bool {
    surface.client().is_none_or(|client| privilege::accepts_press(&client))
}

impl Kiosk {
    /// Whether the event is for a client that does not read, and is withheld. Keys and pointer motion are checked where
    /// they are handled.
    pub(super) fn is_withheld<B: InputBackend>(&self, event: &InputEvent<B>, act: &Act) -> bool
    where
        B::Device: InputDevice,
    {
        match event {
            InputEvent::TouchMotion { event } => {
                let finger = self.seat.fingers.get(&(event.device().id(), event.slot()));
                let surface = finger.and_then(|finger| self.under(finger.start()));
                surface.is_some_and(|(surface, _)| !is_read(&surface))
            }
            InputEvent::TouchDown { event } => {
                self.under(self.place(event)).is_some_and(|(surface, _)| !accepts_press(&surface))
            }
            InputEvent::TabletToolProximity { event } if matches!(act, Act::Begins(_)) => {
                self.under(self.place(event)).is_some_and(|(surface, _)| !accepts_press(&surface))
            }
            InputEvent::TabletToolTip { event } if event.tip_state() == TabletToolTipState::Down => {
                self.under(self.place(event)).is_some_and(|(surface, _)| !accepts_press(&surface))
            }
            InputEvent::TabletToolAxis { event } => {
                self.under(self.place(event)).is_some_and(|(surface, _)| !is_read(&surface))
            }
            // The end of a tip contact is sent; buttons are rare.
            InputEvent::TabletToolTip { .. } | InputEvent::TabletToolButton { .. } => false,
            _ => match act {
                Act::Begins(_) => self.pointer_aim().is_some_and(|surface| !accepts_press(&surface)),
                Act::GoesOn(_) | Act::Once => self.pointer_aim().is_some_and(|surface| !is_read(&surface)),
                _ => false,
            },
        }
    }

    /// The surface that gets the pointer's events.
    fn pointer_aim(&self) -> Option<WlSurface> {
        let pointer = self.seat.seat.get_pointer()?;
        self.grabbing().or_else(|| self.under(pointer.current_location()).map(|(surface, _)| surface))
    }

    /// The surface that has the pointer through an implicit grab (a button is held); not a popup's grab, which gives it
    /// to others.
    fn grabbing(&self) -> Option<WlSurface> {
        let pointer = self.seat.seat.get_pointer()?;
        pointer.current_focus().filter(|_| pointer.is_grabbed() && self.seat.popup_grab.is_none())
    }

    /// Whether the client that gets a motion to this surface reads. The previously focused client is not checked: it
    /// gets one leave event, and if it hangs it does not block others.
    pub(super) fn is_pointer_read(&self, under: Option<&WlSurface>) -> bool {
        match self.grabbing() {
            Some(surface) => is_read(&surface),
            None => under.is_none_or(is_read),
        }
    }

    /// Sends the pointer's position to the client under it, if the last motion was withheld.
    pub(super) fn tell_missed_motion(&mut self) {
        if !std::mem::take(&mut self.seat.missed_motion.missed) {
            return;
        }
        let Some(pointer) = self.seat.seat.get_pointer() else { return };
        let location = pointer.current_location();
        let under = self.under(location);
        self.tell_pointer(under, location, None);
    }

    /// A motion was withheld.
    pub(super) fn miss_motion(&mut self) {
        self.seat.missed_motion.missed = true;
        if !std::mem::replace(&mut self.seat.missed_motion.asks, true) {
            self.ask_again_after(ASK_AGAIN);
        }
    }

    fn ask_again_after(&mut self, delay: Duration) {
        self.after(delay, move |kiosk| {
            kiosk.seat.missed_motion.asks = false;
            let Some(pointer) = kiosk.seat.seat.get_pointer() else { return };
            let under = kiosk.under(pointer.current_location()).map(|(surface, _)| surface);
            if !kiosk.seat.missed_motion.missed || kiosk.is_pointer_read(under.as_ref()) {
                kiosk.tell_missed_motion();
            } else if delay < ASK_LAST {
                kiosk.seat.missed_motion.asks = true;
                kiosk.ask_again_after(delay * 2);
            }
        });
    }

    /// The position was sent.
    pub(super) fn motion_told(&mut self) {
        self.seat.missed_motion.missed = false;
    }
}
