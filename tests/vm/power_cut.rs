//! Power cuts while changes are saved: the disk has one of the written states, and no acknowledged one is lost. And
//! damaged files that no power cut leaves are reported, and the picture is shown all the same.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use kiosk_core::config::{SavedState, Scale};
use kiosk_tests::vm::{Disk, Display, Machine, Plan, Stage};
use serde_json::Value;

use super::kiosk::BOOT;
use super::looks::is_logo;

/// Number of saved changes, and of power cuts meanwhile.
const CHANGES: u32 = 100;
const CUTS: u32 = 49;
/// Time limit to save a change, on a busy host.
const CHANGE: Duration = Duration::from_secs(30);
/// About the time of a change in an emulated guest: a cut is at a random moment of it.
const ONE_CHANGE: Duration = Duration::from_millis(200);

/// The scale of each change identifies it: from 1.01 on.
const KEEP: &str = "i=0; while [ $i -lt 100 ]; do i=$((i+1)); \
    kioskctl scale \"$(printf '%d.%02d' $((1 + i / 100)) $((i % 100)))\" >/dev/null && echo $i; done";

pub fn a_power_cut_leaves_one_of_the_states_that_were_kept() -> Result<()> {
    let disk = Disk::fresh()?;
    let machine = boot(&disk)?;
    ensure!(kept(&machine)? == 0, "the disk is not fresh");
    let seed = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    let mut random = Random(seed as u64 | 1);
    let job = machine.agent().stream(KEEP)?;
    let (mut acknowledged, mut unfinished) = (0, 0);
    for cut in 1..=CUTS {
        let next = cut * CHANGES / (CUTS + 1);
        acknowledged =
            job.line(CHANGE * CHANGES, |line| line.trim().parse().ok().filter(|number: &u32| *number >= next))?;
        // The random moment is intended: nothing is waited for.
        std::thread::sleep(ONE_CHANGE.mul_f64(random.share()));
        let left = machine.stopped(|| disk.after_a_cut(&["state.toml", "state.toml.new"]))??;
        unfinished += u32::from(left.path().join("state.toml.new").exists());
        let found = number(left.path()).with_context(|| format!("cut {cut}, random seed {seed}"))?;
        ensure!(
            (acknowledged..=CHANGES).contains(&found),
            "cut {cut}: change {acknowledged} was acknowledged, and {found} was found (random seed {seed})"
        );
    }
    eprintln!("{CUTS} cuts, {unfinished} of them while a new file was written");
    // Dropping the machine cuts its power.
    drop(job);
    drop(machine);
    let machine = boot(&disk)?;
    let found = kept(&machine)?;
    ensure!((acknowledged..=CHANGES).contains(&found), "{acknowledged} was acknowledged; after a boot it is {found}");
    damaged_files_are_told(&machine)
}

/// Marsaglia's generator (xorshift): the quality of its numbers does not matter.
struct Random(u64);

impl Random {
    /// From 0 to 1.
    fn share(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f64 / (1u64 << 24) as f64
    }
}

/// The number of the change that this directory's saved state is from.
fn number(directory: &Path) -> Result<u32> {
    let (state, warning) = SavedState::load(directory);
    ensure!(warning.is_none(), "the saved state was not good: {warning:?}");
    match state.output("", "Virtual-1").map(|settings| settings.scale) {
        None => Ok(0),
        Some(Some(Scale::Fixed(scale))) => Ok(of_scale(scale.get())),
        Some(other) => bail!("the saved state has the scale {other:?}, which was never written"),
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 1 and 2
fn of_scale(scale: f64) -> u32 {
    ((scale - 1.0) * 100.0).round() as u32
}

fn boot(disk: &Disk) -> Result<Machine> {
    let mut stage = Stage::new(Path::new(env!("CARGO_BIN_EXE_kiosk-guest-agent")))?;
    stage.install_kiosk()?;
    stage.at_setup(&Disk::setup());
    stage.at_setup("systemctl enable kiosk.service; systemctl mask kiosk-session.service");
    let plan = Plan { name: "power-cut", display: Display::Virtio, stage: &stage, arguments: "" };
    let machine = Machine::start_on(&plan, disk)?;
    machine.agent().wait(BOOT)?;
    machine.agent().sh("systemctl start kiosk.service")?;
    Ok(machine)
}

fn status(machine: &Machine) -> Result<Value> {
    let status: Value = serde_json::from_str(&machine.agent().sh("kioskctl status --json")?)?;
    Ok(status["compositor"].clone())
}

/// The number of the change in force.
fn kept(machine: &Machine) -> Result<u32> {
    let compositor = status(machine)?;
    let problems = compositor["problems"].as_array().map_or(0, Vec::len);
    ensure!(problems == 0, "the saved state was not good: {}", compositor["problems"]);
    let output = &compositor["outputs"][0];
    Ok(of_scale(output["scale"].as_f64().context("no scale")?))
}

/// Each is set aside with a message, and later changes are saved.
fn damaged_files_are_told(machine: &Machine) -> Result<()> {
    let files = [
        ("cut short", "version = 1\\n[output.\"Virtual", "not TOML"),
        ("garbage", "\\377\\376\\000\\001", "UTF-8"),
        ("empty", "", "no version"),
        ("from the future", "version = 7\\nshape = \"round\"\\n", "newer version 7"),
    ];
    for (what, content, why) in files {
        let sh = |script: &str| machine.agent().sh(script).with_context(|| what.to_owned());
        sh(&format!("systemctl stop kiosk && printf '{content}' >/var/lib/kiosk/state.toml && systemctl start kiosk"))?;
        machine.wait_for_screen(&format!("the logo with a state file that is {what}"), BOOT, is_logo)?;
        let problems = status(machine)?["problems"].clone();
        let told = problems.as_array().into_iter().flatten().filter_map(Value::as_str);
        let told: Vec<&str> = told.filter(|text| text.contains("state.toml") && text.contains(why)).collect();
        ensure!(told.len() == 1, "{what}: told is {problems}");
        sh("test -e /var/lib/kiosk/state.toml.bad && kioskctl scale 1.5 && systemctl restart kiosk")?;
        ensure!(kept(machine)? == 50, "{what}: what was kept after it is not in force");
    }
    Ok(())
}
