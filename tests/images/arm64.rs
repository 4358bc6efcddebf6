//! The packages for arm64 on a Debian of that architecture: booted with its own kernel, to the page in its own Chromium.
//!
//! `tests/images/arm64` makes the disk. A unit of its own says on the serial line what `kioskctl` says.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kiosk_tests::vm::{Flashed, FlashedPlan, Kernel, Processor, is_demo};

use crate::{images, is_splash, out};

/// Power-on to the page, emulated on a busy two-core host: twice what amd64 takes, whose instructions are the host's.
const PAGE_TIMEOUT: Duration = Duration::from_secs(3600);
/// From the page to the end of what is told about it.
const TOLD_TIMEOUT: Duration = Duration::from_secs(600);
const LOOK_AGAIN: Duration = Duration::from_secs(1);
const ARGUMENTS: &str = "root=/dev/vda rw console=ttyAMA0 quiet vt.global_cursor_default=0";

pub fn boots() -> Result<()> {
    let made = images()?.join("arm64");
    let (disk, kernel, initrd, film) =
        (made.join("root.ext4"), made.join("vmlinuz"), made.join("initrd"), out("arm64"));
    let kernel = Kernel { kernel: &kernel, initrd: &initrd, arguments: ARGUMENTS };
    let plan = FlashedPlan { processor: Processor::Arm64, kernel: Some(kernel), ..FlashedPlan::new(&disk, &film) };
    let mut machine = Flashed::start(&plan)?;
    let splash = machine.wait("splash", PAGE_TIMEOUT, |picture| Ok(is_splash(picture)));
    let splash = splash.with_context(|| machine.said().unwrap_or_default())?;
    eprintln!("splash after {} s", splash.as_secs());
    let page = machine.wait("page", PAGE_TIMEOUT, |picture| Ok(is_demo(picture)));
    let page = page.with_context(|| machine.said().unwrap_or_default())?;
    eprintln!("page after {} s", page.as_secs());

    let deadline = Instant::now() + TOLD_TIMEOUT;
    while !machine.said()?.contains("told: end") {
        ensure!(Instant::now() < deadline, "it is not told: {}", machine.said()?);
        // A file has no event.
        std::thread::sleep(LOOK_AGAIN);
    }
    let said = machine.said()?;
    eprintln!("{}", said.trim());
    for wanted in ["told: waited, 0", "aarch64", "ready"] {
        ensure!(said.contains(wanted), "{wanted:?} is not told: {said}");
    }
    Ok(())
}
