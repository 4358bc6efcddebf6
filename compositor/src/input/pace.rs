//! Keeps input from a client that does not read: what waits for it is bounded (libwayland lets it go when its socket is
//! full), and a mouse fills a socket within half a second, so that a browser that is busy for a moment would be lost by
//! somebody's hand on the mouse.
//!
//! As long as much waits for a client, what it is not told is what only goes on (movements, wheels) and what begins, to
//! its end; the end of what it knows of it is told. A pointer's place is told when it reads again.

use std::time::Duration;

use smithay::{
    backend::input::{Device, Event as _, InputBackend, InputEvent, TouchEvent},
    input::pointer::MotionEvent,
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
    utils::SERIAL_COUNTER,
};

use super::swallow::Act;
use crate::{backend::input_device::InputDevice, kiosk::Kiosk, privilege::ClientState};

/// How often it is asked whether a client reads again that has not been told where the pointer is.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// Whether the surface's client reads what it is sent.
pub(super) fn is_read(surface: &WlSurface) -> bool {
    let Some(client) = surface.client() else { return true };
    client.get_data::<ClientState>().is_none_or(ClientState::reads)
}

impl Kiosk {
    /// Whether the event is for a client that does not read. Keys and pointers' movements are looked at where they are
    /// handled.
    pub(super) fn is_for_nobody_who_reads<B: InputBackend>(&self, event: &InputEvent<B>, act: &Act) -> bool
    where
        B::Device: InputDevice,
    {
        let aim = match event {
            InputEvent::TouchDown { event } => self.under(self.place(event)).map(|(surface, _)| surface),
            InputEvent::TouchMotion { event } => {
                let finger = self.seat.fingers.get(&(event.device().id(), event.slot()));
                finger.and_then(|finger| self.under(finger.start())).map(|(surface, _)| surface)
            }
            InputEvent::TabletToolAxis { event } => self.under(self.place(event)).map(|(surface, _)| surface),
            InputEvent::TabletToolProximity { event } => self.under(self.place(event)).map(|(surface, _)| surface),
            // A tip and a button are rare, and what they begin has an end.
            InputEvent::TabletToolTip { .. } | InputEvent::TabletToolButton { .. } => None,
            _ if matches!(act, Act::Begins(_) | Act::GoesOn(_) | Act::Once) => {
                self.seat.seat.get_pointer().and_then(|pointer| pointer.current_focus())
            }
            _ => None,
        };
        aim.is_some_and(|surface| !is_read(&surface))
    }

    /// Tells the client under the pointer where it is, if it was not told of the last movement.
    pub(super) fn tell_missed_motion(&mut self) {
        if !std::mem::take(&mut self.seat.missed_motion) {
            return;
        }
        let Some(pointer) = self.seat.seat.get_pointer() else { return };
        let location = pointer.current_location();
        let under = self.under(location);
        if !self.may_move_pointer(under.as_ref().map(|(surface, _)| surface)) {
            self.miss_motion();
            return;
        }
        let (serial, time) = (SERIAL_COUNTER.next_serial(), self.now().as_millis() as u32);
        pointer.motion(self, under, &MotionEvent { location, serial, time });
        pointer.frame(self);
    }

    /// Whether the client that has the pointer, and the one that would get it, read.
    pub(super) fn may_move_pointer(&self, under: Option<&WlSurface>) -> bool {
        let focus = self.seat.seat.get_pointer().and_then(|pointer| pointer.current_focus());
        focus.as_ref().is_none_or(is_read) && (focus.as_ref() == under || under.is_none_or(is_read))
    }

    /// A movement was not told: it will be.
    pub(super) fn miss_motion(&mut self) {
        if !std::mem::replace(&mut self.seat.missed_motion, true)
            && !std::mem::replace(&mut self.timers.missed_motion, true)
        {
            self.after(ASK_AGAIN, |kiosk| {
                kiosk.timers.missed_motion = false;
                kiosk.tell_missed_motion();
            });
        }
    }
}
