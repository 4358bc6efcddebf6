//! All figures of one compositor. What cannot be measured is told and left out; the rest is measured all the same.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kiosk_tests::frames::{Frames, median};
use kiosk_tests::sample::{Sample, Start};
use kiosk_tests::vm::Machine;
use serde::Serialize;

use super::peers::Peer;
use super::watched::beside_agent;

pub const CLIENT: &str = "/usr/lib/kiosk-tests/bench-client";
pub const PROBE: &str = "/usr/lib/kiosk-tests/bench-probe";
/// Where the measured programs have their sockets and logs.
pub const PLACE: &str = "/run/bench";
/// Starts that count, after one that only warms the caches.
const STARTS: usize = 5;
/// Wake-ups are counted this long with nothing changing.
const IDLE_SECONDS: f64 = 30.0;
/// An animated client is watched this long.
const ANIMATED_SECONDS: f64 = 10.0;
/// A client that answers keys is watched this long: some 120 keys.
const ANSWERED_SECONDS: f64 = 12.0;
/// And this long where instructions are counted, which is slow and needs no average.
const COUNTED_SECONDS: f64 = 5.0;
/// Time limit for some hundred changes of the screen.
const DAY: Duration = Duration::from_secs(300);
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
    /// The small client, while another program keeps one processor busy.
    pub beside_load: Option<Animated>,
    pub answers: Option<Answers>,
    /// Drawing with GLES, which here is software too.
    pub gles: Option<Gles>,
    /// PSS, MiB, before and after mode changes and rotations.
    pub day_mib: Option<(f64, f64)>,
    /// Instructions a frame, in thousands, of the kernel for the compositor too.
    pub small_instructions: Option<f64>,
    pub full_instructions: Option<f64>,
    /// The small client's, beside kiosk-agent and somebody who watches through it.
    pub watched_instructions: Option<f64>,
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
    /// Periods of the display without a new frame, of a thousand.
    pub dropped_of_1000: Option<f64>,
}

/// A client that draws at once when a key comes.
#[derive(Debug, Clone, Serialize)]
pub struct Answers {
    pub to_event_ms: f64,
    pub to_picture_ms: f64,
    pub keys: usize,
}

/// As with pixman.
#[derive(Debug, Clone, Serialize)]
pub struct Gles {
    pub first_frame_ms: f64,
    pub idle: Idle,
}

/// Waits until the machine has come to rest and makes the place where they all run.
pub fn prepare(machine: &Machine) -> Result<()> {
    let agent = machine.agent();
    agent.sh("systemctl is-system-running --wait || true; systemctl start seatd")?;
    agent.sh("modprobe uinput && chmod a+rw /dev/uinput")?;
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
    figures.first_frames_ms = step.take("first frame", || starts(machine, peer, peer.bare)).unwrap_or_default();
    if !figures.first_frames_ms.is_empty() {
        figures.first_frame_ms = Some(median(figures.first_frames_ms.iter().copied()));
    }
    figures.idle = step.take("idle client", || idle(machine, peer.with_client));
    figures.small = step.take("small client", || animated(machine, peer.with_client, "small", ANIMATED_SECONDS));
    figures.full = step.take("fullscreen client", || animated(machine, peer.with_client, "full", ANIMATED_SECONDS));
    figures.rotated = peer
        .rotated
        .and_then(|rotated| step.take("rotated screen", || animated(machine, rotated, "small", ANIMATED_SECONDS)));
    figures.beside_load = step.take("small client beside load", || beside_load(machine, peer.with_client));
    figures.answers = step.take("answers to keys", || answers(machine, peer.with_client));
    figures.gles = step.take("GLES", || gles(machine, peer));
    if peer.package.is_none() {
        figures.day_mib = step.take("mode changes and rotations", || day(machine, peer));
    }
    figures.missing = missing;
    figures
}

/// Adds what is counted in a machine of [`Machine::boot_counting`].
pub fn count(machine: &Machine, peer: &Peer, deadline: Instant, figures: &mut Figures) {
    let mut step = Step { deadline, missing: &mut figures.missing };
    figures.small_instructions = step.take("instructions, small client", || instructions(machine, peer, "small"));
    figures.full_instructions = step.take("instructions, fullscreen client", || instructions(machine, peer, "full"));
    if peer.package.is_none() {
        let watched = || beside_agent(machine, || instructions(machine, peer, "small"));
        figures.watched_instructions = step.take("instructions beside kiosk-agent", watched);
    }
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

fn starts(machine: &Machine, peer: &Peer, command: &str) -> Result<Vec<f64>> {
    let start = |_| -> Result<f64> {
        let start: Start = probe(machine, &format!("start {} -- {command}", peer.name))?;
        Ok(start.milliseconds)
    };
    let mut starts = (0..=STARTS).map(start).collect::<Result<Vec<_>>>()?;
    starts.remove(0);
    Ok(starts)
}

fn idle(machine: &Machine, command: &str) -> Result<Idle> {
    let (sample, _) = run(machine, command, "still", IDLE_SECONDS)?;
    let memory = sample.memory;
    Ok(Idle {
        pss_mib: mib(memory.pss_kib),
        rss_mib: mib(memory.rss_kib),
        wakeups_per_second: sample.wakeups_per_second(),
    })
}

fn animated(machine: &Machine, compositor: &str, show: &str, seconds: f64) -> Result<Animated> {
    of_frames(run(machine, compositor, show, seconds)?)
}

fn of_frames((sample, frames): (Sample, Frames)) -> Result<Animated> {
    let watched = frames.within(sample.before.at..=sample.after.at);
    ensure!(!watched.presented.is_empty(), "no frame was presented");
    Ok(Animated {
        processor_ms_per_frame: sample.processor_ms_per_frame(&frames),
        commit_to_presented_ms: watched.latency_ms(),
        period_ms: watched.period_ms(),
        frames: watched.presented.len(),
        dropped_of_1000: watched.dropped_of_1000(),
    })
}

/// Another program takes all that it can get of one processor: no thread of it is of the compositor's or the client's.
fn beside_load(machine: &Machine, compositor: &str) -> Result<Animated> {
    let agent = machine.agent();
    let load = agent.sh("sh -c 'while :; do :; done' > /dev/null 2>&1 & echo $!")?;
    let result = run(machine, compositor, "small", ANIMATED_SECONDS);
    agent.sh(&format!("kill {}", load.trim()))?;
    of_frames(result?)
}

fn answers(machine: &Machine, compositor: &str) -> Result<Answers> {
    let (sample, frames) = run(machine, compositor, "answering", ANSWERED_SECONDS)?;
    let watched = frames.within(sample.before.at..=sample.after.at);
    ensure!(!watched.answers.is_empty(), "no key was answered");
    Ok(Answers {
        to_event_ms: watched.to_event_ms(),
        to_picture_ms: watched.to_picture_ms(),
        keys: watched.answers.len(),
    })
}

fn gles(machine: &Machine, peer: &Peer) -> Result<Gles> {
    let [bare, with_client] = [peer.bare, peer.with_client].map(Peer::with_gles);
    let first_frame_ms = median(starts(machine, peer, &bare)?.into_iter());
    Ok(Gles { first_frame_ms, idle: idle(machine, &with_client)? })
}

/// PSS after the first changes of the screen and after many more of them, MiB.
fn day(machine: &Machine, peer: &Peer) -> Result<(f64, f64)> {
    let turns = "90 180 270 0 ".repeat(5);
    let script = format!(
        r"set -e
rm -f shown
{} {CLIENT} still --ready shown > compositor.log 2>&1 &
trap 'kill -KILL $!' EXIT
until [ -e shown ]; do sleep 0.1; done
round() {{
  for mode in 1024x768 1280x800; do kioskctl mode $mode; done
  for turn in {turns}; do kioskctl rotate $turn; done
}}
pss() {{ sleep {SETTLE_SECONDS}; awk '/^Pss:/ {{ print $2 }}' /proc/$!/smaps_rollup; }}
round >&2; echo before $(pss)
for n in $(seq 24); do round >&2; done; echo after $(pss)
",
        peer.with_client
    );
    let agent = machine.agent();
    agent.sh(&format!(
        "cat > {PLACE}/day.sh <<'END'
{script}END
"
    ))?;
    let job = agent.stream(&as_tester("sh day.sh"))?;
    let figure = |name: &str| {
        let kib = job.line(DAY, |line| line.strip_prefix(name)?.trim().parse().ok());
        kib.map(mib)
    };
    Ok((figure("before")?, figure("after")?))
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
    let output = machine.agent().run(&as_tester(&format!("{PROBE} {arguments}")))?;
    if output.code != 0 {
        let log = machine.agent().run(&format!("tail -n 20 {PLACE}/compositor.log"))?.text();
        anyhow::bail!("{arguments}: {}\n{log}", output.stderr.trim());
    }
    serde_json::from_slice(&output.stdout).context("the probe's answer")
}

/// The command as the user and in the environment in which all are measured.
pub fn as_tester(command: &str) -> String {
    format!(
        "cd {PLACE} && setpriv --reuid=tester --regid=tester --init-groups --reset-env \
         env XDG_RUNTIME_DIR={PLACE} KIOSK_RUNTIME_DIR={PLACE} KIOSK_STATE_DIR={PLACE} LIBSEAT_BACKEND=seatd \
         WLR_RENDERER=pixman WLR_LIBINPUT_NO_DEVICES=1 {command}"
    )
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
