//! What happens to a kiosk in years, in the order of one round: each step leaves the page as it found it, or as the next
//! one brings it back.

use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::kiosk::Kiosk;

/// What happens, the rounds so far being known: the rare is not in each.
pub struct Step {
    pub name: &'static str,
    pub run: fn(&Kiosk, u64),
}

macro_rules! steps {
    ($($name:ident),* $(,)?) => { &[$(Step { name: stringify!($name), run: $name }),*] };
}

pub const STEPS: &[Step] = steps![
    reload,
    rotate,
    open_popups,
    clients_come_and_go,
    callers_come_and_go,
    peers_send_invalid_messages,
    take_pictures,
    change_the_layout,
    switch_off_and_on,
    cover_with_a_message,
    restart_the_browser,
    kill_the_browser,
];

/// In a round. A browser is started anew in each as well.
pub const RELOADS: u64 = 20;

fn reload(kiosk: &Kiosk, _: u64) {
    for number in 0..RELOADS {
        kiosk.kioskctl(if number.is_multiple_of(2) { &["reload"] } else { &["reload", "--hard"] });
    }
}

fn rotate(kiosk: &Kiosk, _: u64) {
    (0..4).for_each(|_| drop(kiosk.kioskctl(&["rotate", "next"])));
    kiosk.kioskctl(&["rotate", "180", "--temporary"]);
    kiosk.kioskctl(&["confirm"]);
    kiosk.kioskctl(&["rotate", "0"]);
}

/// A page of another address opens a window and closes it.
fn open_popups(kiosk: &Kiosk, _: u64) {
    kiosk.kioskctl(&["open", &kiosk.popups]);
    // For as long as the window is there, and some more.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    kiosk.kioskctl(&["home"]);
    kiosk.wait_for_page();
}

/// Half of them end by themselves, half of them die.
fn clients_come_and_go(kiosk: &Kiosk, _: u64) {
    let mut clients: Vec<Child> = (0..6)
        .map(|number| {
            let mut command = kiosk.command("kiosk-bench-client");
            command
                .arg(["small", "full", "still"][number % 3])
                .args(["--seconds", if number < 3 { "0.5" } else { "60" }]);
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    // The later ones cover the others, which get no frames and so do not end before.
    for client in &mut clients[3..] {
        client.kill().unwrap();
        client.wait().unwrap();
    }
    for client in &mut clients[..3] {
        client.wait().unwrap();
    }
}

fn callers_come_and_go(kiosk: &Kiosk, _: u64) {
    for _ in 0..5 {
        kiosk.kioskctl(&["status", "--json"]);
        kiosk.kioskctl(&["outputs"]);
        kiosk.kioskctl(&["inputs"]);
    }
    // Refused, each in a sentence.
    kiosk.try_kioskctl(&["vt", "63"]);
    kiosk.try_kioskctl(&["open", "http://not-allowed.example/"]);
    kiosk.try_kioskctl(&["mode", "-o", "NO-SUCH-OUTPUT", "max"]);
}

fn peers_send_invalid_messages(kiosk: &Kiosk, _: u64) {
    for socket in ["wayland-0", "wayland-admin", "compositor.sock", "session.sock", "control.sock"] {
        kiosk.shout(socket, b"");
        kiosk.shout(socket, b"GET / HTTP/1.1\r\n\r\n");
        kiosk.shout(socket, b"\0AUTH EXTERNAL 30\r\nBEGIN\r\nl\x01\0\x01\0\0\0\x07\x01\0\0\0\0\0\0\0");
        kiosk.shout(socket, &[0xff; 8192]);
    }
}

fn take_pictures(kiosk: &Kiosk, _: u64) {
    let file = kiosk.file("tmp/picture.png");
    for output in ["HEADLESS-1", "HEADLESS-2"] {
        kiosk.kioskctl(&["screenshot", file.to_str().unwrap(), "-o", output]);
    }
}

fn change_the_layout(kiosk: &Kiosk, _: u64) {
    kiosk.kioskctl(&["scale", "1.5"]);
    kiosk.kioskctl(&["mirror", "HEADLESS-1", "-o", "HEADLESS-2"]);
    kiosk.kioskctl(&["mirror", "none", "-o", "HEADLESS-2"]);
    kiosk.kioskctl(&["scale", "1.0"]);
}

/// The nearest to a replug that there is without a connector.
fn switch_off_and_on(kiosk: &Kiosk, _: u64) {
    kiosk.kioskctl(&["screen", "off", "-o", "HEADLESS-2"]);
    kiosk.kioskctl(&["screen", "on", "-o", "HEADLESS-2"]);
    kiosk.kioskctl(&["screen", "off"]);
    kiosk.kioskctl(&["screen", "on"]);
}

fn cover_with_a_message(kiosk: &Kiosk, _: u64) {
    kiosk.kioskctl(&["message", "Back in a minute", "--title", "Maintenance"]);
    kiosk.kioskctl(&["dismiss"]);
}

fn restart_the_browser(kiosk: &Kiosk, _: u64) {
    kiosk.kioskctl(&["restart"]);
    kiosk.wait_for_page();
}

/// Rarely, and with a page that is well for a minute behind it: again and again is another fault, for which the session
/// is replaced.
fn kill_the_browser(kiosk: &Kiosk, round: u64) {
    if round % 10 == 2 {
        let browser = kiosk.browser();
        kill_process(Pid::from_raw(browser.cast_signed()).unwrap(), Signal::KILL).unwrap();
        // Until it is another one.
        while kiosk.running_browser().is_none_or(|now| now == browser) {
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        kiosk.kioskctl(&["wait", "page-visible", "--stable", "65s", "--timeout", "300s"]);
    }
}
