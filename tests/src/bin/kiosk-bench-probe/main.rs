//! Measures a compositor inside of the test machine: it starts it, sees its first frame on the plane, and reads
//! what the kernel says about it. One JSON object on the standard output; the benchmark makes the table.

mod process;

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::{Parser, Subcommand};
use kiosk_tests::sample::{Reading, Sample, Start};
use rustix::process::{Pid, Signal, kill_process_group};
use rustix::time::{ClockId, clock_gettime};

/// What is on the planes, as the kernel tells it.
const PLANES: &str = "/sys/kernel/debug/dri/0/state";
/// Between two looks at the planes or at a file: short beside what is measured, and the same for all.
const LOOK_AGAIN: Duration = Duration::from_millis(2);
/// No compositor takes longer to come up, even emulated.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between SIGTERM and SIGKILL: a program of cage inherits its blocked SIGTERM and would stay for ever.
const GRACE: Duration = Duration::from_secs(3);

#[derive(Debug, Parser)]
struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Time from exec to the first framebuffer of the process NAME on a plane.
    Start {
        name: String,
        #[arg(last = true, required = true)]
        argv: Vec<String>,
    },
    /// What the process costs over some seconds, from when the file appears.
    Run {
        #[arg(long)]
        ready: PathBuf,
        /// To come to rest first.
        #[arg(long, default_value_t = 2.0)]
        settle: f64,
        #[arg(long)]
        seconds: f64,
        /// Then waits so long before it ends the program, for a client to end by itself.
        #[arg(long, default_value_t = 0.0)]
        linger: f64,
        #[arg(last = true, required = true)]
        argv: Vec<String>,
    },
}

fn main() -> Result<()> {
    let output = match Options::parse().what {
        What::Start { name, argv } => serde_json::to_string(&start(&name, &argv)?)?,
        What::Run { ready, settle, seconds, linger, argv } => {
            serde_json::to_string(&run(&ready, [settle, seconds, linger].map(Duration::from_secs_f64), &argv)?)?
        }
    };
    println!("{output}");
    Ok(())
}

fn start(name: &str, argv: &[String]) -> Result<Start> {
    let own = format!("allocated by = {name}\n");
    let shown = || -> Result<bool> { Ok(std::fs::read_to_string(PLANES).context(PLANES)?.contains(&own)) };
    wait("the last one's frame to go", || Ok(!shown()?))?;
    let begin = Instant::now();
    let mut child = spawn(argv)?;
    let seen = wait("a frame", || {
        ensure!(child.try_wait()?.is_none(), "{} ended before its first frame", argv[0]);
        shown()
    });
    let milliseconds = begin.elapsed().as_secs_f64() * 1e3;
    end(&mut child)?;
    seen?;
    Ok(Start { milliseconds })
}

fn run(ready: &Path, [settle, length, linger]: [Duration; 3], argv: &[String]) -> Result<Sample> {
    if ready.exists() {
        std::fs::remove_file(ready)?;
    }
    let mut child = spawn(argv)?;
    let sample = wait("the client's first frame", || {
        ensure!(child.try_wait()?.is_none(), "{} ended before its client's first frame", argv[0]);
        Ok(ready.exists())
    })
    .and_then(|()| {
        std::thread::sleep(settle);
        let before = reading(child.id())?;
        std::thread::sleep(length);
        let sample = Sample { before, after: reading(child.id())?, memory: process::memory(child.id())? };
        std::thread::sleep(linger);
        Ok(sample)
    });
    end(&mut child)?;
    sample
}

fn reading(pid: u32) -> Result<Reading> {
    let now = clock_gettime(ClockId::Monotonic);
    let at = now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs();
    Ok(Reading { at, processor: process::processor_time(pid)?, switches: process::switches(pid)? })
}

/// Its own process group and no terminal input: as a service would be.
fn spawn(argv: &[String]) -> Result<Child> {
    let log = std::fs::File::create("compositor.log")?;
    Command::new(&argv[0])
        .args(&argv[1..])
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .spawn()
        .with_context(|| argv[0].clone())
}

/// With its children: cage waits for its program, which need not be a Wayland client.
fn end(child: &mut Child) -> Result<()> {
    let group = Pid::from_raw(i32::try_from(child.id())?).context("a process without an id")?;
    let asked = Instant::now();
    // The group may have ended by itself.
    let _ = kill_process_group(group, Signal::TERM);
    while child.try_wait()?.is_none() && asked.elapsed() < GRACE {
        std::thread::sleep(LOOK_AGAIN);
    }
    let _ = kill_process_group(group, Signal::KILL);
    child.wait()?;
    Ok(())
}

fn wait(what: &str, mut done: impl FnMut() -> Result<bool>) -> Result<()> {
    let begin = Instant::now();
    while !done()? {
        if begin.elapsed() > PATIENCE {
            bail!("waited {PATIENCE:?} in vain for {what}");
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    Ok(())
}
