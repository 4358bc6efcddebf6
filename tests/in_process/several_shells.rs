//! Several shells: each with its own output, splash, windows and session.

use std::time::Duration;

use kiosk_core::{
    api::{Notice, Report, State},
    config::Shell,
};
use kioskd::{
    command::{ApplyMode, OutputChange},
    screens::HeadId,
    stage::splash::Cover,
};

use crate::fixture::{
    ClientId, Fixture, Setup,
    client::Toplevel,
    hands::keys,
    picture::{BLUE, GREEN, Picture, RED},
    seen::{KeySeen, Placed, TouchSeen},
    tools::{Kind, Spec},
};

const BLACK: [u8; 3] = [0, 0, 0];
const SECOND: HeadId = HeadId(2);

fn shell(output: &str) -> Shell {
    Shell { output: output.into(), ..Shell::default() }
}

/// Two outputs of different size, and a shell on each: the first one's is on the second output.
fn crossed() -> Setup {
    let mut setup = Setup::bare(&["320x200", "400x300"]);
    setup.config.shells = vec![shell("HEADLESS-2"), shell("HEADLESS-1")];
    setup
}

fn told(fixture: &Fixture, client: ClientId, window: &Toplevel) -> (i32, i32) {
    fixture[client].configured(window).map(|told| (told.width, told.height)).unwrap()
}

/// A touch panel on an output.
fn glass(output: &'static str, id: &'static str) -> Spec {
    Spec { id, name: output, kind: Kind::Touch, model: None, port: None, serial: None, size: None, hint: Some(output) }
}

#[test]
fn each_shell_is_on_its_output_with_its_size() {
    let mut fixture = crossed().start();
    let first = fixture.client_of_shell(0);
    let window = fixture.map(first, Picture::Solid(RED));
    assert_eq!(told(&fixture, first, &window), (400, 300));
    assert_eq!(fixture.panel_of(SECOND).pixel(399, 299), RED);
    assert_eq!(fixture.panel().pixel(9, 9), BLACK, "no shell of the other output has come");
    let second = fixture.client_of_shell(1);
    let other = fixture.map(second, Picture::Solid(GREEN));
    assert_eq!(told(&fixture, second, &other), (320, 200));
    assert_eq!((fixture.panel().pixel(319, 199), fixture.panel_of(SECOND).pixel(9, 9)), (GREEN, RED));
    assert!(fixture.screenshot_of("HEADLESS-1").pixel(9, 9) == GREEN);
    let on_one = |client: ClientId| {
        let entered = fixture[client].seen.placed.iter().filter(|(_, said)| matches!(said, Placed::Enter(_)));
        entered.count()
    };
    assert_eq!((on_one(first), on_one(second)), (1, 1), "a window is on its own output alone");
}

#[test]
fn a_dialog_is_on_its_parents_screen() {
    let mut fixture = crossed().start();
    let first = fixture.client_of_shell(0);
    fixture.map(first, Picture::Solid(RED));
    let second = fixture.client_of_shell(1);
    let window = fixture.map(second, Picture::Solid(GREEN));
    fixture.dialog(second, &window, BLUE, (100, 60));
    let panel = fixture.panel();
    assert_eq!(
        [(110, 70), (209, 129), (109, 100), (210, 100)].map(|(x, y)| panel.pixel(x, y)),
        [BLUE, BLUE, GREEN, GREEN]
    );
    let other = fixture.panel_of(SECOND);
    assert!(other.rgba.chunks_exact(4).all(|pixel| pixel[..3] == RED));
}

#[test]
fn the_keyboard_is_with_the_shell_that_was_touched_last() {
    let mut fixture = crossed().start();
    let first = fixture.client_of_shell(0);
    let window = fixture.map(first, Picture::Solid(RED));
    let second = fixture.client_of_shell(1);
    let other = fixture.map(second, Picture::Solid(GREEN));
    assert_eq!(
        (fixture.focus(first), fixture.focus(second)),
        (Some(window.id()), None),
        "a page that comes takes nothing"
    );
    assert!(fixture[second].configured(&other).unwrap().activated, "it looks alive all the same");
    let small = fixture.plug_in(glass("HEADLESS-1", "event1"));
    let large = fixture.plug_in(glass("HEADLESS-2", "event2"));
    for _ in 0..2 {
        fixture.finger_down(&small, 0, (0.5, 0.5));
        fixture.finger_up(&small, 0);
        assert_eq!((fixture.focus(first), fixture.focus(second)), (None, Some(other.id())));
        fixture.tap_key(keys::A);
        fixture.finger_down(&large, 0, (0.5, 0.5));
        fixture.finger_up(&large, 0);
        assert_eq!((fixture.focus(first), fixture.focus(second)), (Some(window.id()), None));
    }
    let typed = |client: ClientId| {
        fixture[client].seen.keyboard.iter().filter(|seen| matches!(seen, KeySeen::Key { .. })).count()
    };
    assert_eq!((typed(first), typed(second)), (0, 4));
    let down = |client: ClientId| {
        let mut seen = fixture[client].seen.touch.iter();
        seen.find_map(|seen| if let TouchSeen::Down { x, y, .. } = seen { Some((*x, *y)) } else { None })
    };
    assert_eq!(down(second).map(|(x, y)| (x.round(), y.round())), Some((160.0, 100.0)));
    assert_eq!(down(first).map(|(x, y)| (x.round(), y.round())), Some((200.0, 150.0)));
}

#[test]
fn the_pointer_moves_across_both_outputs() {
    let mut fixture = crossed().start();
    let first = fixture.client_of_shell(0);
    fixture.map(first, Picture::Solid(RED));
    let second = fixture.client_of_shell(1);
    fixture.map(second, Picture::Solid(GREEN));
    let location = |fixture: &Fixture| fixture.kiosk.seat.seat.get_pointer().unwrap().current_location();
    fixture.move_mouse((100.0, 50.0));
    assert!(fixture.kiosk.screens.by_name("HEADLESS-1").unwrap().geometry().to_f64().contains(location(&fixture)));
    fixture.move_mouse((400.0, 0.0));
    assert!(fixture.kiosk.screens.by_name("HEADLESS-2").unwrap().geometry().to_f64().contains(location(&fixture)));
    fixture.still();
    let arrow = |fixture: &mut Fixture, head, color: [u8; 3]| {
        fixture.panel_of(head).rgba.chunks_exact(4).any(|pixel| pixel[..3] != color)
    };
    assert!(arrow(&mut fixture, SECOND, RED) && !arrow(&mut fixture, HeadId(1), GREEN));
    fixture.move_mouse((-400.0, 0.0));
    fixture.still();
    assert!(!arrow(&mut fixture, SECOND, RED) && arrow(&mut fixture, HeadId(1), GREEN), "left behind, or lost");
}

/// A booting kiosk with two shells.
fn booting() -> (Fixture, ClientId, ClientId) {
    let mut setup = Setup::kiosk(&["320x200", "320x200"]);
    setup.config.splash.background = [10, 60, 110];
    setup.config.shells = vec![shell("HEADLESS-1"), shell("HEADLESS-2")];
    let mut fixture = setup.start();
    let first = fixture.client_of_shell(0);
    let second = fixture.client_of_shell(1);
    (fixture, first, second)
}

fn report(shell: u32, state: State) -> Report {
    Report { state, shell, ..Report::default() }
}

#[test]
fn each_splash_waits_for_its_own_shell_and_comes_back_for_its_own() {
    let (mut fixture, first, second) = booting();
    let mut sessions = [fixture.session(), fixture.session()];
    fixture.map_hidden(first, RED);
    fixture.map_hidden(second, GREEN);
    sessions[1].send(&report(1, State::Ready));
    fixture.until("the second page", |fixture| fixture.kiosk.stage.shells[1].cover == Cover::Gone);
    fixture.until("the second page shown", |fixture| fixture.panels.pixels(SECOND).pixel(160, 100) == GREEN);
    assert_eq!(fixture.panel().pixel(3, 3), [10, 60, 110]);
    let said = |notices: Vec<Notice>| -> Vec<(bool, u32)> {
        let visible = |n| if let Notice::Visible { shell, number } = n { Some((shell, number)) } else { None };
        notices.into_iter().filter_map(visible).collect()
    };
    assert_eq!(said(sessions[0].notices()), [(false, 0), (false, 1), (true, 1)]);
    sessions[0].send(&report(0, State::Ready));
    fixture.until("the first page", |fixture| fixture.kiosk.stage.shells[0].cover == Cover::Gone);
    fixture.until("the first page shown", |fixture| fixture.panels.pixels(HeadId(1)).pixel(160, 100) == RED);
    // The second one's browser dies: its screen shows the splash again, the other its page.
    fixture.disconnect(second);
    fixture.until("the splash", |fixture| fixture.panels.pixels(SECOND).pixel(3, 3) == [10, 60, 110]);
    assert!(matches!(fixture.kiosk.stage.shells[1].cover, Cover::Shown { .. }));
    assert_eq!(fixture.kiosk.stage.shells[0].cover, Cover::Gone);
    assert!(fixture.panel().rgba.chunks_exact(4).all(|pixel| pixel[..3] == RED));
    // A session that ends clears only its own shell's state.
    let [one, other] = sessions;
    drop(other);
    fixture.until("the end of the second session", |fixture| fixture.kiosk.stage.shells[1].readiness.state.is_none());
    assert_eq!(fixture.kiosk.stage.shells[0].readiness.state, Some(State::Ready));
    drop(one);
}

#[test]
fn the_bus_is_told_of_every_shell_where_it_is_and_what_it_shows() {
    let (mut fixture, first, second) = booting();
    let told = |fixture: &Fixture| {
        let snapshot = fixture.kiosk.snapshot();
        let shells = snapshot.shells.into_iter().map(|shell| (shell.output, shell.stage)).collect::<Vec<_>>();
        (snapshot.stage, shells)
    };
    let as_is = |stage: &str, shells: [(&str, &str); 2]| {
        (stage.to_owned(), shells.map(|(output, stage)| (output.to_owned(), stage.to_owned())).to_vec())
    };
    assert_eq!(told(&fixture), as_is("splash", [("HEADLESS-1", "splash"), ("HEADLESS-2", "splash")]));
    let mut sessions = [fixture.session(), fixture.session()];
    fixture.map_hidden(first, RED);
    fixture.map_hidden(second, GREEN);
    sessions[0].send(&report(0, State::Ready));
    fixture.until("the first page", |fixture| fixture.kiosk.stage.shells[0].cover == Cover::Gone);
    assert_eq!(told(&fixture), as_is("splash", [("HEADLESS-1", "shell"), ("HEADLESS-2", "splash")]));
    sessions[1].send(&report(1, State::Ready));
    fixture.until("the second page", |fixture| fixture.kiosk.stage.shells[1].cover == Cover::Gone);
    assert_eq!(told(&fixture), as_is("shell", [("HEADLESS-1", "shell"), ("HEADLESS-2", "shell")]));
    // A shell whose output mirrors the other's is not shown, and its splash is not waited for.
    let mirror = Some("HEADLESS-1".to_owned());
    let change = ("HEADLESS-2".to_owned(), OutputChange { mirror, ..OutputChange::default() });
    fixture.kiosk.apply(0, &[change], ApplyMode::Keep).unwrap();
    fixture.disconnect(second);
    fixture.until("its splash", |fixture| fixture.kiosk.stage.shells[1].cover != Cover::Gone);
    assert_eq!(told(&fixture), as_is("shell", [("HEADLESS-1", "shell"), ("", "splash")]));
}

#[test]
fn a_report_of_a_shell_that_there_is_not_changes_nothing() {
    let (mut fixture, _, _) = booting();
    let mut session = fixture.session();
    session.send(&report(7, State::Ready));
    session.send(&report(u32::MAX, State::Ready));
    session.send(&report(1, State::Offline));
    fixture.until("a report", |fixture| fixture.kiosk.stage.shells[1].readiness.state == Some(State::Offline));
    assert_eq!(fixture.kiosk.stage.shells[0].readiness.state, None);
}

impl Fixture {
    /// Maps a window under the splash.
    fn map_hidden(&mut self, client: ClientId, color: [u8; 3]) {
        let window = self[client].toplevel();
        window.surface.commit();
        self.until("the first configure", |fixture| fixture[client].configured(&window).is_some());
        self[client].fill(&window, Picture::Solid(color));
        self.roundtrip(client);
    }
}

#[test]
fn a_shell_whose_display_is_unplugged_keeps_its_output_and_its_page_goes_on() {
    let mut fixture = crossed().start();
    let first = fixture.client_of_shell(0);
    let window = fixture.map(first, Picture::Solid(RED));
    let second = fixture.client_of_shell(1);
    fixture.map(second, Picture::Solid(GREEN));
    let heads = fixture.panels.heads();
    let configures = fixture[first].configures(&window).count();
    for _ in 0..3 {
        fixture.panels.set_heads(vec![heads[0].clone()]);
        fixture.kiosk.displays_changed();
        fixture.roundtrip(first);
        assert_eq!(fixture.panel().pixel(9, 9), GREEN);
        let before = fixture[first].frames(&window.surface);
        fixture[first].ask_frame(&window.surface);
        fixture[first].draw(&window.surface, Picture::Solid(BLUE), 400, 300);
        fixture.until("a callback in the dark", |fixture| fixture[first].frames(&window.surface) > before);
        fixture.panels.set_heads(heads.clone());
        fixture.kiosk.displays_changed();
        fixture.roundtrip(first);
        fixture.still();
        assert_eq!((fixture.panel_of(SECOND).pixel(9, 9), fixture.panel().pixel(9, 9)), (BLUE, GREEN));
    }
    assert_eq!(fixture[first].configures(&window).count(), configures, "a replug is no news to the page");
    let seen = &fixture[first].seen;
    assert!(seen.removed.is_empty() && !seen.placed.iter().any(|(_, said)| matches!(said, Placed::Leave(_))));
}

#[test]
fn a_shell_whose_output_never_was_there_waits_with_callbacks_and_shows_when_it_comes() {
    let heads = Fixture::new(&["320x200", "400x300"]).panels.heads();
    let mut setup = Setup::bare(&["320x200"]);
    setup.config.shells = vec![shell("HEADLESS-1"), shell("HEADLESS-2")];
    let mut fixture = setup.start();
    let first = fixture.client_of_shell(0);
    fixture.map(first, Picture::Solid(RED));
    let second = fixture.client_of_shell(1);
    let window = fixture.map(second, Picture::Solid(GREEN));
    fixture[second].ask_frame(&window.surface);
    fixture[second].draw(&window.surface, Picture::Solid(BLUE), 320, 200);
    fixture.until("a callback", |fixture| fixture[second].frames(&window.surface) == 1);
    assert!(fixture.panel().rgba.chunks_exact(4).all(|pixel| pixel[..3] == RED), "two pages on one screen");
    fixture.panels.set_heads(heads);
    fixture.kiosk.displays_changed();
    fixture.roundtrip(second);
    fixture.fill(second, &window, Picture::Solid(BLUE));
    assert_eq!(told(&fixture, second, &window), (400, 300));
    assert_eq!((fixture.panel_of(SECOND).pixel(399, 299), fixture.panel().pixel(9, 9)), (BLUE, RED));
}

#[test]
fn still_pages_on_two_screens_cause_no_wake_up() {
    let mut fixture = crossed().start();
    let first = fixture.client_of_shell(0);
    let window = fixture.map(first, Picture::Solid(RED));
    let second = fixture.client_of_shell(1);
    fixture.map(second, Picture::Solid(GREEN));
    let frames = fixture.panels.presented();
    fixture.fill(first, &window, Picture::Solid(BLUE));
    assert_eq!(fixture.panels.presented() - frames, 1, "the other screen was asked to draw too");
    fixture.nothing_left_to_do();
    assert_eq!(fixture.wakeups(Duration::from_millis(200)), 0);
}

#[test]
fn a_hand_that_rests_on_one_screen_does_not_take_the_touches_of_another() {
    let mut fixture = crossed().start();
    let (first, second) = (fixture.client_of_shell(0), fixture.client_of_shell(1));
    fixture.map(first, Picture::Solid(RED));
    let other = fixture.map(second, Picture::Solid(GREEN));
    let small = fixture.plug_in(glass("HEADLESS-1", "event1"));
    let large = fixture.plug_in(glass("HEADLESS-2", "event2"));
    fixture.finger_down(&large, 0, (0.5, 0.5));
    fixture.finger_down(&small, 0, (0.25, 0.5));
    fixture.finger_move(&small, 0, (0.5, 0.5));
    fixture.finger_up(&small, 0);
    fixture.roundtrip(first);
    fixture.roundtrip(second);
    assert!(matches!(fixture[first].seen.touch[..], [TouchSeen::Down { .. }]), "{:?}", fixture[first].seen.touch);
    let [TouchSeen::Down { surface, x, .. }, TouchSeen::Motion { x: moved, .. }, TouchSeen::Up { .. }] =
        &fixture[second].seen.touch[..]
    else {
        panic!("{:?}", fixture[second].seen.touch)
    };
    assert_eq!((surface, x.round(), moved.round()), (&other.id(), 80.0, 160.0));
    fixture.finger_up(&large, 0);
    fixture.roundtrip(first);
    assert!(matches!(fixture[first].seen.touch[..], [TouchSeen::Down { .. }, TouchSeen::Up { .. }]));
}
