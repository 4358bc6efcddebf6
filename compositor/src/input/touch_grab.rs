//! The seat's touch grab: each finger stays with the surface that it came down on. smithay's default sends all fingers
//! of the seat to the surface of the first one, so a hand resting on one screen would take the touches of another.

use smithay::{
    backend::input::TouchSlot,
    input::touch::{
        DownEvent, GrabStartData, MotionEvent, OrientationEvent, ShapeEvent, TouchGrab, TouchInnerHandle, UpEvent,
    },
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Point, Serial},
};

use crate::kiosk::Kiosk;

type Handle<'a, 'b> = &'a mut TouchInnerHandle<'b, Kiosk>;
type Focus = Option<(WlSurface, Point<f64, Logical>)>;

/// No finger is down.
pub struct NoFinger {
    /// Required by the trait; not read while the grab is inactive.
    start: GrabStartData<Kiosk>,
}

impl Default for NoFinger {
    fn default() -> Self {
        Self { start: GrabStartData { focus: None, slot: TouchSlot::from(None), location: Point::default() } }
    }
}

/// Fingers are down; what the first one touched may start a drag.
struct Fingers {
    start: GrabStartData<Kiosk>,
    count: usize,
}

/// The methods that both grabs forward unchanged.
macro_rules! hands_on {
    () => {
        fn motion(
            &mut self,
            kiosk: &mut Kiosk,
            handle: Handle<'_, '_>,
            focus: Focus,
            event: &MotionEvent,
            seq: Serial,
        ) {
            handle.motion(kiosk, focus, event, seq);
        }

        fn frame(&mut self, kiosk: &mut Kiosk, handle: Handle<'_, '_>, seq: Serial) {
            handle.frame(kiosk, seq);
        }

        fn shape(&mut self, kiosk: &mut Kiosk, handle: Handle<'_, '_>, event: &ShapeEvent, seq: Serial) {
            handle.shape(kiosk, event, seq);
        }

        fn orientation(&mut self, kiosk: &mut Kiosk, handle: Handle<'_, '_>, event: &OrientationEvent, seq: Serial) {
            handle.orientation(kiosk, event, seq);
        }

        fn unset(&mut self, _: &mut Kiosk) {}
    };
}

impl TouchGrab<Kiosk> for NoFinger {
    hands_on!();

    fn down(&mut self, kiosk: &mut Kiosk, handle: Handle<'_, '_>, focus: Focus, event: &DownEvent, seq: Serial) {
        handle.down(kiosk, focus.clone(), event, seq);
        let start = GrabStartData { focus, slot: event.slot, location: event.location };
        handle.set_grab(self, kiosk, event.serial, Fingers { start, count: 1 });
    }

    fn up(&mut self, kiosk: &mut Kiosk, handle: Handle<'_, '_>, event: &UpEvent, seq: Serial) {
        handle.up(kiosk, event, seq);
    }

    fn cancel(&mut self, kiosk: &mut Kiosk, handle: Handle<'_, '_>, seq: Serial) {
        handle.cancel(kiosk, seq);
    }

    fn start_data(&self) -> &GrabStartData<Kiosk> {
        &self.start
    }
}

impl TouchGrab<Kiosk> for Fingers {
    hands_on!();

    fn down(&mut self, kiosk: &mut Kiosk, handle: Handle<'_, '_>, focus: Focus, event: &DownEvent, seq: Serial) {
        handle.down(kiosk, focus, event, seq);
        self.count += 1;
    }

    fn up(&mut self, kiosk: &mut Kiosk, handle: Handle<'_, '_>, event: &UpEvent, seq: Serial) {
        handle.up(kiosk, event, seq);
        self.count = self.count.saturating_sub(1);
        if self.count == 0 {
            handle.unset_grab(self, kiosk);
        }
    }

    fn cancel(&mut self, kiosk: &mut Kiosk, handle: Handle<'_, '_>, seq: Serial) {
        handle.cancel(kiosk, seq);
        handle.unset_grab(self, kiosk);
    }

    fn start_data(&self) -> &GrabStartData<Kiosk> {
        &self.start
    }
}
