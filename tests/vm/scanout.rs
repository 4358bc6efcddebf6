//! Direct scanout: a fullscreen client's buffer on the plane, seen from both sides.

use anyhow::{Context, Result, ensure};
use kiosk_tests::frames::Frames;
use serde_json::Value;

use super::kiosk::{CLIENT, Kiosk};

const REPORT: &str = "/run/kiosk-web/frames.json";
/// The shell is the measuring client instead of the browser.
const FILE: &str = "/etc/kiosk/config.d/60-scanout.toml";
const SECONDS: u32 = 12;

pub fn a_fullscreen_buffer_goes_to_the_screen_as_it_is(kiosk: &Kiosk) -> Result<()> {
    let renderer = kiosk.status()?["compositor"]["renderer"].clone();
    ensure!(renderer == "gles", "renderer is {renderer}");
    let result = watch(kiosk);
    kiosk.sh(&format!("rm -f {FILE} && systemctl restart kiosk-session"))?;
    kiosk.page()?;
    result
}

fn watch(kiosk: &Kiosk) -> Result<()> {
    let arguments = ["full", "--memory", "dmabuf", "--seconds", &SECONDS.to_string(), "--report", REPORT];
    let command: Vec<String> = std::iter::once(CLIENT).chain(arguments).map(|word| format!("\"{word}\"")).collect();
    kiosk.sh(&format!(
        "install -d /etc/kiosk/config.d && printf '%s\\n' '[shell]' 'command = [{}]' >{FILE} && \
         rm -f {REPORT} && systemctl restart kiosk-session && kioskctl wait page-visible --timeout 60s",
        command.join(", ")
    ))?;
    let before = output(kiosk)?;
    kiosk.sh("sleep 5")?;
    let after = output(kiosk)?;
    kiosk.sh(&format!("until [ -s {REPORT} ]; do sleep 0.5; done"))?;
    let frames: Frames = serde_json::from_str(&kiosk.sh(&format!("cat {REPORT}"))?).context(REPORT)?;

    let scanout = after["scanout"].as_str().unwrap_or_default();
    ensure!(scanout.starts_with("direct"), "Scanout is `{scanout}`");
    let grown = |name: &str| after[name].as_i64().unwrap_or(-1) - before[name].as_i64().unwrap_or(0);
    let (composed, direct) = (grown("frames-composed"), grown("frames-direct"));
    eprintln!(
        "in 5 s: {direct} frames direct, {composed} composed; {} of {} zero-copy",
        frames.zero_copy(),
        frames.presented.len()
    );
    ensure!(composed == 0, "{composed} frames were composed beside {direct} direct ones");
    ensure!(direct > 10, "only {direct} frames went to the screen directly");
    // The first ones are under the splash that fades.
    let second_half = &frames.presented[frames.presented.len() / 2..];
    ensure!(second_half.iter().all(|frame| frame.zero_copy), "some late frames were not zero-copy");
    Ok(())
}

fn output(kiosk: &Kiosk) -> Result<Value> {
    let output = kiosk.status()?["compositor"]["outputs"][0].clone();
    ensure!(output.is_object(), "no output");
    Ok(output)
}
