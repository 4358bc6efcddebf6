//! The kiosk under other inits than systemd: the scripts of `assets/init` for OpenRC, runit and s6, each in a machine of its
//! own, from one root (`tests/vm/inits`). No logind, D-Bus or udev; seatd has the devices, and each daemon its own user.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kiosk_tests::vm::{Flashed, FlashedPlan, Guest, Kernel, Picture};

use super::small::{STAGE, has_client, told};

/// Power-on to the picture, on a busy two-core host.
const PICTURE_TIMEOUT: Duration = Duration::from_secs(400);

pub fn openrc_starts_a_kiosk_that_takes_a_key_and_a_click() -> Result<()> {
    starts("openrc")
}

pub fn runit_starts_a_kiosk_that_takes_a_key_and_a_click() -> Result<()> {
    starts("runit")
}

pub fn s6_starts_a_kiosk_that_takes_a_key_and_a_click() -> Result<()> {
    starts("s6")
}

fn starts(init: &str) -> Result<()> {
    let guest = Guest::obtain()?;
    let disk = root()?;
    let out = Path::new(env!("CARGO_MANIFEST_DIR")).join("out").join(format!("init-{init}"));
    let arguments = format!(
        "root=/dev/vda rootfstype=ext4 ro init=/init-{init} console=ttyS0 quiet plymouth.enable=0 vt.global_cursor_default=0"
    );
    let kernel = Kernel { kernel: &guest.kernel, initrd: &guest.initrd, arguments: &arguments };
    let plan = FlashedPlan { kernel: Some(kernel), memory: "1G", protected: true, ..FlashedPlan::new(&disk, &out) };
    let mut machine = Flashed::start(&plan)?;
    let after = machine.wait("picture", PICTURE_TIMEOUT, |picture: &Picture| Ok(has_client(picture)));
    let after = after.with_context(|| machine.said().unwrap_or_default())?;
    eprintln!("a picture under {init} after {} s", after.as_secs());

    machine.press("a")?;
    told(&machine, "key key: 30,")?;
    machine.click(640.0, 400.0)?;
    told(&machine, "button time: ")?;
    let said = machine.said()?;
    ensure!(!said.contains("systemctl"), "the advice is systemd's, which is not there: {said}");
    Ok(())
}

/// The disk, made by the first who asks in each run.
fn root() -> Result<PathBuf> {
    static MADE: Mutex<bool> = Mutex::new(false);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("out/inits");
    let root = files.join("root.ext4");
    if !*made {
        std::fs::create_dir_all(&files)?;
        let recipe = Path::new(env!("CARGO_MANIFEST_DIR")).join("vm/inits/root");
        let stage = std::env::var_os(STAGE).map(PathBuf::from).with_context(|| format!("{STAGE} is not set"))?;
        let done =
            Command::new(&recipe).arg(stage).arg(&root).status().with_context(|| recipe.display().to_string())?;
        ensure!(done.success(), "{} failed: its own message says why", recipe.display());
        *made = true;
    }
    Ok(root)
}
