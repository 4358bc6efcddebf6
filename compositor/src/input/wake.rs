//! How input events wake screens, and how they are classified for [`super::swallow`].

use smithay::backend::input::{
    ButtonState, Device, Event as InputEventParts, InputBackend, InputEvent, KeyState, KeyboardKeyEvent,
    PointerButtonEvent, ProximityState, TabletToolButtonEvent, TabletToolProximityEvent, TabletToolTipEvent,
    TabletToolTipState, TouchEvent,
};

use super::swallow::{Act, Contact, On};
use crate::{idle, kiosk::Kiosk, power::Event};

/// The event's effect on its contact.
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

/// Whether the event is a sign of a person (`None`: no), and if so whether it lights screens. Releases do not: the
/// release of the key that switched the screen off follows its press.
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
    /// Counts input as activity: it lights screens that are off and ends the reset's countdown. Returns whether it did
    /// so and must not be passed on.
    pub(super) fn wake_on_input<B: InputBackend>(&mut self, event: &InputEvent<B>) -> bool {
        let Some(wakes) = presence(event) else { return false };
        self.tell_activity();
        self.chooser_used();
        let woke = self.power_event(Event::Input { wakes }) && self.settings.config.idle.wake_swallows_touch;
        self.idle_event(idle::Event::Input { begins: wakes }) || woke
    }
}
