//! Another program than a browser as the shell: shown, restarted when it is killed, and detected when it hangs.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kiosk_tests::vm::{Picture, Rgb};
use serde_json::Value;

use super::kiosk::Kiosk;
use super::looks::is_page;

const FILE: &str = "70-program";
/// A terminal with colours that no other picture has.
const TERMINAL: &str = "[shell]\n\
    command = [\"foot\", \"--config=/dev/null\", \"--font=monospace:size=30\", \"--override=colors.background=204060\", \"--override=colors.foreground=ffe0a0\",\
     \"--\", \"sh\", \"-c\", \"echo the shell is a terminal; exec sleep 100000\"]\n";
const BACKGROUND: Rgb = [0x20, 0x40, 0x60];
/// From one process to the next, or from its last answer to the report that it hangs.
const AGAIN: Duration = Duration::from_secs(90);

fn is_terminal(picture: &Picture) -> bool {
    picture.share_of(BACKGROUND, 6) > 0.9 && picture.share(|[r, g, b]| r > 200 && g > 180 && b < 190) > 0.001
}

pub fn a_terminal_as_the_shell_is_supervised_like_a_page(kiosk: &Kiosk) -> Result<()> {
    kiosk.configure(FILE, TERMINAL)?;
    kiosk.sh("systemctl restart kiosk-session")?;
    let lived = lives(kiosk);
    kiosk.deconfigure(FILE)?;
    kiosk.sh("systemctl restart kiosk-session")?;
    kiosk.machine.wait_for_screen("the page in its place again", AGAIN, is_page)?;
    lived
}

fn lives(kiosk: &Kiosk) -> Result<()> {
    let machine = &kiosk.machine;
    let shown = |what: &str| machine.wait_for_screen(what, AGAIN, is_terminal);
    let picture = shown("the terminal")?;
    machine.save(&picture, "terminal")?;
    let first = shell(kiosk, |_| true)?;
    ensure!(first["url"] == "", "a terminal has no address: {first}");

    kiosk.sh(&format!("kill -9 {}", pid(&first)?))?;
    let second = shell(kiosk, |session| session["browser-pid"] != first["browser-pid"])?;
    ensure!(reason(&second).ends_with("killed (SIGKILL)"), "killed, it is told that {}", reason(&second));
    shown("another terminal")?;

    kiosk.sh(&format!("kill -STOP {}", pid(&second)?))?;
    let third = shell(kiosk, |session| session["browser-pid"] != second["browser-pid"])?;
    ensure!(reason(&third) != reason(&second), "hung, it is told that {}", reason(&third));
    eprintln!("hung, it is told that {}", reason(&third));
    shown("a terminal that answers").map(drop)
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
