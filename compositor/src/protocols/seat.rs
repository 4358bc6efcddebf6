//! The seat's protocols: keyboard, pointer, touch, tablet, cursor shapes, gestures, constraints.

use smithay::{
    input::{
        Seat, SeatHandler, SeatState,
        keyboard::LedState,
        pointer::{CursorImageStatus, PointerHandle},
    },
    reexports::{
        wayland_protocols::wp::{
            cursor_shape::v1::server::{
                wp_cursor_shape_device_v1::WpCursorShapeDeviceV1, wp_cursor_shape_manager_v1::WpCursorShapeManagerV1,
            },
            pointer_constraints::zv1::server::{
                zwp_confined_pointer_v1::ZwpConfinedPointerV1, zwp_locked_pointer_v1::ZwpLockedPointerV1,
                zwp_pointer_constraints_v1::ZwpPointerConstraintsV1,
            },
            pointer_gestures::zv1::server::{
                zwp_pointer_gesture_hold_v1::ZwpPointerGestureHoldV1,
                zwp_pointer_gesture_pinch_v1::ZwpPointerGesturePinchV1,
                zwp_pointer_gesture_swipe_v1::ZwpPointerGestureSwipeV1, zwp_pointer_gestures_v1::ZwpPointerGesturesV1,
            },
            relative_pointer::zv1::server::{
                zwp_relative_pointer_manager_v1::ZwpRelativePointerManagerV1,
                zwp_relative_pointer_v1::ZwpRelativePointerV1,
            },
            tablet::zv2::server::{
                zwp_tablet_manager_v2::ZwpTabletManagerV2, zwp_tablet_seat_v2::ZwpTabletSeatV2,
                zwp_tablet_tool_v2::ZwpTabletToolV2, zwp_tablet_v2::ZwpTabletV2,
            },
        },
        wayland_server::{
            Client, Resource,
            protocol::{
                wl_keyboard::WlKeyboard,
                wl_pointer::WlPointer,
                wl_seat::{self, WlSeat},
                wl_surface::WlSurface,
                wl_touch::WlTouch,
            },
        },
    },
    utils::{Logical, Point, Rectangle},
    wayland::{
        cursor_shape::{CursorShapeDeviceUserData, CursorShapeManagerState},
        pointer_constraints::{
            PointerConstraintUserData, PointerConstraintsHandler, PointerConstraintsState, with_pointer_constraint,
        },
        pointer_gestures::{PointerGestureUserData, PointerGesturesState},
        relative_pointer::{RelativePointerManagerState, RelativePointerUserData},
        seat::{KeyboardUserData, PointerUserData, SeatGlobalData, SeatUserData, TouchUserData},
        selection::{data_device::set_data_device_focus, primary_selection::set_primary_focus},
        tablet_manager::{
            TabletManagerState, TabletSeatHandler, TabletSeatUserData, TabletToolUserData, TabletUserData,
        },
    },
};

use crate::{
    kiosk::Kiosk,
    limits::{
        refusal::LIMIT,
        unread::{self, MAX_KEYBOARDS, Sent, UNREAD},
    },
    policy,
    privilege::ClientState,
    protocols::dispatch::{Refused, globals, guarded, objects},
};

impl SeatHandler for Kiosk {
    type KeyboardFocus = WlSurface;
    type PointerFocus = WlSurface;
    type TouchFocus = WlSurface;

    fn seat_state(&mut self) -> &mut SeatState<Self> {
        &mut self.protocols.seat
    }

    fn focus_changed(&mut self, seat: &Seat<Self>, focused: Option<&WlSurface>) {
        let client = focused.and_then(|surface| self.main_loop.display.get_client(surface.id()).ok());
        set_data_device_focus(&self.main_loop.display, seat, client.clone());
        set_primary_focus(&self.main_loop.display, seat, client);
        self.text_focus_changed(focused);
    }

    fn cursor_image(&mut self, _seat: &Seat<Self>, image: CursorImageStatus) {
        if self.stage.cursor.set_status(image) {
            self.screens.request_redraw();
        }
    }

    fn led_state_changed(&mut self, _seat: &Seat<Self>, leds: LedState) {
        self.seat.set_leds(self.seat.keymaps.leds(leds));
    }
}

impl TabletSeatHandler for Kiosk {}

impl PointerConstraintsHandler for Kiosk {
    fn new_constraint(&mut self, surface: &WlSurface, pointer: &PointerHandle<Self>) {
        let location = pointer.current_location();
        if let Some((_, origin)) = self.under(location).filter(|(under, _)| under == surface) {
            self.activate_constraint(surface, location - origin);
        }
    }

    fn cursor_position_hint(&mut self, surface: &WlSurface, pointer: &PointerHandle<Self>, at: Point<f64, Logical>) {
        let active =
            with_pointer_constraint(surface, pointer, |constraint| constraint.is_some_and(|held| held.is_active()));
        if active && let Some(shown) = self.stage.windows.find(surface) {
            // Clamped to its window: the area beside it may be another client's.
            let window = Rectangle::new(shown.location, shown.window.geometry().size);
            pointer.set_location(policy::clamp(shown.origin().to_f64() + at, window));
        }
    }
}

/// A keyboard is sent a descriptor of the keymap, now and at each change of it.
fn seat(
    _: &mut Kiosk,
    client: &Client,
    _: &WlSeat,
    request: &wl_seat::Request,
    _: &SeatUserData<Kiosk>,
) -> Result<(), Refused> {
    if !matches!(request, wl_seat::Request::GetKeyboard { .. }) {
        return Ok(());
    }
    let keyboards = client.get_data::<ClientState>().map_or(0, |state| state.counts.used(WlKeyboard::interface().name));
    if keyboards > MAX_KEYBOARDS {
        let sentence = format!("too many wl_keyboard: one client may have {MAX_KEYBOARDS} at a time");
        return Err(Refused { code: LIMIT, sentence });
    }
    if !unread::takes(client, 1, Sent::Own) {
        return Err(Refused { code: LIMIT, sentence: UNREAD.into() });
    }
    Ok(())
}

globals! {
    WlSeat, SeatGlobalData<Kiosk> => SeatState<Kiosk>;
    WpCursorShapeManagerV1, () => CursorShapeManagerState;
    ZwpPointerConstraintsV1, () => PointerConstraintsState;
    ZwpPointerGesturesV1, () => PointerGesturesState;
    ZwpRelativePointerManagerV1, () => RelativePointerManagerState;
    ZwpTabletManagerV2, () => TabletManagerState;
}
guarded! {
    WlSeat, SeatUserData<Kiosk> => SeatState<Kiosk>, seat;
}
objects! {
    WlPointer, PointerUserData<Kiosk> => SeatState<Kiosk>;
    WlKeyboard, KeyboardUserData<Kiosk> => SeatState<Kiosk>;
    WlTouch, TouchUserData<Kiosk> => SeatState<Kiosk>;
    WpCursorShapeManagerV1, () => CursorShapeManagerState;
    WpCursorShapeDeviceV1, CursorShapeDeviceUserData<Kiosk> => CursorShapeManagerState;
    ZwpPointerConstraintsV1, () => PointerConstraintsState;
    ZwpConfinedPointerV1, PointerConstraintUserData<Kiosk> => PointerConstraintsState;
    ZwpLockedPointerV1, PointerConstraintUserData<Kiosk> => PointerConstraintsState;
    ZwpPointerGesturesV1, () => PointerGesturesState;
    ZwpPointerGestureSwipeV1, PointerGestureUserData<Kiosk> => PointerGesturesState;
    ZwpPointerGesturePinchV1, PointerGestureUserData<Kiosk> => PointerGesturesState;
    ZwpPointerGestureHoldV1, PointerGestureUserData<Kiosk> => PointerGesturesState;
    ZwpRelativePointerManagerV1, () => RelativePointerManagerState;
    ZwpRelativePointerV1, RelativePointerUserData<Kiosk> => RelativePointerManagerState;
    ZwpTabletManagerV2, () => TabletManagerState;
    ZwpTabletSeatV2, TabletSeatUserData => TabletManagerState;
    ZwpTabletToolV2, TabletToolUserData => TabletManagerState;
    ZwpTabletV2, TabletUserData => TabletManagerState;
}
