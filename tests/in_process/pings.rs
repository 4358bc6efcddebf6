//! A session that checks whether its shell's window responds.

use kiosk_core::api::{Notice, Report, State};

use crate::fixture::{
    Fixture, Setup,
    picture::{GREEN, Picture, RED},
    session::Session,
};

fn asks(ping: u64) -> Report {
    Report { state: State::Ready, ping, ..Report::default() }
}

/// The window's answers that the session got.
fn heard(session: &mut Session) -> Vec<(u64, bool)> {
    let notices = session.notices().into_iter();
    let of_window =
        |notice| if let Notice::Pinged { number, answers, .. } = notice { Some((number, answers)) } else { None };
    notices.filter_map(of_window).collect()
}

#[track_caller]
fn hears(fixture: &mut Fixture, session: &mut Session, wanted: &[(u64, bool)]) {
    let mut all = Vec::new();
    fixture.until("the answer", |_| {
        all.extend(heard(session));
        all.len() >= wanted.len()
    });
    assert_eq!(all, wanted);
}

#[track_caller]
fn shown(fixture: &mut Fixture) {
    fixture.until("the page", |fixture| fixture.panel().pixel(9, 9) == GREEN);
}

#[test]
fn a_ping_is_answered_by_a_live_window_and_late_by_a_hung_one() {
    let mut fixture = Setup::kiosk(&["640x400"]).start();
    let mut session = fixture.session();
    fixture.report(&mut session, State::Loading);
    // There is no window yet, and then the splash covers it: no ping is sent.
    session.send(&asks(1));
    fixture.until("the report", |fixture| fixture.kiosk.stage.shells[0].readiness.state == Some(State::Ready));
    let client = fixture.client();
    fixture.map(client, Picture::Solid(GREEN));
    shown(&mut fixture);
    assert_eq!(heard(&mut session), []);

    session.send(&asks(2));
    hears(&mut fixture, &mut session, &[(2, false), (2, true)]);
    fixture[client].hangs = true;
    session.send(&asks(3));
    hears(&mut fixture, &mut session, &[(3, false)]);
    // There is only one pending ping.
    session.send(&asks(4));
    hears(&mut fixture, &mut session, &[(4, false)]);
    assert_eq!(heard(&mut session), []);
    fixture[client].hangs = false;
    hears(&mut fixture, &mut session, &[(4, true)]);
    // The same number is not a new check, and without one nothing wakes the client.
    session.send(&Report { message: "the same".into(), ..asks(4) });
    fixture.until("the report", |fixture| fixture.kiosk.stage.shells[0].readiness.message == "the same");
    fixture.roundtrip(client);
    assert_eq!(heard(&mut session), []);
}

#[test]
fn a_window_that_is_closed_does_not_hang() {
    let mut fixture = Setup::kiosk(&["640x400"]).start();
    let mut session = fixture.session();
    let client = fixture.client();
    fixture.map(client, Picture::Solid(GREEN));
    fixture.report(&mut session, State::Ready);
    shown(&mut fixture);
    fixture[client].hangs = true;
    session.send(&asks(1));
    hears(&mut fixture, &mut session, &[(1, false)]);
    fixture[client].kill();
    hears(&mut fixture, &mut session, &[(1, true)]);
}

/// The number of the window's commits, as the session gets it with this check.
fn drawn(fixture: &mut Fixture, session: &mut Session, ping: u64) -> Option<u64> {
    session.send(&asks(ping));
    let mut told = None;
    fixture.until("the question", |_| {
        for notice in session.notices() {
            if let Notice::Pinged { number, answers: false, commits } = notice {
                assert_eq!(number, ping);
                told = Some(commits);
            }
        }
        told.is_some()
    });
    told.unwrap()
}

#[test]
fn the_session_hears_whether_the_window_draws() {
    let mut fixture = Setup::kiosk(&["640x400"]).start();
    let mut session = fixture.session();
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(GREEN));
    fixture.report(&mut session, State::Ready);
    shown(&mut fixture);
    let before = drawn(&mut fixture, &mut session, 1);
    assert_eq!(drawn(&mut fixture, &mut session, 2), before, "it is still");
    fixture.fill(client, &window, Picture::Solid(RED));
    let after = drawn(&mut fixture, &mut session, 3);
    assert!(before.is_some() && after > before);
    // On another terminal it gets no frames, so the count is not reported.
    fixture.kiosk.session_paused();
    assert_eq!(drawn(&mut fixture, &mut session, 4), None);
    fixture.kiosk.session_resumed();
    assert_eq!(drawn(&mut fixture, &mut session, 5), after);
    // Commits of another client do not count.
    let other = fixture.client();
    let above = fixture.map(other, Picture::Solid(GREEN));
    fixture.fill(other, &above, Picture::Solid(RED));
    assert_eq!(drawn(&mut fixture, &mut session, 6), after);
}
