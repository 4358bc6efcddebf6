//! The first picture is drawn before the GPU is started, and stays until the GPU's own frame is on the screen.

use anyhow::{Context, Result, ensure};

use super::kiosk::{BOOT, Kiosk};

/// Records what the display driver is told: `lit` and `dark` of the CRTC, `shown` of a buffer on the primary plane.
const RECORD: &str = r"cd /sys/kernel/tracing
echo 0 > tracing_on
for probe in lit:virtio_gpu_crtc_atomic_enable dark:virtio_gpu_crtc_atomic_disable shown:virtio_gpu_primary_plane_update; do
  echo p:kioskd/${probe%%:*} virtio_gpu:${probe#*:} >> kprobe_events
done
echo mono > trace_clock
echo > trace
echo 1 > events/kioskd/enable
echo 1 > tracing_on";
/// Ends that, and prints it.
const RECORDED: &str = r"cd /sys/kernel/tracing
echo 0 > tracing_on
cat trace
echo 0 > events/kioskd/enable
echo > kprobe_events";

/// Has EGL find no driver.
const NO_EGL: &str = r"mkdir -p /run/systemd/system/kiosk.service.d
printf '[Service]\nEnvironment=__EGL_VENDOR_LIBRARY_DIRS=/nonexistent\n' > /run/systemd/system/kiosk.service.d/no-egl.conf
systemctl daemon-reload";
const EGL_AGAIN: &str = "rm /run/systemd/system/kiosk.service.d/no-egl.conf && systemctl daemon-reload";

pub fn the_logo_is_there_before_the_gpu_and_stays_when_it_takes_over(kiosk: &Kiosk) -> Result<()> {
    the_first_picture_stays(kiosk, "gles")?;
    kiosk.page()
}

pub fn the_logo_stays_when_the_gpu_does_not_start(kiosk: &Kiosk) -> Result<()> {
    kiosk.sh(NO_EGL)?;
    let stayed = the_first_picture_stays(kiosk, "pixman").and_then(|()| kiosk.page());
    kiosk.sh(EGL_AGAIN)?;
    stayed?;
    let mark = kiosk.mark()?;
    kiosk.sh("systemctl restart kiosk")?;
    kiosk.wait_for_event(mark, "load", BOOT)?;
    kiosk.page()
}

/// Restarts the kiosk, which is to come up with this renderer.
fn the_first_picture_stays(kiosk: &Kiosk, renderer: &str) -> Result<()> {
    kiosk.sh(RECORD)?;
    let mark = kiosk.mark()?;
    let restarted = kiosk.sh("systemctl restart kiosk").and_then(|_| kiosk.wait_for_event(mark, "load", BOOT));
    let trace = kiosk.sh(RECORDED)?;
    restarted?;
    let pid = kiosk.main_pid("kiosk")?;
    let log = kiosk.sh(&format!("journalctl -b --no-pager -o short-monotonic _PID={pid}"))?;
    let (_, first) = line(&log, "first frame on the screen uptime=")?;
    let first = seconds(first.split('s').next().unwrap_or_default())?;
    let (started, _) = line(&log, &format!("renderer={renderer}"))?;
    ensure!(first < started, "the first frame came at {first} s, and {renderer} was there at {started} s");

    let at = |name: &str| -> Vec<f64> { times(&trace, name).collect() };
    ensure!(at("dark").iter().any(|at| *at < first), "the end of the last process was not seen:\n{trace}");
    ensure!(at("shown").iter().any(|at| *at > started), "no frame by {renderer} was seen:\n{trace}");
    for change in ["dark", "lit"] {
        ensure!(at(change).iter().all(|at| *at < first), "{change} after the first frame, at {first} s:\n{trace}");
    }
    eprintln!("the first frame was there {:.2} s before {renderer} was", started - first);
    Ok(())
}

/// When the events of this name were, seconds of CLOCK_MONOTONIC, from lines like
/// `kioskd-1234 [001] ..... 12.345678: lit: (virtio_gpu_…)`.
fn times<'a>(trace: &'a str, name: &'a str) -> impl Iterator<Item = f64> + 'a {
    trace.lines().filter_map(move |line| {
        let (head, rest) = line.split_once(": ")?;
        rest.strip_prefix(name)?.starts_with(':').then_some(())?;
        head.split_whitespace().last()?.parse().ok()
    })
}

/// The line of the log with this text: when it was written, seconds of CLOCK_MONOTONIC, and what follows the text.
fn line<'a>(log: &'a str, text: &str) -> Result<(f64, &'a str)> {
    let found = log.lines().find_map(|line| line.split_once(text));
    let (head, rest) = found.with_context(|| format!("no {text:?} in:\n{log}"))?;
    let at = head.trim_start_matches('[').split(']').next().unwrap_or_default();
    Ok((seconds(at)?, rest))
}

fn seconds(text: &str) -> Result<f64> {
    text.trim().parse().with_context(|| format!("{text:?} is no time"))
}
