//! From the first frame to the page: when the splash disappears, and when it is shown again.

use std::time::Duration;

use kiosk_core::api::{Notice, Report, State};
use kioskd::{backend::capture::Capture, command::OutputChange, stage::splash::Cover};

use crate::fixture::{
    ClientId, Fixture, Setup,
    client::Toplevel,
    picture::{GREEN, Picture},
    session::Session,
};
use crate::system_screens;

const BACKGROUND: [u8; 3] = [10, 20, 120];

fn setup(outputs: &[&str]) -> Setup {
    let mut setup = Setup::kiosk(outputs);
    setup.config.splash.background = BACKGROUND;
    setup
}

/// A kiosk that shows its page.
fn running(outputs: &[&str]) -> (Fixture, Session, ClientId, Toplevel) {
    let mut fixture = setup(outputs).start();
    let mut session = fixture.session();
    fixture.report(&mut session, State::Loading);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(GREEN));
    fixture.report(&mut session, State::Ready);
    fixture.until("the splash to go", |fixture| fixture.kiosk.stage.shells[0].cover == Cover::Gone);
    fixture.still();
    (fixture, session, client, window)
}

fn is_splash(capture: &Capture) -> bool {
    let corners = [(0, 0), (capture.width - 1, 0), (0, capture.height - 1), (capture.width - 1, capture.height - 1)];
    let drawn = capture.rgba.chunks_exact(4).filter(|pixel| pixel[..3] != BACKGROUND).count();
    corners.iter().all(|(x, y)| capture.pixel(*x, *y) == BACKGROUND) && drawn > 200
}

#[test]
fn the_first_frame_is_the_splash_on_every_output_at_its_rotation_and_scale() {
    let mut setup = setup(&["640x400", "800x600@2"]);
    setup.config.outputs[0].settings.rotation = kiosk_core::config::Rotation::try_from(90).ok();
    let panels = {
        let mut fixture = setup.start();
        assert_eq!(fixture.kiosk.snapshot().stage, "splash");
        [fixture.panel_of(kioskd::screens::HeadId(1)), fixture.panel_of(kioskd::screens::HeadId(2))]
    };
    assert!(panels.iter().all(is_splash), "no logo on its background");
    // Upright, the logo is centred in the height of the rotated screen.
    let rows: Vec<usize> = (0..panels[0].height)
        .filter(|y| (0..panels[0].width).any(|x| panels[0].pixel(x, *y) != BACKGROUND))
        .map(|y| y as usize)
        .collect();
    let middle = (rows[0] + rows[rows.len() - 1]) / 2;
    assert!(middle.abs_diff(200) <= 2, "the logo is not in the middle: {middle}");
}

#[test]
fn the_splash_stays_until_the_session_is_ready_and_the_shell_has_a_buffer() {
    // The shell first.
    let mut fixture = setup(&["320x200"]).start();
    let mut session = fixture.session();
    let client = fixture.client();
    fixture.map(client, Picture::Solid(GREEN));
    for state in [State::Waiting, State::Launching, State::Loading, State::Offline] {
        fixture.report(&mut session, state);
        fixture.pass(Duration::from_millis(60));
        assert!(is_splash(&fixture.panel()), "{state:?}");
    }
    fixture.report(&mut session, State::Ready);
    fixture.until("the page", |fixture| fixture.panel().pixel(0, 0) == GREEN);

    // The session first.
    let mut fixture = setup(&["320x200"]).start();
    let mut session = fixture.session();
    fixture.report(&mut session, State::Ready);
    let client = fixture.client();
    let window = fixture[client].toplevel();
    window.surface.commit();
    fixture.roundtrip(client);
    fixture.pass(Duration::from_millis(60));
    assert!(is_splash(&fixture.panel()), "a window without a buffer is no page");
    fixture.fill(client, &window, Picture::Solid(GREEN));
    fixture.until("the page", |fixture| fixture.panel().pixel(0, 0) == GREEN);
}

#[test]
fn the_cross_fade_shows_splash_and_page_and_never_anything_else() {
    let mut fixture = setup(&["320x200"]).start();
    let mut session = fixture.session();
    let client = fixture.client();
    fixture.map(client, Picture::Solid(GREEN));
    fixture.panels.start_film();
    fixture.report(&mut session, State::Ready);
    fixture.until("the shell", |fixture| fixture.kiosk.snapshot().stage == "shell");
    assert_eq!(fixture.kiosk.stage.shells[0].cover, Cover::Gone, "told before the splash is gone");
    fixture.still();
    let film = fixture.panels.take_film();
    assert!(film.len() >= 4, "{} frames are no fade", film.len());
    let (mut last, mut between) = (0.0, 0);
    for shot in &film {
        // The corner has no logo: its colour fades linearly.
        let [r, g, b] = shot.pixels.pixel(0, 0).map(f32::from);
        let part = (g - 20.0) / (200.0 - 20.0);
        let expected = [10.0 + 20.0 * part, g, 120.0 - 90.0 * part];
        let off = (r - expected[0]).abs().max((b - expected[2]).abs());
        assert!(off <= 3.0, "{:?} is neither splash nor page nor between them", shot.pixels.pixel(0, 0));
        assert!(part >= last - 0.01, "the fade goes back from {last} to {part}");
        between += usize::from(part > 0.02 && part < 0.98);
        last = part;
        // No pixel is darker than both colours.
        let dark = shot.pixels.rgba.chunks_exact(4).filter(|p| p[1] < 15 && p[2] < 20).count();
        assert_eq!(dark, 0, "black pixels in the fade");
    }
    assert!(between >= 2, "no frames between splash and page: it is cut, not faded");
    assert_eq!(film.last().unwrap().pixels.pixel(0, 0), GREEN);
}

#[test]
fn a_dark_screen_comes_to_the_shell_too() {
    let mut fixture = setup(&["320x200"]).start();
    let mut session = fixture.session();
    let client = fixture.client();
    fixture.map(client, Picture::Solid(GREEN));
    fixture.change(OutputChange { power: Some(false), ..OutputChange::default() }).unwrap();
    fixture.report(&mut session, State::Ready);
    fixture.until("the shell", |fixture| fixture.kiosk.snapshot().stage == "shell");
}

#[test]
fn when_the_shell_dies_the_next_frame_is_the_splash() {
    let (mut fixture, _session, client, _) = running(&["320x200"]);
    fixture.panels.start_film();
    fixture.disconnect(client);
    fixture.until("the splash", |fixture| fixture.kiosk.snapshot().stage == "splash");
    fixture.still();
    let film = fixture.panels.take_film();
    assert!(is_splash(&film[0].pixels), "a frame came between the shell and the splash");
}

#[test]
fn a_shell_that_closes_its_window_or_crashes_brings_the_splash_back() {
    let (mut fixture, mut session, client, window) = running(&["320x200"]);
    fixture.report(&mut session, State::Crashed);
    fixture.still();
    assert!(is_splash(&fixture.panel()), "crashed");
    fixture.report(&mut session, State::Ready);
    fixture.until("the page", |fixture| fixture.panel().pixel(0, 0) == GREEN);
    window.destroy();
    fixture.roundtrip(client);
    fixture.still();
    assert!(is_splash(&fixture.panel()), "window closed");
}

#[test]
fn a_reload_keeps_the_picture() {
    let (mut fixture, mut session, ..) = running(&["320x200"]);
    fixture.panels.start_film();
    fixture.report(&mut session, State::Loading);
    fixture.pass(Duration::from_millis(60));
    fixture.report(&mut session, State::Ready);
    fixture.pass(Duration::from_millis(60));
    assert!(fixture.panels.take_film().iter().all(|shot| shot.pixels.pixel(0, 0) == GREEN));
    assert_eq!(fixture.panel().pixel(0, 0), GREEN);
    assert_eq!(fixture.kiosk.snapshot().stage, "shell");
}

#[test]
fn when_the_session_dies_the_page_stays() {
    let (mut fixture, session, ..) = running(&["320x200"]);
    drop(session);
    fixture.pass(Duration::from_millis(100));
    assert_eq!(fixture.panel().pixel(0, 0), GREEN);
    // Its successor starts over, while the page still runs.
    let mut successor = fixture.session();
    fixture.report(&mut successor, State::Ready);
    fixture.pass(Duration::from_millis(50));
    assert_eq!(fixture.panel().pixel(0, 0), GREEN);
}

#[test]
fn the_session_is_told_whether_the_page_is_seen() {
    let (mut fixture, mut session, client, _) = running(&["320x200"]);
    let visible = |notices: Vec<Notice>| -> Vec<bool> {
        notices
            .into_iter()
            .filter_map(|n| if let Notice::Visible { shell, .. } = n { Some(shell) } else { None })
            .collect()
    };
    assert_eq!(visible(session.notices()), [false, true]);
    fixture.disconnect(client);
    fixture.until("the splash", |fixture| fixture.kiosk.snapshot().stage == "splash");
    fixture.still();
    assert_eq!(visible(session.notices()), [false]);
}

/// A command's session waits for its window, also while the splash hides it.
#[test]
fn the_session_is_told_whether_the_shell_has_a_window() {
    let mut fixture = setup(&["320x200"]).start();
    let mut session = fixture.session();
    let mapped = |notices: Vec<Notice>| -> Vec<bool> {
        notices
            .into_iter()
            .filter_map(|n| if let Notice::Window { mapped, .. } = n { Some(mapped) } else { None })
            .collect()
    };
    fixture.report(&mut session, State::Loading);
    let client = fixture.client();
    fixture.map(client, Picture::Solid(GREEN));
    fixture.still();
    assert_eq!(fixture.kiosk.snapshot().stage, "splash");
    assert_eq!(mapped(session.notices()).last(), Some(&true));
    fixture.disconnect(client);
    fixture.until("the end of the window", |fixture| !fixture.kiosk.stage.windows.any_mapped(0));
    fixture.still();
    assert_eq!(mapped(session.notices()), [false]);
}

#[test]
fn a_message_of_the_session_is_drawn() {
    let mut fixture = setup(&["640x400"]).start();
    let mut session = fixture.session();
    fixture.report(&mut session, State::Waiting);
    fixture.still();
    let ink = |capture: &Capture| capture.rgba.chunks_exact(4).filter(|pixel| pixel[..3] != BACKGROUND).count();
    let before = ink(&fixture.panel());
    session.send(&Report { state: State::Waiting, message: "Waiting for the server".into(), ..Report::default() });
    fixture.until("the message", |fixture| ink(&fixture.panel()) > before + 100);
}

#[test]
fn an_animated_splash_repaints_only_what_moves() {
    let mut fixture = setup(&["1280x800"]).start();
    fixture.still();
    fixture.panels.start_film();
    fixture.pass(Duration::from_millis(1_200));
    let film = fixture.panels.take_film();
    assert!(film.len() >= 3, "nothing moves: {} frames", film.len());
    for shot in &film {
        let area: i32 = shot.damage.iter().map(|part| part.size.w * part.size.h).sum();
        assert!(area * 100 < 1280 * 800 * 2, "{area} pixels repainted: {:?}", shot.damage);
    }
}

#[test]
fn a_new_message_repaints_only_its_line() {
    let mut fixture = setup(&["1280x800"]).start();
    let mut session = fixture.session();
    let say = |fixture: &mut Fixture, session: &mut Session, message: &str| {
        session.send(&Report { state: State::Waiting, message: message.into(), ..Report::default() });
        fixture.until("the message", |fixture| fixture.kiosk.stage.shells[0].readiness.message == message);
        fixture.still();
    };
    say(&mut fixture, &mut session, "Waiting for the server");
    fixture.panels.start_film();
    say(&mut fixture, &mut session, "The server does not answer");
    for shot in fixture.panels.take_film() {
        let area: i32 = shot.damage.iter().map(|part| part.size.w * part.size.h).sum();
        assert!(area * 100 < 1280 * 800 * 4, "{area} pixels repainted: {:?}", shot.damage);
    }
}

#[test]
fn a_splash_that_is_up_rotates_with_the_screen() {
    let mut fixture = setup(&["640x400"]).start();
    fixture.still();
    for degrees in [90, 180, 270, 0] {
        fixture.rotate(degrees);
        fixture.turn(Duration::ZERO);
        fixture.still();
        let picture = fixture.screenshot();
        assert!(is_splash(&picture) && is_splash(&fixture.panel()), "rotated by {degrees}");
        // The logo is centred in the width of any picture.
        let inked = |x: u32| (0..picture.height / 2).any(|y| picture.pixel(x, y) != BACKGROUND);
        let columns: Vec<u32> = (0..picture.width).filter(|x| inked(*x)).collect();
        let middle = (columns[0] + columns[columns.len() - 1]) / 2;
        assert!(middle.abs_diff(picture.width / 2) <= 2, "rotated by {degrees}: {middle} of {}", picture.width);
    }
}

#[test]
fn without_a_session_a_new_window_of_an_old_shell_is_under_the_splash() {
    let (mut fixture, session, client, window) = running(&["320x200"]);
    drop(session);
    fixture
        .until("the end of the session", |fixture| fixture.kiosk.stage.shells[0].readiness.state != Some(State::Ready));
    fixture.still();
    assert_eq!(fixture.panel().pixel(5, 5), GREEN, "its picture stays as long as it does");
    window.surface.attach(None, 0, 0);
    window.surface.commit();
    fixture.roundtrip(client);
    fixture.map(client, Picture::Solid(GREEN));
    fixture.still();
    assert!(is_splash(&fixture.panel()));
}

#[test]
fn a_page_that_is_overdue_is_told_at_length_whatever_the_splash_may_say() {
    let mut setup = setup(&["640x400"]);
    setup.config.splash.message = false;
    setup.errors.push("shell.url is 5");
    let mut fixture = setup.start();
    let mut session = fixture.session();
    // Without a message there is nothing below the animated dots.
    let lines = |fixture: &mut Fixture| {
        let panel = fixture.panel();
        let inked = |y: u32| (0..panel.width).any(|x| panel.pixel(x, y) != BACKGROUND);
        (300..panel.height).filter(|y| inked(*y) && !inked(*y - 1)).count()
    };
    let mut say = |fixture: &mut Fixture, overdue: bool| {
        let message = "Not up after 60 s: connection refused. Trying again.".to_owned();
        session.send(&Report { state: State::Waiting, message, overdue, ..Report::default() });
        fixture.until("the report", |fixture| {
            let readiness = &fixture.kiosk.stage.shells[0].readiness;
            readiness.state == Some(State::Waiting) && readiness.overdue == overdue
        });
        fixture.still();
    };
    say(&mut fixture, false);
    assert_eq!(lines(&mut fixture), 0);
    say(&mut fixture, true);
    assert!(lines(&mut fixture) > 2, "what the device is, and the dots");
    // The QR code contains it all.
    let code = system_screens::codes(&mut fixture).concat();
    for part in ["kioskd 0.", "connection refused", "shell.url is 5"] {
        assert!(code.contains(part), "{part}: {code}");
    }
    say(&mut fixture, false);
    assert_eq!(lines(&mut fixture), 0);
}

#[test]
fn more_reasons_than_a_screen_holds_come_in_turn() {
    let mut setup = setup(&["320x240"]);
    setup.errors.extend([
        "config.d/1.toml:1:1: unknown key splash.colour, did you mean background? [splash] has logo, background",
        "config.d/2.toml:2:1: unknown key shell.ulr, did you mean url? [shell] has url, command, browser, extra-args",
        "config.d/3.toml:7:9: output.\"*\".rotation is 45, allowed is 0, 90, 180 or 270, clockwise",
    ]);
    let mut fixture = setup.start();
    // The animated dots are at the bottom.
    let texts = |fixture: &mut Fixture| {
        let panel = fixture.panel();
        panel.rgba[..(panel.width * (panel.height - 30) * 4) as usize].to_vec()
    };
    let mut session = fixture.session();
    fixture.report(&mut session, State::Waiting);
    fixture.still();
    let splash = texts(&mut fixture);
    let message = "Not up after 60 s: connection refused. Trying again.".to_owned();
    session.send(&Report { state: State::Waiting, message, overdue: true, ..Report::default() });
    fixture.until("the diagnostics", |fixture| texts(fixture) != splash);
    let (first, came) = (texts(&mut fixture), fixture.kiosk.now());
    fixture.until("the next page", |fixture| texts(fixture) != first);
    assert!(fixture.kiosk.now() - came > Duration::from_secs(1), "the first page was hardly to be seen");
}

#[test]
fn the_dots_go_on_after_a_frame_that_was_drawn_in_place_of_their_step() {
    let mut fixture = setup(&["320x240"]).start();
    let mut session = fixture.session();
    fixture.report(&mut session, State::Waiting);
    fixture.still();
    for _ in 0..3 {
        // The loop is held up until after the longest rest between two steps, and then draws for another reason before
        // its timers run.
        std::thread::sleep(Duration::from_secs(2));
        fixture.kiosk.screens.request_redraw();
        fixture.turn(Duration::ZERO);
        let before = fixture.panel();
        fixture.until("the next step of the dots", |fixture| fixture.panel().rgba != before.rgba);
    }
}

#[test]
fn a_screen_without_a_page_says_so_while_the_other_one_shows_its_own() {
    let (mut fixture, ..) = running(&["320x200", "640x400"]);
    let second = kioskd::screens::HeadId(2);
    let panel = fixture.panel_of(second);
    let inked = |y: u32| (0..panel.width).any(|x| panel.pixel(x, y) != BACKGROUND);
    // There is a line of text below the logo, and no dots above it.
    let bands = (280..panel.height).filter(|y| inked(*y) && !inked(*y - 1)).count();
    assert!(bands >= 1, "only the logo");
    let view = fixture.kiosk.stage.view(None, "HEADLESS-2", fixture.kiosk.now());
    assert!(view.text().contains("No page is configured for this screen (HEADLESS-2)"), "{view:?}");
    fixture.nothing_left_to_do();
}

#[test]
fn an_old_session_that_still_talks_takes_no_splash_away() {
    let mut fixture = setup(&["320x200"]).start();
    let (mut old, mut new) = (fixture.session(), fixture.session());
    fixture.report(&mut old, State::Waiting);
    fixture.report(&mut new, State::Launching);
    old.send(&Report { state: State::Ready, ..Report::default() });
    fixture.report(&mut new, State::Loading);
    let client = fixture.client();
    fixture.map(client, Picture::Solid(GREEN));
    fixture.still();
    assert_eq!(fixture.kiosk.stage.shells[0].readiness.state, Some(State::Loading));
    assert!(is_splash(&fixture.panel()));
}

#[test]
fn nothing_wakes_up_once_the_splash_is_gone() {
    let (mut fixture, ..) = running(&["320x200", "320x200"]);
    fixture.nothing_left_to_do();
    let frames = fixture.panels.frames();
    assert_eq!(fixture.wakeups(Duration::from_millis(1_500)), 0);
    assert_eq!(fixture.panels.frames(), frames);
}

#[test]
fn a_session_that_sends_invalid_lines_is_disconnected_and_the_splash_stays() {
    let mut fixture = setup(&["320x200"]).start();
    for nonsense in [&b"hello\n"[..], b"{\"state\":\"dancing\"}\n", b"\xff\xfe\n", &[b'x'; 200_000]] {
        let mut session = fixture.session();
        fixture.pass(Duration::from_millis(10));
        session.send_bytes(nonsense);
        fixture.pass(Duration::from_millis(20));
        session.notices();
    }
    let mut session = fixture.session();
    fixture.report(&mut session, State::Waiting);
    assert!(is_splash(&fixture.panel()));
}
