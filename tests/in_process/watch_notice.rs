//! The notice on a screen that is captured (`[capture] notice`).

use std::time::{Duration, Instant};

use kiosk_core::api::{Report, State};
use kioskd::{
    command::{ApplyMode, OutputChange},
    privilege::Privilege,
    screens::HeadId,
};

use crate::fixture::{
    ClientId, Fixture, Setup,
    picture::{GREEN, Picture, RED},
    watcher::{Canvas, Told},
};

fn announcing(notice: bool) -> Fixture {
    let mut setup = Setup::bare(&["640x400"]);
    setup.config.capture.notice = notice;
    setup.start()
}

/// Number of the panel's pixels that are not the page's colour.
fn covered(fixture: &mut Fixture, page: [u8; 3]) -> usize {
    fixture.panel().rgba.chunks_exact(4).filter(|pixel| pixel[..3] != page).count()
}

/// One capture by wlr-screencopy.
fn look(fixture: &mut Fixture, watcher: ClientId) -> Canvas {
    let canvas = fixture[watcher].canvas(640, 400);
    let frame = fixture[watcher].screencopy(false);
    frame.copy(&canvas.buffer);
    fixture.until("a picture", |fixture| fixture[watcher].is_answered(&frame));
    assert!(fixture[watcher].told(&frame).contains(&Told::Ready));
    frame.destroy();
    canvas
}

#[test]
fn presence_is_told_only_where_it_is_wanted() {
    let mut fixture = announcing(false);
    let page = fixture.client();
    fixture.map(page, Picture::Solid(RED));
    let watcher = fixture.client_of(Privilege::Admin);
    look(&mut fixture, watcher);
    fixture.roundtrip(watcher);
    fixture.still();
    assert_eq!(covered(&mut fixture, RED), 0);
}

#[test]
fn a_line_comes_with_the_first_picture_and_goes_when_no_more_are_taken() {
    let mut fixture = announcing(true);
    let page = fixture.client();
    fixture.map(page, Picture::Solid(RED));
    let watcher = fixture.client_of(Privilege::Admin);
    fixture.roundtrip(watcher);
    fixture.still();
    assert_eq!(covered(&mut fixture, RED), 0, "who could look does not watch yet");
    let taken = Instant::now();
    look(&mut fixture, watcher);
    fixture.until("the line", |fixture| covered(fixture, RED) > 0);
    let panel = fixture.panel();
    assert_eq!(panel.pixel(320, 200), RED, "it is no more than a line");
    assert_ne!(panel.pixel(320, 2), RED, "it is at the upper edge");
    assert!(panel.rgba.chunks_exact(4).any(|pixel| pixel[..3] == [255, 255, 255]), "and has letters");
    // A capture equals what the screen shows.
    assert_eq!(look(&mut fixture, watcher).pixels().rgba, fixture.panel().rgba);
    fixture.disconnect(watcher);
    fixture.until("the end of the line", |fixture| covered(fixture, RED) == 0);
    assert!(taken.elapsed() >= Duration::from_secs(9), "people have the time to read it");
    fixture.nothing_left_to_do();
    assert_eq!(fixture.wakeups(Duration::from_millis(500)), 0);
}

#[test]
fn who_looks_into_a_page_is_on_its_screen_until_that_ends() {
    let mut fixture = Setup::kiosk(&["640x400"]).start();
    let mut session = fixture.session();
    let page = fixture.client();
    fixture.map(page, Picture::Solid(RED));
    fixture.report(&mut session, State::Ready);
    fixture.until("the page", |fixture| covered(fixture, RED) == 0);
    let inspected = |who: &str| Report {
        state: State::Ready,
        inspector: who.to_owned(),
        inspected_until: 1_700_000_000,
        ..Report::default()
    };
    session.send(&inspected("Anna"));
    fixture.until("the line", |fixture| fixture.panel().pixel(320, 2) != RED);
    assert_eq!(fixture.panel().pixel(320, 200), RED, "it is no more than a line");
    session.send(&inspected(""));
    fixture.until("the end of the line", |fixture| covered(fixture, RED) == 0);
    // A session that goes takes it along.
    session.send(&inspected(&"Bert ".repeat(1000)));
    fixture.until("the line", |fixture| fixture.panel().pixel(320, 2) != RED);
    drop(session);
    fixture.until("the end of the line", |fixture| fixture.panel().pixel(320, 2) == RED);
}

#[test]
fn a_mirror_of_a_watched_screen_says_so_too() {
    let mut setup = Setup::bare(&["640x400", "640x400"]);
    setup.config.capture.notice = true;
    let mut fixture = setup.start();
    let mirror = OutputChange { mirror: Some("HEADLESS-1".into()), ..OutputChange::default() };
    fixture.kiosk.apply(0, &[("HEADLESS-2".into(), mirror)], ApplyMode::InForce).unwrap();
    let page = fixture.client();
    fixture.map(page, Picture::Solid(RED));
    let watcher = fixture.client_of(Privilege::Admin);
    look(&mut fixture, watcher);
    for head in [HeadId(1), HeadId(2)] {
        let line = |fixture: &mut Fixture| fixture.panel_of(head).pixel(320, 2) != RED;
        fixture.until("the line on both", line);
    }
}

#[test]
fn a_still_screen_that_is_watched_shows_the_line_and_wakes_for_nothing() {
    let mut fixture = announcing(true);
    let page = fixture.client();
    let window = fixture.map(page, Picture::Solid(RED));
    let watcher = fixture.client_of(Privilege::Admin);
    let session = fixture[watcher].capture_session(0, 0);
    fixture.roundtrip(watcher);
    let canvas = fixture[watcher].canvas(640, 400);
    let before = fixture.panels.frames();
    let mut pictures = 0;
    // As wayvnc does: always with one pending frame.
    let mut frame = fixture[watcher].capture(&session, &canvas);
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(2) {
        fixture.turn(Duration::from_millis(100));
        if fixture[watcher].is_answered(&frame) {
            pictures += 1;
            frame.destroy();
            frame = fixture[watcher].capture(&session, &canvas);
        }
    }
    assert_eq!(pictures, 2, "without the line, and with it");
    assert_eq!(fixture.panels.frames() - before, 1, "the line is drawn once");
    assert_eq!(canvas.pixels().rgba, fixture.panel().rgba);
    fixture.nothing_left_to_do();
    // The timer of the last capture, and no other.
    assert!(fixture.wakeups(Duration::from_secs(11)) <= 1);
    assert!(covered(&mut fixture, RED) > 0, "who waits for the next picture watches");
    fixture[page].fill(&window, Picture::Solid(GREEN));
    fixture.until("the next picture", |fixture| fixture[watcher].is_answered(&frame));
    session.destroy();
    frame.destroy();
    fixture.until("the end of the line", |fixture| covered(fixture, GREEN) == 0);
}
