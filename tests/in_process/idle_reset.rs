//! The reset after a visitor has left: the countdown, the screen that covers the page during the reset, and the page
//! after it.

use std::time::Duration;

use kiosk_core::api::{Notice, Report, State};
use kioskd::stage::splash::Cover;

use crate::fixture::{
    ClientId, Fixture, Setup,
    hands::keys,
    picture::{GREEN, Picture},
    seen::{KeySeen, TouchSeen},
    session::Session,
};

/// Long enough for a busy host to draw the page before the next countdown.
const AFTER: Duration = Duration::from_secs(1);

fn running() -> (Fixture, Session, ClientId) {
    let mut setup = Setup::kiosk(&["640x400"]);
    setup.config.idle.reset = Some(AFTER);
    let mut fixture = setup.start();
    let mut session = fixture.session();
    fixture.report(&mut session, State::Loading);
    let client = fixture.client();
    fixture.map(client, Picture::Solid(GREEN));
    fixture.report(&mut session, State::Ready);
    fixture.shows_page();
    (fixture, session, client)
}

fn report(state: State, reset: u64) -> Report {
    Report { state, reset, ..Report::default() }
}

fn resets(session: &mut Session) -> Vec<u64> {
    let number = |notice| if let Notice::Reset { number } = notice { Some(number) } else { None };
    session.notices().into_iter().filter_map(number).collect()
}

fn pressed(fixture: &Fixture, client: ClientId) -> usize {
    fixture[client].seen.keyboard.iter().filter(|seen| matches!(seen, KeySeen::Key { .. })).count()
}

impl Fixture {
    #[track_caller]
    fn shows_page(&mut self) {
        self.until("the page", |fixture| fixture.kiosk.stage.shells[0].cover == Cover::Gone);
        self.still();
        assert_eq!(self.panel().pixel(9, 9), GREEN);
    }

    #[track_caller]
    fn asks(&mut self) {
        self.until("the countdown", |fixture| fixture.kiosk.snapshot().stage == "system-screen");
        self.until("its picture", |fixture| fixture.panel().pixel(9, 9) != GREEN);
    }
}

#[test]
fn a_person_who_is_still_there_goes_on_where_they_were() {
    let (mut fixture, mut session, client) = running();
    fixture.tap_key(keys::A);
    fixture.roundtrip(client);
    let before = pressed(&fixture, client);
    assert_eq!(before, 2, "a press and a release");
    fixture.asks();
    fixture.tap_key(keys::A);
    fixture.shows_page();
    fixture.roundtrip(client);
    assert_eq!(pressed(&fixture, client), before, "the key that answers does nothing else");
    fixture.asks();
    fixture.touch_down(0, (9.0, 9.0));
    fixture.touch_up(0);
    fixture.shows_page();
    fixture.roundtrip(client);
    assert!(fixture[client].seen.touch.is_empty(), "the touch that answers does nothing else");
    assert_eq!(resets(&mut session), [0; 0]);
}

#[test]
fn an_unused_page_is_reset_once_and_covered_until_it_is_done() {
    let (mut fixture, mut session, client) = running();
    fixture.pass(AFTER * 3);
    assert_eq!(fixture.kiosk.snapshot().stage, "shell", "there was no input at all");
    fixture.tap_key(keys::A);
    fixture.roundtrip(client);
    let before = pressed(&fixture, client);
    fixture.asks();
    let mut told = Vec::new();
    fixture.until("the reset", |_| {
        told.extend(resets(&mut session));
        !told.is_empty()
    });
    assert_eq!(told, [1]);
    // The session dies, and its successor gets the reset.
    drop(session);
    let mut session = fixture.session();
    session.send(&report(State::Launching, 0));
    let mut told = Vec::new();
    fixture.until("the reset", |_| {
        told.extend(resets(&mut session));
        !told.is_empty()
    });
    assert_eq!(told, [1]);
    session.send(&report(State::Ready, 0));
    fixture.tap_key(keys::A);
    fixture.pass(Duration::from_millis(200));
    assert_eq!(fixture.kiosk.snapshot().stage, "system-screen");
    assert_ne!(fixture.panel().pixel(9, 9), GREEN);
    session.send(&report(State::Ready, 1));
    fixture.shows_page();
    fixture.roundtrip(client);
    assert_eq!(pressed(&fixture, client), before, "a key pressed meanwhile reaches no client");
    // Time for the fade and the program's start.
    fixture.pass(Duration::from_secs(3));
    assert_eq!(fixture.wakeups(AFTER * 4), 0, "and then nothing happens until somebody comes");
    assert_eq!(resets(&mut session), [0; 0]);
}

#[test]
fn a_session_that_wants_to_know_is_told_of_rest_and_a_kiosk_without_resets_has_none() {
    let mut fixture = Setup::kiosk(&["320x200"]).start();
    let mut session = fixture.session();
    fixture.report(&mut session, State::Ready);
    fixture.tap_key(keys::A);
    fixture.still();
    session.send(&Report { when_idle: true, ..report(State::Ready, 0) });
    fixture.pass(Duration::from_millis(100));
    assert!(!session.notices().iter().any(|notice| matches!(notice, Notice::Idle {})), "somebody was there just now");
}

#[test]
fn a_finger_that_rests_on_the_glass_when_the_countdown_comes_is_not_down_for_ever() {
    let (mut fixture, _session, client) = running();
    fixture.touch_down(0, (9.0, 9.0));
    fixture.asks();
    fixture.touch_move(0, (30.0, 9.0));
    fixture.touch_up(0);
    fixture.shows_page();
    fixture.roundtrip(client);
    let seen = &fixture[client].seen.touch;
    assert!(matches!(seen[..], [TouchSeen::Down { .. }, .., TouchSeen::Cancel]), "{seen:?}");
    fixture.touch_down(0, (9.0, 9.0));
    fixture.roundtrip(client);
    assert!(matches!(fixture[client].seen.touch.last(), Some(TouchSeen::Down { .. })));
}

fn resetting() -> (Fixture, Session, ClientId) {
    let (mut fixture, mut session, client) = running();
    fixture.tap_key(keys::A);
    fixture.until("the reset", |_| !resets(&mut session).is_empty());
    assert!(fixture.kiosk.activity.idle.is_resetting());
    (fixture, session, client)
}

#[test]
fn a_session_that_goes_with_its_browser_during_a_reset_leaves_the_splash_and_takes_input() {
    for browser_first in [true, false] {
        let (mut fixture, session, client) = resetting();
        let mut session = Some(session);
        if !browser_first {
            session = None;
            fixture.pass(Duration::from_millis(20));
            assert!(fixture.kiosk.activity.idle.is_resetting(), "the last visitor's page is still there");
        }
        fixture.disconnect(client);
        fixture.until("no window", |fixture| fixture.kiosk.stage.windows.iter().count() == 0);
        drop(session);
        fixture.until("the end of the reset", |fixture| !fixture.kiosk.activity.idle.is_resetting());
        assert_eq!(fixture.kiosk.snapshot().stage, "splash");
        // The next session gets the pending reset.
        let mut next = fixture.session();
        next.send(&report(State::Launching, 0));
        fixture.until("the reset", |_| resets(&mut next) == [1]);
    }
}

#[test]
fn a_session_that_says_where_it_is_is_given_more_time_for_its_reset() {
    let (mut fixture, mut session, _) = resetting();
    let before = fixture.kiosk.activity.idle.deadline().unwrap();
    fixture.report(&mut session, State::Launching);
    assert!(fixture.kiosk.activity.idle.deadline().unwrap() > before);
}

#[test]
fn a_closed_lid_is_no_input() {
    let (mut fixture, _session, _) = running();
    fixture.toggle_lid(true);
    assert_eq!(fixture.kiosk.activity.idle.deadline(), None);
}
