//! A connector that is lent to a client, by the kernel's own leases: the client sets a mode on it by itself.

use std::time::Duration;

use anyhow::{Result, ensure};
use kiosk_tests::vm::{Picture, Rgb};

use super::heads::{APPEARS, SECOND};
use super::input::REACTION;
use super::kiosk::{Kiosk, SCREEN_CLIENT};
use super::looks::{is_console, is_page};
use super::terminals::SWITCH;

const FILE: &str = "70-lease";
/// The connector of the second head.
const CONNECTOR: &str = "Virtual-2";
const COLOUR: Rgb = [0xc0, 0x20, 0x80];
const UNIT: &str = "lessee";
/// What the client has printed.
const SAID: &str = "/run/lessee";
/// From the end of a lease to the client's end.
const ENDS: Duration = Duration::from_secs(20);

fn is_lit(picture: &Picture) -> bool {
    (picture.width, picture.height) == (SECOND.0.into(), SECOND.1.into()) && picture.share_of(COLOUR, 4) > 0.99
}

pub fn a_leased_connector_is_driven_by_its_client_and_comes_back(kiosk: &Kiosk) -> Result<()> {
    kiosk.plug_both()?;
    kiosk.configure(FILE, &format!("[lease]\nconnectors = [\"{CONNECTOR}\"]\n"))?;
    kiosk.sh("systemctl restart kiosk")?;
    let result = kiosk.page().and_then(|()| leased(kiosk));
    let log = kiosk.sh(&format!(
        "systemctl stop {UNIT} 2>/dev/null; cat {SAID}; journalctl -u kiosk -u {UNIT} --no-pager | tail -n 40"
    ))?;
    if result.is_err() {
        eprintln!("{log}");
    }
    kiosk.deconfigure(FILE)?;
    kiosk.plug_both()?;
    kiosk.sh("systemctl restart kiosk")?;
    kiosk.page()?;
    result?;
    // The screen is kioskd's own again.
    kiosk.machine.wait_for_screen_at(1, "a picture of kioskd's", APPEARS, |picture| !is_lit(picture)).map(drop)
}

fn leased(kiosk: &Kiosk) -> Result<()> {
    let machine = &kiosk.machine;
    let outputs = kiosk.status()?["compositor"]["outputs"].clone();
    ensure!(!outputs.to_string().contains(CONNECTOR), "the connector is a screen of ours: {outputs}");

    let told = kiosk.sh(&format!(
        "export WAYLAND_DISPLAY=/run/kiosk/wayland-admin XDG_RUNTIME_DIR=/run; timeout 60 {SCREEN_CLIENT} lease {CONNECTOR} --once"
    ))?;
    eprintln!("{told}");
    ensure!(told.ends_with("offered again"), "given back: {told}");

    // The client goes without a word.
    let compositor = kiosk.main_pid("kiosk")?;
    start(kiosk)?;
    machine.save(&machine.wait_for_screen_at(1, "the client's colour", APPEARS, is_lit)?, "leased")?;
    ensure!(is_page(&machine.screen()?), "the first display lost its page");
    kiosk.sh(&format!("systemctl kill -s KILL {UNIT}"))?;

    // The console takes the display, so the lease ends and the client is told. Afterwards there is another to be had.
    start(kiosk)?;
    machine.wait_for_screen_at(1, "the client's colour", APPEARS, is_lit)?;
    kiosk.sh("kioskctl vt 3")?;
    machine.wait_for_screen("the console", SWITCH, is_console)?;
    finished(kiosk)?;
    kiosk.sh("kioskctl vt 1")?;
    machine.wait_for_screen("the page", SWITCH, is_page)?;
    start(kiosk)?;
    machine.wait_for_screen_at(1, "the client's colour after another terminal", APPEARS, is_lit)?;

    // The cable is pulled: the lease ends, and the client is told.
    machine.cables[1].pull()?;
    finished(kiosk)?;
    ensure!(is_page(&machine.screen()?), "the first display lost its page");
    machine.cables[1].plug(SECOND.0, SECOND.1)?;
    start(kiosk)?;
    machine.wait_for_screen_at(1, "the client's colour after a replug", APPEARS, is_lit)?;
    ensure!(kiosk.main_pid("kiosk")? == compositor, "the compositor was restarted");
    let mark = kiosk.mark()?;
    machine.chord(&["l"])?;
    kiosk.wait_for_event(mark, "keydown", REACTION).map(drop)
}

/// Waits until the client is told that its lease has ended.
fn finished(kiosk: &Kiosk) -> Result<()> {
    let tries = ENDS.as_secs() * 10;
    let told = kiosk.sh(&format!(
        "for try in $(seq {tries}); do grep -q '^left' {SAID} && break; sleep 0.1; done; cat {SAID}; grep -q '^finished' {SAID}"
    ))?;
    eprintln!("{told}");
    Ok(())
}

/// Starts the client, until its picture is on the screen. The connector may be offered a moment later.
fn start(kiosk: &Kiosk) -> Result<()> {
    kiosk.sh(&format!(
        "rm -f {SAID}; for try in $(seq 50); do \
         systemd-run --quiet --collect --unit={UNIT} -p StandardOutput=file:{SAID} \
         --setenv=WAYLAND_DISPLAY=/run/kiosk/wayland-admin --setenv=XDG_RUNTIME_DIR=/run -- \
         {SCREEN_CLIENT} lease {CONNECTOR} 2>/dev/null; \
         for look in $(seq 50); do grep -q '^lit' {SAID} && exit; systemctl is-active --quiet {UNIT} || break; sleep 0.1; done; \
         sleep 0.2; done; exit 1"
    ))
    .map(drop)
}
