//! Virtual devices as an input back end, like libinput for the kernel's devices.

use std::path::PathBuf;

use smithay::backend::input::{
    Axis, AxisRelativeDirection, AxisSource, ButtonState, Device, DeviceCapability, InputBackend, KeyState,
    KeyboardKeyEvent, Keycode, PointerAxisEvent, PointerButtonEvent, PointerMotionEvent, UnusedEvent,
};

use crate::backend::input_device::InputDevice;

/// Key codes of the kernel count from 0, those of xkb from 8.
const XKB_OFFSET: u32 = 8;

/// The kind of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `zwp_virtual_keyboard_v1`.
    Keyboard,
    /// `zwlr_virtual_pointer_v1`.
    Pointer,
}

/// A virtual device.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VirtualDevice {
    kind: Kind,
    number: u64,
}

impl VirtualDevice {
    /// `number`: unique.
    pub fn new(kind: Kind, number: u64) -> Self {
        Self { kind, number }
    }
}

impl Device for VirtualDevice {
    fn id(&self) -> String {
        format!("virtual-{}", self.number)
    }
    fn name(&self) -> String {
        match self.kind {
            Kind::Keyboard => "Virtual keyboard".into(),
            Kind::Pointer => "Virtual pointer".into(),
        }
    }
    fn has_capability(&self, capability: DeviceCapability) -> bool {
        match self.kind {
            Kind::Keyboard => capability == DeviceCapability::Keyboard,
            Kind::Pointer => capability == DeviceCapability::Pointer,
        }
    }
    fn usb_id(&self) -> Option<(u32, u32)> {
        None
    }
    fn syspath(&self) -> Option<PathBuf> {
        None
    }
}

impl InputDevice for VirtualDevice {
    fn is_vouched_for(&self) -> bool {
        // By the socket of the client that created it.
        true
    }

    fn has_letters(&self) -> bool {
        // It is not a keyboard that a person types on.
        false
    }
}

/// Scrolling, collected until the client's `frame`. By axis: horizontal, vertical.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Scroll {
    /// `None`: not sent, a wheel is assumed.
    pub source: Option<AxisSource>,
    /// Logical pixels.
    pub amount: [Option<f64>; 2],
    /// 120 for each click of a wheel.
    pub v120: [Option<f64>; 2],
}

/// An axis's part of a field of [`Scroll`].
pub fn of<T>([horizontal, vertical]: &mut [T; 2], axis: Axis) -> &mut T {
    match axis {
        Axis::Horizontal => horizontal,
        Axis::Vertical => vertical,
    }
}

/// The content of an event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Action {
    /// The kernel's key code.
    Key(u32, KeyState),
    /// The kernel's button code.
    Button(u32, ButtonState),
    /// Logical pixels.
    Move(f64, f64),
    /// All scrolling of one frame.
    Scroll(Scroll),
}

/// An event of a virtual device.
#[derive(Debug, Clone)]
pub struct Event {
    /// Microseconds, monotonic.
    pub time: u64,
    /// The device.
    pub device: VirtualDevice,
    /// The content.
    pub what: Action,
}

/// The back end.
#[derive(Debug)]
pub struct Remote;

impl smithay::backend::input::Event<Remote> for Event {
    fn time(&self) -> u64 {
        self.time
    }
    fn device(&self) -> VirtualDevice {
        self.device.clone()
    }
}

impl KeyboardKeyEvent<Remote> for Event {
    fn key_code(&self) -> Keycode {
        match self.what {
            Action::Key(code, _) => Keycode::new(code + XKB_OFFSET),
            _ => Keycode::new(XKB_OFFSET),
        }
    }
    fn state(&self) -> KeyState {
        match self.what {
            Action::Key(_, state) => state,
            _ => KeyState::Released,
        }
    }
    fn count(&self) -> u32 {
        1
    }
}

impl PointerButtonEvent<Remote> for Event {
    fn button_code(&self) -> u32 {
        match self.what {
            Action::Button(code, _) => code,
            _ => 0,
        }
    }
    fn state(&self) -> ButtonState {
        match self.what {
            Action::Button(_, state) => state,
            _ => ButtonState::Released,
        }
    }
}

impl PointerMotionEvent<Remote> for Event {
    fn delta_x(&self) -> f64 {
        match self.what {
            Action::Move(x, _) => x,
            _ => 0.0,
        }
    }
    fn delta_y(&self) -> f64 {
        match self.what {
            Action::Move(_, y) => y,
            _ => 0.0,
        }
    }
    fn delta_x_unaccel(&self) -> f64 {
        self.delta_x()
    }
    fn delta_y_unaccel(&self) -> f64 {
        self.delta_y()
    }
}

impl Event {
    fn scroll(&self) -> Scroll {
        match self.what {
            Action::Scroll(scroll) => scroll,
            _ => Scroll::default(),
        }
    }
}

impl PointerAxisEvent<Remote> for Event {
    fn amount(&self, axis: Axis) -> Option<f64> {
        *of(&mut self.scroll().amount, axis)
    }
    fn amount_v120(&self, axis: Axis) -> Option<f64> {
        *of(&mut self.scroll().v120, axis)
    }
    fn source(&self) -> AxisSource {
        self.scroll().source.unwrap_or(AxisSource::Wheel)
    }
    fn relative_direction(&self, _axis: Axis) -> AxisRelativeDirection {
        AxisRelativeDirection::Identical
    }
}

impl InputBackend for Remote {
    type Device = VirtualDevice;
    type KeyboardKeyEvent = Event;
    type PointerAxisEvent = Event;
    type PointerButtonEvent = Event;
    type PointerMotionEvent = Event;
    type PointerMotionAbsoluteEvent = UnusedEvent;
    type GestureSwipeBeginEvent = UnusedEvent;
    type GestureSwipeUpdateEvent = UnusedEvent;
    type GestureSwipeEndEvent = UnusedEvent;
    type GesturePinchBeginEvent = UnusedEvent;
    type GesturePinchUpdateEvent = UnusedEvent;
    type GesturePinchEndEvent = UnusedEvent;
    type GestureHoldBeginEvent = UnusedEvent;
    type GestureHoldEndEvent = UnusedEvent;
    type TouchDownEvent = UnusedEvent;
    type TouchUpEvent = UnusedEvent;
    type TouchMotionEvent = UnusedEvent;
    type TouchCancelEvent = UnusedEvent;
    type TouchFrameEvent = UnusedEvent;
    type TabletToolAxisEvent = UnusedEvent;
    type TabletToolProximityEvent = UnusedEvent;
    type TabletToolTipEvent = UnusedEvent;
    type TabletToolButtonEvent = UnusedEvent;
    type SwitchToggleEvent = UnusedEvent;
    type SpecialEvent = UnusedEvent;
}
