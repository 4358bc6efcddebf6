//! Direct scanout: a fullscreen client's buffer on the plane, as kioskd and the client report it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kiosk_tests::frames::Frames;
use serde_json::Value;

use super::kiosk::{CLIENT, Kiosk};

const REPORT: &str = "/run/kiosk-web/frames.json";
/// The shell is the measuring client instead of the browser.
const FILE: &str = "60-scanout";
/// Run time of the client: the counters are read within it, also if each command is slow.
const SECONDS: u32 = 20;
/// For the splash to fade, and for a screen to switch on, emulated.
const PATIENCE: Duration = Duration::from_secs(60);
/// Counters of an output.
const COMPOSED: &str = "frames-composed";
const DIRECT: &str = "frames-direct";

pub fn a_fullscreen_buffer_goes_to_the_screen_as_it_is(kiosk: &Kiosk) -> Result<()> {
    with_client(kiosk, &["full", "--memory", "dmabuf", "--seconds", &SECONDS.to_string(), "--report", REPORT], watch)
}

/// The first frame after the screen was off is composited: no driver tests planes for a screen that is off.
pub fn a_still_buffer_is_on_the_screen_as_it_is_again_after_a_dark_time(kiosk: &Kiosk) -> Result<()> {
    with_client(kiosk, &["still", "--memory", "dmabuf"], |kiosk| {
        wait_for_direct(kiosk)?;
        kiosk.sh("kioskctl screen off && sleep 2")?;
        let before = output(kiosk)?;
        kiosk.sh("kioskctl screen on")?;
        wait_for_direct(kiosk)?;
        kiosk.sh("sleep 3")?;
        let after = output(kiosk)?;
        let (composed, direct) = (grown(&before, &after, COMPOSED), grown(&before, &after, DIRECT));
        eprintln!("after a dark time: {composed} frames composed, {direct} direct");
        // One each, and another one for any other reason to redraw.
        let few = (1..=2).contains(&composed) && (1..=2).contains(&direct);
        ensure!(few, "a still picture took {composed} composed and {direct} direct frames");
        Ok(())
    })
}

/// A client whose GPU is late with each frame, and which says so by fences of its own.
pub fn frames_with_explicit_fences_are_shown_when_they_are_drawn(kiosk: &Kiosk) -> Result<()> {
    let seconds = SECONDS.to_string();
    let arguments = ["full", "--memory", "dmabuf", "--explicit", "--seconds", &seconds, "--report", REPORT];
    with_client(kiosk, &arguments, |kiosk| {
        // It ends without a report if a frame is shown too early or a buffer is never given back.
        kiosk.sh(&format!("for try in $(seq 120); do [ -s {REPORT} ] && exit; sleep 0.5; done; exit 1"))?;
        let frames: Frames = serde_json::from_str(&kiosk.sh(&format!("cat {REPORT}"))?).context(REPORT)?;
        eprintln!("{} frames with explicit fences, {} zero-copy", frames.presented.len(), frames.zero_copy());
        ensure!(frames.presented.len() > 10, "only {} frames were shown", frames.presented.len());
        Ok(())
    })
}

fn wait_for_direct(kiosk: &Kiosk) -> Result<()> {
    kiosk.wait_for_status("direct scanout", PATIENCE, |status| {
        let output = &status["compositor"]["outputs"][0];
        output["scanout"].as_str().is_some_and(|scanout| scanout.starts_with("direct"))
    })
}

/// Runs a check with the measuring client as the shell.
fn with_client(kiosk: &Kiosk, arguments: &[&str], check: impl Fn(&Kiosk) -> Result<()>) -> Result<()> {
    let renderer = kiosk.status()?["compositor"]["renderer"].clone();
    ensure!(renderer == "gles", "renderer is {renderer}");
    let command: Vec<String> = std::iter::once(&CLIENT).chain(arguments).map(|word| format!("\"{word}\"")).collect();
    kiosk.configure(FILE, &format!("[shell]\ncommand = [{}]\n", command.join(", ")))?;
    let started = kiosk
        .sh(&format!("rm -f {REPORT} && systemctl restart kiosk-session && kioskctl wait page-visible --timeout 60s"));
    let result = started.and_then(|_| check(kiosk));
    kiosk.deconfigure(FILE)?;
    kiosk.sh("systemctl restart kiosk-session")?;
    kiosk.page()?;
    result
}

fn watch(kiosk: &Kiosk) -> Result<()> {
    let before = output(kiosk)?;
    kiosk.sh("sleep 5")?;
    let after = output(kiosk)?;
    kiosk.sh(&format!("until [ -s {REPORT} ]; do sleep 0.5; done"))?;
    let frames: Frames = serde_json::from_str(&kiosk.sh(&format!("cat {REPORT}"))?).context(REPORT)?;

    let scanout = after["scanout"].as_str().unwrap_or_default();
    ensure!(scanout.starts_with("direct"), "Scanout is `{scanout}`");
    let (composed, direct) = (grown(&before, &after, COMPOSED), grown(&before, &after, DIRECT));
    eprintln!(
        "in 5 s: {direct} frames direct, {composed} composed; {} of {} zero-copy",
        frames.zero_copy(),
        frames.presented.len()
    );
    ensure!(composed == 0, "{composed} frames were composed beside {direct} direct ones");
    ensure!(direct > 10, "only {direct} frames went to the screen directly");
    // The first ones are under the fading splash.
    let second_half = &frames.presented[frames.presented.len() / 2..];
    ensure!(second_half.iter().all(|frame| frame.zero_copy), "some late frames were not zero-copy");
    Ok(())
}

fn grown(before: &Value, after: &Value, name: &str) -> i64 {
    after[name].as_i64().unwrap_or(-1) - before[name].as_i64().unwrap_or(0)
}

fn output(kiosk: &Kiosk) -> Result<Value> {
    let output = kiosk.status()?["compositor"]["outputs"][0].clone();
    ensure!(output.is_object(), "no output");
    Ok(output)
}
