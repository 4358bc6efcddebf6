//! What an input event means to screens that are off, and to what is kept from clients when it lit them.

use smithay::backend::input::{
    ButtonState, InputBackend, InputEvent, KeyState, KeyboardKeyEvent, PointerButtonEvent, ProximityState,
    TabletToolButtonEvent, TabletToolProximityEvent, TabletToolTipEvent, TabletToolTipState, TouchEvent,
};

use super::swallow::{Act, Contact};
use crate::{kiosk::Kiosk, power::Event};

/// What the event is to the contact that makes it.
pub fn act<B: InputBackend>(event: &InputEvent<B>) -> Act {
    match event {
        InputEvent::TouchDown { event } => Act::Begins(Contact::Finger(event.slot())),
        InputEvent::TouchMotion { event } => Act::GoesOn(Contact::Finger(event.slot())),
        InputEvent::TouchUp { event } => Act::Ends(Contact::Finger(event.slot())),
        InputEvent::TouchCancel { .. } => Act::FingersCancelled,
        InputEvent::PointerButton { event } => match event.state() {
            ButtonState::Pressed => Act::Begins(Contact::Button(event.button_code())),
            ButtonState::Released => Act::Ends(Contact::Button(event.button_code())),
        },
        InputEvent::PointerAxis { .. } => Act::Once,
        InputEvent::GestureSwipeBegin { .. }
        | InputEvent::GesturePinchBegin { .. }
        | InputEvent::GestureHoldBegin { .. } => Act::Begins(Contact::Gesture),
        InputEvent::GestureSwipeUpdate { .. } | InputEvent::GesturePinchUpdate { .. } => Act::GoesOn(Contact::Gesture),
        InputEvent::GestureSwipeEnd { .. } | InputEvent::GesturePinchEnd { .. } | InputEvent::GestureHoldEnd { .. } => {
            Act::Ends(Contact::Gesture)
        }
        InputEvent::TabletToolProximity { event } => match event.state() {
            ProximityState::In => Act::Begins(Contact::Pen),
            ProximityState::Out => Act::PenLeaves,
        },
        InputEvent::TabletToolAxis { .. } | InputEvent::TabletToolTip { .. } | InputEvent::TabletToolButton { .. } => {
            Act::GoesOn(Contact::Pen)
        }
        InputEvent::Keyboard { .. }
        | InputEvent::PointerMotion { .. }
        | InputEvent::PointerMotionAbsolute { .. }
        | InputEvent::TouchFrame { .. }
        | InputEvent::DeviceAdded { .. }
        | InputEvent::DeviceRemoved { .. }
        | InputEvent::SwitchToggle { .. }
        | InputEvent::Special(_) => Act::Free,
    }
}

/// What it says of a person: `None`: nothing; else whether it lights screens. The end of something does not: the
/// release of the key that switched the screen off comes after that.
fn presence<B: InputBackend>(event: &InputEvent<B>) -> Option<bool> {
    match event {
        InputEvent::DeviceAdded { .. } | InputEvent::DeviceRemoved { .. } | InputEvent::Special(_) => None,
        InputEvent::Keyboard { event } => Some(event.state() == KeyState::Pressed),
        InputEvent::TabletToolTip { event } => Some(event.tip_state() == TabletToolTipState::Down),
        InputEvent::TabletToolButton { event } => Some(event.button_state() == ButtonState::Pressed),
        InputEvent::TouchFrame { .. } | InputEvent::SwitchToggle { .. } => Some(false),
        other => Some(!matches!(act(other), Act::Ends(_) | Act::PenLeaves | Act::FingersCancelled)),
    }
}

impl Kiosk {
    /// Any input counts as activity, and lights screens that are off. Returns whether it did and is to do nothing
    /// else.
    pub(super) fn wake_on_input<B: InputBackend>(&mut self, event: &InputEvent<B>) -> bool {
        let Some(wakes) = presence(event) else { return false };
        let seat = self.seat.seat.clone();
        self.protocols.idle_notifier.notify_activity(&seat);
        self.power_event(Event::Input { wakes }) && self.config.idle.wake_swallows_touch
    }
}
