//! Display devices that refuse frames, or lose them.

use std::{
    os::unix::net::UnixDatagram,
    time::{Duration, Instant},
};

use kioskd::{lifecycle::Exit, notify::Notifier, seat_check::SeatCheck, watchdog};

use crate::fixture::{
    Fixture, Setup,
    panels::Fault,
    picture::{GREEN, Picture, RED},
};

#[test]
fn a_device_that_refuses_is_asked_again_and_less_and_less_often() {
    let mut fixture = Setup { refresh: 60_000, ..Setup::bare(&["320x200"]) }.start();
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    fixture.panels.set_fault(Some(Fault::Refuses));
    let presented = fixture.panels.presented();
    fixture[client].ask_frame(&window.surface);
    fixture[client].draw(&window.surface, Picture::Solid(GREEN), 320, 200);
    fixture.pass(Duration::from_millis(1_200));
    let tries = fixture.panels.presented() - presented;
    // At the screen's rate it would be 72.
    assert!((3..=12).contains(&tries), "{tries} tries");
    fixture.panels.set_fault(None);
    fixture.until("the picture", |fixture| fixture.panel().pixel(5, 5) == GREEN);
    fixture.until("the callback", |fixture| fixture[client].frames(&window.surface) >= 1);
    assert!(!fixture[client].is_gone());
}

#[test]
fn a_refusal_is_told_once_and_not_at_every_try() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    fixture.panels.set_fault(Some(Fault::Refuses));
    fixture[client].draw(&window.surface, Picture::Solid(GREEN), 320, 200);
    let presented = fixture.panels.presented();
    fixture.until("several tries", |fixture| fixture.panels.presented() > presented + 8);
    assert!(fixture.kiosk.status.problems.len() <= 1, "{:?}", fixture.kiosk.status.problems);
}

#[test]
fn a_lost_flip_is_given_up_and_the_picture_comes_back() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    fixture.panels.set_fault(Some(Fault::LosesFlips));
    let started = Instant::now();
    fixture[client].ask_frame(&window.surface);
    fixture[client].draw(&window.surface, Picture::Solid(GREEN), 320, 200);
    fixture.roundtrip(client);
    fixture.panels.set_fault(None);
    fixture.until("the picture", |fixture| fixture.panel().pixel(5, 5) == GREEN);
    // A second, and some time for a busy machine.
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert_eq!(fixture.panels.recovered(), 1);
    assert_eq!(fixture.primary().times.summary().lost_flips, 1);
    assert_eq!(fixture.kiosk.status.problems.len(), 1, "{:?}", fixture.kiosk.status.problems);
    assert!(fixture.kiosk.hardware.flips.can_draw());
    fixture.until("the callback", |fixture| fixture[client].frames(&window.surface) == 1);
    // It works again: the count of lost flips is reset.
    fixture[client].draw(&window.surface, Picture::Solid(RED), 320, 200);
    fixture.until("the next picture", |fixture| fixture.panel().pixel(5, 5) == RED);
    assert_eq!(fixture.kiosk.hardware.flips.lost(), 0);
}

#[test]
fn the_service_manager_hears_of_the_first_flip_and_not_of_the_frame_before_it() {
    let mut fixture = Setup { refresh: 1_000, ..Setup::bare(&["320x200"]) }.start();
    let address = fixture.directory.path().join("notify");
    let manager = UnixDatagram::bind(&address).unwrap();
    manager.set_nonblocking(true).unwrap();
    fixture.kiosk.main_loop.lifecycle.notifier = Notifier::new(address.as_os_str(), None).unwrap();
    assert!(fixture.primary().redraw.awaits_flip(), "the first frame is drawn");
    let mut said = [0; 64];
    fixture.until("the first flip", |fixture| !fixture.primary().redraw.awaits_flip());
    let length = manager.recv(&mut said).unwrap();
    assert_eq!(&said[..length], b"READY=1");
    assert!(manager.recv(&mut said).is_err(), "it is said once");
}

/// The period of a watchdog, shortened.
const PERIOD: Duration = Duration::from_millis(50);

#[test]
fn a_device_that_loses_every_flip_is_dead_to_the_watchdog() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let address = fixture.directory.path().join("notify");
    let manager = UnixDatagram::bind(&address).unwrap();
    manager.set_nonblocking(true).unwrap();
    let fed = || std::iter::from_fn(|| manager.recv(&mut [0; 64]).ok()).count();
    fixture.kiosk.main_loop.lifecycle.notifier = Notifier::new(address.as_os_str(), Some(PERIOD)).unwrap();
    watchdog::start(&mut fixture.kiosk);
    fixture.until("a sign of life", |_| fed() > 0);
    fixture.panels.set_fault(Some(Fault::LosesFlips));
    fixture[client].draw(&window.surface, Picture::Solid(GREEN), 320, 200);
    fixture.until("the end of patience", |fixture| !fixture.kiosk.hardware.flips.can_draw());
    fed();
    fixture.pass(PERIOD * 3);
    assert_eq!(fed(), 0, "it says that it lives, and shows nothing");
    // It is fed again as soon as a flip arrives.
    fixture.panels.set_fault(None);
    fixture.until("a picture after all", |fixture| fixture.kiosk.hardware.flips.can_draw());
    fixture.until("a sign of life", |_| fed() > 0);
}

#[test]
fn screens_that_are_taken_from_us_for_good_are_the_end() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    fixture.panels.set_fault(Some(Fault::Taken));
    fixture[client].draw(&window.surface, Picture::Solid(GREEN), 320, 200);
    fixture.until("the end", |fixture| fixture.kiosk.main_loop.lifecycle.exit() == Some(Exit(1)));
}

#[test]
fn screens_that_another_terminal_has_for_a_while_are_no_reason_to_end() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    fixture.panels.set_fault(Some(Fault::Taken));
    fixture[client].draw(&window.surface, Picture::Solid(GREEN), 320, 200);
    fixture.until("a check of the seat", |fixture| fixture.kiosk.seat.session.check == SeatCheck::Scheduled);
    // The pause event arrives later than its effect.
    fixture.kiosk.session_paused();
    fixture.until("the end of the check", |fixture| fixture.kiosk.seat.session.check == SeatCheck::Idle);
    assert_eq!(fixture.kiosk.main_loop.lifecycle.exit(), None);
    fixture.panels.set_fault(None);
    fixture.kiosk.session_resumed();
    fixture.until("the picture", |fixture| fixture.panel().pixel(5, 5) == GREEN);
}

#[test]
fn another_terminal_takes_the_screens_just_when_they_are_looked_at() {
    let mut fixture = Fixture::new(&["320x200"]);
    // As when input devices are removed on a switch to another terminal, with an immediate return.
    fixture.kiosk.check_seat();
    fixture.kiosk.session_paused();
    fixture.kiosk.session_resumed();
    fixture.panels.set_fault(Some(Fault::Taken));
    fixture.until("a look at the screens", |fixture| fixture.kiosk.seat.session.check == SeatCheck::Suspected);
    fixture.kiosk.session_paused();
    fixture.until("the end of the check", |fixture| fixture.kiosk.seat.session.check == SeatCheck::Idle);
    assert_eq!(fixture.kiosk.main_loop.lifecycle.exit(), None);
}
