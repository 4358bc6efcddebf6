//! Disk images as people flash them: booted by UEFI and seen from outside.
//!
//! `make test-images` builds the images and runs all parts, each by its name with `PART=`. Pictures are left in
//! `tests/out/image-PART/`, from power-on to page. Emulated, each takes ten minutes and more: none is in the gate.

mod arm64;
mod cuts;
mod logo;
mod secure;
mod settings;
mod updates;
mod var;
mod versions;
mod wrong;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kiosk_tests::vm::{Card, Flashed, Login, Picture, is_demo, is_splash};
use libtest_mimic::{Arguments, Failed, Trial};

/// Power-on to the page, emulated on a busy two-core host, a restart by the boot counter included.
const PAGE_TIMEOUT: Duration = Duration::from_secs(1500);
/// The page's being stable, and its name on the ESP.
const BLESSED_TIMEOUT: Duration = Duration::from_secs(600);
/// Of the screens that tell something: white letters in the title, light grey ones below.
const LETTERS: [u8; 3] = [255, 255, 255];

fn main() {
    let mut arguments = Arguments::from_args();
    // One emulated machine at a time: each takes all there is.
    arguments.test_threads = Some(1);
    let trials = vec![
        Trial::test("boots_to_the_page_and_is_blessed_and_told_what_is_wrong", || told(settings::boots())),
        Trial::test("logo_stays_from_before_the_kernel_to_the_page_and_consoles_are_behind_it", || told(logo::stays())),
        Trial::test("updates_by_a_stick_and_falls_back_from_a_version_without_a_page", || told(updates::updates())),
        Trial::test("secure_boot_takes_its_keys_and_then_starts_what_is_signed", || told(secure::boots())),
        Trial::test("var_is_full_and_the_screen_says_so", || told(var::full())),
        Trial::test("var_is_write_protected_and_the_screen_says_so", || told(var::protected())),
        Trial::test("no_browser_and_the_screen_says_so_and_the_boot_is_not_good", || told(wrong::no_browser())),
        Trial::test("no_picture_as_the_logo_and_the_screen_says_so_and_what_was_kept_stays", || {
            told(wrong::no_picture())
        }),
        Trial::test("machine_id_that_is_none_becomes_one_that_stays", || told(wrong::machine_id())),
        Trial::test("versions_newer_and_older_wrote_what_is_in_var_and_nothing_is_lost", || told(versions::states())),
        Trial::test("cuts_of_the_power_while_it_boots_and_is_updated_lose_nothing", || told(cuts::cuts())),
        Trial::test("arm64_debian_with_the_packages_boots_to_the_page", || told(arm64::boots())),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}

fn told(result: Result<()>) -> Result<(), Failed> {
    result.map_err(|error| format!("{error:#}").into())
}

fn images() -> Result<PathBuf> {
    std::env::var_os("KIOSKD_IMAGES").map(PathBuf::from).context("KIOSKD_IMAGES is not set: make test-images does")
}

fn out(part: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("out").join(format!("image-{part}"))
}

/// The page and the logo, which is a hundredth of a splash and has white in it, have colours.
fn is_coloured(picture: &Picture) -> bool {
    picture.share(|[r, g, b]| r.max(g).max(b) - r.min(g).min(b) > 96) > 0.002
}

/// Waits for our logo.
fn splash(machine: &mut Flashed) -> Result<()> {
    let after = machine.wait("splash", PAGE_TIMEOUT, |picture| Ok(is_splash(picture)))?;
    eprintln!("splash after {} s", after.as_secs());
    Ok(())
}

/// Waits for letters on a dark ground, when the splash is over: the firmware writes such, too, before.
fn told_on_screen(machine: &mut Flashed) -> Result<()> {
    splash(machine)?;
    let is_text = |picture: &Picture| picture.share_of(LETTERS, 64) > 0.002 && !is_coloured(picture);
    let after = machine.wait("told", PAGE_TIMEOUT, |picture| {
        ensure!(!is_demo(picture), "the page is there, and nothing was told before");
        Ok(is_text(picture))
    })?;
    eprintln!("told after {} s", after.as_secs());
    Ok(())
}

/// Waits for the page, and says when it was there.
fn page(machine: &mut Flashed, what: &str) -> Result<()> {
    let after = machine.wait(what, PAGE_TIMEOUT, |picture| Ok(is_demo(picture)))?;
    eprintln!("{what} after {} s", after.as_secs());
    Ok(())
}

/// Waits until these are the kernels on the ESP.
fn kernels(machine: &mut Flashed, card: &Card, wanted: &[&str]) -> Result<()> {
    let what = wanted.join(" and ");
    let after = machine.wait("kernels", BLESSED_TIMEOUT, |_| Ok(card.kernels()? == wanted));
    let after = after.with_context(|| format!("the kernels are {:?}, not {what}", card.kernels()))?;
    eprintln!("{what} after {} s", after.as_secs());
    Ok(())
}

/// Runs a command in the machine and prints what it said.
fn run(machine: &Flashed, login: &Login, command: &str) -> Result<String> {
    let said = machine.run(login, command)?;
    eprintln!("# {command}\n{}", said.trim_end());
    Ok(said)
}
