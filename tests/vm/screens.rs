//! Rotation, power and screenshots.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kiosk_tests::vm::{Picture, Rgb};

use super::input::{REACTION, ensure_at};
use super::kiosk::Kiosk;
use super::looks::is_page;

/// For a page in an emulated browser to lay itself out again.
pub const RELAYOUT: Duration = Duration::from_secs(40);
const POWER: Duration = Duration::from_secs(30);
/// Less of the screen than a letter of the page's text.
const EXACT: f64 = 0.000_05;

/// The page's text.
fn is_text([r, g, b]: Rgb) -> bool {
    r > 150 && g > 170 && b > 180
}

/// The rotation of the page's text. The first line is larger than the others, so that the half of the text's box with
/// the heading has more bright pixels.
pub fn rotation_of(picture: &Picture) -> Option<u32> {
    let (x, y, width, height) = picture.bounds(is_text)?;
    let text = picture.part(x, y, width, height);
    let share = |part: Picture| part.share(is_text);
    if width > height {
        let (top, bottom) = (text.part(0, 0, width, height / 2), text.part(0, height / 2, width, height / 2));
        Some(if share(top) > share(bottom) { 0 } else { 180 })
    } else {
        let (left, right) = (text.part(0, 0, width / 2, height), text.part(width / 2, 0, width / 2, height));
        Some(if share(right) > share(left) { 90 } else { 270 })
    }
}

/// The position on the panel of a position on the page, once the picture has been rotated clockwise.
pub fn on_panel((x, y): (f64, f64), degrees: u32, (width, height): (f64, f64)) -> (f64, f64) {
    match degrees {
        90 => (width - y, x),
        180 => (width - x, height - y),
        270 => (y, height - x),
        _ => (x, y),
    }
}

#[allow(clippy::cast_precision_loss)] // screens are small
pub fn a_rotated_picture_is_touched_where_the_finger_is(kiosk: &Kiosk) -> Result<()> {
    let machine = &kiosk.machine;
    let (width, height) = machine.size();
    let panel = (width as f64, height as f64);
    let browser = kiosk.browser()?;
    for degrees in [90, 180, 270, 0] {
        let mark = kiosk.mark()?;
        kiosk.sh(&format!("kioskctl rotate {degrees}"))?;
        let rotated = |picture: &Picture| is_page(picture) && rotation_of(picture) == Some(degrees);
        let picture = machine.wait_for_screen(&format!("the page rotated by {degrees}"), RELAYOUT, rotated)?;
        machine.save(&picture, &format!("rotated-{degrees}"))?;
        let place = (100.0, 200.0);
        let (x, y) = on_panel(place, degrees, panel);
        machine.tap(x, y)?;
        let event = kiosk.wait_for_event(mark, "touchstart", REACTION).with_context(|| format!("at {degrees}°"))?;
        ensure_at(&event, place.0, place.1).with_context(|| format!("touch at {degrees}°"))?;
        let mark = kiosk.mark()?;
        machine.click(x, y)?;
        let event = kiosk.wait_for_event(mark, "click", REACTION).with_context(|| format!("at {degrees}°"))?;
        ensure_at(&event, place.0, place.1).with_context(|| format!("click at {degrees}°"))?;
        let told = kiosk.status()?["compositor"]["outputs"][0]["rotation"].clone();
        ensure!(told == degrees, "status tells a rotation of {told}, not {degrees}");
    }
    ensure!(kiosk.browser()? == browser, "the browser was restarted");
    Ok(())
}

/// Parts of the page change, one after the other, and then the whole screen is right.
pub fn a_rotated_screen_shows_each_change_where_it_is(kiosk: &Kiosk) -> Result<()> {
    let machine = &kiosk.machine;
    for degrees in [90, 180, 270, 0] {
        kiosk.sh(&format!("kioskctl rotate {degrees}"))?;
        let rotated = |picture: &Picture| is_page(picture) && rotation_of(picture) == Some(degrees);
        machine.wait_for_screen(&format!("the page rotated by {degrees}"), RELAYOUT, rotated)?;
        for key in ["a", "m", "i", "w"] {
            let mark = kiosk.mark()?;
            machine.chord(&[key])?;
            kiosk.wait_for_event(mark, "keydown", REACTION)?;
        }
        let output = kiosk.machine.agent().run("kioskctl screenshot -")?;
        ensure!(output.code == 0, "kioskctl screenshot: {}", output.stderr);
        let wanted = Picture::from_png(&output.stdout)?.rotated(degrees);
        let same = |picture: &Picture| picture.difference(&wanted, 8) < EXACT;
        let shown = machine.wait_for_screen(&format!("each change at {degrees}°"), POWER, same);
        machine.save(&wanted, &format!("wanted-{degrees}"))?;
        machine.save(&shown?, &format!("changed-{degrees}"))?;
    }
    Ok(())
}

pub fn a_screen_switched_off_and_on_shows_the_same_page(kiosk: &Kiosk) -> Result<()> {
    let (machine, browser, mark) = (&kiosk.machine, kiosk.browser()?, kiosk.mark()?);
    let active = "grep -c 'active=1' /sys/kernel/debug/dri/0/state || true";
    ensure!(kiosk.sh(active)? == "1", "one CRTC is active while the page is shown");
    kiosk.sh("kioskctl screen off")?;
    let dark = machine.wait_for_screen("a dark screen", POWER, |picture| !is_page(picture))?;
    machine.save(&dark, "off")?;
    ensure!(kiosk.sh(active)? == "0", "the screen is dark, but its CRTC is still active");
    kiosk.sh("kioskctl screen on")?;
    machine.wait_for_screen("the page after switching on", POWER, is_page)?;
    ensure!(kiosk.sh(active)? == "1", "the page is back, but no CRTC is active");
    machine.chord(&["o"])?;
    kiosk.wait_for_event(mark, "keydown", REACTION)?;
    let events = kiosk.events(mark)?;
    ensure!(!events.iter().any(|event| event["event"] == "get"), "the page was loaded again: {events:?}");
    ensure!(kiosk.browser()? == browser, "the browser was restarted");
    Ok(())
}

pub fn a_screenshot_is_what_the_screen_shows(kiosk: &Kiosk) -> Result<()> {
    // The text shows the last event, so that both are of the same moment; the pointer is hidden.
    let output = kiosk.machine.agent().run("kioskctl screenshot -")?;
    ensure!(output.code == 0, "kioskctl screenshot: {}", output.stderr);
    let picture = Picture::from_png(&output.stdout)?;
    kiosk.machine.save(&picture, "screenshot")?;
    let same = |screen: &Picture| screen.difference(&picture, 8) < 0.02;
    kiosk.machine.wait_for_screen("what the screenshot has", REACTION, same).map(drop)
}
