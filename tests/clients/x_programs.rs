//! X11 programs with kioskd in place of cage: their pictures, and copy and paste with Wayland tools.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    process::{Running, program},
    stand::{Shot, Stand, until},
};

/// Longer than one transfer, and without a repeated part.
const LONG: usize = 1_000_000;

/// The two eyes fill the screen's height.
fn until_eyes(stand: &Stand) -> Shot {
    let is_light = |shot: &Shot| shot.rgb.chunks_exact(3).filter(|pixel| pixel.iter().all(|part| *part > 250)).count();
    until("xeyes on the whole screen", || {
        let shot = stand.grim(&[], "eyes.png");
        (is_light(&shot) > 800 * 600 / 4).then_some(shot)
    })
}

/// xeyes as the shell, with the keyboard focus. Returns its X display too.
fn eyes() -> (Stand, String) {
    let said = tempfile::NamedTempFile::new().unwrap();
    let script = format!("echo \"$DISPLAY\" >{}; exec xeyes", said.path().display());
    let stand = Stand::in_cages_place(&["--", "sh", "-c", &script]);
    let shot = until_eyes(&stand);
    assert_eq!((shot.width, shot.height), (800, 600));
    stand.keep("eyes.png", "xeyes.png");
    let display = std::fs::read_to_string(said.path()).unwrap().trim().to_owned();
    (stand, display)
}

fn xclip(display: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("xclip");
    command.env("DISPLAY", display).args(["-selection", "clipboard"]).args(arguments);
    command
}

fn copy(mut command: Command, text: &str) -> std::process::Child {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    child
}

fn long() -> String {
    (0..)
        .map(|number: u32| format!("{number} "))
        .scan(0, |length, word| {
            *length += word.len();
            (*length < LONG).then_some(word)
        })
        .collect()
}

/// The X server that a unit started: the only child of the unit's program, which is `units`' only child.
fn server_of(units: &Running) -> Option<i32> {
    let child = |parent: i32| -> Option<i32> {
        let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
        children.split_whitespace().next()?.parse().ok()
    };
    child(child(units.id().cast_signed())?)
}

#[test]
fn a_unit_starts_the_x_server_of_a_session_that_is_a_service() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("start-xwayland");
    let mut units = Command::new("systemd-socket-activate");
    units.args(["--accept", "--inetd", "--listen"]).arg(&socket).arg(program("kiosk-xwayland"));
    let units = Running::start(units);
    until("the units' socket", || socket.exists().then_some(()));
    let stand = Stand::external("[x11]\nenabled = true\n[shell]\ncommand = [\"xeyes\"]\n", directory);
    // As its unit does: the display's directory in the place of the machine's.
    let script = format!("mount --bind {} /tmp/.X11-unix && exec \"$@\"", stand.path("x11"));
    let mut session = stand.command("wayland-0", "unshare");
    session.args(["--map-root-user", "--mount", "sh", "-c", &script, "sh"]).arg(program("kiosk-session"));
    session.args(["--config", &stand.path("config.toml")]).env("KIOSK_RUNTIME_DIR", stand.directory.path());
    session.env("KIOSK_STATE_DIR", stand.directory.path()).env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent");
    let _session = Running::start(session);
    until_eyes(&stand);
    let first = until("the unit's X server", || server_of(&units));
    // One that dies takes its programs along; they are started again, and so is it.
    kill_process(Pid::from_raw(first).unwrap(), Signal::KILL).unwrap();
    let second = until("another X server", || server_of(&units).filter(|second| *second != first));
    until_eyes(&stand);
    assert_eq!(server_of(&units), Some(second));
    // kioskd's end takes it along.
    drop(stand);
    until("the end of the X server", || server_of(&units).is_none().then_some(()));
}

#[test]
fn what_an_x_program_copies_wayland_pastes_and_the_other_way_round() {
    let (stand, display) = eyes();
    for text in ["Grüße von X".to_owned(), long()] {
        // The X program serves it until another one copies something.
        let mut owner = copy(xclip(&display, &["-in", "-quiet"]), &text);
        until("what the X program has copied", || {
            let output = stand.command("wayland-admin", "wl-paste").arg("--no-newline").output().unwrap();
            (output.stdout == text.as_bytes()).then_some(())
        });
        owner.kill().unwrap();
        owner.wait().unwrap();
    }
    for text in ["Grüße von Wayland".to_owned(), long()] {
        let mut command = stand.command("wayland-admin", "wl-copy");
        command.args(["--foreground", "--type", "text/plain;charset=utf-8"]);
        let mut owner = copy(command, &text);
        until("what the Wayland client has copied", || {
            let output = xclip(&display, &["-out", "-target", "UTF8_STRING"]).output().unwrap();
            (output.stdout == text.as_bytes()).then_some(())
        });
        let targets = xclip(&display, &["-out", "-target", "TARGETS"]).output().unwrap();
        let targets = String::from_utf8(targets.stdout).unwrap();
        assert!(targets.lines().any(|target| target == "text/plain;charset=utf-8"), "{targets}");
        owner.kill().unwrap();
        owner.wait().unwrap();
    }
}
