//! System screens over the page: what is shown of them, and the caller's answer.

use std::time::Duration;

use kiosk_core::api::State;
use kioskd::{
    backend::capture::Capture,
    command::{Call, Command, CommandError, Reply},
    pairing::PairingRequest,
};

use crate::fixture::{Fixture, Setup};

const BACKGROUND: [u8; 3] = [10, 20, 120];

fn setup(outputs: &[&str]) -> Setup {
    let mut setup = Setup::kiosk(outputs);
    setup.config.splash.background = BACKGROUND;
    setup
}

/// Sends a command, and waits for the answer.
#[track_caller]
fn ask(fixture: &mut Fixture, request: Command) -> Result<Reply, CommandError> {
    let (reply, mut answer) = tokio::sync::oneshot::channel();
    fixture.kiosk.answer(Call { request, reply });
    let mut answered = None;
    fixture.until("the answer", |_| {
        answered = answer.try_recv().ok();
        answered.is_some()
    });
    answered.unwrap()
}

/// Shows a message; returns how many characters of its text are shown if it is cut.
#[track_caller]
fn message(fixture: &mut Fixture, title: &str, text: &str) -> Option<u32> {
    let shown = ask(fixture, Command::ShowMessage { title: title.into(), text: text.into() });
    fixture.still();
    match shown {
        Ok(Reply::Shown { cut_to }) => cut_to,
        other => panic!("{other:?}"),
    }
}

/// Rows with ink, each with its brightest pixel.
fn rows(capture: &Capture) -> Vec<(u32, u8)> {
    let brightest =
        |y: u32| (0..capture.width).map(|x| capture.pixel(x, y)).filter(|p| *p != BACKGROUND).map(|[r, ..]| r).max();
    (0..capture.height).filter_map(|y| Some((y, brightest(y)?))).collect()
}

#[test]
fn a_message_over_the_splash_is_as_bright_as_any() {
    let mut fixture = setup(&["640x400"]).start();
    let mut session = fixture.session();
    fixture.report(&mut session, State::Waiting);
    for phase in 0..8 {
        // The splash's dots are in another phase.
        fixture.pass(Duration::from_millis(90 + 20 * phase));
        message(&mut fixture, "Closed", "Back at nine");
        let rows = rows(&fixture.panel());
        let (first, last) = (rows[0].0, rows[rows.len() - 1].0);
        let below = rows.iter().filter(|(y, _)| *y > (first + last) / 2).map(|(_, red)| *red).max().unwrap();
        assert!(below > 190, "phase {phase}: the text's brightest pixel has {below}");
        ask(&mut fixture, Command::Dismiss).unwrap();
        fixture.pass(Duration::from_millis(50));
    }
}

#[test]
fn the_caller_of_a_message_is_told_how_much_of_it_is_seen() {
    let mut fixture = setup(&["320x240", "1920x1080"]).start();
    assert_eq!(message(&mut fixture, "Closed", "Back at nine"), None);
    let long = "word ".repeat(400);
    let shown = message(&mut fixture, "Closed", &long).unwrap();
    assert!((100..1_999).contains(&shown), "the smaller screen has room for {shown}");
    assert_eq!(message(&mut fixture, "", "Back at nine"), None);
}

#[test]
fn letters_that_are_not_built_in_are_fetched_and_the_picture_before_stays_until_they_come() {
    let mut fixture = setup(&["640x400"]).start();
    fixture.still();
    let coloured = |capture: &Capture| {
        let is_yellow = |p: &[u8]| p[0] > 180 && p[1] > 120 && p[2] < 120;
        capture.rgba.chunks_exact(4).filter(|pixel| is_yellow(pixel)).count()
    };
    fixture.panels.start_film();
    assert_eq!(message(&mut fixture, "欢迎 😀", "请稍候 — مرحبا"), None);
    fixture.until("the emoji", |fixture| coloured(&fixture.panel()) > 50);
    // No frame shows the message without its glyphs.
    for shot in fixture.panels.take_film() {
        let pixels = &shot.pixels;
        let inked = |x: u32| (0..pixels.height).any(|y| pixels.pixel(x, y) != BACKGROUND);
        let width = (0..pixels.width).filter(|x| inked(*x)).count();
        assert!(width < 130 || coloured(pixels) > 50, "boxes were shown, {width} columns wide");
    }
    // The next message in the same script needs no search.
    let (reply, mut answer) = tokio::sync::oneshot::channel();
    let request = Command::ShowMessage { title: String::new(), text: "请稍候".into() };
    fixture.kiosk.answer(Call { request, reply });
    assert!(matches!(answer.try_recv(), Ok(Ok(Reply::Shown { cut_to: None }))));
}

#[test]
fn a_message_in_any_script_on_a_dark_screen_is_answered() {
    let mut fixture = setup(&["640x400"]).start();
    let off = kioskd::command::OutputChange { power: Some(false), ..Default::default() };
    fixture.change(off).unwrap();
    assert_eq!(message(&mut fixture, "", "日本語"), None);
}

fn pairing(expires: Option<Duration>) -> Command {
    let url = Some("https://setup.example.org/".to_owned());
    Command::ShowPairing(PairingRequest { url, code: "ABC-123".into(), expires, ..PairingRequest::default() })
}

/// The contents of the QR codes on the first panel.
pub fn codes(fixture: &mut Fixture) -> Vec<String> {
    let panel = fixture.panel();
    let luma = |x: usize, y: usize| panel.pixel(x as u32, y as u32)[0];
    let mut picture = rqrr::PreparedImage::prepare_from_greyscale(panel.width as usize, panel.height as usize, luma);
    picture.detect_grids().iter().map(|grid| grid.decode().unwrap().1).collect()
}

#[test]
fn the_pairing_screen_is_read_by_a_camera_at_every_rotation_until_it_is_dismissed() {
    let mut fixture = setup(&["640x400"]).start();
    let shown = ask(&mut fixture, pairing(None));
    assert!(matches!(&shown, Ok(Reply::Pairing { url }) if url == "https://setup.example.org/"), "{shown:?}");
    for degrees in [0, 90, 180, 270] {
        fixture.rotate(degrees);
        fixture.still();
        let snapshot = fixture.kiosk.snapshot();
        assert_eq!((snapshot.stage.as_str(), snapshot.system_screen.as_str()), ("system-screen", "pairing"));
        assert_eq!(codes(&mut fixture), ["https://setup.example.org/"], "rotated by {degrees}");
    }
    fixture.nothing_left_to_do();
    ask(&mut fixture, Command::Dismiss).unwrap();
    fixture.until("the splash", |fixture| codes(fixture).is_empty());
    assert_eq!(fixture.kiosk.snapshot().system_screen, "");
    message(&mut fixture, "", "Closed");
    assert_eq!(fixture.kiosk.snapshot().system_screen, "message");
}

#[test]
fn a_code_that_expires_counts_down_and_goes_by_itself() {
    let mut fixture = setup(&["640x400"]).start();
    fixture.still();
    ask(&mut fixture, pairing(Some(Duration::from_secs(2)))).unwrap();
    fixture.still();
    fixture.panels.start_film();
    fixture.until("the end of the code", |fixture| fixture.kiosk.stage.system_screen.is_none());
    let film = fixture.panels.take_film();
    // "2 s", "1 s": one change of the text while it is shown.
    assert!(film.len() <= 2, "{} frames", film.len());
    fixture.until("the splash", |fixture| codes(fixture).is_empty());
    // A message that replaces it is not removed when the code would have expired.
    ask(&mut fixture, pairing(Some(Duration::from_secs(1)))).unwrap();
    message(&mut fixture, "Closed", "Back at nine");
    fixture.pass(Duration::from_millis(1_300));
    assert_eq!(fixture.kiosk.snapshot().stage, "system-screen");
}

#[test]
fn a_device_without_a_page_welcomes_until_it_is_set_up() {
    let mut setup = setup(&["640x400"]);
    setup.config.shell.url = kiosk_core::config::Url::none();
    let mut fixture = setup.start();
    fixture.kiosk.welcome();
    fixture.kiosk.settle();
    fixture.still();
    assert_eq!(fixture.kiosk.snapshot().stage, "system-screen");
    let reached = kioskd::network::Network::now().addresses.first().map(kioskd::network::in_url);
    let expected: Vec<String> = reached.iter().map(|address| format!("http://{address}/")).collect();
    assert_eq!(codes(&mut fixture), expected);
    // An operator's message covers it, and it is shown again afterwards.
    message(&mut fixture, "Closed", "Back at nine");
    assert!(codes(&mut fixture).is_empty());
    ask(&mut fixture, Command::Dismiss).unwrap();
    fixture.until("the welcome", |fixture| codes(fixture) == expected);
    fixture.kiosk.settings.config.shell.url = kiosk_core::config::Url::default();
    fixture.kiosk.welcome();
    fixture.until("the splash", |fixture| fixture.kiosk.snapshot().stage == "splash");
}

#[test]
fn the_file_that_says_that_the_device_is_set_up_ends_the_welcome() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("configured");
    let mut setup = setup(&["640x400"]);
    setup.config.shell.configured_file.clone_from(&file);
    let mut fixture = setup.start();
    fixture.kiosk.welcome();
    fixture.until("the welcome", |fixture| fixture.kiosk.snapshot().stage == "system-screen");
    std::fs::write(&file, "").unwrap();
    fixture.until("the splash", |fixture| fixture.kiosk.snapshot().stage == "splash");
}
