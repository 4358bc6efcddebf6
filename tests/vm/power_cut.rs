//! The mains fail while changes are being kept: the next start finds one of the states that were written, and none
//! that was acknowledged is lost.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use kiosk_tests::vm::{Disk, Display, Machine, Plan, Stage};
use serde_json::Value;

use super::kiosk::BOOT;

/// How many changes are kept, and after how many of them the mains fail.
const CHANGES: u32 = 100;
const CUT_AFTER: [u32; 2] = [7, 31];
/// A change is kept within this, on a busy host.
const CHANGE: Duration = Duration::from_secs(30);

/// The scale of each change tells which it was: 1.01 and on.
const KEEP: &str = "i=0; while [ $i -lt 100 ]; do i=$((i+1)); \
    kioskctl scale \"$(printf '%d.%02d' $((1 + i / 100)) $((i % 100)))\" >/dev/null && echo $i; done";

pub fn a_power_cut_leaves_one_of_the_states_that_were_kept() -> Result<()> {
    let disk = Disk::fresh()?;
    let mut before = 0;
    for cut_after in CUT_AFTER {
        let machine = boot(&disk)?;
        let found = kept(&machine)?;
        if found < before {
            bail!("change {before} was acknowledged, and {found} was found: {}", left(&machine)?);
        }
        let job = machine.agent().stream(KEEP)?;
        before = job.line(CHANGE * cut_after, |line| line.trim().parse().ok().filter(|number| *number >= cut_after))?;
        // Dropped, the machine has no power any more.
        drop(machine);
    }
    let machine = boot(&disk)?;
    let found = kept(&machine)?;
    eprintln!("cut after change {before}; found change {found}");
    if !(before..=CHANGES).contains(&found) {
        bail!("change {before} was acknowledged, and {found} was found: {}", left(&machine)?);
    }
    Ok(())
}

/// What is on the disk, for people.
fn left(machine: &Machine) -> Result<String> {
    machine
        .agent()
        .sh("ls -la /var/lib/kiosk; cat /var/lib/kiosk/state.toml*; journalctl -b -u kiosk --no-pager | tail -n 30")
}

fn boot(disk: &Disk) -> Result<Machine> {
    let mut stage = Stage::new(Path::new(env!("CARGO_BIN_EXE_kiosk-guest-agent")))?;
    stage.install_kiosk()?;
    stage.at_setup("systemctl enable kiosk.service; systemctl mask kiosk-session.service");
    let plan = Plan { name: "power-cut", display: Display::Virtio, stage: &stage, arguments: "" };
    let machine = Machine::start_on(&plan, disk)?;
    machine.agent().wait(BOOT)?;
    machine.agent().sh("systemctl start kiosk.service")?;
    Ok(machine)
}

/// The number of the change that is in force.
fn kept(machine: &Machine) -> Result<u32> {
    let status: Value = serde_json::from_str(&machine.agent().sh("kioskctl status --json")?)?;
    let compositor = &status["compositor"];
    let problems = compositor["problems"].as_array().map_or(0, Vec::len);
    ensure!(problems == 0, "the saved state was not good: {}", compositor["problems"]);
    let scale = compositor["outputs"][0]["scale"].as_f64().context("no scale")?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 1 and 2
    Ok(((scale - 1.0) * 100.0).round() as u32)
}
