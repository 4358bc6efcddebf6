//! The kernel's virtual display driver, for what the machine's other devices lack: overlay and cursor planes, and
//! planes with rotation. Its screen is not visible, but it computes a checksum of its content.
//!
//! Debian does not ship the module; if it could not be built, nothing is tested, and a message says so.

use std::time::Duration;

use anyhow::{Result, bail, ensure};

use super::kiosk::{CLIENT, Kiosk};

/// Path in the guest.
pub const MODULE: &str = "/usr/lib/kiosk-tests/vkms.ko";
/// debugfs directory of the virtual card.
const DEBUG: &str = "$(dirname /sys/kernel/debug/dri/[0-9]*/vkms_config)";
/// Positions of the pointer, in pixels of the machine's screen.
const SPOTS: [(f64, f64); 2] = [(300.0, 200.0), (1000.0, 650.0)];
const ROTATIONS: [u32; 4] = [0, 90, 180, 270];
const NIGHT: &str = "90-night-light";
/// For software rendering, where planes are not used.
const DRAWN: Duration = Duration::from_secs(30);

pub fn planes_show_what_composing_shows(kiosk: &Kiosk) -> Result<()> {
    if kiosk.sh(&format!("test -e {MODULE}")).is_err() {
        eprintln!("NOT TESTED: planes, as there is no virtual display driver for the guest's kernel");
        return Ok(());
    }
    let result = compare(kiosk);
    let log = kiosk.sh("systemctl stop planes; journalctl -u planes --no-pager -o short-monotonic | tail -n 60")?;
    if result.is_err() {
        eprintln!("{log}");
    }
    kiosk.sh("rmmod vkms")?;
    kiosk.give_card(0)?;
    kiosk.give_card(1)?;
    kiosk.sh("systemctl start kiosk")?;
    kiosk.page()?;
    result
}

fn compare(kiosk: &Kiosk) -> Result<()> {
    kiosk.sh("systemctl stop kiosk kiosk-session")?;
    kiosk.take_card(0)?;
    kiosk.take_card(1)?;
    kiosk.sh(&format!(
        "modprobe -a drm_kms_helper drm_shmem_helper drm_client_lib configfs; insmod {MODULE} enable_overlay=1"
    ))?;

    // Software EGL: there is no GPU, but its buffers can be shown on planes.
    start(kiosk, "gles", "--memory dmabuf --node $(echo /dev/dri/card*)")?;
    let mut on_planes = Vec::new();
    look_at_all(kiosk, |rotation, seen| {
        let scanout = kiosk.status()?["compositor"]["outputs"][0]["scanout"].clone();
        ensure!(scanout == "direct", "at {rotation} degrees the picture is {scanout}");
        // The window, what is above it, and the pointer.
        let planes = planes(kiosk)?;
        ensure!(planes.len() == 3, "at {rotation} degrees there are {} planes: {planes:?}", planes.len());
        let rotated = planes.iter().filter(|rotation| *rotation != "1").count();
        ensure!(rotated == if rotation == 0 { 0 } else { 2 }, "at {rotation} degrees planes rotate by {planes:?}");
        on_planes.push(seen);
        Ok(())
    })?;
    // These planes cannot scale; the pointer is drawn at its size, and keeps its plane.
    kiosk.sh("kioskctl scale 2")?;
    wait_for_scanout(kiosk, "planes")?;
    kiosk.sh("kioskctl scale 1")?;
    wait_for_scanout(kiosk, "direct")?;
    night_light_by_the_device(kiosk)?;

    start(kiosk, "pixman", "")?;
    let mut composed = Vec::new();
    look_at_all(kiosk, |_, seen| {
        composed.push(seen);
        Ok(())
    })?;
    ensure!(planes(kiosk)?.len() == 1, "composed, but on several planes");
    ensure!(on_planes == composed, "planes show {on_planes:?}, composing shows {composed:?}");
    eprintln!("the same {} pictures on planes and composed", composed.len());
    Ok(())
}

/// The night light changes what the display shows, and the client's buffer stays on its plane as it is.
fn night_light_by_the_device(kiosk: &Kiosk) -> Result<()> {
    let by_day = checksum_after(kiosk, "")?;
    // Day and night alike, so that the time of the test does not matter.
    kiosk.configure(
        NIGHT,
        "[night-light]\nschedule = [{ on = \"00:00\", off = \"12:00\" }]\ntemperature = 3000\nday-temperature = 3000\n",
    )?;
    let done = warmer(kiosk, &by_day);
    kiosk.deconfigure(NIGHT)?;
    kiosk.sh("kioskctl config reload")?;
    let warm = done?;
    let again = checksum_after(kiosk, &warm)?;
    ensure!(again == by_day, "by day the picture was {by_day}, after the night it is {again}");
    Ok(())
}

/// The checksum of the warmer picture.
fn warmer(kiosk: &Kiosk, by_day: &str) -> Result<String> {
    kiosk.sh("kioskctl config reload")?;
    let warm = checksum_after(kiosk, by_day)?;
    let output = kiosk.status()?["compositor"]["outputs"][0].clone();
    let colours = output["colours"].as_str().unwrap_or_default();
    ensure!(colours.ends_with("by the display device"), "the colours are {colours:?}");
    ensure!(output["scanout"] == "direct", "the picture is {}", output["scanout"]);
    eprintln!("night light by the display device: {by_day} became {warm}, {}", output["scanout"]);
    Ok(warm)
}

/// Starts a compositor with the measuring client as its shell.
fn start(kiosk: &Kiosk, renderer: &str, buffers: &str) -> Result<()> {
    kiosk
        .sh(&format!(
            "systemctl stop planes 2>/dev/null; rm -f /run/ready; \
         systemd-run --quiet --collect --unit=planes -p RuntimeDirectory=kiosk \
         --setenv=XDG_RUNTIME_DIR=/run --setenv=KIOSK_INPUT_CURSOR=always -- \
         seatd-launch -- kioskd --backend kms --renderer {renderer} --no-splash -- \
         {CLIENT} still --marked --inset --pointer --ready /run/ready {buffers} && \
         until [ -e /run/ready ]; do systemctl is-active --quiet planes || exit 1; sleep 0.2; done"
        ))
        .map(drop)
}

/// Shows each rotation with the pointer at each position, and passes the checksum on.
fn look_at_all(kiosk: &Kiosk, mut look: impl FnMut(u32, String) -> Result<()>) -> Result<()> {
    let mut seen = String::new();
    for rotation in ROTATIONS {
        if rotation != 0 {
            kiosk.sh(&format!("kioskctl rotate {rotation}"))?;
            seen = checksum_after(kiosk, &seen)?;
        }
        for (x, y) in SPOTS {
            kiosk.machine.point(x, y)?;
            seen = checksum_after(kiosk, &seen)?;
            look(rotation, seen.clone())?;
        }
    }
    kiosk.sh("kioskctl rotate 0").map(drop)
}

/// The checksum of the next stable picture after the one with the checksum `before`: ten equal frames.
pub fn checksum_after(kiosk: &Kiosk, before: &str) -> Result<String> {
    kiosk.sh(&format!(
        "cd {DEBUG}/crtc-0/crc && echo auto >control && for try in $(seq 30); do \
         sums=$(timeout 5 head -n 10 data 2>/dev/null | awk '{{ print $2 }}' | sort -u); \
         case $sums in *[!0-9a-fx]* | '' | '{before}') sleep 0.2 ;; *) echo $sums; exit 0 ;; esac; done; \
         echo \"the picture with checksum {before} stays\" >&2; exit 1"
    ))
}

/// The rotation property of each plane in use: 1 is none.
fn planes(kiosk: &Kiosk) -> Result<Vec<String>> {
    let used = "awk '/^plane/ { used = 0 } /crtc=crtc-/ { used = 1 } /rotation=/ && used { print $1 }'";
    let text = kiosk.sh(&format!("{used} {DEBUG}/state | sed -n 's/.*rotation=//p'"))?;
    Ok(text.lines().map(str::to_owned).collect())
}

fn wait_for_scanout(kiosk: &Kiosk, wanted: &str) -> Result<()> {
    let deadline = std::time::Instant::now() + DRAWN;
    loop {
        let scanout = kiosk.status()?["compositor"]["outputs"][0]["scanout"].clone();
        if scanout == wanted {
            return Ok(());
        }
        if std::time::Instant::now() > deadline {
            bail!("the picture is {scanout} instead of {wanted}");
        }
    }
}
