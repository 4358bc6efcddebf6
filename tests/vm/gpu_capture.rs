//! Captures into buffers of the GPU, compared with captures into shared memory, by a client of our own.

use anyhow::{Context, Result, bail, ensure};
use kiosk_tests::vm::Picture;

use super::input::REACTION;
use super::kiosk::{Kiosk, SCREEN_CLIENT};
use super::looks::is_page;
use super::screens::{RELAYOUT, rotation_of};

pub const ADMIN: &str = "export WAYLAND_DISPLAY=/run/kiosk/wayland-admin XDG_RUNTIME_DIR=/run;";
/// The page may draw its last event between two captures.
const TRIES: usize = 10;
/// What a following client has printed.
const SEEN: &str = "/run/followed";

/// What the client prints, such as `ready 1280x800 0123456789abcdef`.
fn capture(kiosk: &Kiosk, arguments: &str) -> Result<String> {
    kiosk.sh(&format!("{ADMIN} exec timeout 60 {SCREEN_CLIENT} capture {arguments}"))
}

pub fn a_copy_into_a_buffer_of_the_gpu_is_the_one_into_memory(kiosk: &Kiosk) -> Result<()> {
    let renderer = kiosk.status()?["compositor"]["renderer"].clone();
    ensure!(renderer == "gles", "renderer is {renderer}");
    for degrees in [90, 0] {
        kiosk.sh(&format!("kioskctl rotate {degrees}"))?;
        let rotated = |picture: &Picture| is_page(picture) && rotation_of(picture) == Some(degrees);
        kiosk.machine.wait_for_screen(&format!("the page rotated by {degrees}"), RELAYOUT, rotated)?;
        for protocol in ["ext", "screencopy"] {
            let seen = same(kiosk, protocol)?;
            eprintln!("at {degrees}° by {protocol}: {seen}");
        }
    }
    capture(kiosk, "--memory dmabuf --picture /run/seen.png")?;
    let png = kiosk.machine.agent().run("cat /run/seen.png")?.stdout;
    let picture = Picture::from_png(&png)?;
    kiosk.machine.save(&picture, "gpu-capture")?;
    ensure!(is_page(&picture), "the copy is not the page");
    refused(kiosk)?;
    let followed = followed(kiosk);
    kiosk.sh("systemctl stop follow 2>/dev/null; true")?;
    followed
}

/// The copy into the GPU's buffer, which is the one into memory.
fn same(kiosk: &Kiosk, protocol: &str) -> Result<String> {
    for _ in 0..TRIES {
        let before = capture(kiosk, &format!("--protocol {protocol}"))?;
        let gpu = capture(kiosk, &format!("--protocol {protocol} --memory dmabuf"))?;
        let after = capture(kiosk, &format!("--protocol {protocol}"))?;
        ensure!(before.starts_with("ready "), "shared memory: {before}");
        ensure!(gpu.starts_with("ready "), "a buffer of the GPU: {gpu}");
        if before == after {
            if gpu != before {
                leave_both(kiosk)?;
            }
            ensure!(gpu == before, "by {protocol} the GPU's buffer has {gpu}, memory has {before}");
            return Ok(gpu);
        }
    }
    bail!("the screen never stood still")
}

/// Leaves both pictures for a person, and says how much they differ.
fn leave_both(kiosk: &Kiosk) -> Result<()> {
    let picture = |memory: &str| -> Result<Picture> {
        capture(kiosk, &format!("--memory {memory} --picture /run/seen.png"))?;
        let picture = Picture::from_png(&kiosk.machine.agent().run("cat /run/seen.png")?.stdout)?;
        kiosk.machine.save(&picture, &format!("capture-{memory}"))?;
        Ok(picture)
    };
    let (gpu, memory) = (picture("dmabuf")?, picture("shm")?);
    for rounding in [0, 1, 8] {
        eprintln!("{} of the pixels differ by more than {rounding}", gpu.difference(&memory, rounding));
    }
    Ok(())
}

/// A buffer of another size is refused as each protocol has it, and nothing else happens.
fn refused(kiosk: &Kiosk) -> Result<()> {
    let compositor = kiosk.main_pid("kiosk")?;
    let told = capture(kiosk, "--memory dmabuf --narrower 16")?;
    ensure!(told == "failed BufferConstraints", "a narrow buffer: {told}");
    let error =
        capture(kiosk, "--protocol screencopy --memory dmabuf --narrower 16").map_err(|error| format!("{error:#}"));
    ensure!(error.as_ref().is_err_and(|error| error.contains("rotocol error")), "a narrow buffer: {error:?}");
    ensure!(kiosk.main_pid("kiosk")? == compositor, "the compositor was restarted");
    Ok(())
}

/// A buffer that is used again gets what has changed, and has the rest still.
fn followed(kiosk: &Kiosk) -> Result<()> {
    kiosk.sh(&format!(
        "rm -f {SEEN}; systemd-run --quiet --collect --unit=follow -p StandardOutput=file:{SEEN} \
         --setenv=WAYLAND_DISPLAY=/run/kiosk/wayland-admin --setenv=XDG_RUNTIME_DIR=/run -- \
         {SCREEN_CLIENT} capture --memory dmabuf --follow && \
         for try in $(seq 100); do [ -s {SEEN} ] && exit; sleep 0.1; done; exit 1"
    ))?;
    let first = kiosk.sh(&format!("head -n 1 {SEEN}"))?;
    let mark = kiosk.mark()?;
    kiosk.machine.chord(&["g"])?;
    kiosk.wait_for_event(mark, "keydown", REACTION)?;
    for _ in 0..TRIES {
        let before = kiosk.sh(&format!("tail -n 1 {SEEN}"))?;
        let screen = capture(kiosk, "")?;
        let after = kiosk.sh(&format!("tail -n 1 {SEEN}"))?;
        if before == after && before != first && screen == before {
            let lines: usize = kiosk.sh(&format!("wc -l <{SEEN}"))?.parse().context("lines")?;
            eprintln!("followed through {lines} pictures");
            return Ok(());
        }
    }
    bail!("the followed buffer never was what the screen shows: {}", kiosk.sh(&format!("cat {SEEN}"))?)
}
