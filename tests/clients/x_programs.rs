//! X11 programs with kioskd in place of cage: their pictures, and copy and paste with Wayland tools.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use crate::stand::{Shot, Stand, kept, until};

/// Longer than one transfer, and without a repeated part.
const LONG: usize = 1_000_000;

/// xeyes as the shell, with the keyboard focus. Returns its X display too.
fn eyes() -> (Stand, String) {
    let said = tempfile::NamedTempFile::new().unwrap();
    let script = format!("echo \"$DISPLAY\" >{}; exec xeyes", said.path().display());
    let stand = Stand::in_cages_place(&["--", "sh", "-c", &script]);
    let is_light = |shot: &Shot| shot.rgb.chunks_exact(3).filter(|pixel| pixel.iter().all(|part| *part > 250)).count();
    // The two eyes fill the screen's height.
    let shot = until("xeyes on the whole screen", || {
        let shot = stand.grim(&[], "eyes.png");
        (is_light(&shot) > 800 * 600 / 4).then_some(shot)
    });
    assert_eq!((shot.width, shot.height), (800, 600));
    std::fs::copy(stand.path("eyes.png"), kept("xeyes.png")).unwrap();
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
