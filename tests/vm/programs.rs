//! Other programs than a browser as the shell: shown on the whole screen, started again when they are killed, replaced
//! when they hang, and restarted by command. A terminal in the gate; the large ones on the machine of
//! `make test-programs`, whose root has them.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kiosk_tests::vm::{Picture, Rgb, Stage};
use serde_json::Value;

use super::kiosk::Kiosk;
use super::looks::is_page;

const FILE: &str = "70-program";
/// A colour that no other picture has.
const BACKGROUND: Rgb = [0x20, 0x40, 0x60];
/// A terminal with these colours.
const TERMINAL: &[&str] = &[
    "foot",
    "--config=/dev/null",
    "--font=monospace:size=30",
    "--override=colors.background=204060",
    "--override=colors.foreground=ffe0a0",
    "--",
    "sh",
    "-c",
    "echo the shell is a terminal; exec sleep 100000",
];
const QML: &str = "/usr/lib/qt6/bin/qml";
const WINDOW: &str = "/usr/lib/kiosk-tests/window.qml";
/// From one process to the next, or from its last answer to the report that it hangs: a browser on an emulated machine.
const AGAIN: Duration = Duration::from_secs(300);

/// Puts the programs' files onto the disk of the machine for them.
pub fn stage(stage: &Stage) -> Result<()> {
    let text = "color: \"#ffe0a0\"; font.pixelSize: 90";
    stage.file(
        WINDOW,
        &format!(
            "import QtQuick\nimport QtQuick.Window\nWindow {{\n visible: true\n color: \"#204060\"\n \
             Text {{ anchors.centerIn: parent; text: \"Qt 6\"; {text} }}\n}}\n"
        ),
    )
}

fn is_of(picture: &Picture, background: Rgb) -> bool {
    picture.share_of(background, 6) > 0.9 && picture.share(|[r, g, b]| r > 200 && g > 180 && b < 190) > 0.001
}

fn is_terminal(picture: &Picture) -> bool {
    is_of(picture, BACKGROUND)
}

pub fn a_terminal_as_the_shell_is_supervised_like_a_page(kiosk: &Kiosk) -> Result<()> {
    as_the_shell(kiosk, "terminal", TERMINAL, is_terminal)
}

pub fn a_qt_6_program_is_supervised(kiosk: &Kiosk) -> Result<()> {
    as_the_shell(kiosk, "qt6", &[QML, WINDOW], is_terminal)
}

fn as_the_shell(kiosk: &Kiosk, name: &str, command: &[&str], is_it: fn(&Picture) -> bool) -> Result<()> {
    // TOML's strings are JSON's.
    kiosk.configure(FILE, &format!("[shell]\ncommand = {}\n", serde_json::to_string(command)?))?;
    kiosk.sh("systemctl restart kiosk-session")?;
    let lived = lives(kiosk, name, is_it).inspect_err(|_| kiosk.leave_evidence(name));
    kiosk.deconfigure(FILE)?;
    kiosk.sh("systemctl restart kiosk-session")?;
    kiosk.machine.wait_for_screen("the page in its place again", AGAIN, is_page)?;
    lived
}

fn lives(kiosk: &Kiosk, name: &str, is_it: fn(&Picture) -> bool) -> Result<()> {
    let machine = &kiosk.machine;
    let shown = |what: &str| machine.wait_for_screen(&format!("{name} {what}"), AGAIN, is_it);
    let picture = shown("at first")?;
    machine.save(&picture, &format!("shell-{name}"))?;
    let first = shell(kiosk, |_| true)?;
    ensure!(first["url"] == "", "a program has no address: {first}");

    kiosk.sh(&format!("kill -9 {}", pid(&first)?))?;
    let second = shell(kiosk, |session| session["browser-pid"] != first["browser-pid"])?;
    ensure!(reason(&second).ends_with("killed (SIGKILL)"), "killed, it is told that {}", reason(&second));
    shown("after it was killed")?;

    kiosk.sh(&format!("kill -STOP {}", pid(&second)?))?;
    let third = shell(kiosk, |session| session["browser-pid"] != second["browser-pid"])?;
    ensure!(reason(&third).ends_with("does not answer the compositor"), "hung, it is told that {}", reason(&third));
    shown("after it hung")?;

    kiosk.sh("kioskctl restart")?;
    shell(kiosk, |session| session["browser-pid"] != third["browser-pid"])?;
    shown("after a restart").map(drop)
}

/// The shell's state, once it is ready and as wanted.
fn shell(kiosk: &Kiosk, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
    let ready = |status: &Value| status["session"]["state"] == "ready" && wanted(&status["session"]);
    kiosk.wait_for_status("of a shell that is ready", AGAIN, ready)?;
    Ok(kiosk.status()?["session"].clone())
}

fn pid(session: &Value) -> Result<i64> {
    session["browser-pid"].as_i64().with_context(|| format!("no process: {session}"))
}

fn reason(session: &Value) -> &str {
    session["last-failure"]["reason"].as_str().unwrap_or_default()
}
