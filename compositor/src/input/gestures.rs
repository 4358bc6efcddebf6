//! Gestures of touchpads: swipes, pinches and holds go to the surface under the pointer. The current gesture of each
//! device is kept, so that it is ended even if the device does not report its end.

use smithay::{
    backend::input::{
        Device, GestureBeginEvent, GestureEndEvent, GesturePinchUpdateEvent as PinchUpdate,
        GestureSwipeUpdateEvent as SwipeUpdate, InputBackend,
    },
    input::pointer::{
        GestureHoldBeginEvent, GestureHoldEndEvent, GesturePinchBeginEvent, GesturePinchEndEvent,
        GesturePinchUpdateEvent, GestureSwipeBeginEvent, GestureSwipeEndEvent, GestureSwipeUpdateEvent,
    },
    utils::SERIAL_COUNTER,
};

use crate::kiosk::Kiosk;

/// A gesture that has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gesture {
    Swipe,
    Pinch,
    Hold,
}

impl Kiosk {
    pub(super) fn swipe_begin<B: InputBackend>(&mut self, event: &impl GestureBeginEvent<B>) {
        self.seat.gestures.insert(event.device().id(), Gesture::Swipe);
        let Some(pointer) = self.seat.seat.get_pointer() else { return };
        let serial = SERIAL_COUNTER.next_serial();
        let begin = GestureSwipeBeginEvent { serial, time: event.time_msec(), fingers: event.fingers() };
        pointer.gesture_swipe_begin(self, &begin);
    }

    pub(super) fn swipe_update<B: InputBackend>(&mut self, event: &impl SwipeUpdate<B>) {
        let Some(pointer) = self.seat.seat.get_pointer() else { return };
        let update = GestureSwipeUpdateEvent { time: event.time_msec(), delta: event.delta() };
        pointer.gesture_swipe_update(self, &update);
    }

    pub(super) fn swipe_end<B: InputBackend>(&mut self, event: &impl GestureEndEvent<B>) {
        self.end_gesture(&event.device().id(), event.time_msec(), event.cancelled());
    }

    pub(super) fn pinch_begin<B: InputBackend>(&mut self, event: &impl GestureBeginEvent<B>) {
        self.seat.gestures.insert(event.device().id(), Gesture::Pinch);
        let Some(pointer) = self.seat.seat.get_pointer() else { return };
        let serial = SERIAL_COUNTER.next_serial();
        let begin = GesturePinchBeginEvent { serial, time: event.time_msec(), fingers: event.fingers() };
        pointer.gesture_pinch_begin(self, &begin);
    }

    pub(super) fn pinch_update<B: InputBackend>(&mut self, event: &impl PinchUpdate<B>) {
        let Some(pointer) = self.seat.seat.get_pointer() else { return };
        let update = GesturePinchUpdateEvent {
            time: event.time_msec(),
            delta: event.delta(),
            scale: event.scale(),
            rotation: event.rotation(),
        };
        pointer.gesture_pinch_update(self, &update);
    }

    pub(super) fn pinch_end<B: InputBackend>(&mut self, event: &impl GestureEndEvent<B>) {
        self.end_gesture(&event.device().id(), event.time_msec(), event.cancelled());
    }

    pub(super) fn hold_begin<B: InputBackend>(&mut self, event: &impl GestureBeginEvent<B>) {
        self.seat.gestures.insert(event.device().id(), Gesture::Hold);
        let Some(pointer) = self.seat.seat.get_pointer() else { return };
        let serial = SERIAL_COUNTER.next_serial();
        let begin = GestureHoldBeginEvent { serial, time: event.time_msec(), fingers: event.fingers() };
        pointer.gesture_hold_begin(self, &begin);
    }

    pub(super) fn hold_end<B: InputBackend>(&mut self, event: &impl GestureEndEvent<B>) {
        self.end_gesture(&event.device().id(), event.time_msec(), event.cancelled());
    }

    /// Ends the device's gesture, if there is one.
    pub(super) fn end_gesture(&mut self, device: &str, time: u32, cancelled: bool) {
        let Some(gesture) = self.seat.gestures.remove(device) else { return };
        let Some(pointer) = self.seat.seat.get_pointer() else { return };
        let serial = SERIAL_COUNTER.next_serial();
        match gesture {
            Gesture::Swipe => pointer.gesture_swipe_end(self, &GestureSwipeEndEvent { serial, time, cancelled }),
            Gesture::Pinch => pointer.gesture_pinch_end(self, &GesturePinchEndEvent { serial, time, cancelled }),
            Gesture::Hold => pointer.gesture_hold_end(self, &GestureHoldEndEvent { serial, time, cancelled }),
        }
    }
}
