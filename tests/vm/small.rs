//! A machine with nothing but kioskd: a squashfs with the programs and their libraries, and an init of twenty lines
//! (`tests/vm/small`). No systemd, logind, D-Bus, udev, polkit, passwd or shell; libseat is its own seat.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use kiosk_tests::vm::{Flashed, FlashedPlan, Guest, Kernel, Picture};

/// Set by `make test-machine`: the installed tree.
pub(super) const STAGE: &str = "KIOSKD_STAGE";
/// Without boot messages on the screen.
const ARGUMENTS: &str =
    "root=/dev/vda rootfstype=squashfs ro init=/init console=ttyS0 quiet plymouth.enable=0 vt.global_cursor_default=0";
/// Power-on to the picture, on a busy two-core host.
const PICTURE_TIMEOUT: Duration = Duration::from_secs(240);
/// Input to the client's line about it.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// The client's frame, which nothing of ours has.
const RED: [u8; 3] = [255, 0, 0];

pub fn without_systemd_udev_and_passwd_there_is_a_picture_that_takes_a_key_and_a_click() -> Result<()> {
    let guest = Guest::obtain()?;
    let files = tempfile::tempdir()?;
    let root = files.path().join("root.squashfs");
    let recipe = Path::new(env!("CARGO_MANIFEST_DIR")).join("vm/small/root");
    let stage = std::env::var_os(STAGE).map(PathBuf::from).with_context(|| format!("{STAGE} is not set"))?;
    let made = Command::new(&recipe).arg(stage).arg(&root).status().with_context(|| recipe.display().to_string())?;
    ensure!(made.success(), "{} failed: its own message says why", recipe.display());

    let out = Path::new(env!("CARGO_MANIFEST_DIR")).join("out/small");
    let kernel = Kernel { kernel: &guest.kernel, initrd: &guest.initrd, arguments: ARGUMENTS };
    let plan = FlashedPlan { kernel: Some(kernel), memory: "512M", protected: true, ..FlashedPlan::new(&root, &out) };
    let mut machine = Flashed::start(&plan)?;
    let after = machine.wait("picture", PICTURE_TIMEOUT, |picture| Ok(has_client(picture)));
    let after = after.with_context(|| machine.said().unwrap_or_default())?;
    eprintln!("a picture without systemd after {} s", after.as_secs());

    machine.press("a")?;
    told(&machine, "key key: 30,")?;
    machine.click(640.0, 400.0)?;
    told(&machine, "button time: ")?;
    let said = machine.said()?;
    ensure!(!said.contains("init: kioskd ended"), "kioskd ended: {said}");
    ensure!(!said.contains("systemctl"), "the advice is systemd's, which is not there: {said}");
    Ok(())
}

/// Whether the client is on the screen.
pub(super) fn has_client(picture: &Picture) -> bool {
    picture.share_of(RED, 12) > 0.000_5
}

/// Waits for a line of the client.
pub(super) fn told(machine: &Flashed, line: &str) -> Result<()> {
    let deadline = Instant::now() + ANSWER_TIMEOUT;
    loop {
        let said = machine.said()?;
        if said.contains(line) {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("the client was not told {line:?}: {said}");
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}
