//! What wlroots desktops are made of: backgrounds, bars, launchers, choosers, night light, recorders and screen lockers,
//! most of them on the admin socket.

use std::process::Stdio;

use rustix::process::Signal;

use crate::{
    hands::Mouse,
    process::Running,
    stand::{Shot, Stand, until},
};

/// A script that writes and waits.
const STILL: &str = "printf 'a page that stays'; exec sleep 600";
/// A script whose picture changes until it is ended.
const MOVING: &str = "while :; do date +%N; sleep 0.05; done";

impl Shot {
    fn pixel(&self, x: u32, y: u32) -> [u8; 3] {
        let at = ((y * self.width + x) * 3) as usize;
        [self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]]
    }
}

/// A background of this colour for the whole output.
fn background(stand: &Stand, color: &str) -> Running {
    let mut command = stand.command("wayland-admin", "swaybg");
    command.args(["-c", color]);
    Running::start(command)
}

#[test]
fn swaybg_fills_the_screen_behind_the_windows() {
    let stand = Stand::new();
    let _background = background(&stand, "#204060");
    until("the background", || (stand.grim(&[], "swaybg.png").pixel(400, 300) == [0x20, 0x40, 0x60]).then_some(()));
    stand.keep("swaybg.png", "swaybg.png");
    let _foot = stand.foot(STILL);
    until("the window before it", || {
        (stand.grim(&[], "covered.png").pixel(400, 300) != [0x20, 0x40, 0x60]).then_some(())
    });
}

#[test]
fn gammastep_and_wlsunset_warm_the_screen_and_leave_it_as_it_was() {
    let stand = Stand::new();
    let _background = background(&stand, "#808080");
    let plain = until("the background", || {
        let pixel = stand.grim(&[], "plain.png").pixel(400, 300);
        (pixel == [0x80; 3]).then_some(pixel)
    });
    let night = [
        ("gammastep", &["-m", "wayland", "-O", "3000"][..]),
        ("wlsunset", &["-t", "3000", "-T", "3001", "-S", "00:00", "-s", "00:00"]),
    ];
    for (program, arguments) in night {
        let mut command = stand.command("wayland-admin", program);
        command.args(arguments);
        let mut warm = Running::start(command);
        until(program, || {
            let [red, green, blue] = stand.grim(&[], "warm.png").pixel(400, 300);
            (red > green && green > blue && blue < 0x60).then_some(())
        });
        stand.keep("warm.png", &format!("{program}.png"));
        // gammastep takes its colours back over seconds.
        warm.signal(Signal::KILL);
        warm.end();
        until("the colours as before", || (stand.grim(&[], "plain.png").pixel(400, 300) == plain).then_some(()));
    }
}

#[test]
fn wob_and_fuzzel_lie_over_the_window() {
    let stand = Stand::new();
    let _foot = stand.foot(STILL);
    let before = stand.grim(&[], "before.png");
    let mut command = stand.command("wayland-admin", "wob");
    let mut bar = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    std::io::Write::write_all(bar.stdin.as_mut().unwrap(), b"60\n").unwrap();
    until("the bar", || {
        let shot = stand.grim(&[], "wob.png");
        (shot.rgb != before.rgb).then_some(())
    });
    stand.keep("wob.png", "wob.png");
    bar.kill().unwrap();
    bar.wait().unwrap();

    let mut command = stand.command("wayland-admin", "fuzzel");
    // Its lock file is named after the display.
    command.env("WAYLAND_DISPLAY", "wayland-admin").arg("--dmenu");
    let mut launcher = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(launcher.stdin.as_mut().unwrap(), b"first\nsecond\n").unwrap();
    drop(launcher.stdin.take());
    until("the launcher", || {
        let shot = stand.grim(&[], "fuzzel.png");
        (shot.pixel(400, 300) != before.pixel(400, 300)).then_some(())
    });
    stand.keep("fuzzel.png", "fuzzel.png");
    // It has the keyboard.
    stand.tool("wtype", &["sec", "-k", "Return"]);
    let output = launcher.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "second\n");
}

#[test]
fn slurp_lets_a_person_choose_a_part_of_the_screen() {
    let stand = Stand::new();
    let _foot = stand.foot(STILL);
    let before = stand.grim(&[], "before.png");
    let mut command = stand.command("wayland-admin", "slurp");
    let choice = command.arg("-p").stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    until("slurp over the screen", || (stand.grim(&[], "slurp.png").rgb != before.rgb).then_some(()));
    stand.keep("slurp.png", "slurp.png");
    Mouse::new(&stand.directory.path().join("wayland-admin")).click((120, 340));
    let output = choice.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "120,340 1x1\n");
}

#[test]
fn wf_recorder_records_what_moves() {
    let stand = Stand::new();
    let _foot = stand.foot(MOVING);
    let mut command = stand.command("wayland-admin", "wf-recorder");
    command.args(["-f", &stand.path("film.mkv")]);
    let mut recorder = Running::start(command);
    until("some of the film", || {
        std::fs::metadata(stand.path("film.mkv")).is_ok_and(|film| film.len() > 0).then_some(())
    });
    recorder.signal(Signal::INT);
    assert!(recorder.end().success(), "{}", recorder.log());
    let film = std::fs::read(stand.path("film.mkv")).unwrap();
    assert!(film.starts_with(&[0x1a, 0x45, 0xdf, 0xa3]), "no Matroska: {} bytes", film.len());
    assert!(film.len() > 10_000, "{} bytes", film.len());
}

#[test]
fn waypipe_brings_a_window_from_elsewhere() {
    let stand = Stand::new();
    let socket = stand.path("waypipe");
    let mut command = stand.command("wayland-0", "waypipe");
    command.args(["--socket", &socket, "client"]);
    let _here = Running::start(command);
    until("waypipe's socket", || std::path::Path::new(&socket).exists().then_some(()));
    let mut command = stand.command("none", "waypipe");
    command.args(["--socket", &socket, "server", "--", "foot", "--", "sh", "-c", STILL]);
    command.env("LANG", "C.UTF-8").env_remove("WAYLAND_DISPLAY");
    let _there = Running::start(command);
    until("the window from elsewhere", || stand.grim(&[], "waypipe.png").has_letters().then_some(()));
    stand.keep("waypipe.png", "waypipe.png");
}

#[test]
fn swaylock_is_refused_and_ends() {
    let stand = Stand::new();
    let _foot = stand.foot(STILL);
    let mut command = stand.command("wayland-0", "swaylock");
    command.args(["-c", "00ff00"]);
    let mut locker = Running::start(command);
    assert!(!locker.end().success(), "{}", locker.log());
    assert!(locker.log().contains("Failed to lock session"), "{}", locker.log());
    assert!(stand.grim(&[], "unlocked.png").has_letters(), "the page is still there");
}
