//! `make profile`: shows a client that draws at the display's rate on a headless kioskd, and tells where the time of its
//! loop goes: a table on the terminal, and a flame graph. It needs no debugger and no rights: kioskd tells its spans
//! (`KIOSKD_DEBUG=spans`). Telling them takes time, which is in those around: shares count, not times.

mod flame;
mod spans;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use rustix::process::{Pid, Signal, kill_process};

use spans::Span;

/// Until kioskd has its socket.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// A profile of kioskd while a client draws.
#[derive(Debug, Parser)]
struct Options {
    /// The directory of the built programs.
    programs: PathBuf,
    /// Where the flame graph is written.
    svg: PathBuf,
    /// Seconds that are looked at.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// The screen.
    #[arg(long, default_value = "1280x800")]
    output: String,
    /// What the client shows: small or full.
    #[arg(long, default_value = "small")]
    show: String,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let directory = tempfile::tempdir()?;
    let log = directory.path().join("log");
    let mut kioskd = Command::new(options.programs.join("kioskd"))
        .args(["-D", "--backend=headless", "--session=none", "--no-splash"])
        .arg(format!("--output={}", options.output))
        .env("KIOSKD_DEBUG", "spans")
        .env("RUST_LOG", "warn,kioskd=debug,smithay=trace")
        .env("NO_COLOR", "1")
        .env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent")
        .envs(["XDG_RUNTIME_DIR", "KIOSK_RUNTIME_DIR", "KIOSK_STATE_DIR"].map(|name| (name, directory.path())))
        .stderr(File::create(&log)?)
        .stdout(Stdio::null())
        .spawn()
        .context("kioskd")?;
    let profiled = profile(&options, directory.path(), &mut kioskd);
    end(&mut kioskd);
    profiled?;
    let mut root = Span::default();
    for line in BufReader::new(File::open(&log)?).lines() {
        root.add(&line?);
    }
    let root = root.end();
    ensure!(root.total > Duration::ZERO, "kioskd told no spans");
    println!("{:>7} {:>9} {:>12} {:>12}  span", "share", "times", "each", "of its own");
    print(&root, root.total, 0);
    std::fs::write(&options.svg, flame::svg(&root)).with_context(|| options.svg.display().to_string())?;
    println!("\n{}", options.svg.display());
    Ok(())
}

/// Waits for kioskd, and lets the client draw.
fn profile(options: &Options, directory: &Path, kioskd: &mut Child) -> Result<()> {
    let (socket, deadline) = (directory.join("wayland-0"), Instant::now() + START_TIMEOUT);
    while !socket.exists() {
        if let Some(status) = kioskd.try_wait()? {
            bail!("kioskd ended: {status}");
        }
        ensure!(Instant::now() < deadline, "kioskd has no socket after {} s", START_TIMEOUT.as_secs());
        std::thread::sleep(Duration::from_millis(50));
    }
    let mut client = Command::new(options.programs.join("kiosk-bench-client"))
        .arg(&options.show)
        .env("WAYLAND_DISPLAY", &socket)
        .stdout(Stdio::null())
        .spawn()
        .context("kiosk-bench-client")?;
    std::thread::sleep(Duration::from_secs(options.seconds));
    let ended = client.try_wait()?;
    end(&mut client);
    ensure!(ended.is_none(), "the client ended by itself");
    Ok(())
}

/// By SIGTERM.
fn end(child: &mut Child) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may have ended already.
        let _ = kill_process(pid, Signal::TERM);
    }
    let _ = child.wait();
}

fn print(span: &Span, whole: Duration, depth: usize) {
    let mut within: Vec<_> = span.within.iter().collect();
    within.sort_by_key(|(_, span)| std::cmp::Reverse(span.total));
    for (name, span) in within {
        let share = 100.0 * span.total.as_secs_f64() / whole.as_secs_f64();
        if share >= 0.1 {
            let each = |time: Duration| time / u32::try_from(span.calls.max(1)).unwrap_or(u32::MAX);
            let (mean, own) = (format!("{:.1?}", each(span.total)), format!("{:.1?}", each(span.own())));
            println!("{share:>6.1}% {:>9} {mean:>12} {own:>12}  {:indent$}{name}", span.calls, "", indent = 2 * depth);
            print(span, whole, depth + 1);
        }
    }
}
