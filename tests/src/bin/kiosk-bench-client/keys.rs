//! A keyboard of the client's own, made by the kernel's uinput, whose keys it presses itself: how long they take to come
//! back as events, and how long until what is drawn in answer is on the screen.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use evdev::uinput::VirtualDevice;
use evdev::{AttributeSet, EventType, InputEvent, KeyCode};
use wayland_client::protocol::wl_keyboard::{self, WlKeyboard};
use wayland_client::{Connection, Dispatch, QueueHandle};

use super::window::Window;
use kiosk_tests::frames::{Answer, Frame};

/// A letter: what no compositor takes for itself.
const KEY: KeyCode = KeyCode::KEY_A;
/// Least time between an answer and the next press: the compositor is at rest again.
const REST: Duration = Duration::from_millis(60);
/// What is added to that, in turn: presses come at any time of a display's period, none more often than another.
const SPREAD: Duration = Duration::from_millis(20);
/// Steps of this share of the spread never come back to the same place.
const GOLDEN: f64 = 0.618_033_988_749_895;

/// What the last press has led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The keyboard is not the window's yet, or nothing of the window is on the screen.
    Absent,
    /// The next press is due then.
    Resting(Instant),
    Pressed {
        pressed: u64,
    },
    /// Something was drawn.
    Heard {
        pressed: u64,
        heard: u64,
    },
}

/// The keyboard, and the answers so far.
pub struct Keys {
    device: VirtualDevice,
    step: Step,
    count: u32,
    is_down: bool,
}

impl Keys {
    pub fn new() -> Result<Self> {
        let keys: AttributeSet<KeyCode> = std::iter::once(KEY).collect();
        let build = || VirtualDevice::builder()?.name("kiosk-bench-client").with_keys(&keys)?.build();
        let device = build().context("/dev/uinput")?;
        Ok(Self { device, step: Step::Absent, count: 0, is_down: false })
    }

    /// When the next key is to be pressed.
    pub fn due(&self) -> Option<Instant> {
        match self.step {
            Step::Resting(until) => Some(until),
            _ => None,
        }
    }

    /// Presses or releases the key, if it is time.
    pub fn press(&mut self, now: Instant, clock: impl Fn() -> u64) -> Result<()> {
        if self.due().is_some_and(|due| now >= due) {
            self.is_down = !self.is_down;
            self.step = Step::Pressed { pressed: clock() };
            self.device.emit(&[InputEvent::new(EventType::KEY.0, KEY.0, i32::from(self.is_down))])?;
        }
        Ok(())
    }

    fn entered(&mut self) {
        if self.step == Step::Absent {
            self.rest();
        }
    }

    fn rest(&mut self) {
        self.count += 1;
        let part = (f64::from(self.count) * GOLDEN).fract();
        self.step = Step::Resting(Instant::now() + REST + SPREAD.mul_f64(part));
    }

    /// The event has come. Returns whether something is to be drawn.
    fn heard(&mut self, now: u64) -> bool {
        let Step::Pressed { pressed } = self.step else { return false };
        self.step = Step::Heard { pressed, heard: now };
        true
    }

    /// A frame is on the screen: the answer, if it was drawn since the event.
    pub fn presented(&mut self, frame: &Frame) -> Option<Answer> {
        let Step::Heard { pressed, heard } = self.step else { return None };
        if frame.committed < heard {
            return None;
        }
        self.rest();
        Some(Answer { pressed, heard, presented: frame.presented })
    }
}

impl Dispatch<WlKeyboard, ()> for Window {
    fn event(
        window: &mut Self,
        _: &WlKeyboard,
        event: wl_keyboard::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        let now = window.now();
        let Some(keys) = &mut window.keys else { return };
        match event {
            wl_keyboard::Event::Enter { .. } => keys.entered(),
            wl_keyboard::Event::Key { .. } if keys.heard(now) => window.due = true,
            _ => {}
        }
    }
}
