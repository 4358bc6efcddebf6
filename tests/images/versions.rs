//! What an older and a newer version of the system left in `/var`: it boots to the page all the same, says what it can't use,
//! and takes nothing of it away. A newer one's is what a device has that went back to the version before.

use anyhow::{Result, ensure};
use kiosk_tests::vm::{Card, Flashed, FlashedPlan, Login, Picture, is_demo};

use crate::{PAGE_TIMEOUT, images, kernels, out, page, run};

/// Where they are in /var.
const STATE: &str = "/lib/kiosk/state.toml";
const SET_ASIDE: &str = "/lib/kiosk/state.toml.bad";
const REBOOTS: &str = "/lib/kiosk/reboots.json";
const MEASURES: &str = "/lib/kiosk-web/measures.json";
const CONFIG: &str = "/lib/kiosk-device/etc/config.d/90-newer.toml";
const PROFILE: &str = "/lib/kiosk-web/profile";

/// As the first version of the format was: nothing but screens, by their connector.
const OLDER: &str = "version = 1\n\n[output.Virtual-1]\nrotation = 180\n";
/// Of a format that is still to come, with what none of today's has.
const NEWER: &str =
    "version = 2\n\n[output.Virtual-1]\nrotation = 270\nwarmth = \"cosy\"\n\n[holograms]\nshown = true\n";
const NEWER_CONFIG: &str = "[hologram]\ndepth = 3\n";
const NEWER_MOMENTS: &str = "{\"at\":100,\"moments\":{\"reboot\":[50]},\"weights\":{\"reboot\":2}}";
/// Of a browser that is still to come: `meta` is Chromium's own table in each of its databases, and it refuses one whose
/// last compatible version is above its own.
const NEWER_DATABASE: &str =
    "update meta set value = '9999' where key in ('version', 'last_compatible_version'); select changes()";
/// Such files of the profile. The first stays as it is; the second, of what was typed into forms, Chromium makes anew.
const DATABASES: [&str; 2] = ["Default/History", "Default/Web Data"];
const NEWER_BROWSER: &str = "999.0.0.0";

/// An older state is in force and stays what it is; a newer one is set aside whole, and told, and so is a newer
/// configuration; a profile of a newer browser has its page, too, and stays, as far as Chromium leaves it.
pub fn states() -> Result<()> {
    let card = Card::flash(&images()?.join("kiosk_1.raw"))?;
    let key = card.take_key()?;
    let key = Login::Key(&key);
    let disk = card.disk();

    let first = out("versions-first");
    let mut machine = Flashed::start(&FlashedPlan::new(&disk, &first))?;
    page(&mut machine, "page")?;
    let upright = machine.screen()?;
    kernels(&mut machine, &card, &["kiosk_1.efi"])?;
    machine.power_off()?;
    let is_rotated =
        |picture: &Picture| picture.rotated(180).difference(&upright, 48) < picture.difference(&upright, 48) / 2.0;

    card.write_to_var(OLDER, STATE)?;
    let older = out("versions-older");
    let mut machine = Flashed::start(&FlashedPlan::new(&disk, &older))?;
    machine.wait("page-rotated", PAGE_TIMEOUT, |picture| Ok(is_demo(picture) && is_rotated(picture)))?;
    machine.log_in(&key)?;
    let problems = run(&machine, &key, "kioskctl status | grep -i state || true")?;
    ensure!(problems.is_empty(), "an older state is a problem: {problems}");
    machine.power_off()?;
    ensure!(card.in_var(STATE)? == OLDER, "the older state is not as it was");

    for (text, path) in [(NEWER, STATE), (NEWER_MOMENTS, REBOOTS), (NEWER_MOMENTS, MEASURES), (NEWER_CONFIG, CONFIG)] {
        card.write_to_var(text, path)?;
    }
    card.change_in_var(&format!("{PROFILE}/Last Version"), |file| Ok(std::fs::write(file, NEWER_BROWSER)?))?;
    for database in DATABASES {
        card.change_in_var(&format!("{PROFILE}/{database}"), |file| {
            let changed = card.query(file, NEWER_DATABASE)?;
            ensure!(changed == "2\n", "{database} has no versions to change: {changed}");
            Ok(())
        })?;
    }
    let newer = out("versions-newer");
    let mut machine = Flashed::start(&FlashedPlan::new(&disk, &newer))?;
    page(&mut machine, "page")?;
    ensure!(!is_rotated(&machine.screen()?), "a newer state is in force");
    machine.log_in(&key)?;
    let status = run(&machine, &key, "kioskctl status")?;
    for told in ["it is of the newer version 2", "90-newer.toml", "hologram"] {
        ensure!(status.contains(told), "{told:?} is not told: {status}");
    }
    // A database that is refused, or a question about it, would have cost the page or lie over it.
    run(&machine, &key, "kioskctl wait page-visible --stable 10s --timeout 2m")?;
    ensure!(is_demo(&machine.screen()?), "the page has gone");
    let profiles = run(&machine, &key, "ls -d /var/lib/kiosk-web/profile*")?;
    ensure!(profiles == "/var/lib/kiosk-web/profile\n", "the profile was taken away: {profiles}");
    // What is kept from now on is in the format of this version.
    run(&machine, &key, "kioskctl rotate 180 && grep -qx 'version = 1' /var/lib/kiosk/state.toml")?;
    machine.power_off()?;
    for (text, path) in [(NEWER, SET_ASIDE), (NEWER_MOMENTS, REBOOTS), (NEWER_CONFIG, CONFIG)] {
        ensure!(card.in_var(path)? == text, "/var{path} is not as the newer version left it");
    }
    let [kept, _] = DATABASES;
    card.change_in_var(&format!("{PROFILE}/{kept}"), |file| {
        let version = card.query(file, "select value from meta where key = 'version'")?;
        ensure!(version == "9999\n", "{kept} was made anew: it has the version {version}");
        Ok(())
    })?;
    card.check_var()
}
