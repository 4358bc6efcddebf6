//! Calls of pages by their sessions: they change the page's own screen and no other, and people and operators can undo
//! what a page does.

use std::time::Duration;

use kiosk_core::{
    api::{Notice, Report, State},
    config::{KeyboardUse, Shell},
    page_calls::{DeviceRequest, PageAnswer},
};
use kioskd::{
    command::{ApplyMode, KeyboardMode, OutputChange},
    screens::HeadId,
};

use crate::fixture::{
    Fixture, Setup,
    hands::keys,
    picture::{GREEN, Picture, RED},
    session::Session,
};

const SECOND: HeadId = HeadId(2);
/// More than the minimum time between two changes by a page.
const LATER: Duration = Duration::from_millis(1050);

fn report(shell: u32, state: State, listens: u64) -> Report {
    Report { state, shell, listens, ..Report::default() }
}

/// Two outputs with a shell each, and both pages are shown.
fn two_pages(configure: impl FnOnce(&mut Setup)) -> (Fixture, [Session; 2]) {
    let shell = |output: &str| Shell { output: output.into(), ..Shell::default() };
    let mut setup = Setup::kiosk(&["320x200", "400x300"]);
    setup.config.shells = vec![shell("HEADLESS-1"), shell("HEADLESS-2")];
    configure(&mut setup);
    let mut fixture = setup.start();
    let mut sessions = [fixture.session(), fixture.session()];
    for (number, color) in [(0, GREEN), (1, RED)] {
        let client = fixture.client_of_shell(number);
        sessions[number].send(&report(number as u32, State::Loading, 0));
        fixture.map(client, Picture::Solid(color));
        sessions[number].send(&report(number as u32, State::Ready, 0));
    }
    fixture.until("both pages", |fixture| {
        (0..2).all(|shell| fixture.kiosk.stage.name_of(shell) == "shell") && fixture.kiosk.snapshot().stage == "shell"
    });
    fixture.still();
    (fixture, sessions)
}

fn power(fixture: &Fixture) -> Vec<bool> {
    fixture.kiosk.snapshot().outputs.iter().map(|output| output.power).collect()
}

#[track_caller]
fn refused(answer: &PageAnswer, wanted: &str) {
    assert_eq!(answer.error.as_deref(), Some(wanted));
}

#[track_caller]
fn done(answer: &PageAnswer) {
    assert_eq!(answer.error, None);
}

#[test]
fn a_page_puts_its_own_screen_out_and_any_input_lights_it_for_a_while() {
    let (mut fixture, [_first, mut second]) = two_pages(|_| {});
    done(&fixture.page_asks(&mut second, 1, DeviceRequest::Screen { on: false }));
    assert_eq!(power(&fixture), [true, false]);
    let reason = fixture.kiosk.snapshot().outputs[1].power_reason.clone();
    assert!(reason.starts_with("switched off by the page"), "{reason}");
    done(&fixture.page_asks(&mut second, 1, DeviceRequest::Screen { on: false }));
    // Input switches the other screen on; after a command it would stay dark.
    fixture.tap_key(keys::A);
    assert_eq!(power(&fixture), [true, true]);
    let again = fixture.page_asks(&mut second, 1, DeviceRequest::Screen { on: false });
    assert!(again.error.as_deref().is_some_and(|error| error.starts_with("somebody has lit the screen")), "{again:?}");
    assert_eq!(power(&fixture), [true, true]);
}

#[test]
fn a_screen_that_shows_the_page_no_more_is_lit_again() {
    let mut setup = Setup::kiosk(&["320x200", "400x300"]);
    setup.config.shells = vec![Shell { output: "HEADLESS-1".into(), ..Shell::default() }];
    let mut fixture = setup.start();
    let mirror = |of: &str| OutputChange { mirror: Some(of.into()), ..OutputChange::default() };
    fixture.kiosk.apply(0, &[("HEADLESS-2".into(), mirror("HEADLESS-1"))], ApplyMode::InForce).unwrap();
    let mut session = fixture.session();
    let client = fixture.client_of_shell(0);
    session.send(&report(0, State::Loading, 0));
    fixture.map(client, Picture::Solid(GREEN));
    session.send(&report(0, State::Ready, 0));
    fixture.until("the page is shown", |fixture| fixture.kiosk.snapshot().stage == "shell");
    fixture.still();
    done(&fixture.page_asks(&mut session, 0, DeviceRequest::Screen { on: false }));
    assert_eq!(power(&fixture), [false, false]);
    fixture.kiosk.apply(0, &[("HEADLESS-2".into(), mirror(""))], ApplyMode::InForce).unwrap();
    assert_eq!(power(&fixture), [false, true], "it is not the page's any more");
}

#[test]
fn a_page_lights_what_it_put_out_but_nothing_of_an_operators() {
    let (mut fixture, [mut first, _second]) = two_pages(|_| {});
    done(&fixture.page_asks(&mut first, 0, DeviceRequest::Screen { on: false }));
    refused(
        &fixture.page_asks(&mut first, 0, DeviceRequest::Screen { on: true }),
        "the screen was switched or rotated less than a second ago: try again later",
    );
    fixture.pass(LATER);
    done(&fixture.page_asks(&mut first, 0, DeviceRequest::Screen { on: true }));
    assert_eq!(power(&fixture), [true, true]);
    fixture.change(OutputChange { power: Some(false), ..OutputChange::default() }).unwrap();
    fixture.pass(LATER);
    refused(
        &fixture.page_asks(&mut first, 0, DeviceRequest::Screen { on: true }),
        "the screen is off by the configuration or an operator, who alone can light it",
    );
    assert_eq!(power(&fixture), [false, true]);
}

#[test]
fn with_its_page_the_darkness_and_the_message_end() {
    for by_report in [true, false] {
        let (mut fixture, [mut first, second]) = two_pages(|_| {});
        done(&fixture.page_asks(&mut first, 0, DeviceRequest::Message { text: "Wait".into() }));
        done(&fixture.page_asks(&mut first, 0, DeviceRequest::Screen { on: false }));
        assert_eq!((power(&fixture), fixture.kiosk.stage.name_of(0)), (vec![false, true], "system-screen"));
        if by_report {
            first.send(&report(0, State::Crashed, 0));
        } else {
            drop(first);
        }
        fixture.until("the screen is lit", |fixture| power(fixture) == [true, true]);
        assert_eq!(fixture.kiosk.stage.shells[0].note, None);
        drop(second);
    }
}

#[test]
fn a_page_rotates_its_own_screen_and_nothing_is_kept() {
    let (mut fixture, [mut first, mut second]) = two_pages(|_| {});
    done(&fixture.page_asks(&mut second, 1, DeviceRequest::Rotate { degrees: 90 }));
    fixture.still();
    let rotations = |fixture: &Fixture| -> Vec<u32> {
        fixture.kiosk.snapshot().outputs.iter().map(|output| output.rotation).collect()
    };
    assert_eq!(rotations(&fixture), [0, 90]);
    assert_eq!(fixture.kiosk.settings.saved.state.outputs().count(), 0, "an operator's turn would be kept");
    refused(
        &fixture.page_asks(&mut second, 1, DeviceRequest::Rotate { degrees: 180 }),
        "the screen was switched or rotated less than a second ago: try again later",
    );
    refused(
        &fixture.page_asks(&mut second, 1, DeviceRequest::Rotate { degrees: 45 }),
        "rotation is 45, allowed is 0, 90, 180 or 270",
    );
    // A session cannot call for another shell's screen.
    second.send_bytes(b"{\"call\":99,\"shell\":0,\"request\":{\"do\":\"rotate\",\"degrees\":180}}\n");
    done(&fixture.page_asks(&mut second, 1, DeviceRequest::Message { text: String::new() }));
    assert_eq!(rotations(&fixture), [0, 90]);
    // A page cannot end an operator's trial.
    let change = OutputChange { rotation: Some(kiosk_core::config::Rotation::R180), ..OutputChange::default() };
    let trial = ApplyMode::Temporary { revert_after: Duration::from_secs(60) };
    fixture.kiosk.apply(0, &[("HEADLESS-1".into(), change)], trial).unwrap();
    refused(
        &fixture.page_asks(&mut first, 0, DeviceRequest::Rotate { degrees: 0 }),
        "an operator's change of the screens is on trial: try again later",
    );
    assert_eq!(rotations(&fixture), [180, 90]);
}

#[test]
fn a_message_of_a_page_is_over_it_alone_and_goes() {
    let (mut fixture, [mut first, _second]) = two_pages(|setup| setup.config.splash.background = [10, 20, 120]);
    done(&fixture.page_asks(&mut first, 0, DeviceRequest::Message { text: "Back in a minute".into() }));
    fixture.until("the message", |fixture| fixture.panels.pixels(HeadId(1)).pixel(3, 3) == [10, 20, 120]);
    assert_eq!(fixture.panel_of(SECOND).pixel(9, 9), RED, "the other page is seen");
    let snapshot = fixture.kiosk.snapshot();
    assert_eq!([&snapshot.shells[0].stage, &snapshot.shells[1].stage], ["system-screen", "shell"]);
    done(&fixture.page_asks(&mut first, 0, DeviceRequest::Message { text: String::new() }));
    fixture.until("the page again", |fixture| fixture.panels.pixels(HeadId(1)).pixel(9, 9) == GREEN);
    refused(
        &fixture.page_asks(&mut first, 0, DeviceRequest::Message { text: "a\u{7}".into() }),
        "the text has the control character '\\u{7}', allowed is only \\n",
    );
    fixture.kiosk.stage.system_screen =
        Some(kioskd::stage::SystemScreen::Message { title: String::new(), text: "An operator's".into() });
    refused(
        &fixture.page_asks(&mut first, 0, DeviceRequest::Message { text: "a".into() }),
        "a screen of the kiosk's own is shown: try again later",
    );
    refused(
        &fixture.page_asks(&mut first, 0, DeviceRequest::Screen { on: false }),
        "a screen of the kiosk's own is shown: try again later",
    );
}

#[test]
fn a_page_is_told_of_its_own_screen() {
    let (mut fixture, [mut first, mut second]) = two_pages(|_| {});
    let info = fixture.page_asks(&mut second, 1, DeviceRequest::Info {}).info.unwrap();
    let outputs: Vec<_> = info.outputs.iter().map(|output| (output.name.as_str(), output.width)).collect();
    assert_eq!(outputs, [("HEADLESS-2", 400)]);
    assert_eq!((info.outputs[0].scale, info.outputs[0].brightness, info.outputs[0].power), (1000, None, true));
    assert_eq!(info.version, env!("CARGO_PKG_VERSION"));
    let dark = fixture.page_asks(&mut first, 0, DeviceRequest::Brightness { percent: 50 });
    refused(&dark, "HEADLESS-1: this display has no brightness control");
    refused(
        &fixture.page_asks(&mut first, 0, DeviceRequest::Brightness { percent: 101 }),
        "brightness is 101, allowed is 0 to 100",
    );
}

#[test]
fn a_session_that_listens_is_told_of_presence_once_and_nothing_wakes_for_it() {
    const IDLE: Duration = Duration::from_millis(300);
    let (mut fixture, [mut first, mut second]) = two_pages(|setup| setup.config.idle.screen_off = Some(IDLE));
    let presence = |session: &mut Session| -> Vec<bool> {
        let idle = |notice| if let Notice::Presence { idle } = notice { Some(idle) } else { None };
        session.notices().into_iter().filter_map(idle).collect()
    };
    fixture.tap_key(keys::A);
    first.send(&report(0, State::Ready, 7));
    let mut told = Vec::new();
    fixture.until("nobody is there", |_| {
        told.extend(presence(&mut first));
        !told.is_empty()
    });
    assert_eq!(told, [true]);
    fixture.pass(Duration::from_secs(3));
    assert_eq!(fixture.wakeups(IDLE * 3), 0, "nothing happens until somebody comes");
    fixture.tap_key(keys::A);
    fixture.tap_key(keys::A);
    fixture.until("somebody is there", |_| {
        told.extend(presence(&mut first));
        told.len() > 1
    });
    assert_eq!(told, [true, false]);
    // Another page has to subscribe anew.
    fixture.until("nobody is there", |_| {
        told.extend(presence(&mut first));
        told.len() > 2
    });
    first.send(&report(0, State::Ready, 8));
    fixture.until("the new page knows", |_| {
        told.extend(presence(&mut first));
        told.len() > 3
    });
    assert_eq!(told, [true, false, true, true]);
    assert_eq!(presence(&mut second), [true; 0], "it does not listen");
}

#[test]
fn the_session_hears_what_the_keyboard_covers() {
    let (mut fixture, [mut first, mut second]) = two_pages(|setup| setup.config.keyboard.when = KeyboardUse::Always);
    let areas = |session: &mut Session| -> Vec<Option<(i32, i32, i32, i32)>> {
        let area = |notice| if let Notice::Keyboard { area, .. } = notice { Some(area) } else { None };
        session.notices().into_iter().filter_map(area).collect()
    };
    fixture.kiosk.command_keyboard(KeyboardMode::Show).unwrap();
    let mut told = Vec::new();
    fixture.until("the keyboard", |_| {
        told.extend(areas(&mut first));
        !told.is_empty()
    });
    let (x, y, width, height) = told[0].unwrap();
    assert_eq!((x, width, y + height), (0, 320, 200), "from side to side, down to the lower edge");
    assert!(y > 0);
    fixture.kiosk.command_keyboard(KeyboardMode::Hide).unwrap();
    fixture.until("its end", |_| {
        told.extend(areas(&mut first));
        told.len() > 1
    });
    assert_eq!((told.len(), told[1]), (2, None));
    assert_eq!(areas(&mut second), [None; 0], "it is not on that screen");
}
