//! Mouse, finger and keyboard of the suite: an input back end of its own.

use std::path::PathBuf;

use kioskd::{backend::input_device::InputDevice, kiosk::Kiosk};
use smithay::backend::input::{
    AbsolutePositionEvent, ButtonState, Device, DeviceCapability, Event, InputBackend, InputEvent, KeyState,
    KeyboardKeyEvent, Keycode, PointerButtonEvent, PointerMotionAbsoluteEvent, PointerMotionEvent, TouchDownEvent,
    TouchEvent, TouchFrameEvent, TouchMotionEvent, TouchSlot, TouchUpEvent, UnusedEvent,
};

use crate::kiosk::SCREEN;

/// What a hand does, in logical pixels of the space of all screens and in Linux's codes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    Point { x: f64, y: f64 },
    Move { dx: f64, dy: f64 },
    Button { code: u32, pressed: bool },
    Touch { finger: u32, x: f64, y: f64 },
    Slide { finger: u32, x: f64, y: f64 },
    Lift { finger: u32 },
    Key { code: u32, pressed: bool },
}

/// All of them are there from the start.
pub(crate) fn plug_in(kiosk: &mut Kiosk) {
    for device in [Tool::Mouse, Tool::Panel, Tool::Keyboard] {
        kiosk.input(InputEvent::<Hands>::DeviceAdded { device });
    }
}

/// Tells the compositor.
pub(crate) fn act(kiosk: &mut Kiosk, act: Act) {
    let now = kiosk.now().as_micros() as u64;
    let did = |tool, act| Did { time: now, tool, act };
    match act {
        Act::Point { .. } => kiosk.input(InputEvent::<Hands>::PointerMotionAbsolute { event: did(Tool::Mouse, act) }),
        Act::Move { .. } => kiosk.input(InputEvent::<Hands>::PointerMotion { event: did(Tool::Mouse, act) }),
        Act::Button { .. } => kiosk.input(InputEvent::<Hands>::PointerButton { event: did(Tool::Mouse, act) }),
        Act::Touch { .. } => kiosk.input(InputEvent::<Hands>::TouchDown { event: did(Tool::Panel, act) }),
        Act::Slide { .. } => kiosk.input(InputEvent::<Hands>::TouchMotion { event: did(Tool::Panel, act) }),
        Act::Lift { .. } => kiosk.input(InputEvent::<Hands>::TouchUp { event: did(Tool::Panel, act) }),
        Act::Key { .. } => kiosk.input(InputEvent::<Hands>::Keyboard { event: did(Tool::Keyboard, act) }),
    }
    if matches!(act, Act::Touch { .. } | Act::Slide { .. } | Act::Lift { .. }) {
        kiosk.input(InputEvent::<Hands>::TouchFrame { event: did(Tool::Panel, act) });
    }
}

struct Hands;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Tool {
    Mouse,
    Panel,
    Keyboard,
}

impl Device for Tool {
    fn id(&self) -> String {
        format!("wlcs-{self:?}")
    }
    fn name(&self) -> String {
        self.id()
    }
    fn has_capability(&self, capability: DeviceCapability) -> bool {
        match self {
            Self::Mouse => capability == DeviceCapability::Pointer,
            Self::Panel => capability == DeviceCapability::Touch,
            Self::Keyboard => capability == DeviceCapability::Keyboard,
        }
    }
    fn usb_id(&self) -> Option<(u32, u32)> {
        None
    }
    fn syspath(&self) -> Option<PathBuf> {
        None
    }
}

impl InputDevice for Tool {}

#[derive(Debug, Clone)]
struct Did {
    /// Microseconds.
    time: u64,
    tool: Tool,
    act: Act,
}

impl Did {
    fn at(&self) -> (f64, f64) {
        match self.act {
            Act::Point { x, y } | Act::Touch { x, y, .. } | Act::Slide { x, y, .. } => (x, y),
            Act::Move { dx, dy } => (dx, dy),
            _ => (0.0, 0.0),
        }
    }

    fn button(&self) -> (u32, bool) {
        match self.act {
            Act::Button { code, pressed } | Act::Key { code, pressed } => (code, pressed),
            _ => (0, false),
        }
    }
}

impl Event<Hands> for Did {
    fn time(&self) -> u64 {
        self.time
    }
    fn device(&self) -> Tool {
        self.tool
    }
}

impl KeyboardKeyEvent<Hands> for Did {
    fn key_code(&self) -> Keycode {
        // xkb counts from 8.
        Keycode::new(self.button().0 + 8)
    }
    fn state(&self) -> KeyState {
        if self.button().1 { KeyState::Pressed } else { KeyState::Released }
    }
    fn count(&self) -> u32 {
        1
    }
}

impl PointerButtonEvent<Hands> for Did {
    fn button_code(&self) -> u32 {
        self.button().0
    }
    fn state(&self) -> ButtonState {
        if self.button().1 { ButtonState::Pressed } else { ButtonState::Released }
    }
}

impl PointerMotionEvent<Hands> for Did {
    fn delta_x(&self) -> f64 {
        self.at().0
    }
    fn delta_y(&self) -> f64 {
        self.at().1
    }
    fn delta_x_unaccel(&self) -> f64 {
        self.at().0
    }
    fn delta_y_unaccel(&self) -> f64 {
        self.at().1
    }
}

impl AbsolutePositionEvent<Hands> for Did {
    fn x(&self) -> f64 {
        self.at().0
    }
    fn y(&self) -> f64 {
        self.at().1
    }
    fn x_transformed(&self, width: i32) -> f64 {
        self.at().0 * f64::from(width) / f64::from(SCREEN.0)
    }
    fn y_transformed(&self, height: i32) -> f64 {
        self.at().1 * f64::from(height) / f64::from(SCREEN.1)
    }
}

impl TouchEvent<Hands> for Did {
    fn slot(&self) -> TouchSlot {
        match self.act {
            Act::Touch { finger, .. } | Act::Slide { finger, .. } | Act::Lift { finger } => Some(finger).into(),
            _ => None.into(),
        }
    }
}

impl PointerMotionAbsoluteEvent<Hands> for Did {}
impl TouchDownEvent<Hands> for Did {}
impl TouchMotionEvent<Hands> for Did {}
impl TouchUpEvent<Hands> for Did {}
impl TouchFrameEvent<Hands> for Did {}

impl InputBackend for Hands {
    type Device = Tool;
    type KeyboardKeyEvent = Did;
    type PointerAxisEvent = UnusedEvent;
    type PointerButtonEvent = Did;
    type PointerMotionEvent = Did;
    type PointerMotionAbsoluteEvent = Did;
    type GestureSwipeBeginEvent = UnusedEvent;
    type GestureSwipeUpdateEvent = UnusedEvent;
    type GestureSwipeEndEvent = UnusedEvent;
    type GesturePinchBeginEvent = UnusedEvent;
    type GesturePinchUpdateEvent = UnusedEvent;
    type GesturePinchEndEvent = UnusedEvent;
    type GestureHoldBeginEvent = UnusedEvent;
    type GestureHoldEndEvent = UnusedEvent;
    type TouchDownEvent = Did;
    type TouchUpEvent = Did;
    type TouchMotionEvent = Did;
    type TouchCancelEvent = UnusedEvent;
    type TouchFrameEvent = Did;
    type TabletToolAxisEvent = UnusedEvent;
    type TabletToolProximityEvent = UnusedEvent;
    type TabletToolTipEvent = UnusedEvent;
    type TabletToolButtonEvent = UnusedEvent;
    type SwitchToggleEvent = UnusedEvent;
    type SpecialEvent = UnusedEvent;
}
