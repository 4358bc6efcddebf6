//! What an input event means to screens that are off, and to what is kept from clients when it lit them.

use smithay::backend::input::{
    ButtonState, Device, Event as InputEventParts, InputBackend, InputEvent, KeyState, KeyboardKeyEvent,
    PointerButtonEvent, ProximityState, TabletToolButtonEvent, TabletToolProximityEvent, TabletToolTipEvent,
    TabletToolTipState, TouchEvent,
};

use super::swallow::{Act, Contact, On};
use crate::{idle, kiosk::Kiosk, power::Event};

/// What the event is to the contact that makes it.
pub fn act<B: InputBackend>(event: &InputEvent<B>) -> Act {
    match event {
        InputEvent::TouchDown { event } => Act::Begins(finger::<B>(event)),
        InputEvent::TouchMotion { event } => Act::GoesOn(finger::<B>(event)),
        InputEvent::TouchUp { event } => Act::Ends(finger::<B>(event)),
        InputEvent::TouchCancel { event } => Act::FingersCancelled(event.device().id()),
        InputEvent::PointerButton { event } => match event.state() {
            ButtonState::Pressed => Act::Begins(on::<B>(event, Contact::Button(event.button_code()))),
            ButtonState::Released => Act::Ends(on::<B>(event, Contact::Button(event.button_code()))),
        },
        InputEvent::PointerAxis { .. } => Act::Once,
        InputEvent::GestureSwipeBegin { event } => Act::Begins(on::<B>(event, Contact::Gesture)),
        InputEvent::GesturePinchBegin { event } => Act::Begins(on::<B>(event, Contact::Gesture)),
        InputEvent::GestureHoldBegin { event } => Act::Begins(on::<B>(event, Contact::Gesture)),
        InputEvent::GestureSwipeUpdate { event } => Act::GoesOn(on::<B>(event, Contact::Gesture)),
        InputEvent::GesturePinchUpdate { event } => Act::GoesOn(on::<B>(event, Contact::Gesture)),
        InputEvent::GestureSwipeEnd { event } => Act::Ends(on::<B>(event, Contact::Gesture)),
        InputEvent::GesturePinchEnd { event } => Act::Ends(on::<B>(event, Contact::Gesture)),
        InputEvent::GestureHoldEnd { event } => Act::Ends(on::<B>(event, Contact::Gesture)),
        InputEvent::TabletToolProximity { event } => match event.state() {
            ProximityState::In => Act::Begins(on::<B>(event, Contact::Pen)),
            ProximityState::Out => Act::PenLeaves(event.device().id()),
        },
        InputEvent::TabletToolAxis { event } => Act::GoesOn(on::<B>(event, Contact::Pen)),
        InputEvent::TabletToolTip { event } => Act::GoesOn(on::<B>(event, Contact::Pen)),
        InputEvent::TabletToolButton { event } => Act::GoesOn(on::<B>(event, Contact::Pen)),
        InputEvent::DeviceRemoved { device } => Act::DeviceGone(device.id()),
        InputEvent::Keyboard { .. }
        | InputEvent::PointerMotion { .. }
        | InputEvent::PointerMotionAbsolute { .. }
        | InputEvent::TouchFrame { .. }
        | InputEvent::DeviceAdded { .. }
        | InputEvent::SwitchToggle { .. }
        | InputEvent::Special(_) => Act::Free,
    }
}

fn on<B: InputBackend>(event: &impl InputEventParts<B>, contact: Contact) -> On {
    (event.device().id(), contact)
}

fn finger<B: InputBackend>(event: &impl TouchEvent<B>) -> On {
    on::<B>(event, Contact::Finger(event.slot()))
}

/// What it says of a person: `None`: nothing; else whether it lights screens. The end of something does not: the
/// release of the key that switched the screen off comes after that.
fn presence<B: InputBackend>(event: &InputEvent<B>) -> Option<bool> {
    match event {
        InputEvent::DeviceAdded { .. }
        | InputEvent::DeviceRemoved { .. }
        | InputEvent::SwitchToggle { .. }
        | InputEvent::Special(_) => None,
        InputEvent::Keyboard { event } => Some(event.state() == KeyState::Pressed),
        InputEvent::TabletToolTip { event } => Some(event.tip_state() == TabletToolTipState::Down),
        InputEvent::TabletToolButton { event } => Some(event.button_state() == ButtonState::Pressed),
        InputEvent::TouchFrame { .. } => Some(false),
        other => Some(!matches!(act(other), Act::Ends(_) | Act::PenLeaves(_) | Act::FingersCancelled(_))),
    }
}

impl Kiosk {
    /// Any input counts as activity, lights screens that are off, and keeps the page from being reset. Returns whether it
    /// did one of these and is to do nothing else.
    pub(super) fn wake_on_input<B: InputBackend>(&mut self, event: &InputEvent<B>) -> bool {
        let Some(wakes) = presence(event) else { return false };
        self.tell_activity();
        self.chooser_used();
        let woke = self.power_event(Event::Input { wakes }) && self.settings.config.idle.wake_swallows_touch;
        self.idle_event(idle::Event::Input { begins: wakes }) || woke
    }
}
