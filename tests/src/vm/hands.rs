//! Keyboard, mouse and touchscreen of the machine, moved as a person would.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::Machine;
use super::qmp::Qmp;

/// How long a key is held, and how long a finger rests between two moves.
const HOLD: Duration = Duration::from_millis(150);
/// QEMU's absolute axes go from 0 to this.
const AXIS_MAX: f64 = 32767.0;

/// A finger on the touchscreen; it stays down until it is lifted.
pub struct Finger<'a> {
    machine: &'a Machine,
    slot: u32,
}

/// Presses the keys one after the other, holds them, and lets them go in reverse.
pub(super) fn chord(qmp: &Qmp, keys: &[&str]) -> Result<()> {
    let event = |key: &&str, down: bool| json!({ "type": "key", "data": { "down": down, "key": { "type": "qcode", "data": key } } });
    for key in keys {
        send(qmp, &[event(key, true)])?;
    }
    std::thread::sleep(HOLD);
    for key in keys.iter().rev() {
        send(qmp, &[event(key, false)])?;
    }
    std::thread::sleep(HOLD);
    Ok(())
}

/// Moves the mouse to a place on a screen of that size, in pixels.
fn point(qmp: &Qmp, size: (usize, usize), x: f64, y: f64) -> Result<()> {
    let (x, y) = on_axes(size, x, y);
    send(
        qmp,
        &[
            json!({ "type": "abs", "data": { "axis": "x", "value": x } }),
            json!({ "type": "abs", "data": { "axis": "y", "value": y } }),
        ],
    )
}

/// Moves the mouse there and presses its left button once.
pub(super) fn click(qmp: &Qmp, size: (usize, usize), x: f64, y: f64) -> Result<()> {
    point(qmp, size, x, y)?;
    std::thread::sleep(HOLD);
    for down in [true, false] {
        send(qmp, &[json!({ "type": "btn", "data": { "button": "left", "down": down } })])?;
        std::thread::sleep(HOLD);
    }
    Ok(())
}

fn send(qmp: &Qmp, events: &[Value]) -> Result<()> {
    qmp.execute("input-send-event", &json!({ "events": events })).map(drop)
}

#[allow(clippy::cast_possible_truncation)] // clamped to the axis
fn on_axes((width, height): (usize, usize), x: f64, y: f64) -> (i64, i64) {
    let scale = |value: f64, size: usize| {
        #[allow(clippy::cast_precision_loss)] // screens are small
        let size = size.max(2) as f64;
        (value / size * AXIS_MAX).round().clamp(0.0, AXIS_MAX) as i64
    };
    (scale(x, width), scale(y, height))
}

impl Machine {
    /// Presses the keys one after the other, holds them, and lets them go in reverse; names are QEMU's
    /// (`ctrl`, `alt`, `f2`, `a`, `ret`).
    pub fn chord(&self, keys: &[&str]) -> Result<()> {
        chord(self.qmp(), keys)
    }

    /// Moves the mouse to a place on the picture, in pixels of the screen as it is scanned out.
    pub fn point(&self, x: f64, y: f64) -> Result<()> {
        point(self.qmp(), self.size(), x, y)
    }

    /// Moves the mouse there and presses its left button once.
    pub fn click(&self, x: f64, y: f64) -> Result<()> {
        click(self.qmp(), self.size(), x, y)
    }

    /// Puts a finger down; fingers that are down at the same time need different slots.
    pub fn finger(&self, slot: u32, x: f64, y: f64) -> Result<Finger<'_>> {
        let finger = Finger { machine: self, slot };
        let mut events = vec![finger.event("begin", "x", 0)];
        events.extend(finger.place(x, y));
        send(self.qmp(), &events)?;
        std::thread::sleep(HOLD);
        Ok(finger)
    }

    /// Taps once.
    pub fn tap(&self, x: f64, y: f64) -> Result<()> {
        self.finger(0, x, y)?.lift()
    }
}

impl Finger<'_> {
    pub fn slide(&self, x: f64, y: f64) -> Result<()> {
        // A place belongs to the slot that was named last.
        let mut events = vec![self.event("update", "x", 0)];
        events.extend(self.place(x, y));
        send(self.machine.qmp(), &events)?;
        std::thread::sleep(HOLD);
        Ok(())
    }

    pub fn lift(self) -> Result<()> {
        send(self.machine.qmp(), &[self.event("end", "x", 0)])?;
        std::thread::sleep(HOLD);
        Ok(())
    }

    fn place(&self, x: f64, y: f64) -> Vec<Value> {
        let (x, y) = on_axes(self.machine.size(), x, y);
        vec![self.event("data", "x", x), self.event("data", "y", y)]
    }

    fn event(&self, kind: &str, axis: &str, value: i64) -> Value {
        // The kernel's sign for a finger that is lifted; QEMU passes on what it is told.
        let tracking = if kind == "end" { -1 } else { i64::from(self.slot) + 1 };
        let slot = self.slot;
        json!({ "type": "mtt", "data":
            { "type": kind, "slot": slot, "tracking-id": tracking, "axis": axis, "value": value } })
    }
}
