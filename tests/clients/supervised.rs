//! Debian's own programs as the shell (`[shell] command`), supervised by kiosk-session: each starts, is shown, is
//! killed and returns, hangs and is replaced, and is restarted by command. And commands that cannot be shells: the messages, and that they are tried again.
//!
//! A program that is not installed is skipped, with a message: `make clients` installs all of them.

use std::{
    path::{Path, PathBuf},
    process::Output,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    process::program,
    stand::{Shot, Stand, until, until_within},
};

/// A window is pinged every 30 s, and has 15 s to answer; then another program starts.
const HANG: Duration = Duration::from_secs(120);

const QML: &str = r##"
import QtQuick
import QtQuick.Window
Window {
    visible: true
    color: "#204060"
    Text { anchors.centerIn: parent; text: "Qt 6"; color: "white"; font.pixelSize: 90 }
}
"##;
const ENGINE: &str = r##"
import QtQuick
import QtQuick.Window
import QtWebEngine
Window {
    visible: true
    WebEngineView {
        anchors.fill: parent
        Component.onCompleted: loadHtml("<body style='background:rgb(64,32,96);color:white;font-size:90px'>An engine")
    }
}
"##;
/// Light text, as every picture test expects.
const PAGE: &str = "data:text/html,<body style='background:rgb(0,64,96);color:white;font-size:90px'>A page";

/// The program's path: Qt's programs are in no directory of `PATH`.
fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.exists());
    if found.is_none() {
        eprintln!("LEFT OUT: {name} is not installed");
    }
    found
}

struct Supervised(Stand);

impl Supervised {
    /// With this shell; `more`: further lines of the configuration.
    fn new(command: &[&str], more: &str) -> Self {
        let command = toml_list(command);
        Self(Stand::supervised(&format!("[shell]\ncommand = {command}\n{more}")))
    }

    fn kioskctl(&self, arguments: &[&str]) -> Output {
        let mut command = self.0.command("wayland-admin", program("kioskctl").to_str().unwrap());
        command.args(arguments).env("KIOSK_RUNTIME_DIR", self.0.directory.path()).output().unwrap()
    }

    fn status(&self) -> Value {
        serde_json::from_slice(&self.kioskctl(&["--json", "status"]).stdout).unwrap_or_default()
    }

    /// Waits for a session as wanted, with this stage on the screen.
    #[track_caller]
    fn until(&self, what: &str, stage: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        until(what, || {
            let status = self.status();
            (status["compositor"]["stage"] == stage && wanted(&status["session"])).then(|| status["session"].clone())
        })
    }

    #[track_caller]
    fn shot(&self, name: &str) -> Shot {
        let file = format!("{name}.png");
        let shot = until("letters on the screen", || Some(self.0.grim(&[], &file)).filter(Shot::has_letters));
        self.0.keep(&file, &format!("shell-{file}"));
        shot
    }
}

fn toml_list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| serde_json::to_string(word).unwrap()).collect();
    format!("[{}]", quoted.join(", "))
}

/// The shell's process in this state of the session.
fn pid(session: &Value) -> Pid {
    session["browser-pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw).unwrap()
}

/// It starts, is shown, is killed, hangs and is restarted by command, and returns as another process each time.
#[track_caller]
fn lives(name: &str, command: &[&str]) {
    let kiosk = Supervised::new(command, "");
    let ready = |session: &Value| session["state"] == "ready";
    let first = kiosk.until("the program", "shell", ready);
    kiosk.shot(name);
    assert_eq!(first["url"], "", "it has no page");

    kill_process(pid(&first), Signal::KILL).unwrap();
    let another = |before: &Value, session: &Value| ready(session) && session["browser-pid"] != before["browser-pid"];
    let second = kiosk.until("another one", "shell", |session| another(&first, session) && session["restarts"] == 1);
    let reason = second["last-failure"]["reason"].as_str().unwrap();
    assert!(reason.ends_with("ended: killed (SIGKILL)"), "{reason}");
    kiosk.shot(name);

    kill_process(pid(&second), Signal::STOP).unwrap();
    let third = until_within(HANG, "one in the place of the one that hangs", || {
        let status = kiosk.status();
        (status["compositor"]["stage"] == "shell" && another(&second, &status["session"]))
            .then(|| status["session"].clone())
    });
    let reason = third["last-failure"]["reason"].as_str().unwrap();
    assert!(reason.ends_with("does not answer the compositor"), "{reason}");
    kiosk.shot(name);

    let output = kiosk.kioskctl(&["restart"]);
    assert!(output.status.success(), "{output:?}");
    kiosk.until("one after a restart", "shell", |session| another(&third, session));
    kiosk.shot(name);
}

#[test]
fn foot() {
    if installed("foot").is_some() {
        lives("foot", &["foot", "--", "sh", "-c", "printf 'a terminal for a shell'; exec sleep 600"]);
    }
}

#[test]
fn cog() {
    if installed("cog").is_some() {
        lives("cog", &["cog", "--platform=wl", PAGE]);
    }
}

#[test]
fn firefox() {
    if installed("firefox-esr").is_some() {
        lives("firefox", &["firefox-esr", "--no-remote", "--kiosk", PAGE]);
    }
}

#[test]
fn a_gtk_4_program() {
    if installed("gtk4-widget-factory").is_some() {
        lives("gtk4", &["gtk4-widget-factory"]);
    }
}

#[test]
fn a_qt_6_program() {
    let qml = Path::new("/usr/lib/qt6/bin/qml");
    if !qml.exists() {
        return eprintln!("LEFT OUT: {} is not installed", qml.display());
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("window.qml");
    std::fs::write(&file, QML).unwrap();
    lives("qt6", &[qml.to_str().unwrap(), file.to_str().unwrap()]);
}

/// Chromium's engine in another program's window, as Electron's programs have it: several processes, one window.
#[test]
fn a_qt_6_program_with_chromiums_engine() {
    let qml = Path::new("/usr/lib/qt6/bin/qml");
    if !Path::new("/usr/lib/x86_64-linux-gnu/qt6/qml/QtWebEngine").exists() {
        return eprintln!("LEFT OUT: qml6-module-qtwebengine is not installed");
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("engine.qml");
    std::fs::write(&file, ENGINE).unwrap();
    // Its sandbox takes a user who is not root.
    let environment = ["env", "QTWEBENGINE_DISABLE_SANDBOX=1"];
    lives("engine", &[&environment[..], &[qml.to_str().unwrap(), file.to_str().unwrap()]].concat());
}

/// Chromium as a command, not as a browser: with Electron's window code, and nothing of a page's supervision.
#[test]
fn chromium_as_a_program() {
    if installed("chromium").is_some() {
        let directory = tempfile::tempdir().unwrap();
        let profile = format!("--user-data-dir={}", directory.path().display());
        let app = format!("--app={PAGE}");
        lives("chromium", &["chromium", "--no-sandbox", "--no-first-run", "--ozone-platform=wayland", &profile, &app]);
    }
}

/// SIGTERM does not end it, and it starts its window anew: a restart ends all of it, and starts one.
#[test]
fn a_command_that_ignores_sigterm_is_ended_all_the_same() {
    if installed("foot").is_none() {
        return;
    }
    let mark = format!("8{}", std::process::id());
    let script = format!("trap '' TERM; while :; do foot -- sh -c 'echo a stubborn one; exec sleep {mark}'; done");
    let kiosk = Supervised::new(&["sh", "-c", &script], "");
    let ready = |session: &Value| session["state"] == "ready";
    let first = kiosk.until("the program", "shell", ready);
    kiosk.shot("stubborn");
    let output = kiosk.kioskctl(&["restart"]);
    assert!(output.status.success(), "{output:?}");
    kiosk.until("another one", "shell", |session| ready(session) && session["browser-pid"] != first["browser-pid"]);
    kiosk.shot("stubborn");
    until("one of them", || (running(&mark) == 1).then_some(()));
    assert!(kiosk.kioskctl(&["stop"]).status.success());
    until("none of them", || (running(&mark) == 0).then_some(()));
}

#[test]
fn mpv() {
    if installed("mpv").is_some() {
        // Without a film it shows its own hint.
        lives("mpv", &["mpv", "--no-config", "--idle=yes", "--force-window=yes", "--vo=wlshm"]);
    }
}

#[test]
fn a_command_that_draws_nothing_is_told_of() {
    let kiosk = Supervised::new(&["sleep", "600"], "[shell.ready]\ntimeout = \"2s\"\n[splash]\nlogo-size = \"5%\"\n");
    kiosk.until("the program", "splash", |session| session["state"] == "loading");
    // The screen has a QR code, which is white; the logo is small, and the splash has a line of text.
    until("the screen that says so", || (light(&kiosk.0.grim(&[], "nothing.png"), 0) > 4000).then_some(()));
    kiosk.0.keep("nothing.png", "shell-nothing.png");
}

#[test]
fn a_command_that_ends_or_is_not_there_is_tried_again_and_the_screen_says_why() {
    for (name, command, reason) in [
        ("ends", &["sh", "-c", "exit 3"][..], "sh ended: exit status 3"),
        ("missing", &["no-such-program"], "no-such-program is not installed"),
    ] {
        let kiosk = Supervised::new(command, "");
        let tried = |session: &Value| session["restarts"].as_i64() > Some(1) || name == "missing";
        let why =
            |session: &Value| session["last-failure"]["reason"].as_str().is_some_and(|told| told.starts_with(reason));
        let session =
            kiosk.until(name, "splash", |session| session["state"] == "backoff" && why(session) && tried(session));
        assert!(session["last-failure"]["action"].as_str().unwrap().starts_with("started again"), "{session}");
        let shot = kiosk.shot(name);
        assert!(light(&shot, shot.height * 3 / 4) > 20, "the line below the logo is empty");
    }
}

/// Number of light pixels from this row on.
fn light(shot: &Shot, from: u32) -> usize {
    let rows = shot.rgb.chunks_exact(3).skip((shot.width * from) as usize);
    rows.filter(|pixel| pixel.iter().all(|part| *part > 150)).count()
}

/// It leaves the process group: its child is found all the same, and does not run twice.
#[test]
fn a_command_that_goes_to_the_background_is_ended_and_told_to_stay() {
    let mark = format!("7{}", std::process::id());
    let kiosk = Supervised::new(&["sh", "-c", &format!("setsid sleep {mark} & sleep 0.2")], "");
    let told = "sh ended: exit status 0: a shell must stay in the foreground";
    let again = |session: &Value| session["last-failure"]["reason"] == told && session["restarts"].as_i64() > Some(2);
    kiosk.until("the next tries", "splash", again);
    let left = running(&mark);
    assert!(left <= 1, "{left} of them");
    assert!(kiosk.kioskctl(&["stop"]).status.success());
    until("none of them", || (running(&mark) == 0).then_some(()));
}

/// Number of `sleep` processes with this argument.
fn running(mark: &str) -> usize {
    let line = format!("sleep\0{mark}\0");
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries.filter(|entry| std::fs::read(entry.path().join("cmdline")).is_ok_and(|own| own == line.as_bytes())).count()
}
