//! Memory after much has come and gone: nothing of it is kept.

use std::path::Path;
use std::process::Command;

use super::{
    guest::Guest,
    painter::{Painter, watched},
    picture::{Picture, RED},
    process::{Running, program},
};

const SIZE: (i32, i32) = (320, 200);

/// Hours of the day; what an hour has in it: a thousand popups, a hundred windows, five hundred rotations and fifty
/// scales in all.
const HOURS: usize = 10;
const POPUPS: usize = 100;
const WINDOWS: usize = 10;
const TURNS: usize = 50;
const SCALES: usize = 5;

/// Most that memory may be after the day, per cent of what it was after the first hour.
const MOST: u64 = 105;

/// Memory of its own, KiB. What it shares with other programs' files is left out: that depends on who else runs.
fn memory(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("Anonymous:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[track_caller]
fn kioskctl(directory: &Path, arguments: &[&str]) {
    let mut command = Command::new(program("kioskctl"));
    command.env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent").env("KIOSK_RUNTIME_DIR", directory);
    let output = command.args(arguments).output().unwrap();
    assert!(output.status.success(), "kioskctl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn open_popups(guest: &mut Guest) {
    for _ in 0..POPUPS {
        let client = &guest.client;
        let positioner = client.positioner();
        positioner.set_size(40, 40);
        positioner.set_anchor_rect(10, 10, 1, 1);
        let popup = client.popup(&guest.window.xdg, &positioner);
        positioner.destroy();
        popup.surface.commit();
        guest.until("the popup's size", |client| !client.popup_seen(&popup).is_empty());
        guest.client.ask_frame(&popup.surface);
        guest.client.draw_popup(&popup, Picture::Solid(RED), 40, 40);
        guest.until("the popup on the screen", |client| client.frames(&popup.surface) > 0);
        popup.destroy();
    }
}

fn open_windows(guest: &mut Guest) {
    for _ in 0..WINDOWS {
        let window = guest.client.toplevel();
        window.surface.commit();
        guest.until("the window's size", |client| client.configured(&window).is_some());
        guest.client.ask_frame(&window.surface);
        guest.client.fill(&window, Picture::Solid(RED));
        guest.until("the window on the screen", |client| client.frames(&window.surface) > 0);
        window.destroy();
    }
}

#[test]
fn memory_is_the_same_after_a_days_work() {
    let directory = tempfile::tempdir().unwrap();
    let mut kioskd: Running = watched(Command::new("env"), directory.path(), &[SIZE]);
    let mut painter = Painter::new(&mut kioskd, directory.path(), SIZE, SIZE);
    let mut hours = Vec::new();
    for _ in 0..HOURS {
        open_popups(&mut painter.guest);
        open_windows(&mut painter.guest);
        for turn in ["90", "180", "270", "0"].iter().cycle().take(TURNS) {
            kioskctl(directory.path(), &["rotate", turn]);
        }
        for scale in ["1.5", "1"].iter().cycle().take(SCALES) {
            kioskctl(directory.path(), &["scale", scale]);
        }
        kioskctl(directory.path(), &["rotate", "0"]);
        kioskctl(directory.path(), &["scale", "1"]);
        painter.draw(10);
        hours.push(memory(kioskd.id()));
    }
    println!("memory after each hour, KiB: {hours:?}");
    let (first, last) = (hours[0], hours[HOURS - 1]);
    assert!(last * 100 <= first * MOST, "memory after each hour, KiB: {hours:?}");
}
