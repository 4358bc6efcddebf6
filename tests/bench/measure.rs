//! All figures of one compositor.

use anyhow::{Context, Result};
use kiosk_tests::frames::{Frames, median};
use kiosk_tests::sample::{Sample, Start};
use kiosk_tests::vm::Machine;
use serde::Serialize;

use super::peers::Peer;

pub const CLIENT: &str = "/usr/lib/kiosk-tests/bench-client";
pub const PROBE: &str = "/usr/lib/kiosk-tests/bench-probe";
/// Where the measured programs have their sockets and logs.
const PLACE: &str = "/run/bench";
/// Starts that count, after one that only warms the caches.
const STARTS: usize = 5;
/// Wake-ups are counted this long with nothing changing.
const IDLE_SECONDS: f64 = 30.0;
/// An animated client is watched this long.
const ANIMATED_SECONDS: f64 = 10.0;
/// After its client's first frame, a compositor may finish what it has begun.
const SETTLE_SECONDS: f64 = 3.0;

/// What one compositor reached.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    pub name: String,
    pub version: String,
    /// Median, milliseconds.
    pub first_frame_ms: f64,
    pub first_frames_ms: Vec<f64>,
    /// With an idle fullscreen client.
    pub pss_mib: f64,
    pub rss_mib: f64,
    pub wakeups_per_second: f64,
    pub small: Animated,
    pub full: Animated,
}

/// With a client that changes each frame.
#[derive(Debug, Clone, Serialize)]
pub struct Animated {
    pub processor_ms_per_frame: f64,
    pub commit_to_presented_ms: f64,
    pub period_ms: f64,
    pub frames: usize,
}

/// Waits until the machine has come to rest and makes the place where they all run.
pub fn prepare(machine: &Machine) -> Result<()> {
    let agent = machine.agent();
    agent.sh("systemctl is-system-running --wait || true; systemctl start seatd")?;
    agent.sh(&format!(
        "install -d -o tester -m 700 {PLACE} && chmod a+rx /sys/kernel/debug && chvt 1 2>/dev/null || true"
    ))?;
    Ok(())
}

pub fn measure(machine: &Machine, peer: &Peer) -> Result<Figures> {
    let mut starts = Vec::new();
    for _ in 0..=STARTS {
        let start: Start = probe(machine, &format!("start {} -- {}", peer.name, peer.bare))?;
        starts.push(start.milliseconds);
    }
    starts.remove(0);
    let (still, _) = run(machine, peer, "still", IDLE_SECONDS)?;
    Ok(Figures {
        name: peer.name.into(),
        version: version(machine, peer)?,
        first_frame_ms: median(starts.iter().copied()),
        first_frames_ms: starts,
        pss_mib: mib(still.memory.pss_kib),
        rss_mib: mib(still.memory.rss_kib),
        wakeups_per_second: still.wakeups_per_second(),
        small: animated(machine, peer, "small")?,
        full: animated(machine, peer, "full")?,
    })
}

fn animated(machine: &Machine, peer: &Peer, show: &str) -> Result<Animated> {
    let (sample, frames) = run(machine, peer, show, ANIMATED_SECONDS)?;
    let watched = frames.within(sample.before.at..=sample.after.at);
    Ok(Animated {
        processor_ms_per_frame: sample.processor_ms_per_frame(&frames),
        commit_to_presented_ms: watched.latency_ms(),
        period_ms: watched.period_ms(),
        frames: watched.presented.len(),
    })
}

/// Runs the client under the compositor, and gives what the kernel and the client say.
fn run(machine: &Machine, peer: &Peer, show: &str, seconds: f64) -> Result<(Sample, Frames)> {
    let (ready, report) = (format!("{PLACE}/ready"), format!("{PLACE}/frames.json"));
    // The client ends after the probe has read its figures, and before the probe ends the compositor, so that
    // its own are written.
    let client_seconds = SETTLE_SECONDS + seconds + 1.0;
    let command = format!(
        "run --ready {ready} --settle {SETTLE_SECONDS} --seconds {seconds} --linger 2 -- {} {CLIENT} {show} \
         --seconds {client_seconds} --ready {ready} --report {report}",
        peer.with_client
    );
    let sample = probe(machine, &command)?;
    let frames = machine.agent().sh(&format!("cat {report} && rm {report}")).context("the client's report")?;
    Ok((sample, serde_json::from_str(&frames)?))
}

fn probe<T: serde::de::DeserializeOwned>(machine: &Machine, arguments: &str) -> Result<T> {
    let script = format!(
        "cd {PLACE} && setpriv --reuid=tester --regid=tester --init-groups --reset-env \
         env XDG_RUNTIME_DIR={PLACE} KIOSK_RUNTIME_DIR={PLACE} KIOSK_STATE_DIR={PLACE} LIBSEAT_BACKEND=seatd \
         WLR_RENDERER=pixman WLR_LIBINPUT_NO_DEVICES=1 {PROBE} {arguments}"
    );
    let output = machine.agent().run(&script)?;
    if output.code != 0 {
        let log = machine.agent().run(&format!("tail -n 20 {PLACE}/compositor.log"))?.text();
        anyhow::bail!("{arguments}: {}\n{log}", output.stderr.trim());
    }
    serde_json::from_slice(&output.stdout).context("the probe's answer")
}

fn version(machine: &Machine, peer: &Peer) -> Result<String> {
    match peer.package {
        Some(package) => machine.agent().sh(&format!("dpkg-query -W -f '${{Version}}' {package}")),
        None => Ok(env!("CARGO_PKG_VERSION").into()),
    }
}

#[allow(clippy::cast_precision_loss)] // memory sizes
fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
