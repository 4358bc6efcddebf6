//! The list of files for the page's uploads: shown at every size, scale and rotation, used by touch, mouse and keys,
//! reported to the session, and removed with its cause.

use std::time::Duration;

use kiosk_core::api::{Chooser, Nothing, Notice, OfferedFile, Report, State};
use kiosk_splash::{Target, places};
use kioskd::{backend::capture::Capture, stage::splash::Cover};

use crate::fixture::{
    ClientId, Fixture, Setup,
    hands::keys,
    picture::{GREEN, Picture},
    seen::{KeySeen, PointerSeen, TouchSeen},
    session::Session,
};

const BACKGROUND: [u8; 3] = [10, 20, 120];

fn running_on(output: &str) -> (Fixture, Session, ClientId) {
    let mut setup = Setup::kiosk(&[output]);
    setup.config.splash.background = BACKGROUND;
    let mut fixture = setup.start();
    let mut session = fixture.session();
    fixture.report(&mut session, State::Loading);
    let client = fixture.client();
    fixture.map(client, Picture::Solid(GREEN));
    fixture.report(&mut session, State::Ready);
    shows_page(&mut fixture);
    (fixture, session, client)
}

fn chooser(number: u64, multiple: bool) -> Chooser {
    let file = |name: &str, size| OfferedFile { name: name.into(), size };
    let files = vec![
        file("DCIM/100CANON/IMG_0001.JPG", 2_400_000),
        file("Brief an die Hausverwaltung.pdf", 81_000),
        file("\u{202e}gpj.\u{1b}exe", 12),
    ];
    Chooser { number, multiple, files, unlisted: 0, nothing: Nothing::Empty }
}

fn report(state: State, chooser: Option<Chooser>) -> Report {
    Report { state, chooser, ..Report::default() }
}

#[track_caller]
fn shows_page(fixture: &mut Fixture) {
    fixture.until("the page", |fixture| fixture.kiosk.stage.shells[0].cover == Cover::Gone);
    fixture.still();
    assert_eq!(fixture.panel().pixel(9, 9), GREEN);
}

#[track_caller]
fn asks(fixture: &mut Fixture, session: &mut Session, chooser: Chooser) {
    session.send(&report(State::Ready, Some(chooser)));
    fixture.until("the list", |fixture| fixture.kiosk.snapshot().stage == "system-screen");
    fixture.still();
    assert_eq!(fixture.panel().pixel(1, 1), BACKGROUND);
}

/// The choice that the session gets.
#[track_caller]
fn answer(fixture: &mut Fixture, session: &mut Session) -> (u64, Vec<u32>) {
    let mut chosen = None;
    fixture.until("the answer", |_| {
        let find = |notice| if let Notice::Chosen { number, files } = notice { Some((number, files)) } else { None };
        chosen = chosen.take().or_else(|| session.notices().into_iter().find_map(find));
        chosen.is_some()
    });
    chosen.unwrap()
}

/// The centre of a target, in pixels of the upright picture.
fn middle(fixture: &Fixture, target: Target) -> (f64, f64) {
    let (size, scale) = (fixture.primary().picture_size(), fixture.primary().scale());
    let area = places(size.w as u32, size.h as u32, scale).area(target).unwrap();
    (f64::from(area.x + area.width / 2), f64::from(area.y + area.height / 2))
}

/// A position of the picture, on a panel that is rotated.
fn on_panel(fixture: &Fixture, (x, y): (f64, f64), degrees: u32) -> (f64, f64) {
    let size = fixture.primary().picture_size().to_f64();
    match degrees {
        90 => (size.h - y, x),
        180 => (size.w - x, size.h - y),
        270 => (y, size.w - x),
        _ => (x, y),
    }
}

fn tap(fixture: &mut Fixture, target: Target, degrees: u32) {
    let at = on_panel(fixture, middle(fixture, target), degrees);
    fixture.touch_down(0, at);
    fixture.touch_up(0);
}

/// Saves the picture for visual checks, if `KIOSK_PICTURES` names a directory.
fn keep(picture: &Capture, name: &str) {
    let Some(directory) = std::env::var_os("KIOSK_PICTURES") else { return };
    let mut png = std::fs::File::from(picture.to_png().unwrap());
    let path = std::path::Path::new(&directory).join(format!("uploads-{name}.png"));
    std::io::copy(&mut png, &mut std::fs::File::create(path).unwrap()).unwrap();
}

#[test]
fn a_finger_finds_each_row_and_button_at_every_size_scale_and_rotation() {
    for (output, degrees) in [("640x400", 0), ("800x1280", 90), ("1920x1080@2", 180), ("320x240", 270), ("1280x720", 0)]
    {
        let (mut fixture, mut session, client) = running_on(output);
        fixture.rotate(degrees);
        fixture.still();
        asks(&mut fixture, &mut session, chooser(1, true));
        let before = fixture.screenshot();
        keep(&before, &format!("{output}-{degrees}"));
        let brighter = |picture: &Capture, at: (f64, f64)| picture.pixel(at.0 as u32, at.1 as u32)[0];
        let side = |fixture: &Fixture, target| {
            // Beside the text.
            let (x, y) = middle(fixture, target);
            let unit = f64::from(fixture.primary().picture_size().h) / 200.0;
            (x, y - 3.0 * unit.max(2.0))
        };
        let plate = brighter(&before, side(&fixture, Target::Row(1)));
        assert!(plate > BACKGROUND[0], "{output}: no row is drawn");
        tap(&mut fixture, Target::Row(1), degrees);
        fixture.still();
        let marked = fixture.screenshot();
        keep(&marked, &format!("{output}-{degrees}-marked"));
        assert!(brighter(&marked, side(&fixture, Target::Row(1))) > plate, "{output} at {degrees}: it is not marked");
        assert_eq!(brighter(&marked, side(&fixture, Target::Row(0))), plate, "{output}: another is marked");
        tap(&mut fixture, Target::Take, degrees);
        assert_eq!(answer(&mut fixture, &mut session), (1, vec![1]), "{output} at {degrees}");
        fixture.until("the page", |fixture| fixture.kiosk.stage.shells[0].cover == Cover::Gone);
        fixture.roundtrip(client);
        assert!(fixture[client].seen.touch.is_empty(), "the page felt nothing of it");
    }
}

#[test]
fn one_file_is_taken_by_a_click_and_the_rest_of_the_report_does_not_bring_the_list_back() {
    let (mut fixture, mut session, client) = running_on("640x400");
    asks(&mut fixture, &mut session, chooser(4, false));
    let at = middle(&fixture, Target::Row(0));
    fixture.point(at);
    fixture.click();
    assert_eq!(answer(&mut fixture, &mut session), (4, vec![0]));
    // Before the session has handled the choice, it sends another report.
    session.send(&Report { when_idle: true, ..report(State::Ready, Some(chooser(4, false))) });
    shows_page(&mut fixture);
    asks(&mut fixture, &mut session, chooser(5, false));
    fixture.point(middle(&fixture, Target::Row(0)));
    fixture.button(true);
    fixture.point(middle(&fixture, Target::Row(1)));
    fixture.button(false);
    fixture.still();
    assert_eq!(fixture.kiosk.snapshot().stage, "system-screen", "moved off it while it was held");
    fixture.point(middle(&fixture, Target::Cancel));
    fixture.click();
    assert_eq!(answer(&mut fixture, &mut session), (5, vec![]));
    fixture.roundtrip(client);
    let buttons = fixture[client].seen.pointer.iter().filter(|seen| matches!(seen, PointerSeen::Button { .. })).count();
    assert_eq!(buttons, 0, "the page felt nothing of it");
}

#[test]
fn keys_choose_and_the_page_gets_none_of_them() {
    let (mut fixture, mut session, client) = running_on("640x400");
    asks(&mut fixture, &mut session, chooser(1, false));
    // A scanner's code and its Enter choose nothing.
    [keys::A, keys::A, keys::ENTER].into_iter().for_each(|code| fixture.tap_key(code));
    assert_eq!(fixture.kiosk.snapshot().stage, "system-screen");
    [keys::DOWN, keys::DOWN, keys::ENTER].into_iter().for_each(|code| fixture.tap_key(code));
    assert_eq!(answer(&mut fixture, &mut session), (1, vec![1]));
    session.send(&report(State::Ready, None));
    shows_page(&mut fixture);
    asks(&mut fixture, &mut session, chooser(2, false));
    fixture.tap_key(keys::ESC);
    assert_eq!(answer(&mut fixture, &mut session), (2, vec![]));
    shows_page(&mut fixture);
    fixture.roundtrip(client);
    let typed = |fixture: &Fixture| {
        fixture[client].seen.keyboard.iter().filter(|seen| matches!(seen, KeySeen::Key { .. })).count()
    };
    assert_eq!(typed(&fixture), 0);
    fixture.tap_key(keys::A);
    fixture.roundtrip(client);
    assert_eq!(typed(&fixture), 2, "and gets the next ones");
}

#[test]
fn the_list_closes_when_the_session_withdraws_it_or_dies_or_the_page_is_not_up() {
    let (mut fixture, mut session, client) = running_on("640x400");
    asks(&mut fixture, &mut session, chooser(1, false));
    session.send(&report(State::Ready, None));
    shows_page(&mut fixture);
    session.send(&report(State::Loading, Some(chooser(2, false))));
    fixture.until("the report", |fixture| fixture.kiosk.stage.shells[0].readiness.state == Some(State::Loading));
    assert!(fixture.kiosk.stage.shells[0].chooser.is_none(), "the page is not up");
    asks(&mut fixture, &mut session, chooser(3, false));
    drop(session);
    shows_page(&mut fixture);
    // A new session counts from one again.
    let mut session = fixture.session();
    asks(&mut fixture, &mut session, chooser(3, false));
    fixture.tap_key(keys::ESC);
    assert_eq!(answer(&mut fixture, &mut session), (3, vec![]));
    fixture.roundtrip(client);
}

#[test]
fn a_list_that_is_left_closes_and_costs_nothing_afterwards() {
    let (mut fixture, mut session, _) = running_on("640x400");
    const PATIENCE: Duration = Duration::from_secs(2);
    fixture.kiosk.stage.chooser_patience = PATIENCE;
    asks(&mut fixture, &mut session, chooser(1, false));
    fixture.pass(Duration::from_millis(100));
    // Input restarts the timeout.
    let used = fixture.kiosk.now();
    fixture.tap_key(keys::A);
    assert_eq!(answer(&mut fixture, &mut session), (1, vec![]));
    assert!(fixture.kiosk.now() >= used + PATIENCE);
    shows_page(&mut fixture);
    fixture.pass(Duration::from_secs(3));
    assert_eq!(fixture.wakeups(Duration::from_secs(1)), 0);
}

#[test]
fn an_operator_s_message_lies_over_it_and_a_finger_that_rests_on_the_page_is_lifted() {
    let (mut fixture, mut session, client) = running_on("640x400");
    fixture.touch_down(0, (9.0, 9.0));
    asks(&mut fixture, &mut session, chooser(1, false));
    fixture.roundtrip(client);
    assert!(matches!(fixture[client].seen.touch.last(), Some(TouchSeen::Cancel)), "{:?}", fixture[client].seen.touch);
    fixture.touch_up(0);
    let message = kioskd::command::Command::ShowMessage { title: "Closed".into(), text: "Back at nine".into() };
    let (reply, _answer) = tokio::sync::oneshot::channel();
    fixture.kiosk.answer(kioskd::command::Call { request: message, reply });
    fixture.still();
    tap(&mut fixture, Target::Row(0), 0);
    fixture.tap_key(keys::ESC);
    assert!(session.notices().iter().all(|notice| !matches!(notice, Notice::Chosen { .. })), "unseen, untouched");
    let (reply, _answer) = tokio::sync::oneshot::channel();
    fixture.kiosk.answer(kioskd::command::Call { request: kioskd::command::Command::Dismiss, reply });
    fixture.still();
    tap(&mut fixture, Target::Row(0), 0);
    assert_eq!(answer(&mut fixture, &mut session), (1, vec![0]));
}
