//! All figures of one compositor. What cannot be measured is told and left out; the rest is measured all the same.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
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
/// And this long where instructions are counted, which is slow and needs no average.
const COUNTED_SECONDS: f64 = 5.0;
/// After its client's first frame, a compositor may finish what it has begun.
const SETTLE_SECONDS: f64 = 3.0;

/// What one compositor reached; a figure that is not there has its reason in `missing`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Figures {
    pub name: String,
    pub version: String,
    /// Median, milliseconds.
    pub first_frame_ms: Option<f64>,
    pub first_frames_ms: Vec<f64>,
    pub idle: Option<Idle>,
    pub small: Option<Animated>,
    pub full: Option<Animated>,
    /// The small client on a screen that is rotated by 90 degrees.
    pub rotated: Option<Animated>,
    /// Instructions a frame, in thousands, of the kernel for the compositor too.
    pub small_instructions: Option<f64>,
    pub full_instructions: Option<f64>,
    /// A sentence for each figure that is not there.
    pub missing: Vec<String>,
}

/// With an idle fullscreen client.
#[derive(Debug, Clone, Serialize)]
pub struct Idle {
    pub pss_mib: f64,
    pub rss_mib: f64,
    pub wakeups_per_second: f64,
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

/// Everything about one compositor that can be measured until `deadline`.
pub fn measure(machine: &Machine, peer: &Peer, deadline: Instant) -> Figures {
    let mut figures = Figures { name: peer.name.into(), ..Figures::default() };
    let mut missing = Vec::new();
    let mut step = Step { deadline, missing: &mut missing };
    figures.version = step.take("version", || version(machine, peer)).unwrap_or_default();
    figures.first_frames_ms = step.take("first frame", || starts(machine, peer)).unwrap_or_default();
    if !figures.first_frames_ms.is_empty() {
        figures.first_frame_ms = Some(median(figures.first_frames_ms.iter().copied()));
    }
    figures.idle = step.take("idle client", || idle(machine, peer));
    figures.small = step.take("small client", || animated(machine, peer.with_client, "small", ANIMATED_SECONDS));
    figures.full = step.take("fullscreen client", || animated(machine, peer.with_client, "full", ANIMATED_SECONDS));
    figures.rotated = peer
        .rotated
        .and_then(|rotated| step.take("rotated screen", || animated(machine, rotated, "small", ANIMATED_SECONDS)));
    figures.missing = missing;
    figures
}

/// Adds what is counted in a machine of [`Machine::boot_counting`].
pub fn count(machine: &Machine, peer: &Peer, deadline: Instant, figures: &mut Figures) {
    let mut step = Step { deadline, missing: &mut figures.missing };
    figures.small_instructions = step.take("instructions, small client", || instructions(machine, peer, "small"));
    figures.full_instructions = step.take("instructions, fullscreen client", || instructions(machine, peer, "full"));
}

/// Thousands a frame.
fn instructions(machine: &Machine, peer: &Peer, show: &str) -> Result<f64> {
    let animated = animated(machine, peer.with_client, show, COUNTED_SECONDS)?;
    Ok(animated.processor_ms_per_frame / (Machine::INSTRUCTION.as_secs_f64() * 1e3) / 1e3)
}

/// One measurement after the other, for as long as there is time.
struct Step<'a> {
    deadline: Instant,
    missing: &'a mut Vec<String>,
}

impl Step<'_> {
    fn take<T>(&mut self, what: &str, measured: impl FnOnce() -> Result<T>) -> Option<T> {
        let in_time = || {
            ensure!(Instant::now() < self.deadline, "the time for the whole benchmark is over");
            measured()
        };
        in_time().inspect_err(|error| self.missing.push(format!("{what}: {error:#}"))).ok()
    }
}

fn starts(machine: &Machine, peer: &Peer) -> Result<Vec<f64>> {
    let start = |_| -> Result<f64> {
        let start: Start = probe(machine, &format!("start {} -- {}", peer.name, peer.bare))?;
        Ok(start.milliseconds)
    };
    let mut starts = (0..=STARTS).map(start).collect::<Result<Vec<_>>>()?;
    starts.remove(0);
    Ok(starts)
}

fn idle(machine: &Machine, peer: &Peer) -> Result<Idle> {
    let (sample, _) = run(machine, peer.with_client, "still", IDLE_SECONDS)?;
    let memory = sample.memory;
    Ok(Idle {
        pss_mib: mib(memory.pss_kib),
        rss_mib: mib(memory.rss_kib),
        wakeups_per_second: sample.wakeups_per_second(),
    })
}

fn animated(machine: &Machine, compositor: &str, show: &str, seconds: f64) -> Result<Animated> {
    let (sample, frames) = run(machine, compositor, show, seconds)?;
    let watched = frames.within(sample.before.at..=sample.after.at);
    ensure!(!watched.presented.is_empty(), "no frame was presented");
    Ok(Animated {
        processor_ms_per_frame: sample.processor_ms_per_frame(&frames),
        commit_to_presented_ms: watched.latency_ms(),
        period_ms: watched.period_ms(),
        frames: watched.presented.len(),
    })
}

/// Runs the client under the compositor, and gives what the kernel and the client say.
fn run(machine: &Machine, compositor: &str, show: &str, seconds: f64) -> Result<(Sample, Frames)> {
    let (ready, report) = (format!("{PLACE}/ready"), format!("{PLACE}/frames.json"));
    // The client ends after the probe has read its figures, and before the probe ends the compositor, so that
    // its own are written.
    let client_seconds = SETTLE_SECONDS + seconds + 1.0;
    let command = format!(
        "run --ready {ready} --settle {SETTLE_SECONDS} --seconds {seconds} --linger 2 -- {compositor} {CLIENT} {show} \
         --seconds {client_seconds} --ready {ready} --report {report}"
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
