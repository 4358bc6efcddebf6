//! Monitors are plugged and unplugged; a client's output is only removed after there is another.

use std::time::Duration;

use kiosk_core::config::{OutputRule, OutputSettings, Position, Rotation};
use kioskd::{
    command::{ApplyMode, CommandError, OutputChange},
    screens::{Head, HeadId, HeadMode, Identity},
};

use crate::fixture::{
    ClientId, Fixture,
    client::Toplevel,
    picture::{GREEN, Picture, RED},
    seen::{Extra, Placed},
};
use wayland_client::protocol::wl_output::WlOutput;
use wayland_protocols::xdg::xdg_output::zv1::client::zxdg_output_manager_v1::ZxdgOutputManagerV1;

impl Fixture {
    pub fn plug(&mut self, heads: Vec<Head>) {
        self.panels.set_heads(heads);
        self.kiosk.displays_changed();
        self.kiosk.settle();
    }
}

fn told(fixture: &Fixture, client: ClientId, window: &Toplevel) -> (i32, i32) {
    fixture[client].configured(window).map(|told| (told.width, told.height)).unwrap()
}

#[test]
fn the_only_display_may_be_unplugged_and_come_back_with_the_picture() {
    for same_head in [true, false] {
        let mut fixture = Fixture::new(&["320x200"]);
        let client = fixture.client();
        let window = fixture.map(client, Picture::Solid(RED));
        let mut heads = fixture.panels.heads();
        let configures = fixture[client].configures(&window).count();

        fixture.plug(Vec::new());
        fixture.roundtrip(client);
        assert_eq!(fixture[client].configures(&window).count(), configures, "unplugging is no news to the page");
        assert_eq!(fixture[client].seen.output_count(), 1);
        assert!(fixture[client].seen.removed.is_empty());
        // The page keeps running without a monitor.
        fixture[client].ask_frame(&window.surface);
        fixture[client].draw(&window.surface, Picture::Solid(GREEN), 320, 200);
        fixture.until("a callback", |fixture| fixture[client].frames(&window.surface) == 1);

        if !same_head {
            heads[0].id = HeadId(77);
        }
        let head = heads[0].id;
        fixture.plug(heads);
        fixture.roundtrip(client);
        fixture.still();
        assert_eq!(fixture.panel_of(head).pixel(9, 9), GREEN);
        assert_eq!(fixture[client].configures(&window).count(), configures);
        assert!(!fixture[client].seen.placed.iter().any(|(_, said)| matches!(said, Placed::Leave(_))));
    }
}

#[test]
fn a_display_that_comes_back_with_another_mode_is_a_new_size() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let mut heads = fixture.panels.heads();
    fixture.plug(Vec::new());
    heads[0].modes = vec![HeadMode { width: 400, height: 300, ..heads[0].modes[0] }];
    fixture.plug(heads);
    fixture.roundtrip(client);
    assert_eq!(told(&fixture, client, &window), (400, 300));
    fixture.fill(client, &window, Picture::Solid(GREEN));
    let panel = fixture.panel();
    assert_eq!((panel.width, panel.height), (400, 300));
    assert_eq!(panel.pixel(399, 299), GREEN);
}

#[test]
fn a_kiosk_without_a_display_runs_on_a_virtual_one_until_there_is_one() {
    let heads = Fixture::new(&["320x200"]).panels.heads();
    let mut fixture = Fixture::new(&[]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    assert_eq!(told(&fixture, client, &window), (1280, 720));
    assert_eq!(fixture[client].seen.output_count(), 1);
    let first = fixture[client].seen.placed.len();

    fixture.plug(heads);
    fixture.roundtrip(client);
    fixture.fill(client, &window, Picture::Solid(GREEN));
    assert_eq!(told(&fixture, client, &window), (320, 200));
    assert_eq!(fixture.panel().pixel(9, 9), GREEN);
    fixture.until("the virtual screen to go", |fixture| fixture[client].seen.output_count() == 1);
    fixture.roundtrip(client);
    fixture.still();
    assert_eq!(fixture.panel().pixel(9, 9), GREEN);
    let seen = &fixture[client].seen;
    assert!(seen.fewest_outputs >= Some(1), "for a moment there was no output at all");
    let entered = seen.placed[first..].iter().position(|(_, said)| matches!(said, Placed::Enter(_)));
    let left = seen.placed[first..].iter().position(|(_, said)| matches!(said, Placed::Leave(_)));
    let entered = entered.expect("the new output was not entered");
    assert!(left.is_some_and(|left| entered < left), "the old output was left before the new one was entered");
    let gone = &seen.removed[0];
    assert_eq!(gone.0.interface, "wl_output");
    assert!(gone.1 > first + entered, "the old output was withdrawn before the window was on the new one");
}

#[test]
fn a_second_display_takes_nothing_from_the_first() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let mut heads = fixture.panels.heads();
    heads.push(Head { id: HeadId(2), name: "HEADLESS-2".into(), ..heads[0].clone() });
    fixture.plug(heads.clone());
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.output_count(), 2);
    assert_eq!(fixture.panel().pixel(9, 9), RED);
    // The first is unplugged: the page moves to the other.
    fixture.plug(vec![heads[1].clone()]);
    fixture.roundtrip(client);
    fixture.still();
    assert_eq!(fixture.panel_of(HeadId(2)).pixel(9, 9), RED);
    assert!(fixture[client].seen.fewest_outputs >= Some(1));
    fixture.plug(heads);
    fixture.roundtrip(client);
    fixture.fill(client, &window, Picture::Solid(GREEN));
    assert!(fixture.kiosk.screens.iter().count() >= 2);
}

#[test]
fn a_display_that_pulses_in_standby_changes_nothing() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let heads = fixture.panels.heads();
    let configures = fixture[client].configures(&window).count();
    for _ in 0..100 {
        fixture.plug(Vec::new());
        fixture.plug(heads.clone());
    }
    fixture.roundtrip(client);
    fixture.still();
    assert_eq!(fixture[client].configures(&window).count(), configures);
    assert_eq!(fixture[client].seen.output_count(), 1);
    assert_eq!(fixture.panel().pixel(9, 9), RED);
    fixture.nothing_left_to_do();
    assert_eq!(fixture.wakeups(Duration::from_millis(300)), 0);
}

#[test]
fn rotation_and_scale_are_kept_over_a_replug() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    fixture.rotate(90);
    fixture.scale(2.0);
    let heads = fixture.panels.heads();
    fixture.plug(Vec::new());
    fixture.plug(heads);
    fixture.roundtrip(client);
    assert_eq!(told(&fixture, client, &window), (100, 160));
    assert_eq!(fixture.primary().rotation.degrees(), 90);
}

#[test]
fn a_suspended_session_draws_nothing_and_comes_back_whole() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    fixture.kiosk.session_paused();
    let frames = fixture.panels.frames();
    fixture[client].draw(&window.surface, Picture::Solid(GREEN), 320, 200);
    fixture.roundtrip(client);
    fixture.pass(Duration::from_millis(50));
    assert_eq!(fixture.panels.frames(), frames, "drawn on another VT's screen");
    fixture.kiosk.session_resumed();
    fixture.until("the picture", |fixture| fixture.panel().pixel(9, 9) == GREEN);
    assert!(!fixture[client].is_gone());
}

fn rule(matcher: &str, rotation: Rotation) -> OutputRule {
    let settings = OutputSettings { rotation: Some(rotation), ..OutputSettings::default() };
    OutputRule { matcher: matcher.into(), settings }
}

fn degrees(fixture: &Fixture, name: &str) -> u32 {
    fixture.kiosk.screens.by_name(name).unwrap().rotation.degrees()
}

/// A second monitor beside the first, on a connector of its own.
fn second(first: &Head, model: &str) -> Head {
    let identity = Identity { model: model.into(), ..first.identity.clone() };
    Head { id: HeadId(2), name: "HEADLESS-2".into(), identity, ..first.clone() }
}

#[test]
fn another_display_on_the_same_connector_gets_its_own_policy() {
    let mut fixture = Fixture::new(&["320x200"]);
    fixture.kiosk.settings.config.outputs.push(rule("kioskd other 1", Rotation::R180));
    fixture.rotate(90);
    let own = fixture.panels.heads();
    let mut other = own.clone();
    other[0].identity.model = "other".into();
    fixture.plug(Vec::new());
    fixture.plug(other.clone());
    assert_eq!(degrees(&fixture, "HEADLESS-1"), 180);
    // Swapped without an event in between; a monitor whose EDID cannot be read is taken for the previous one.
    fixture.plug(own.clone());
    assert_eq!(degrees(&fixture, "HEADLESS-1"), 90);
    let mut unreadable = own;
    unreadable[0].identity = Identity::default();
    fixture.plug(Vec::new());
    fixture.plug(unreadable);
    assert_eq!(degrees(&fixture, "HEADLESS-1"), 90);
    assert_eq!(fixture.primary().identity().model, "headless");
}

#[test]
fn two_displays_of_one_name_are_told_apart_by_their_connectors() {
    let mut fixture = Fixture::new(&["320x200"]);
    let mut heads = fixture.panels.heads();
    heads.push(second(&heads[0], "headless"));
    fixture.plug(heads.clone());
    let rotated = OutputChange { rotation: Some(Rotation::R90), ..OutputChange::default() };
    fixture.kiosk.apply(0, &[("HEADLESS-2".into(), rotated)], ApplyMode::Keep).unwrap();
    fixture.plug(Vec::new());
    fixture.plug(heads);
    assert_eq!((degrees(&fixture, "HEADLESS-1"), degrees(&fixture, "HEADLESS-2")), (0, 90));
}

#[test]
fn a_display_takes_its_changes_along_to_another_connector() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    fixture.rotate(90);
    let first = fixture.panels.heads().remove(0);
    fixture.plug(Vec::new());
    fixture.plug(vec![second(&first, &first.identity.model)]);
    fixture.roundtrip(client);
    assert_eq!(degrees(&fixture, "HEADLESS-2"), 90);
    assert_eq!(told(&fixture, client, &window), (200, 320));
}

#[test]
fn a_position_is_kept_and_what_would_overlap_is_refused() {
    let mut fixture = Fixture::new(&["320x200"]);
    let mut heads = fixture.panels.heads();
    heads.push(second(&heads[0], "second"));
    fixture.plug(heads.clone());
    let place = |fixture: &Fixture, name: &str| fixture.kiosk.screens.by_name(name).unwrap().geometry().loc.into();
    let at = |x, y| {
        vec![(
            "HEADLESS-2".to_owned(),
            OutputChange { position: Position::try_from((x, y)).ok(), ..OutputChange::default() },
        )]
    };
    assert_eq!(place(&fixture, "HEADLESS-2"), (320, 0));
    fixture.kiosk.apply(0, &at(0, 200), ApplyMode::Keep).unwrap();
    assert_eq!(place(&fixture, "HEADLESS-2"), (0, 200));
    fixture.plug(vec![heads[0].clone()]);
    fixture.plug(heads.clone());
    assert_eq!(place(&fixture, "HEADLESS-2"), (0, 200));
    // The other one's position is automatic, so it makes room.
    fixture.kiosk.apply(0, &at(0, 0), ApplyMode::Keep).unwrap();
    assert_eq!((place(&fixture, "HEADLESS-2"), place(&fixture, "HEADLESS-1")), ((0, 0), (320, 0)));
    let here = OutputChange { position: Position::try_from((10, 10)).ok(), ..OutputChange::default() };
    assert!(matches!(
        fixture.kiosk.apply(0, &[("HEADLESS-1".into(), here)], ApplyMode::Keep),
        Err(CommandError::InvalidArgument(_))
    ));
    assert_eq!(place(&fixture, "HEADLESS-1"), (320, 0));
}

#[test]
fn a_screen_that_was_switched_off_stays_off_when_its_display_pulses() {
    let mut fixture = Fixture::new(&["320x200"]);
    let off = OutputChange { power: Some(false), ..OutputChange::default() };
    fixture.change(off).unwrap();
    let heads = fixture.panels.heads();
    let frames = fixture.panels.frames();
    for _ in 0..10 {
        fixture.plug(Vec::new());
        fixture.plug(heads.clone());
    }
    fixture.pass(Duration::from_millis(50));
    assert!(!fixture.primary().power);
    assert_eq!(fixture.panels.frames(), frames, "a frame reached a screen that is off");
}

#[test]
fn two_rules_against_each_other_are_told_and_the_connectors_holds() {
    let mut fixture = Fixture::new(&[]);
    let mut head = Fixture::new(&["320x200"]).panels.heads().remove(0);
    head.name = "DP-1".into();
    fixture.kiosk.settings.config.outputs.push(rule("DP-1", Rotation::R270));
    fixture.kiosk.settings.config.outputs.push(rule(&head.identity.description(), Rotation::R90));
    fixture.plug(vec![head]);
    assert_eq!(degrees(&fixture, "DP-1"), 270);
    assert!(
        fixture.kiosk.status.problems.iter().any(|problem| problem.contains("two rules")),
        "{:?}",
        fixture.kiosk.status.problems
    );
}

#[test]
fn xdg_output_tells_where_each_screen_is_and_where_it_moves() {
    let mut fixture = Fixture::new(&["320x200", "640x400"]);
    let client = fixture.client();
    fixture[client].seen.asks_xdg_output = true;
    let handle = fixture[client].handle.clone();
    let manager: ZxdgOutputManagerV1 = fixture[client].bind();
    let outputs: Vec<WlOutput> = ["wl_output"; 2]
        .iter()
        .enumerate()
        .map(|(index, interface)| {
            let offered = fixture[client].seen.globals.clone();
            let global = offered.iter().filter(|global| global.interface == *interface).nth(index).unwrap();
            fixture[client].registry.bind(global.number, 4, &handle, ())
        })
        .collect();
    fixture.roundtrip(client);
    fixture[client].seen.extra.clear();
    for output in &outputs {
        manager.get_xdg_output(output, &handle, ());
    }
    // A second object for the same screen gets events too.
    let again = manager.get_xdg_output(&outputs[0], &handle, ());
    fixture.roundtrip(client);
    let first = [Extra::ScreenAt(0, 0), Extra::ScreenSize(320, 200), Extra::ScreenDone];
    let second = [Extra::ScreenAt(320, 0), Extra::ScreenSize(640, 400), Extra::ScreenDone];
    assert_eq!(fixture[client].seen.extra, [first.clone(), second, first].concat());

    again.destroy();
    fixture.roundtrip(client);
    fixture[client].seen.extra.clear();
    let rotated = OutputChange { rotation: Some(Rotation::R90), ..OutputChange::default() };
    fixture.change(rotated).unwrap();
    fixture.roundtrip(client);
    let told = fixture[client].seen.extra.clone();
    let news: Vec<_> = told.iter().filter(|said| **said != Extra::ScreenDone).cloned().collect();
    assert_eq!(news, [Extra::ScreenSize(200, 320), Extra::ScreenAt(200, 0)]);
    assert_eq!(told.last(), Some(&Extra::ScreenDone));
}

#[test]
fn tools_are_told_which_modes_are_interlaced() {
    let mut fixture = Fixture::new(&["320x200"]);
    let mut heads = fixture.panels.heads();
    let first = heads[0].modes[0];
    heads[0].modes.push(HeadMode { preferred: false, interlaced: true, ..first });
    fixture.plug(heads);
    let output = fixture.kiosk.snapshot().outputs[0].clone();
    assert_eq!(output.modes.iter().map(|mode| mode.3).collect::<Vec<_>>(), [first.preferred, false]);
    assert_eq!(output.interlaced, [false, true]);
}
