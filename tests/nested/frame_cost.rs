//! What a frame costs: the system calls of a headless kioskd while one client draws at the screen's rate, counted by
//! strace. That is no time: it is the same on a busy machine.

use std::{os::unix::net::UnixStream, path::Path, process::Command};

use super::{
    guest::Guest,
    picture::{Picture, RED},
    process::{Running, program},
};

/// Most system calls a frame. It takes seven: two waits, for the page flip and for the client; two looks of libwayland's,
/// to end the frame callback and to find who has written; the client's request, read once; and two messages to it, after
/// the page flip and after drawing. The rest is for what comes now and then: memory, timers of the second, a frame whose
/// client came late.
const MOST: usize = 10;

/// Frames that are counted.
const FRAMES: usize = 100;

/// Frames before: what is made once is made in them.
const FIRST: usize = 30;

/// kioskd on one screen without a display, with each system call of its main thread as a line of its log.
fn traced(directory: &Path) -> Running {
    let mut command = Command::new("strace");
    // As a process beside kioskd, which so is the one that is started and ended here.
    command.args(["-D", "-qq", "-e", "signal=none"]).arg(program("kioskd"));
    command.args(["--backend=headless", "--output=640x400", "--session=none", "--no-splash"]);
    command.env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent").env("NO_COLOR", "1");
    for name in ["XDG_RUNTIME_DIR", "KIOSK_RUNTIME_DIR", "KIOSK_STATE_DIR"] {
        command.env(name, directory);
    }
    Running::start(command)
}

/// Whether the line is of a client that was accepted.
fn accepts(line: &str) -> bool {
    line.starts_with("accept4(") && !line.contains(" = -1 ")
}

#[test]
fn a_frame_costs_at_most_ten_system_calls() {
    let directory = tempfile::tempdir().unwrap();
    let mut kioskd = traced(directory.path());
    let mut guest = Guest::new(&mut kioskd, directory.path(), Picture::Corners);
    let surface = guest.window.surface.clone();
    let buffers = [Picture::Corners, Picture::Solid(RED)].map(|picture| guest.client.buffer(picture, 640, 400));
    let mut draw = |frames: usize| {
        for buffer in buffers.iter().cycle().take(frames) {
            let before = guest.client.frames(&surface);
            surface.attach(Some(buffer), 0, 0);
            surface.damage_buffer(0, 0, 640, 400);
            guest.client.ask_frame(&surface);
            guest.client.ask_feedback(&surface);
            surface.commit();
            guest.until("the frame callback", |client| client.frames(&surface) > before);
        }
    };
    draw(FIRST);
    // A connection marks where the count begins, and another one where it ends.
    let connect = || UnixStream::connect(directory.path().join("wayland-0")).unwrap();
    let _begin = connect();
    draw(FRAMES);
    let _end = connect();
    draw(2);
    let log = kioskd.log();
    let lines: Vec<&str> = log.lines().collect();
    let marks: Vec<usize> = (0..lines.len()).filter(|line| accepts(lines[*line])).collect();
    let [.., begin, end] = marks[..] else { panic!("strace saw no connections:\n{log}") };
    let counted = &lines[begin..end];
    let answers = counted.iter().filter(|line| line.starts_with("sendmsg(")).count();
    assert!(answers >= FRAMES, "strace did not see the frames:\n{log}");
    let frame = counted.len() as f64 / FRAMES as f64;
    println!("{frame} system calls a frame");
    assert!(counted.len() <= MOST * FRAMES, "{frame} system calls a frame:\n{}", counted[..200].join("\n"));
}
