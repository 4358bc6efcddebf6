//! kioskd as a window of another compositor: the winit back end and the GLES path, with the real programs.
//!
//! weston runs headless with software GL, kioskd inside it, a client inside that; what comes out is looked at
//! through `kioskctl screenshot`. The programs are those built beside this test.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use kiosk_tests::vm::Picture;
use tempfile::TempDir;

/// Software GL on a busy machine takes its time.
const PATIENCE: Duration = Duration::from_secs(60);
/// Of the client: `kiosk-bench-client still` paints its whole window in one colour.
const SIZE: (usize, usize) = (1024, 640);

/// A program that ends with the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Programs are built into the directory above this test's own.
fn built(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let directory = own.parent().and_then(Path::parent).context("the test has no directory")?;
    let program = directory.join(name);
    ensure!(program.exists(), "{} is not built: run `cargo build --workspace` first", program.display());
    Ok(program)
}

/// weston without a screen, listening in `directory`.
fn weston(directory: &Path) -> Result<Program> {
    let version = Command::new("weston").arg("--version").output().context("weston (Debian package weston)")?;
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let major = version.split(['.', ' ']).find_map(|part| part.trim().parse::<u32>().ok()).unwrap_or(0);
    // Debian 12 has 10, which names both otherwise.
    let names = if major < 12 {
        ["--backend=headless-backend.so", "--use-gl"]
    } else {
        ["--backend=headless", "--renderer=gl"]
    };
    let child = Command::new("weston")
        .args(names)
        .args(["--socket=host", "--width=1280", "--height=800", "--idle-time=0", "--no-config"])
        .env("XDG_RUNTIME_DIR", directory)
        .env("LIBGL_ALWAYS_SOFTWARE", "1")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("DISPLAY")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    Ok(Program(child))
}

fn kioskd(directory: &Path, more: &[&str]) -> Result<Program> {
    let child = Command::new(built("kioskd")?)
        .args(["--backend", "winit", "--output", &format!("{}x{}", SIZE.0, SIZE.1)])
        .arg("--runtime-dir")
        .arg(directory.join("kiosk"))
        .args(more)
        .env("XDG_RUNTIME_DIR", directory)
        .env("WAYLAND_DISPLAY", "host")
        .env("LIBGL_ALWAYS_SOFTWARE", "1")
        .env_remove("DISPLAY")
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    Ok(Program(child))
}

/// Waits for a line of kioskd's log, then reads on in the background so that the pipe never fills.
fn wait_for_line(program: &mut Program, wanted: &str) -> Result<()> {
    let log = program.0.stderr.take().context("no log")?;
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            // The test may have heard enough.
            let _ = sender.send(line);
        }
    });
    let end = Instant::now() + PATIENCE;
    let mut seen = Vec::new();
    while let Ok(line) = receiver.recv_timeout(end.saturating_duration_since(Instant::now())) {
        if line.contains(wanted) {
            return Ok(());
        }
        seen.push(line);
    }
    bail!("kioskd never said {wanted:?}, only:\n{}", seen.join("\n"))
}

fn wait_for_socket(path: &Path) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    while std::os::unix::net::UnixStream::connect(path).is_err() {
        ensure!(Instant::now() < end, "{} does not come", path.display());
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn kioskctl(directory: &Path, arguments: &[&str]) -> Result<String> {
    let output =
        Command::new(built("kioskctl")?).args(arguments).env("KIOSK_RUNTIME_DIR", directory.join("kiosk")).output()?;
    ensure!(output.status.success(), "kioskctl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn screenshot(directory: &Path) -> Result<Picture> {
    let file = directory.join("shot.png");
    let name = file.to_str().context("an odd temporary directory")?;
    kioskctl(directory, &["screenshot", name])?;
    Picture::from_png(&std::fs::read(&file)?)
}

/// A host and a kioskd inside it.
fn nested(more: &[&str]) -> Result<(TempDir, Program, Program)> {
    let directory = tempfile::tempdir()?;
    let host = weston(directory.path())?;
    wait_for_socket(&directory.path().join("host"))?;
    let mut kiosk = kioskd(directory.path(), more)?;
    wait_for_line(&mut kiosk, "first frame on the screen")?;
    Ok((directory, host, kiosk))
}

#[test]
fn the_logo_comes_first_in_a_window() -> Result<()> {
    let (directory, _host, _kiosk) = nested(&["--session", "none"])?;
    let status = kioskctl(directory.path(), &["status", "--json"])?;
    ensure!(status.contains("\"backend\":\"winit\"") && status.contains("\"renderer\":\"gles\""), "{status}");
    let picture = screenshot(directory.path())?;
    let black = picture.share_of([0, 0, 0], 0);
    ensure!(black > 0.7 && black < 0.99, "{:.0} % of the picture is black: that is no logo", black * 100.0);
    Ok(())
}

#[test]
fn a_client_fills_the_window_and_its_status_is_ours() -> Result<()> {
    let client = built("kiosk-bench-client")?;
    let client = client.to_str().context("an odd target directory")?;
    let ready = tempfile::tempdir()?;
    let mark = ready.path().join("ready");
    let mark_name = mark.to_str().context("an odd temporary directory")?;
    let (directory, _host, mut kiosk) = nested(&["--", client, "still", "--seconds", "6", "--ready", mark_name])?;
    let end = Instant::now() + PATIENCE;
    while !mark.exists() {
        ensure!(Instant::now() < end, "the client's first frame was never presented");
        std::thread::sleep(Duration::from_millis(20));
    }
    kioskctl(directory.path(), &["wait", "screen", "--timeout", "10s"])?;
    let end = Instant::now() + PATIENCE;
    let picture = loop {
        let picture = screenshot(directory.path())?;
        let color = picture.pixel(SIZE.0 / 2, SIZE.1 / 2);
        // The splash fades out over the client first.
        if color != [0, 0, 0] && picture.share_of(color, 0) > 0.999 {
            break picture;
        }
        ensure!(Instant::now() < end, "the client does not fill the screen: {color:?}");
    };
    ensure!(picture.share_of([0, 0, 0], 0) < 0.001, "there is a border");
    ensure!(kiosk.0.wait()?.code() == Some(0), "kioskd ends with its command, and with its status");
    Ok(())
}
