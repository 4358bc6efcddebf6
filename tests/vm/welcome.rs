//! A device without a page: from its first boot, by the welcome screen and pairing, to the page.

use anyhow::{Context, Result, bail, ensure};
use kiosk_tests::vm::{Picture, Stage};

use super::input::REACTION;
use super::kiosk::{BOOT, Kiosk};
use super::looks::{is_logo, is_page};

/// From the network for documentation (RFC 5737).
const ADDRESS: &str = "192.0.2.7";
/// The maker's configuration.
const NO_PAGE: &str = "[shell]\nurl = \"\"\nsetup-url = \"http://{address}/set-up\"\n";

/// Makes it a device without a page.
pub fn stage(stage: &Stage) -> Result<()> {
    stage.file("/etc/kiosk/config.d/10-first.toml", NO_PAGE)
}

/// The contents of a picture's QR codes, from left to right.
pub fn codes(picture: &Picture) -> Vec<String> {
    let luma = |x: usize, y: usize| picture.pixel(x, y)[0];
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(picture.width, picture.height, luma);
    prepared.detect_grids().iter().filter_map(|grid| grid.decode().ok()).map(|(_, text)| text).collect()
}

/// Bright text on black, without a code and without the logo.
fn is_text(picture: &Picture) -> bool {
    let bright = picture.share(|pixel| pixel.iter().all(|channel| *channel > 200));
    (0.000_5..0.05).contains(&bright) && !is_logo(picture) && codes(picture).is_empty()
}

/// From the welcome screen to the page, by the steps of a person who sets the device up; in place of a boot with a
/// page.
pub fn bring_up(kiosk: &Kiosk) -> Result<()> {
    let machine = &kiosk.machine;
    kiosk.wait_for_status("the welcome", BOOT, |status| status["compositor"]["stage"] == "system-screen")?;
    let offline = machine.wait_for_screen("the welcome without a network", REACTION, is_text)?;
    machine.save(&offline, "welcome-offline")?;

    kiosk.sh(&format!(
        "ip link add cable0 type dummy && ip address add {ADDRESS}/24 dev cable0 && ip link set cable0 up"
    ))?;
    let own = format!("http://{ADDRESS}/set-up");
    let welcome = machine.wait_for_screen("the device's own address", REACTION, |picture| codes(picture) == [&*own])?;
    machine.save(&welcome, "welcome")?;

    let url = "https://fleet.example/join?device=4711";
    kiosk.sh(&format!("kioskctl pairing --url '{url}' --code ABC-123 --expires 10m"))?;
    let pairing = machine.wait_for_screen("the pairing", REACTION, |picture| codes(picture) == [url])?;
    machine.save(&pairing, "pairing")?;
    kiosk.sh("kioskctl dismiss")?;
    machine.wait_for_screen("the welcome again", REACTION, |picture| codes(picture) == [&*own])?;

    kiosk.serve_page()?;
    // Each message names the next step, which is done next.
    let told = kiosk.sh("kioskctl config set shell.url http://localhost:3000")?;
    ensure!(told.contains("`kioskctl config reload`"), "config set says: {told}");
    let told = kiosk.sh("kioskctl config reload")?;
    ensure!(told.contains("kiosk-session"), "config reload says: {told}");
    machine.wait_for_screen("the logo in place of the welcome", REACTION, is_logo)?;
    kiosk.sh("systemctl restart kiosk-session")?;
    kiosk.page()
}

/// Checks the result of [`bring_up`]: no input and no reboot was needed.
pub fn a_device_without_a_page_welcomes_and_has_one_when_it_is_told(kiosk: &Kiosk) -> Result<()> {
    kiosk.print_film(&kiosk.film);
    let Some(first) = kiosk.film.iter().position(|sample| is_page(&sample.picture)) else {
        bail!("no page in the film")
    };
    ensure!(kiosk.film[first..].iter().all(|sample| is_page(&sample.picture)), "the page went again");
    let events = kiosk.events(0)?;
    let first = events.iter().find(|event| event["event"] == "get").context("the page was not requested")?;
    ensure!(first["path"] == "/", "another page was asked for: {first}");
    ensure!(kiosk.status()?["session"]["url"] == "http://localhost:3000/", "{}", kiosk.status()?["session"]);
    ensure!(kiosk.sh("systemctl show -P NRestarts kiosk")? == "0", "kioskd was restarted");
    let unit = "systemctl list-units --failed --plain --no-legend";
    ensure!(kiosk.sh(unit)?.is_empty(), "units have failed: {}", kiosk.sh(unit)?);
    Ok(())
}
