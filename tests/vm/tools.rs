//! Tools for screens, as Debian ships them: wlr-randr, wlopm and kanshi on the admin socket.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kiosk_tests::vm::{Guest, Picture};

use super::kiosk::Kiosk;
use super::looks::is_page;
use super::screens::{RELAYOUT, rotation_of};

const ADMIN: &str = "XDG_RUNTIME_DIR=/run/kiosk WAYLAND_DISPLAY=wayland-admin";
const SHELL: &str = "XDG_RUNTIME_DIR=/run/kiosk WAYLAND_DISPLAY=wayland-0";
const OUTPUT: &str = "Virtual-1";
const POWER: Duration = Duration::from_secs(30);
/// kanshi's profile, for `printf`: `wl_output` counts rotations in the other direction.
const PROFILE: &str = r"profile {\n output Virtual-1 enable mode 1024x768 transform 90\n}\n";

pub fn other_tools_manage_the_screens_and_the_page_stays(kiosk: &Kiosk) -> Result<()> {
    let (browser, mark, saved) = (kiosk.browser()?, kiosk.mark()?, saved(kiosk)?);
    wlr_randr_rotates_the_picture(kiosk).context("wlr-randr")?;
    match Guest::release()? {
        "bookworm" => eprintln!("Debian 12 has no wlopm: it is left out"),
        _ => wlopm_switches_the_screen(kiosk).context("wlopm")?,
    }
    kanshi_applies_its_profile(kiosk).context("kanshi")?;
    ensure!(self::saved(kiosk)? == saved, "what a tool applied was saved");
    ensure!(kiosk.browser()? == browser, "the browser was restarted");
    let events = kiosk.events(mark)?;
    ensure!(!events.iter().any(|event| event["event"] == "get"), "the page was loaded again: {events:?}");
    Ok(())
}

fn wlr_randr_rotates_the_picture(kiosk: &Kiosk) -> Result<()> {
    let told = kiosk.sh(&format!("{ADMIN} wlr-randr"))?;
    for part in [OUTPUT, "Enabled: yes", "1280x800 px", "Position: 0,0", "Transform: normal", "Scale: 1.000000"] {
        ensure!(told.contains(part), "{part} is not in: {told}");
    }
    let refused = kiosk.machine.agent().run(&format!("{SHELL} wlr-randr"))?;
    ensure!(refused.code != 0, "the shell's socket manages screens too: {}", refused.text());
    kiosk.sh(&format!("{ADMIN} wlr-randr --output {OUTPUT} --transform 270"))?;
    page_rotated_by(kiosk, 90)?;
    ensure!(kiosk.sh(&format!("{ADMIN} wlr-randr"))?.contains("Transform: 270"), "it is not told");
    let flipped = kiosk.machine.agent().run(&format!("{ADMIN} wlr-randr --output {OUTPUT} --transform flipped"))?;
    ensure!(flipped.code != 0, "a flipped picture was promised");
    back_to_normal(kiosk)
}

fn wlopm_switches_the_screen(kiosk: &Kiosk) -> Result<()> {
    let active = "grep -c 'active=1' /sys/kernel/debug/dri/0/state || true";
    kiosk.sh(&format!("{ADMIN} wlopm --off {OUTPUT}"))?;
    kiosk.machine.wait_for_screen("a dark screen", POWER, |picture| !is_page(picture))?;
    ensure!(kiosk.sh(active)? == "0", "the screen is dark, but its CRTC is still active");
    let told = kiosk.sh(&format!("{ADMIN} wlopm"))?;
    ensure!(told.contains(&format!("{OUTPUT} off")), "it says: {told}");
    kiosk.sh(&format!("{ADMIN} wlopm --on '*'"))?;
    kiosk.machine.wait_for_screen("the page after switching on", POWER, is_page).map(drop)
}

fn kanshi_applies_its_profile(kiosk: &Kiosk) -> Result<()> {
    kiosk.sh(&format!("printf '{PROFILE}' >/run/kanshi.conf"))?;
    let environment: String = ADMIN.split(' ').map(|variable| format!("--setenv={variable} ")).collect();
    kiosk.sh(&format!("systemd-run --quiet --unit=kanshi {environment} kanshi --config /run/kanshi.conf"))?;
    let applied = page_rotated_by(kiosk, 270);
    let mode = kiosk.status()?["compositor"]["outputs"][0]["mode"].clone();
    kiosk.sh("systemctl stop kanshi")?;
    applied?;
    ensure!((mode["width"] == 1024) && (mode["height"] == 768), "the mode is {mode}");
    back_to_normal(kiosk)
}

fn back_to_normal(kiosk: &Kiosk) -> Result<()> {
    kiosk.sh(&format!("{ADMIN} wlr-randr --output {OUTPUT} --transform normal --mode 1280x800"))?;
    page_rotated_by(kiosk, 0)
}

fn page_rotated_by(kiosk: &Kiosk, degrees: u32) -> Result<()> {
    let rotated = |picture: &Picture| is_page(picture) && rotation_of(picture) == Some(degrees);
    kiosk.machine.wait_for_screen(&format!("the page rotated by {degrees}"), RELAYOUT, rotated).map(drop)
}

/// The saved state's file; empty if nothing was saved yet.
fn saved(kiosk: &Kiosk) -> Result<String> {
    kiosk.sh("cat /var/lib/kiosk/state.toml 2>/dev/null || true")
}
