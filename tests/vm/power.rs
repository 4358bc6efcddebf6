//! The schedule, with the clock changed while it runs, and the touch that only wakes.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::input::REACTION;
use super::kiosk::Kiosk;
use super::looks::{is_logo, is_page};

/// An edge a few seconds ahead, on a busy host.
const EDGE: Duration = Duration::from_secs(40);
const FILE: &str = "90-schedule";
/// Number of active CRTCs.
const ACTIVE: &str = "grep -c 'active=1' /sys/kernel/debug/dri/0/state || true";

fn goes_dark(kiosk: &Kiosk, what: &str) -> Result<()> {
    kiosk.machine.wait_for_screen(what, EDGE, |picture| !is_page(picture))?;
    ensure!(kiosk.sh(ACTIVE)? == "0", "{what}: the screen is dark, but its CRTC is still active");
    Ok(())
}

fn shows_the_page(kiosk: &Kiosk, what: &str) -> Result<()> {
    kiosk.machine.wait_for_screen(what, EDGE, is_page)?;
    ensure!(kiosk.sh(ACTIVE)? == "1", "{what}: the page is back, but no CRTC is active");
    Ok(())
}

pub fn the_schedule_follows_the_clock_and_the_waking_touch_is_swallowed(kiosk: &Kiosk) -> Result<()> {
    let before = kiosk.sh("echo $(($(date +%s) - $(cut -d. -f1 /proc/uptime)))")?;
    // By day: the kiosk starts switched on.
    kiosk.sh("date -s '2027-06-09 12:00'")?;
    kiosk.configure(FILE, "[power]\nschedule = [{ on = \"07:00\", off = \"22:00\" }]\n")?;
    kiosk.sh("systemctl restart kiosk.service")?;
    let done = followed(kiosk);
    kiosk.deconfigure(FILE)?;
    kiosk.sh(&format!("date -s @$(({before} + $(cut -d. -f1 /proc/uptime)))"))?;
    kiosk.sh("systemctl restart kiosk.service")?;
    kiosk.page()?;
    done
}

fn followed(kiosk: &Kiosk) -> Result<()> {
    kiosk.page()?;
    let (machine, browser, mark) = (&kiosk.machine, kiosk.browser()?, kiosk.mark()?);
    kiosk.sh("date -s '2027-06-09 21:59:57'")?;
    goes_dark(kiosk, "the evening's edge")?;
    kiosk.sh("date -s '2027-06-10 06:59:57'")?;
    shows_the_page(kiosk, "the morning's edge")?;
    kiosk.sh("date -s '2027-06-10 23:30'")?;
    goes_dark(kiosk, "the clock set to the night")?;

    let touches = kiosk.mark()?;
    machine.tap(100.0, 200.0)?;
    shows_the_page(kiosk, "the touch in the night")?;
    let seen = kiosk.events(touches)?;
    machine.tap(100.0, 200.0)?;
    kiosk.wait_for_event(touches, "touchstart", REACTION)?;
    ensure!(!seen.iter().any(|event| event["event"] == "touchstart"), "the waking touch reached the page: {seen:?}");
    let started = kiosk.events(touches)?;
    let count = started.iter().filter(|event| event["event"] == "touchstart").count();
    ensure!(count == 1, "of two touches the page saw {count}: {started:?}");

    let events = kiosk.events(mark)?;
    ensure!(!events.iter().any(|event| event["event"] == "get"), "the page was loaded again: {events:?}");
    ensure!(kiosk.browser()? == browser, "the browser was restarted");

    // Started at night, it does not switch the screen on, and the console is not shown either.
    kiosk.sh("systemctl restart kiosk.service")?;
    ensure!(kiosk.sh(ACTIVE)? == "0", "started at night, and a CRTC is active");
    let dark = machine.screen()?;
    ensure!(!is_page(&dark) && !is_logo(&dark), "started at night, and there is a picture");
    kiosk.sh("date -s '2027-06-11 06:59:57'")?;
    // The browser may still be starting: the splash is accepted as well.
    kiosk.machine.wait_for_screen("the morning after", EDGE, |picture| is_page(picture) || is_logo(picture))?;
    kiosk.page()
}
