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
const GTK: &str = "/usr/lib/kiosk-tests/window.py";
/// The same window as Qt's.
const GTK_WINDOW: &str = "import gi
gi.require_version('Gtk', '4.0')
from gi.repository import Gdk, Gtk
def shown(app):
    style = Gtk.CssProvider()
    style.load_from_data('window { background: #204060; } label { color: #ffe0a0; font-size: 90px; }', -1)
    Gtk.StyleContext.add_provider_for_display(Gdk.Display.get_default(), style, 800)
    window = Gtk.ApplicationWindow(application=app)
    window.set_child(Gtk.Label(label='GTK 4'))
    window.present()
app = Gtk.Application()
app.connect('activate', shown)
app.run()
";
/// As an administrator of Debian's Firefox keeps its own pages of a first start away.
const FIREFOX_POLICY: (&str, &str) = (
    "/etc/firefox/policies/policies.json",
    r#"{ "policies": { "OverrideFirstRunPage": "", "DisableTelemetry": true, "DontCheckDefaultBrowser": true } }"#,
);
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
    )?;
    stage.file(GTK, GTK_WINDOW)?;
    stage.file(FIREFOX_POLICY.0, FIREFOX_POLICY.1)
}

fn is_of(picture: &Picture, background: Rgb) -> bool {
    picture.share_of(background, 6) > 0.9 && picture.share(|[r, g, b]| r > 200 && g > 180 && b < 190) > 0.001
}

fn is_window(picture: &Picture) -> bool {
    is_of(picture, BACKGROUND)
}

/// xeyes: black on white, the pupils too.
fn is_eyes(picture: &Picture) -> bool {
    let light = picture.share(|pixel| pixel.iter().all(|part| *part > 250));
    let dark = picture.share(|pixel| pixel.iter().all(|part| *part < 5));
    light > 0.3 && dark > 0.05 && light + dark > 0.9
}

/// A program as the shell.
struct Program<'a> {
    /// For messages and pictures.
    name: &'a str,
    /// `{url}` is the page's address.
    command: &'a [&'a str],
    /// Of the configuration, taken by kioskd at its start.
    more: &'a str,
    is_it: fn(&Picture) -> bool,
}

pub fn a_terminal_as_the_shell_is_supervised_like_a_page(kiosk: &Kiosk) -> Result<()> {
    Program { name: "terminal", command: TERMINAL, more: "", is_it: is_window }.is_supervised(kiosk)
}

pub fn a_qt_6_program_is_supervised(kiosk: &Kiosk) -> Result<()> {
    Program { name: "qt6", command: &[QML, WINDOW], more: "", is_it: is_window }.is_supervised(kiosk)
}

pub fn a_gtk_4_program_is_supervised(kiosk: &Kiosk) -> Result<()> {
    Program { name: "gtk4", command: &["/usr/bin/python3", GTK], more: "", is_it: is_window }.is_supervised(kiosk)
}

pub fn firefox_is_supervised(kiosk: &Kiosk) -> Result<()> {
    let command = &["firefox-esr", "--kiosk", "{url}"];
    Program { name: "firefox", command, more: "", is_it: is_page }.is_supervised(kiosk)
}

/// What Electron programs are made of, started as they are.
pub fn chromium_as_a_command_is_supervised(kiosk: &Kiosk) -> Result<()> {
    let command = &["chromium", "--ozone-platform=wayland", "--no-first-run", "--start-fullscreen", "--app={url}"];
    Program { name: "chromium", command, more: "", is_it: is_page }.is_supervised(kiosk)
}

pub fn cog_is_supervised(kiosk: &Kiosk) -> Result<()> {
    let command = &["env", "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS=1", "cog", "{url}"];
    Program { name: "cog", command, more: "", is_it: is_page }.is_supervised(kiosk)
}

/// The X server is one that a unit starts with the first X program, and that ends with the last.
pub fn an_x11_program_has_an_x_server_of_its_own_as_long_as_it_runs(kiosk: &Kiosk) -> Result<()> {
    ensure!(x_servers(kiosk)?.is_empty(), "an X server runs for nobody");
    let xeyes = Program { name: "xeyes", command: &["xeyes"], more: "[x11]\nenabled = true\n", is_it: is_eyes };
    // X11 programs are not asked whether they hang.
    xeyes.runs(kiosk, || xeyes.returns(kiosk).and_then(|_| x_server_comes_and_goes(kiosk)))?;
    ensure!(x_servers(kiosk)?.is_empty(), "the X server runs on without a program");
    Ok(())
}

fn x_servers(kiosk: &Kiosk) -> Result<String> {
    kiosk.sh("pgrep -x Xwayland || true")
}

fn x_server_comes_and_goes(kiosk: &Kiosk) -> Result<()> {
    let unit = kiosk.sh("systemctl list-units --plain --no-legend 'kiosk-xwayland@*'")?;
    ensure!(unit.contains("running"), "no unit has started the X server: {unit}");
    let user = kiosk.sh("ps -o user:20= -C Xwayland")?;
    ensure!(user.trim() == "kiosk-xwayland", "the X server runs as {user}");
    // With the server its clients go; both are started again.
    let first = x_servers(kiosk)?;
    kiosk.sh(&format!("kill -9 {first}"))?;
    let another = |status: &Value| {
        status["session"]["state"] == "ready" && x_servers(kiosk).is_ok_and(|now| !now.is_empty() && now != first)
    };
    kiosk.wait_for_status("another X server", AGAIN, another)?;
    kiosk.machine.wait_for_screen("xeyes with another X server", AGAIN, is_eyes)?;
    kiosk.sh("kioskctl stop && for look in $(seq 100); do pgrep -x Xwayland || exit 0; sleep 0.2; done; exit 1")?;
    kiosk.sh("kioskctl start")?;
    kiosk.machine.wait_for_screen("xeyes after a stop", AGAIN, is_eyes).map(drop)
}

impl Program<'_> {
    fn is_supervised(&self, kiosk: &Kiosk) -> Result<()> {
        self.runs(kiosk, || self.lives(kiosk))
    }

    /// Makes it the shell for `meanwhile`, and then the page again.
    fn runs(&self, kiosk: &Kiosk, meanwhile: impl FnOnce() -> Result<()>) -> Result<()> {
        // TOML's strings are JSON's.
        let command = serde_json::to_string(self.command)?;
        kiosk.configure(FILE, &format!("{}[shell]\ncommand = {command}\n", self.more))?;
        let kioskd = if self.more.is_empty() { "" } else { "kiosk" };
        let restart = format!("systemctl restart {kioskd} kiosk-session");
        let lived = kiosk.sh(&restart).and_then(|_| meanwhile()).map_err(|error| kiosk.explained(self.name, error));
        kiosk.deconfigure(FILE)?;
        kiosk.sh(&restart)?;
        kiosk.machine.wait_for_screen("the page in its place again", AGAIN, is_page)?;
        lived
    }

    fn shown(&self, kiosk: &Kiosk, what: &str) -> Result<Picture> {
        kiosk.machine.wait_for_screen(&format!("{} {what}", self.name), AGAIN, self.is_it)
    }

    /// Shown, and killed. Returns the state with another process on the screen.
    fn returns(&self, kiosk: &Kiosk) -> Result<Value> {
        let picture = self.shown(kiosk, "at first")?;
        kiosk.machine.save(&picture, &format!("shell-{}", self.name))?;
        let first = shell(kiosk, |_| true)?;
        let has_page = self.command.iter().any(|word| word.contains("{url}"));
        ensure!(has_page || first["url"] == "", "a program has no address: {first}");

        kiosk.sh(&format!("kill -9 {}", pid(&first)?))?;
        let second = shell(kiosk, |session| session["browser-pid"] != first["browser-pid"])?;
        ensure!(reason(&second).ends_with("killed (SIGKILL)"), "killed, it is told that {}", reason(&second));
        self.shown(kiosk, "after it was killed")?;
        Ok(second)
    }

    /// Killed, hung, and restarted by command: each time another process is on the screen.
    fn lives(&self, kiosk: &Kiosk) -> Result<()> {
        let second = self.returns(kiosk)?;
        kiosk.sh(&format!("kill -STOP {}", pid(&second)?))?;
        let third = shell(kiosk, |session| session["browser-pid"] != second["browser-pid"])?;
        ensure!(reason(&third).ends_with("does not answer the compositor"), "hung, it is told that {}", reason(&third));
        self.shown(kiosk, "after it hung")?;

        restart(kiosk)?;
        shell(kiosk, |session| session["browser-pid"] != third["browser-pid"])?;
        self.shown(kiosk, "after a restart").map(drop)
    }
}

/// `kioskctl restart`, whose answer comes after 20 s at the latest: a large program on an emulated machine takes longer.
fn restart(kiosk: &Kiosk) -> Result<()> {
    let answer = kiosk.machine.agent().run("kioskctl restart")?;
    let starts = answer.stderr.contains("the session goes on trying");
    ensure!(answer.code == 0 || starts, "kioskctl restart: {}", answer.stderr);
    Ok(())
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
