//! Mouse, keyboard and touch input, up to the page, which reports it to its server.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::kiosk::Kiosk;

/// From a touch to the server's log, through an emulated browser.
pub const REACTION: Duration = Duration::from_secs(20);
/// Tolerance in pixels: a position is converted to QEMU's 32767 steps and back.
const NEAR: f64 = 2.0;

/// Fails unless the event was at this position of the page.
pub fn ensure_at(event: &Value, x: f64, y: f64) -> Result<()> {
    let there = (event["x"].as_f64().unwrap_or(-1.0), event["y"].as_f64().unwrap_or(-1.0));
    let near = (there.0 - x).abs() <= NEAR && (there.1 - y).abs() <= NEAR;
    ensure!(near, "expected at {x}, {y}: {event}");
    Ok(())
}

pub fn a_click_reaches_the_page(kiosk: &Kiosk) -> Result<()> {
    let mark = kiosk.mark()?;
    kiosk.machine.click(311.0, 222.0)?;
    ensure_at(&kiosk.wait_for_event(mark, "click", REACTION)?, 311.0, 222.0)
}

pub fn a_key_reaches_the_page(kiosk: &Kiosk) -> Result<()> {
    let mark = kiosk.mark()?;
    kiosk.machine.chord(&["k"])?;
    let event = kiosk.wait_for_event(mark, "keydown", REACTION)?;
    ensure!(event["key"] == "k", "expected the key k: {event}");
    Ok(())
}

pub fn fingers_reach_the_page(kiosk: &Kiosk) -> Result<()> {
    let mark = kiosk.mark()?;
    let first = kiosk.machine.finger(0, 901.0, 602.0)?;
    ensure_at(&kiosk.wait_for_event(mark, "touchstart", REACTION)?, 901.0, 602.0)?;
    let mark = kiosk.mark()?;
    let second = kiosk.machine.finger(1, 200.0, 300.0)?;
    let event = kiosk.wait_for_event(mark, "touchstart", REACTION)?;
    ensure_at(&event, 200.0, 300.0)?;
    ensure!(event["touches"] == 2, "two fingers are down: {event}");
    let mark = kiosk.mark()?;
    first.lift()?;
    second.lift()?;
    kiosk.wait_for_event(mark, "touchend", REACTION)?;
    Ok(())
}
