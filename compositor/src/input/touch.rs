//! Touch events, from the panel to surfaces, each finger on its own.

use std::collections::HashMap;

use smithay::{
    backend::input::{Device, InputBackend, TouchDownEvent, TouchEvent, TouchMotionEvent, TouchSlot, TouchUpEvent},
    desktop::PopupUngrabStrategy,
    input::touch::{DownEvent, MotionEvent, UpEvent},
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
    utils::{Logical, Point, SERIAL_COUNTER},
};

use super::on_screen;
use crate::{kiosk::Kiosk, stage::chooser::Hand};

/// A finger that is down.
#[derive(Debug, Clone)]
pub struct Finger {
    /// Its slot on the seat, unique among all panels.
    slot: TouchSlot,
    pub location: Point<f64, Logical>,
    /// Where it came down.
    start: Point<f64, Logical>,
    /// The surface that it came down on.
    surface: Option<WlSurface>,
    /// Its last motion was withheld.
    missed: bool,
}

impl Finger {
    /// Where it came down.
    pub(super) fn start(&self) -> Point<f64, Logical> {
        self.start
    }
}

/// Which of its device's fingers an event is about.
fn key<B: InputBackend>(event: &impl TouchEvent<B>) -> (String, TouchSlot) {
    (event.device().id(), event.slot())
}

fn hand<B: InputBackend>(event: &impl TouchEvent<B>) -> Hand {
    Hand::Finger(event.device().id(), event.slot())
}

impl Kiosk {
    pub(super) fn touch_down<B: InputBackend>(&mut self, event: &impl TouchDownEvent<B>) {
        let Some(touch) = self.seat.seat.get_touch() else { return };
        let location = self.place(event);
        self.end_forgotten(&key(event), event.time_msec());
        if self.chooser_press(hand(event), location) {
            return;
        }
        if self.on_keyboard(location) {
            let number = self.seat.next_board_finger;
            self.seat.next_board_finger = number.wrapping_add(1) % on_screen::POINTER;
            self.seat.board_fingers.insert(key(event), number);
            self.board_down(number, location);
            return;
        }
        self.seat.touched = Some(location);
        let under = self.under(location);
        let serial = SERIAL_COUNTER.next_serial();
        self.touch_beside_keyboard(location);
        self.dismiss_popups_beside(under.as_ref().map(|(surface, _)| surface));
        if let Some((surface, _)) = &under {
            self.focus_window_of(surface);
        }
        let slot = self.free_slot();
        let surface = under.as_ref().map(|(surface, _)| surface.clone());
        self.seat.fingers.insert(key(event), Finger { slot, location, start: location, surface, missed: false });
        let down = DownEvent { slot, location, serial, time: event.time_msec() };
        touch.down(self, under, &down);
    }

    /// Ends a finger whose up event the panel did not send.
    fn end_forgotten(&mut self, key: &(String, TouchSlot), time: u32) {
        if let Some(number) = self.seat.board_fingers.remove(key) {
            self.stage.keyboard.board.cancel(number);
        }
        let last = self.seat.fingers.remove(key);
        if let (Some(last), Some(touch)) = (last, self.seat.seat.get_touch()) {
            let serial = SERIAL_COUNTER.next_serial();
            touch.up(self, &UpEvent { slot: last.slot, serial, time });
        }
    }

    /// The lowest unused slot.
    fn free_slot(&self) -> TouchSlot {
        let used = |slot: &TouchSlot| self.seat.fingers.values().any(|finger| finger.slot == *slot);
        (0..).map(|number| TouchSlot::from(Some(number))).find(|slot| !used(slot)).unwrap_or_else(|| None.into())
    }

    pub(super) fn touch_motion<B: InputBackend>(&mut self, event: &impl TouchMotionEvent<B>) {
        let Some(touch) = self.seat.seat.get_touch() else { return };
        let location = self.place(event);
        if let Some(number) = self.seat.board_fingers.get(&key(event)) {
            self.board_motion(*number, location);
            return;
        }
        self.chooser_moved(&hand(event), location);
        // A cancelled touch has ended, even while the finger stays on the panel.
        let Some(finger) = self.seat.fingers.get_mut(&key(event)) else { return };
        finger.location = location;
        finger.missed = false;
        let (slot, start) = (finger.slot, finger.start);
        self.seat.touched = Some(location);
        if self.is_pulled_up(start, location) {
            self.touch_cancel();
            self.summon_keyboard();
            return;
        }
        let under = self.under(location);
        if self.stage.cursor.drag_to(location) {
            self.request_shell_redraw();
        }
        let motion = MotionEvent { slot, location, time: event.time_msec() };
        let surface = under.as_ref().map(|(surface, _)| surface.clone());
        self.move_drag(Some(slot), surface.as_ref(), |kiosk| touch.motion(kiosk, under, &motion));
    }

    /// Withholds a motion: the position is sent with the finger's end.
    pub(super) fn touch_motion_missed<B: InputBackend>(&mut self, event: &impl TouchMotionEvent<B>) {
        let location = self.place(event);
        if let Some(finger) = self.seat.fingers.get_mut(&key(event)) {
            finger.location = location;
            finger.missed = true;
            self.seat.touched = Some(location);
        }
    }

    pub(super) fn touch_up<B: InputBackend>(&mut self, event: &impl TouchUpEvent<B>) {
        if let Some(number) = self.seat.board_fingers.remove(&key(event)) {
            self.board_up(number);
            return;
        }
        self.chooser_release(&hand(event));
        let Some(touch) = self.seat.seat.get_touch() else { return };
        let serial = SERIAL_COUNTER.next_serial();
        let Some(finger) = self.seat.fingers.remove(&key(event)) else { return };
        if let Some(popup) =
            self.closes(finger.start).filter(|popup| Some(popup) == self.closes(finger.location).as_ref())
        {
            popup.send_close();
        }
        let (slot, location, time) = (finger.slot, finger.location, event.time_msec());
        if finger.missed {
            let under = self.under(location);
            let surface = under.as_ref().map(|(surface, _)| surface.clone());
            let motion = MotionEvent { slot, location, time };
            self.move_drag(Some(slot), surface.as_ref(), |kiosk| touch.motion(kiosk, under, &motion));
        }
        touch.up(self, &UpEvent { slot, serial, time });
    }

    /// Before a surface is destroyed: lifts the fingers on it for its client, which would wait for that for ever. A
    /// finger with a drag and drop continues.
    pub(crate) fn lift_fingers_from(&mut self, surface: &WlSurface) {
        if self.seat.fingers.is_empty() || self.seat.drags {
            return;
        }
        let Some(touch) = self.seat.seat.get_touch() else { return };
        let time = self.now().as_millis() as u32;
        let (gone, others) = std::mem::take(&mut self.seat.fingers)
            .into_iter()
            .partition(|(_, finger)| finger.surface.as_ref() == Some(surface));
        self.seat.fingers = others;
        for Finger { slot, .. } in HashMap::into_values(gone) {
            touch.up(self, &UpEvent { slot, serial: SERIAL_COUNTER.next_serial(), time });
            touch.frame(self);
        }
    }

    /// Offers the drag to the surface under the pointer or finger without waiting for motion.
    pub(crate) fn enter_drag(&mut self) {
        if !std::mem::take(&mut self.seat.drag_unoffered) {
            return;
        }
        if let Some(pointer) = self.seat.seat.get_pointer().filter(|pointer| pointer.is_grabbed()) {
            let location = pointer.current_location();
            let under = self.under(location);
            self.tell_pointer(under, location, None);
            return;
        }
        let Some(touch) = self.seat.seat.get_touch() else { return };
        let time = self.now().as_millis() as u32;
        let fingers: Vec<_> = self.seat.fingers.values().map(|finger| (finger.slot, finger.location)).collect();
        for (slot, location) in fingers {
            let under = self.under(location);
            let surface = under.as_ref().map(|(surface, _)| surface.clone());
            let motion = MotionEvent { slot, location, time };
            self.move_drag(Some(slot), surface.as_ref(), |kiosk| touch.motion(kiosk, under, &motion));
        }
        touch.frame(self);
    }

    /// Cancels every touch and pen stroke: the panel cancelled them, the screen was rotated, or another VT took over.
    pub fn touch_cancel(&mut self) {
        self.lift_pens();
        self.chooser_let_go();
        self.seat.board_fingers.clear();
        self.board_cancel();
        let Some(touch) = self.seat.seat.get_touch() else { return };
        let time = self.now().as_millis() as u32;
        // WORKAROUND(smithay:touch-cancel)
        // smithay 0.7 leaves out the fingers of which nothing was said since the last frame: say where they are.
        for Finger { slot, location, .. } in std::mem::take(&mut self.seat.fingers).into_values() {
            touch.motion(self, None, &MotionEvent { slot, location, time });
        }
        touch.cancel(self);
    }

    // WORKAROUND(smithay#1911)
    /// A finger on anything but the popup's own client takes popups with a grab away, as a click does. (smithay 0.7
    /// has a pointer's and a keyboard's grab for them, and none for touch.)
    fn dismiss_popups_beside(&mut self, touched: Option<&WlSurface>) {
        let Some(grab) = self.seat.popup_grab.as_mut() else { return };
        let owner = grab.current_grab();
        let own = touched.zip(owner).is_some_and(|(touched, owner)| touched.id().same_client_as(&owner.id()));
        if !grab.has_ended() && own {
            return;
        }
        if !grab.has_ended() {
            grab.ungrab(PopupUngrabStrategy::All);
        }
        self.seat.popup_grab = None;
        self.windows_changed();
    }

    pub(super) fn touch_frame(&mut self) {
        if let Some(touch) = self.seat.seat.get_touch() {
            touch.frame(self);
        }
    }
}
