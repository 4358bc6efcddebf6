//! Pointers: mice, touchpads, absolute ones. A real pointer that moves shows the cursor.

use smithay::{
    backend::input::{
        AbsolutePositionEvent, Axis, AxisSource, ButtonState, Device, InputBackend, PointerAxisEvent,
        PointerButtonEvent, PointerMotionEvent,
    },
    input::pointer::{AxisFrame, ButtonEvent, MotionEvent, RelativeMotionEvent},
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Point, Rectangle, SERIAL_COUNTER},
};

use super::on_screen;
use crate::{
    kiosk::Kiosk,
    policy,
    stage::{chooser::Hand, cursor::HIDE_TIMEOUT},
};

/// Logical pixels for one wheel click: other compositors' value.
const WHEEL_STEP: f64 = 15.0;

impl Kiosk {
    /// The areas that the pointer can be in: screens with shells that are visible.
    fn pointer_areas(&self) -> Vec<Rectangle<i32, Logical>> {
        let shown: Vec<_> =
            self.screens.shell_screens().iter().flatten().filter_map(|id| self.screens.get(*id)).collect();
        let any_connected = shown.iter().any(|screen| screen.head().is_some());
        let seen = shown.into_iter().filter(|screen| screen.head().is_some() || !any_connected);
        seen.map(|screen| screen.geometry()).collect()
    }

    /// After a change of the layout: moves a pointer that is outside to the nearest edge.
    pub(super) fn keep_pointer_inside(&mut self) {
        let Some(pointer) = self.seat.seat.get_pointer() else { return };
        let before = pointer.current_location();
        let location = policy::clamp_to_any(before, &self.pointer_areas());
        if location == before {
            return;
        }
        self.stage.cursor.carry(location);
        let under = self.under(location);
        self.tell_pointer(under, location, None);
    }

    /// Updates the pointer focus after surfaces changed without a movement of the pointer.
    pub fn refresh_pointer_focus(&mut self) {
        let Some(pointer) = self.seat.seat.get_pointer() else { return };
        // An implicit grab keeps the focus; a popup's grab only limits it to one client's surfaces.
        if pointer.is_grabbed() && self.seat.popup_grab.is_none() {
            return;
        }
        let location = pointer.current_location();
        let under = self.under(location);
        let surface = under.as_ref().map(|(surface, _)| surface);
        let origin = under.as_ref().map(|(_, origin)| *origin);
        if pointer.current_focus().as_ref() == surface && self.seat.pointer_origin == origin {
            return;
        }
        if self.is_pointer_read(surface) {
            self.tell_pointer(under, location, None);
        } else {
            self.miss_motion();
        }
    }

    /// Moves the pointer focus away from a surface before it is destroyed; afterwards the leave event could not be
    /// sent.
    pub(crate) fn take_pointer_from(&mut self, surface: &WlSurface) {
        let Some(pointer) = self.seat.seat.get_pointer() else { return };
        let held = pointer.is_grabbed() && self.seat.popup_grab.is_none();
        if pointer.current_focus().as_ref() == Some(surface) && !held {
            self.tell_pointer(None, pointer.current_location(), None);
            self.mark_pointer_focus_stale();
        }
    }

    /// Marks the pointer focus for an update at the end of the turn, after surfaces were committed or destroyed.
    pub(crate) fn mark_pointer_focus_stale(&mut self) {
        self.seat.pointer_focus_stale = true;
    }

    pub(crate) fn settle_pointer_focus(&mut self) {
        if std::mem::take(&mut self.seat.pointer_focus_stale) {
            self.refresh_pointer_focus();
        }
    }

    /// Sends the pointer's position over `under`; `time` is the event's, in milliseconds, if there is one.
    pub(super) fn tell_pointer(
        &mut self,
        under: Option<(WlSurface, Point<f64, Logical>)>,
        location: Point<f64, Logical>,
        time: Option<u32>,
    ) {
        let Some(pointer) = self.seat.seat.get_pointer() else { return };
        let time = time.unwrap_or(self.now().as_millis() as u32);
        self.seat.pointer_origin = under.as_ref().map(|(_, origin)| *origin);
        let motion = MotionEvent { location, serial: SERIAL_COUNTER.next_serial(), time };
        self.move_drag(None, under.as_ref().map(|(surface, _)| surface), |kiosk| {
            pointer.motion(kiosk, under.clone(), &motion);
        });
        pointer.frame(self);
        if let Some((surface, origin)) = under {
            self.activate_constraint(&surface, location - origin);
        }
    }

    fn show_cursor(&mut self, device: &impl Device, location: Point<f64, Logical>) {
        if self.seat.devices.any_phantom() && self.seat.devices.is_phantom(&device.id()) {
            if self.stage.cursor.carry(location) {
                self.request_shell_redraw();
            }
            return;
        }
        let now = self.now();
        if self.stage.cursor.moved(location, now) {
            self.request_shell_redraw();
        }
        if self.stage.cursor.hides_in(now).is_some() && !std::mem::replace(&mut self.main_loop.timers.cursor, true) {
            self.after(HIDE_TIMEOUT, Self::rest_cursor);
        }
    }

    /// Hides the cursor after its rest; a timer that fires early is armed again for the remainder.
    fn rest_cursor(&mut self) {
        self.main_loop.timers.cursor = false;
        let now = self.now();
        if self.stage.cursor.rest(now) {
            self.request_shell_redraw();
        } else if let Some(left) = self.stage.cursor.hides_in(now) {
            self.main_loop.timers.cursor = true;
            self.after(left, Self::rest_cursor);
        }
    }

    pub(super) fn pointer_moved<B: InputBackend>(&mut self, event: &impl PointerMotionEvent<B>) {
        let Some(pointer) = self.seat.seat.get_pointer() else { return };
        let before = pointer.current_location();
        let under = self.under(before);
        let read = self.is_pointer_read(under.as_ref().map(|(surface, _)| surface));
        if read {
            let relative =
                RelativeMotionEvent { delta: event.delta(), delta_unaccel: event.delta_unaccel(), utime: event.time() };
            pointer.relative_motion(self, under.clone(), &relative);
        }
        let location = policy::clamp_to_any(before + event.delta(), &self.pointer_areas());
        match self.constrained(under.as_ref(), before, location) {
            Some(location) => self.move_pointer(&event.device(), location, event.time_msec()),
            None if read => pointer.frame(self),
            None => {}
        }
    }

    pub(super) fn pointer_moved_to<B: InputBackend>(&mut self, event: &impl AbsolutePositionEvent<B>) {
        let Some(pointer) = self.seat.seat.get_pointer() else { return };
        let device = event.device();
        self.note_absolute(&device);
        let before = pointer.current_location();
        let under = self.under(before);
        if let Some(location) = self.constrained(under.as_ref(), before, self.place(event)) {
            self.move_pointer(&device, location, event.time_msec());
        }
    }

    fn move_pointer(&mut self, device: &impl Device, location: Point<f64, Logical>, time: u32) {
        let Some(pointer) = self.seat.seat.get_pointer() else { return };
        let under = self.under(location);
        if self.stage.cursor.drag_to(location) {
            self.request_shell_redraw();
        }
        self.show_cursor(device, location);
        self.chooser_pointed(location);
        if self.seat.board_button.is_some() {
            self.board_motion(on_screen::POINTER, location);
        }
        if !self.is_pointer_read(under.as_ref().map(|(surface, _)| surface)) {
            pointer.set_location(location);
            self.miss_motion();
            return;
        }
        self.motion_told();
        self.tell_pointer(under, location, Some(time));
    }

    pub(super) fn pointer_button<B: InputBackend>(&mut self, event: &impl PointerButtonEvent<B>) {
        self.tell_missed_motion();
        let Some(pointer) = self.seat.seat.get_pointer() else { return };
        let location = pointer.current_location();
        self.show_cursor(&event.device(), location);
        let pressed = event.state() == ButtonState::Pressed;
        let held = (event.device().id(), event.button_code());
        if !pressed && self.seat.board_button.as_ref() == Some(&held) {
            self.seat.board_button = None;
            self.board_up(on_screen::POINTER);
            return;
        }
        let hand = Hand::Button(held.0.clone(), held.1);
        if pressed && !pointer.is_grabbed() && self.chooser_press(hand.clone(), location) {
            return;
        }
        if !pressed {
            self.chooser_release(&hand);
        }
        if pressed && !pointer.is_grabbed() && self.board_down(on_screen::POINTER, location) {
            self.seat.board_button = Some(held);
            return;
        }
        if pressed {
            self.touch_beside_keyboard(location);
        }
        if pressed
            && !pointer.is_grabbed()
            && let Some((surface, _)) = self.under(location)
        {
            self.focus_window_of(&surface);
        }
        // Pressed on our own picture: no client has the pointer.
        if !pressed
            && pointer.current_focus().is_none()
            && let Some(popup) = self.closes(location)
        {
            popup.send_close();
        }
        if pressed {
            self.seat.buttons.insert(held);
        } else {
            self.seat.buttons.remove(&held);
        }
        let button = ButtonEvent {
            button: event.button_code(),
            state: event.state(),
            serial: SERIAL_COUNTER.next_serial(),
            time: event.time_msec(),
        };
        pointer.button(self, &button);
        pointer.frame(self);
        // The surface under it may have changed while the button was held.
        self.mark_pointer_focus_stale();
    }

    pub(super) fn pointer_axis<B: InputBackend>(&mut self, event: &impl PointerAxisEvent<B>) {
        let Some(pointer) = self.seat.seat.get_pointer() else { return };
        let amount = |axis| {
            let steps = event.amount_v120(axis).map(|steps| steps * WHEEL_STEP / 120.0);
            event.amount(axis).or(steps).unwrap_or(0.0)
        };
        if !pointer.is_grabbed() && self.chooser_scroll(pointer.current_location(), amount(Axis::Vertical)) {
            return;
        }
        let mut frame = AxisFrame::new(event.time_msec()).source(event.source());
        for axis in [Axis::Horizontal, Axis::Vertical] {
            let v120 = event.amount_v120(axis);
            let amount = amount(axis);
            if amount != 0.0 {
                frame = frame.relative_direction(axis, event.relative_direction(axis)).value(axis, amount);
                if let Some(steps) = v120 {
                    frame = frame.v120(axis, steps as i32);
                }
            } else if event.source() == AxisSource::Finger && event.amount(axis) == Some(0.0) {
                frame = frame.stop(axis);
            }
        }
        pointer.axis(self, frame);
        pointer.frame(self);
    }
}
