//! Keeps input from a client that does not read: what waits for it is bounded (libwayland lets it go when its socket is
//! full), and a mouse fills a socket within half a second, so that a browser that is busy for a moment would be lost by
//! somebody's hand on the mouse.
//!
//! From a quarter of what may wait on, a client is not told what only goes on (movements, wheels). What begins (presses,
//! fingers, keys) it is told of still, with the place where that is, until that is much too; then it is kept from it to
//! its end. The end of what it knows of it is told always. A pointer's place is told when it reads again.

use std::time::Duration;

use smithay::{
    backend::input::{
        Device, Event as _, InputBackend, InputEvent, TabletToolTipEvent, TabletToolTipState, TouchEvent,
    },
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
};

use super::swallow::Act;
use crate::{backend::input_device::InputDevice, kiosk::Kiosk, privilege::ClientState};

/// How soon it is asked whether a client reads again that has not been told where the pointer is; twice as long each time
/// after that.
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// A client that hangs for longer than these together is not asked any more: the next movement begins anew.
const ASK_LAST: Duration = Duration::from_secs(30);

/// The place of the pointer that its client was not told.
#[derive(Debug, Default)]
pub struct MissedMotion {
    /// It is to be told.
    missed: bool,
    /// A timer is armed that will try.
    asks: bool,
}

/// Whether the surface's client reads what it is sent.
pub(super) fn is_read(surface: &WlSurface) -> bool {
    let Some(client) = surface.client() else { return true };
    client.get_data::<ClientState>().is_none_or(ClientState::reads)
}

/// Whether the surface's client may be told of one more press, finger or key, which is counted.
pub(super) fn takes_a_beginning(surface: &WlSurface) -> bool {
    let Some(client) = surface.client() else { return true };
    client.get_data::<ClientState>().is_none_or(ClientState::takes_a_beginning)
}

impl Kiosk {
    /// Whether the event is for a client that does not read, and is kept from it. Keys and pointers' movements are looked
    /// at where they are handled.
    pub(super) fn is_for_nobody_who_reads<B: InputBackend>(&self, event: &InputEvent<B>, act: &Act) -> bool
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
                self.under(self.place(event)).is_some_and(|(surface, _)| !takes_a_beginning(&surface))
            }
            InputEvent::TabletToolProximity { event } if matches!(act, Act::Begins(_)) => {
                self.under(self.place(event)).is_some_and(|(surface, _)| !takes_a_beginning(&surface))
            }
            InputEvent::TabletToolTip { event } if event.tip_state() == TabletToolTipState::Down => {
                self.under(self.place(event)).is_some_and(|(surface, _)| !takes_a_beginning(&surface))
            }
            InputEvent::TabletToolAxis { event } => {
                self.under(self.place(event)).is_some_and(|(surface, _)| !is_read(&surface))
            }
            // A tip's end is told; a button is rare, and what it begins has an end.
            InputEvent::TabletToolTip { .. } | InputEvent::TabletToolButton { .. } => false,
            _ => match act {
                Act::Begins(_) => self.pointer_aim().is_some_and(|surface| !takes_a_beginning(&surface)),
                Act::GoesOn(_) | Act::Once => self.pointer_aim().is_some_and(|surface| !is_read(&surface)),
                _ => false,
            },
        }
    }

    /// Who is told what the pointer does where it is.
    fn pointer_aim(&self) -> Option<WlSurface> {
        let pointer = self.seat.seat.get_pointer()?;
        self.grabbing().or_else(|| self.under(pointer.current_location()).map(|(surface, _)| surface))
    }

    /// Whoever has the pointer wherever it goes, for a button is held. A popup's grab gives it to others.
    fn grabbing(&self) -> Option<WlSurface> {
        let pointer = self.seat.seat.get_pointer()?;
        pointer.current_focus().filter(|_| pointer.is_grabbed() && self.seat.popup_grab.is_none())
    }

    /// Whether who is told of a movement to this surface reads. Whoever has had the pointer is not asked: it is told of its
    /// leaving, once, and keeps it from nobody because it hangs.
    pub(super) fn is_pointer_read(&self, under: Option<&WlSurface>) -> bool {
        match self.grabbing() {
            Some(surface) => is_read(&surface),
            None => under.is_none_or(is_read),
        }
    }

    /// Tells the client under the pointer where it is, if it was not told of the last movement.
    pub(super) fn tell_missed_motion(&mut self) {
        if !std::mem::take(&mut self.seat.missed_motion.missed) {
            return;
        }
        let Some(pointer) = self.seat.seat.get_pointer() else { return };
        let location = pointer.current_location();
        let under = self.under(location);
        self.tell_pointer(under, location, None);
    }

    /// A movement was not told: it will be.
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

    /// The movement was told.
    pub(super) fn motion_told(&mut self) {
        self.seat.missed_motion.missed = false;
    }
}
