//! Input devices that a test plugs into the guest's kernel (by uinput and uhid): touch panels, pads, mice, keyboards, pens, and
//! what only claims to be one. What the machine itself has is in [`super::hands`]; those are there from the start and all
//! different.

use std::time::Duration;

use anyhow::Result;
use evdev::{AbsoluteAxisCode as Abs, EventType, KeyCode as Key, PropType, RelativeAxisCode as Rel};
use serde::{Deserialize, Serialize};

use super::Agent;
use super::wire::Order;

/// The largest number on every absolute axis, and how many of them a pad's or a pen's millimetre has.
const AXIS_MAX: i32 = 4095;
const A_MILLIMETRE: i32 = 40;
/// A device that makes its events: type, code and value of each.
pub type Event = (u16, u16, i32);
/// Between two frames, so that they are two moments: far less than what makes a tap a rest.
const PAUSE: Duration = Duration::from_millis(15);

/// A device as the kernel is told of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Gadget {
    pub name: String,
    /// Where it says it is plugged in, such as `usb-1/input0`; only of those with a report descriptor.
    pub phys: String,
    pub vendor: u16,
    pub product: u16,
    pub keys: Vec<u16>,
    pub relative: Vec<u16>,
    pub absolute: Vec<Axis>,
    pub properties: Vec<u16>,
    /// What a USB device says of itself (HID 1.11, 6.2.2), and the kernel makes of it what it likes; empty: the above
    /// is what it is.
    pub report_descriptor: Vec<u8>,
}

/// What a device says at one moment.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Said {
    Events(Vec<Event>),
    /// In the form of its report descriptor.
    Report(Vec<u8>),
}

/// A touch panel as it describes itself: report 1 has a bit for the finger, its number, two places of 16 bits, and how
/// many fingers there are.
const PANEL: &[u8] = &[
    0x05, 0x0d, // usage page: digitizer
    0x09, 0x04, // usage: touch screen
    0xa1, 0x01, // collection: application
    0x85, 0x01, //   report id 1
    0x09, 0x22, //   usage: finger
    0xa1, 0x02, //   collection: logical
    0x09, 0x42, 0x15, 0x00, 0x25, 0x01, 0x75, 0x01, 0x95, 0x01, 0x81, 0x02, // tip switch: 1 bit
    0x95, 0x07, 0x81, 0x03, // padding: 7 bits
    0x09, 0x51, 0x25, 0x0f, 0x75, 0x08, 0x95, 0x01, 0x81, 0x02, // contact identifier: 8 bits
    0x05, 0x01, // usage page: generic desktop
    0x26, 0xff, 0x0f, 0x75, 0x10, // 0 to AXIS_MAX, 16 bits
    0x09, 0x30, 0x81, 0x02, // x
    0x09, 0x31, 0x81, 0x02, // y
    0xc0, //   end
    0x05, 0x0d, 0x09, 0x54, 0x25, 0x0a, 0x75, 0x08, 0x81, 0x02, // contact count: 8 bits
    0xc0, // end
];

/// An absolute axis.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Axis {
    pub code: u16,
    pub max: i32,
    /// Numbers a millimetre; 0: not told.
    pub resolution: i32,
}

impl Gadget {
    fn new(name: &str) -> Self {
        Self { name: name.into(), vendor: 0x1d6b, product: 0x0104, ..Self::default() }
    }

    fn keys(mut self, keys: &[Key]) -> Self {
        self.keys.extend(keys.iter().map(|key| key.0));
        self
    }

    fn relative(mut self, axes: &[Rel]) -> Self {
        self.relative.extend(axes.iter().map(|axis| axis.0));
        self
    }

    fn places(mut self, axes: &[Abs], resolution: i32) -> Self {
        self.absolute.extend(axes.iter().map(|axis| Axis { code: axis.0, max: AXIS_MAX, resolution }));
        self
    }

    fn fingers(mut self, resolution: i32) -> Self {
        let axis = |code: Abs, max| Axis { code: code.0, max, resolution: 0 };
        self.absolute.extend([axis(Abs::ABS_MT_SLOT, 9), axis(Abs::ABS_MT_TRACKING_ID, 65535)]);
        self.keys(&[Key::BTN_TOUCH])
            .places(&[Abs::ABS_X, Abs::ABS_Y, Abs::ABS_MT_POSITION_X, Abs::ABS_MT_POSITION_Y], resolution)
    }

    fn property(mut self, property: PropType) -> Self {
        self.properties.push(property.0);
        self
    }

    /// A panel for ten fingers, which says nothing of its size.
    pub fn touch_panel(name: &str) -> Self {
        Self::new(name).fingers(0).property(PropType::DIRECT)
    }

    /// A touchpad that is all one button.
    pub fn touchpad(name: &str) -> Self {
        let pad = Self::new(name).fingers(A_MILLIMETRE).property(PropType::POINTER).property(PropType::BUTTONPAD);
        pad.keys(&[Key::BTN_LEFT, Key::BTN_TOOL_FINGER, Key::BTN_TOOL_DOUBLETAP])
    }

    /// A mouse with a wheel.
    pub fn mouse(name: &str) -> Self {
        let mouse = Self::new(name).keys(&[Key::BTN_LEFT, Key::BTN_RIGHT, Key::BTN_MIDDLE]);
        mouse.relative(&[Rel::REL_X, Rel::REL_Y, Rel::REL_WHEEL])
    }

    /// A keyboard with the keys that make the system take it for one.
    pub fn keyboard(name: &str) -> Self {
        let keys: Vec<Key> = (Key::KEY_ESC.0..=Key::KEY_SPACE.0).map(Key).collect();
        Self::new(name).keys(&keys)
    }

    /// The remote control of a television as HDMI's CEC line brings it: keys, and a pointer that nobody moves.
    pub fn remote_control(name: &str) -> Self {
        let keys = [Key::KEY_OK, Key::KEY_UP, Key::KEY_DOWN, Key::KEY_ENTER, Key::KEY_ESC, Key::KEY_K, Key::KEY_A];
        Self::new(name).keys(&keys).keys(&[Key::BTN_LEFT]).relative(&[Rel::REL_X, Rel::REL_Y])
    }

    /// A pen display.
    pub fn pen(name: &str) -> Self {
        let pen = Self::new(name).keys(&[Key::BTN_TOOL_PEN, Key::BTN_TOUCH, Key::BTN_STYLUS]);
        let pen = pen.places(&[Abs::ABS_X, Abs::ABS_Y], A_MILLIMETRE).places(&[Abs::ABS_PRESSURE], 0);
        pen.property(PropType::DIRECT)
    }

    /// A touch panel on USB, plugged in there.
    pub fn usb_touch_panel(name: &str, phys: &str) -> Self {
        Self { phys: phys.into(), report_descriptor: PANEL.into(), ..Self::new(name) }
    }

    pub fn of_model(mut self, vendor: u16, product: u16) -> Self {
        (self.vendor, self.product) = (vendor, product);
        self
    }
}

/// A device that is plugged in, until it is dropped.
pub struct Plugged<'a> {
    agent: &'a Agent,
    device: u64,
    by_reports: bool,
}

impl Agent {
    /// Plugs a device into the guest's kernel.
    pub fn plug(&self, gadget: &Gadget) -> Result<Plugged<'_>> {
        let (gadget, by_reports) = (gadget.clone(), !gadget.report_descriptor.is_empty());
        let device = self.carry_out(|id| Order::Plug { id, gadget })?;
        Ok(Plugged { agent: self, device, by_reports })
    }
}

impl Plugged<'_> {
    /// The device makes these events, frame by frame.
    pub fn frames(&self, frames: &[Vec<Event>]) -> Result<()> {
        self.say(frames.iter().cloned().map(Said::Events).collect())
    }

    fn say(&self, said: Vec<Said>) -> Result<()> {
        let pause = u64::try_from(PAUSE.as_millis())?;
        self.agent.carry_out(|id| Order::Feed { id, device: self.device, pause, said }).map(drop)
    }

    fn finger(&self, down: bool, at: (f64, f64)) -> Said {
        if !self.by_reports {
            return Said::Events(if down { self::down(at) } else { up() });
        }
        let [x, y] = [at.0, at.1].map(|at| number(at).to_le_bytes());
        Said::Report(vec![1, u8::from(down), 7, x[0], x[1], y[0], y[1], 1])
    }

    /// A finger comes down at these fractions of the width and height.
    pub fn finger_down(&self, at: (f64, f64)) -> Result<()> {
        self.say(vec![self.finger(true, at)])
    }

    /// A short touch.
    pub fn tap(&self, at: (f64, f64)) -> Result<()> {
        self.say(vec![self.finger(true, at), self.finger(false, at)])
    }

    /// Two fingers on a pad, one beside the other, go so far down, as fractions of its height.
    pub fn scroll(&self, from: f64, to: f64) -> Result<()> {
        const STEPS: i32 = 12;
        let both = |step: i32| {
            let y = from + (to - from) * f64::from(step) / f64::from(STEPS);
            let mut frame = Vec::new();
            for (slot, x) in [(0, 0.4), (1, 0.6)] {
                frame.extend([abs(Abs::ABS_MT_SLOT, slot), abs(Abs::ABS_MT_TRACKING_ID, 100 + slot)]);
                frame.extend([abs(Abs::ABS_MT_POSITION_X, number(x)), abs(Abs::ABS_MT_POSITION_Y, number(y))]);
            }
            frame
        };
        let mut frames: Vec<Vec<Event>> = (0..=STEPS).map(both).collect();
        frames[0].extend([key(Key::BTN_TOUCH, 1), key(Key::BTN_TOOL_DOUBLETAP, 1)]);
        let mut last = Vec::new();
        for slot in [0, 1] {
            last.extend([abs(Abs::ABS_MT_SLOT, slot), abs(Abs::ABS_MT_TRACKING_ID, -1)]);
        }
        last.extend([key(Key::BTN_TOUCH, 0), key(Key::BTN_TOOL_DOUBLETAP, 0)]);
        frames.push(last);
        self.frames(&frames)
    }

    /// A mouse is moved by so many counts at once.
    pub fn shove(&self, x: i32, y: i32) -> Result<()> {
        self.frames(&[vec![rel(Rel::REL_X, x), rel(Rel::REL_Y, y)]])
    }

    /// A key or button is pressed and released.
    pub fn press(&self, code: Key) -> Result<()> {
        self.frames(&[vec![key(code, 1)], vec![key(code, 0)]])
    }

    /// A pen comes near, touches at these fractions of the width and height, and goes away.
    pub fn pen_tap(&self, at: (f64, f64)) -> Result<()> {
        let place = [abs(Abs::ABS_X, number(at.0)), abs(Abs::ABS_Y, number(at.1))];
        let near = [&[key(Key::BTN_TOOL_PEN, 1)], &place[..]].concat();
        let touch = vec![key(Key::BTN_TOUCH, 1), abs(Abs::ABS_PRESSURE, AXIS_MAX / 2)];
        let lift = vec![key(Key::BTN_TOUCH, 0), abs(Abs::ABS_PRESSURE, 0)];
        self.frames(&[near, touch, lift, vec![key(Key::BTN_TOOL_PEN, 0)]])
    }

    /// Pulls it out.
    pub fn pull(self) {}
}

impl Drop for Plugged<'_> {
    fn drop(&mut self) {
        // The guest may be gone.
        let _ = self.agent.carry_out(|id| Order::Unplug { id, device: self.device });
    }
}

fn abs(code: Abs, value: i32) -> Event {
    (EventType::ABSOLUTE.0, code.0, value)
}

fn rel(code: Rel, value: i32) -> Event {
    (EventType::RELATIVE.0, code.0, value)
}

fn key(code: Key, value: i32) -> Event {
    (EventType::KEY.0, code.0, value)
}

#[allow(clippy::cast_possible_truncation)] // of 0 to 1
fn number(fraction: f64) -> i32 {
    (fraction * f64::from(AXIS_MAX)).round() as i32
}

fn down(at: (f64, f64)) -> Vec<Event> {
    let (x, y) = (number(at.0), number(at.1));
    vec![
        abs(Abs::ABS_MT_SLOT, 0),
        abs(Abs::ABS_MT_TRACKING_ID, 7),
        abs(Abs::ABS_MT_POSITION_X, x),
        abs(Abs::ABS_MT_POSITION_Y, y),
        key(Key::BTN_TOUCH, 1),
        key(Key::BTN_TOOL_FINGER, 1),
        abs(Abs::ABS_X, x),
        abs(Abs::ABS_Y, y),
    ]
}

fn up() -> Vec<Event> {
    vec![
        abs(Abs::ABS_MT_SLOT, 0),
        abs(Abs::ABS_MT_TRACKING_ID, -1),
        key(Key::BTN_TOUCH, 0),
        key(Key::BTN_TOOL_FINGER, 0),
    ]
}
