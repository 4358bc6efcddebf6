//! Disk images as people flash them: booted by UEFI, seen from outside, nothing of the tests in them.
//!
//! `make test-images` builds the images and runs all parts, each by its name with `PART=`. Pictures are left in
//! `tests/out/image-PART/`, from power-on to page. Emulated, each takes ten minutes and more: none is in the gate.

mod card;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kiosk_tests::vm::{Flashed, FlashedPlan, Picture};
use libtest_mimic::{Arguments, Failed, Trial};

use card::Card;

/// Power-on to the page, emulated on a busy two-core host, a restart by the boot counter included.
const PAGE_TIMEOUT: Duration = Duration::from_secs(1500);
/// The page's being stable, and its name on the ESP.
const BLESSED_TIMEOUT: Duration = Duration::from_secs(600);
/// The demo page's colour, which no other screen of ours has.
const DEMO: [u8; 3] = [0x1c, 0x6e, 0x8c];
/// Of the screens that tell something: nearly white letters.
const LETTERS: [u8; 3] = [255, 255, 255];

fn main() {
    let mut arguments = Arguments::from_args();
    // One emulated machine at a time: each takes all there is.
    arguments.test_threads = Some(1);
    let trials = vec![
        Trial::test("boots_to_the_page_and_is_blessed", || told(boots())),
        Trial::test("a_wrong_kiosk_toml_is_told_and_the_page_comes", || told(wrong_settings())),
        Trial::test("falls_back_from_a_version_without_a_page", || told(falls_back())),
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

fn is_demo(picture: &Picture) -> bool {
    picture.share_of(DEMO, 12) > 0.7
}

/// From power-on to the page; to a name without a counter; off by its button; and up again as the same device.
fn boots() -> Result<()> {
    let card = Card::flash(&images()?.join("kiosk_1.raw"))?;
    ensure!(card.kernels()? == ["kiosk_1+3.efi"], "fresh from the build: {:?}", card.kernels()?);
    card.write("[device]\nname = \"kiosk-hall\"\n", "/kiosk.toml")?;
    let before = card.partition("var")?;

    let disk = card.disk();
    let plan = FlashedPlan { disk: &disk, memory: "4G", credentials: &[], out: &out("boots") };
    let mut machine = Flashed::start(&plan)?;
    let page = machine.wait("page", PAGE_TIMEOUT, |picture| Ok(is_demo(picture)))?;
    let blessed = machine.wait("blessed", BLESSED_TIMEOUT, |_| Ok(card.kernels()? == ["kiosk_1.efi"]))?;
    eprintln!("page after {} s, blessed after {} s", page.as_secs(), blessed.as_secs());
    machine.power_off()?;

    let after = card.partition("var")?;
    ensure!(after.start == before.start && after.size > before.size + (1 << 30), "/var: {before:?} became {after:?}");
    let file_system = card.var_file_system()?;
    ensure!(file_system + (8 << 20) > after.size, "/var's file system has {file_system} of {} bytes", after.size);
    let id = card.in_var("/lib/kiosk-device/machine-id")?;
    ensure!(id.trim().len() == 32 && id.trim().bytes().all(|c| c.is_ascii_hexdigit()), "the machine id is {id:?}");
    ensure!(card.in_var("/lib/kiosk-device/name")? == "kiosk-hall\n", "its name");

    let again = FlashedPlan { out: &out("boots-again"), ..plan };
    let mut machine = Flashed::start(&again)?;
    machine.wait("page", PAGE_TIMEOUT, |picture| Ok(is_demo(picture)))?;
    machine.power_off()?;
    ensure!(card.in_var("/lib/kiosk-device/machine-id")? == id, "the machine id has changed");
    ensure!(card.kernels()? == ["kiosk_1.efi"], "after a second boot: {:?}", card.kernels()?);
    Ok(())
}

/// What is wrong on the card is on the screen, in words, and the page is there behind it.
fn wrong_settings() -> Result<()> {
    let card = Card::flash(&images()?.join("kiosk_1.raw"))?;
    card.write("[output.\"*\"]\nrotation = 45\n", "/kiosk.toml")?;
    let disk = card.disk();
    let plan = FlashedPlan { disk: &disk, memory: "4G", credentials: &[], out: &out("wrong-settings") };
    let mut machine = Flashed::start(&plan)?;
    // Letters on a dark ground: the page and the logo, which is a hundredth of a splash and has white in it, have colours.
    let coloured = |picture: &Picture| picture.share(|[r, g, b]| r.max(g).max(b) - r.min(g).min(b) > 96) > 0.002;
    let told = |picture: &Picture| picture.share_of(LETTERS, 40) > 0.002 && !coloured(picture);
    machine.wait("told", PAGE_TIMEOUT, |picture| Ok(told(picture)))?;
    machine.wait("blessed", BLESSED_TIMEOUT, |_| Ok(card.kernels()? == ["kiosk_1.efi"])).context("behind it")?;
    Ok(())
}

/// A newer version that boots, but never has a page, restarts by itself until its boots are used up, and the one before
/// is back.
fn falls_back() -> Result<()> {
    let card = Card::flash(&images()?.join("kiosk_1.raw"))?;
    card.update(&images()?.join("updates"), "2", "kiosk_2+1.efi")?;
    let disk = card.disk();
    // The page need not be watched for half a minute here.
    let short = "[Service]\nExecStart=\nExecStart=/usr/bin/kioskctl wait page-visible --stable 5s --timeout 5m\n";
    let credentials = [("systemd.unit-dropin.kiosk-health.service", short)];
    let plan = FlashedPlan { disk: &disk, memory: "4G", credentials: &credentials, out: &out("falls-back") };
    let mut machine = Flashed::start(&plan)?;
    let tried = |card: &Card| Ok(card.kernels()?.contains(&"kiosk_2+0-1.efi".to_owned()));
    machine.wait("tried", PAGE_TIMEOUT, |_| tried(&card))?;
    let page = machine.wait("page", PAGE_TIMEOUT, |picture| {
        // Version 2 never has it.
        Ok(is_demo(picture))
    })?;
    eprintln!("the version before has its page back after {} s", page.as_secs());
    machine.wait("blessed", BLESSED_TIMEOUT, |_| Ok(card.kernels()? == ["kiosk_1.efi", "kiosk_2+0-1.efi"]))?;
    machine.power_off()
}
