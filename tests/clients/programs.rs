//! One test for each program, or for a pair that works together.

use std::{io::Write, process::Stdio};

use crate::{
    process::{Running, program},
    stand::{Shot, Stand, kept, until},
    vnc::{Vnc, free_port},
};

#[test]
fn grim_sees_the_screen_and_a_part_of_it_and_rotated() {
    let stand = Stand::new();
    let _foot = stand.foot("printf 'seen from afar'; exec sleep 600");
    let shot = stand.grim(&["-c"], "shot.png");
    assert_eq!((shot.width, shot.height), (800, 600));
    stand.keep("shot.png", "grim.png");
    let part = stand.grim(&["-g", "0,0 200x50"], "part.png");
    assert_eq!((part.width, part.height), (200, 50));
    assert!(part.has_letters());
    let empty = stand.grim(&["-g", "0,300 200x50"], "empty.png");
    assert!(!empty.has_letters());
    stand.tool("wlr-randr", &["--output", "HEADLESS-1", "--transform", "90"]);
    let rotated = until("the rotated window", || {
        let shot = stand.grim(&[], "rotated.png");
        ((shot.width, shot.height) == (600, 800) && shot.has_letters()).then_some(shot)
    });
    // Upright: the text is in the first line, at the left.
    let line = rotated.rgb.chunks_exact(3).take(600 * 30);
    assert!(line.filter(|pixel| pixel.iter().all(|part| *part > 150)).count() > 20);
    stand.keep("rotated.png", "grim-rotated.png");
}

#[test]
fn wtype_types_what_no_layout_has() {
    let stand = Stand::new();
    let _foot = stand.foot(&format!(
        "printf 'type here: '; read -r line; printf '%s\\n' \"$line\" >{}; exec sleep 600",
        stand.path("typed")
    ));
    stand.tool("wtype", &["hello äöü € Привет"]);
    stand.tool("wtype", &["-k", "Return"]);
    assert_eq!(stand.written("typed"), "hello äöü € Привет\n");
    stand.grim(&[], "typed.png");
    stand.keep("typed.png", "wtype.png");
}

#[test]
fn wvkbd_lies_over_the_window_which_keeps_its_size() {
    let stand = Stand::with("[keyboard]\nuse = \"external\"\n");
    let _foot = stand.foot("printf 'typed on another keyboard'; exec sleep 600");
    let mut command = stand.command("wayland-admin", "wvkbd-mobintl");
    command.args(["-L", "200"]);
    let _wvkbd = Running::start(command);
    let shot = until("the keyboard's letters", || {
        let keys = stand.grim(&["-g", "0,400 800x200"], "keys.png");
        keys.has_letters().then(|| stand.grim(&["-c"], "whole.png"))
    });
    assert_eq!((shot.width, shot.height), (800, 600));
    let above = stand.grim(&["-g", "0,0 800x50"], "above.png");
    assert!(above.has_letters(), "the window is hidden");
    stand.keep("whole.png", "wvkbd.png");
}

#[test]
fn what_wl_copy_copies_wl_paste_pastes() {
    let stand = Stand::new();
    let mut command = stand.command("wayland-admin", "wl-copy");
    command.args(["--foreground", "--type", "text/plain"]).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut copy = command.spawn().unwrap();
    copy.stdin.take().unwrap().write_all("copied äöü".as_bytes()).unwrap();
    let pasted = until("the copied text", || {
        let output = stand.command("wayland-admin", "wl-paste").arg("--no-newline").output().unwrap();
        output.status.success().then_some(output.stdout)
    });
    assert_eq!(String::from_utf8(pasted).unwrap(), "copied äöü");
    let types = stand.tool("wl-paste", &["--list-types"]);
    assert!(String::from_utf8_lossy(&types.stdout).lines().any(|line| line == "text/plain"));
    copy.kill().unwrap();
    copy.wait().unwrap();
}

#[test]
fn wayvnc_shows_the_screen_and_types() {
    let stand = Stand::new();
    let _foot = stand.foot(&format!(
        "printf 'over the network: '; read -r line; printf '%s\\n' \"$line\" >{}; exec sleep 600",
        stand.path("typed")
    ));
    let port = free_port();
    let mut command = stand.command("wayland-admin", "wayvnc");
    command.args(["127.0.0.1", &port.to_string()]);
    let _wayvnc = Running::start(command);
    let (mut vnc, size) = Vnc::connect(port);
    assert_eq!(size, (800, 600));
    vnc.type_line("hello by vnc");
    assert_eq!(stand.written("typed"), "hello by vnc\n");
    drop(vnc);
    // gvnccapture counts displays from port 5900.
    let path = kept("wayvnc.png");
    let _ = std::fs::remove_file(&path);
    let address = format!("127.0.0.1:{}", i32::from(port) - 5900);
    stand.tool("gvnccapture", &[&address, path.to_str().unwrap()]);
    let shot = Shot::read(&path);
    assert_eq!((shot.width, shot.height), (800, 600));
    assert!(shot.has_letters());
}

#[test]
fn kanshi_and_wlr_randr_agree_on_the_scale() {
    let stand = Stand::new();
    std::fs::write(stand.path("kanshi"), "profile {\n\toutput HEADLESS-1 scale 2\n}\n").unwrap();
    let mut command = stand.command("wayland-admin", "kanshi");
    command.args(["-c", &stand.path("kanshi")]);
    let _kanshi = Running::start(command);
    until("kanshi's scale", || {
        let output = stand.tool("wlr-randr", &[]);
        String::from_utf8_lossy(&output.stdout).contains("Scale: 2").then_some(())
    });
}

#[test]
fn swayidle_is_notified_of_idleness() {
    let stand = Stand::new();
    let mut command = stand.command("wayland-0", "swayidle");
    command.args(["timeout", "1", &format!("echo idle >{}", stand.path("idle"))]);
    let _swayidle = Running::start(command);
    assert_eq!(stand.written("idle"), "idle\n");
}

#[test]
fn what_is_confined_sees_the_screen_and_does_nothing_else() {
    let stand = Stand::with("[privilege.\"org.kioskd.Vnc\"]\nallow = [\"capture\"]\n");
    let mut command = stand.command("wayland-admin", program("kioskctl").to_str().unwrap());
    command.args(["confine", "org.kioskd.Vnc", &stand.path("confined")]);
    let mut confine = Running::start(command);
    until("the confined socket", || {
        let grim = stand.command("confined", "grim").arg(stand.path("confined.png")).output().unwrap();
        grim.status.success().then_some(())
    });
    for (tool, arguments) in [("wlr-randr", &[][..]), ("wtype", &["a"]), ("wl-paste", &["--list-types"])] {
        let output = stand.command("confined", tool).args(arguments).output().unwrap();
        assert!(!output.status.success(), "{tool}: {output:?}");
    }
    confine.signal(rustix::process::Signal::TERM);
    confine.end();
    until("the end of the context", || {
        let grim = stand.command("confined", "grim").arg(stand.path("confined.png")).output().unwrap();
        (!grim.status.success()).then_some(())
    });
}
