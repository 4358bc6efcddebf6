//! wlr-output-management: the events for wlr-randr and kanshi, and their configurations.

use std::time::Duration;

use kiosk_core::config::Rotation;
use kioskd::{
    command::{ApplyMode, OutputChange},
    privilege::Privilege,
    screens::HeadMode,
};
use wayland_client::{Proxy, protocol::wl_output::Transform};
use wayland_protocols_wlr::output_management::v1::client::{
    zwlr_output_head_v1::AdaptiveSyncState, zwlr_output_manager_v1::ZwlrOutputManagerV1,
};

use crate::fixture::{
    ClientId, Fixture,
    output_tool::{Answer, HeadConfiguration},
    picture::{GREEN, Picture},
};

const FIRST: &str = "HEADLESS-1";
const SECOND: &str = "HEADLESS-2";

fn mode(width: i32, height: i32) -> HeadMode {
    HeadMode { width, height, refresh: 60_000, preferred: false, custom: None, interlaced: false }
}

/// Two heads; the first has a smaller mode as well.
fn two() -> (Fixture, ClientId, ZwlrOutputManagerV1) {
    let mut fixture = Fixture::new(&["320x200", "200x100"]);
    let mut heads = fixture.panels.heads();
    heads[0].modes.push(mode(160, 100));
    fixture.plug(heads);
    let (client, manager) = fixture.tool();
    (fixture, client, manager)
}

#[test]
fn a_tool_is_told_everything_of_every_display() {
    let (fixture, client, _) = two();
    let told = &fixture[client].seen.admin;
    assert_eq!((told.heads.len(), told.done.len()), (2, 1));
    let head = told.head(FIRST);
    assert_eq!(head.identity.clone().map(Option::unwrap), ["kioskd", "headless", "1"]);
    assert_eq!(head.physical, None, "an offscreen picture has no size in millimetres");
    assert_eq!(head.description, fixture.kiosk.screens.by_name(FIRST).unwrap().output.description());
    assert_eq!((head.enabled, head.position, head.scale), (Some(true), Some((0, 0)), Some(1.0)));
    assert_eq!((head.transform, head.adaptive_sync), (Some(Transform::Normal), Some(0)));
    let modes: Vec<_> = head.modes.iter().map(|id| told.mode(id)).map(|mode| (mode.size, mode.preferred)).collect();
    assert_eq!(modes, [((320, 200), true), ((160, 100), false)]);
    assert_eq!(told.size_of(FIRST), (320, 200));
    assert_eq!(told.head(SECOND).position, Some((320, 0)));
}

#[test]
fn everything_is_changed_at_once_and_told() {
    let (mut fixture, client, manager) = two();
    let shell = fixture.client();
    let window = fixture.map(shell, Picture::Solid(GREEN));
    let tool = &fixture[client];
    let small = tool.seen.admin.mode(&tool.seen.admin.head(FIRST).modes[1]).mode.clone();
    let objects = tool.seen.admin.modes.len();
    let configuration = tool.configuration(&manager);
    let first = tool.enable(&configuration, FIRST);
    first.set_mode(&small);
    first.set_transform(Transform::_270);
    first.set_scale(2.0);
    first.set_position(500, 0);
    tool.enable(&configuration, SECOND).set_position(0, 0);
    configuration.apply();
    assert_eq!(fixture.answer_to(client, &configuration), Answer::Succeeded);

    let screen = fixture.kiosk.screens.by_name(FIRST).unwrap();
    assert_eq!((screen.rotation.degrees(), screen.scale()), (90, 2.0));
    let geometry = screen.geometry();
    assert_eq!((geometry.loc, geometry.size), ((500, 0).into(), (50, 80).into()));
    fixture.roundtrip(shell);
    let told = fixture[shell].configured(&window).unwrap();
    assert_eq!((told.width, told.height), (50, 80), "the page has the new size");

    let told = &fixture[client].seen.admin;
    let head = told.head(FIRST);
    assert_eq!((head.position, head.transform, head.scale), (Some((500, 0)), Some(Transform::_270), Some(2.0)));
    assert_eq!(told.size_of(FIRST), (160, 100));
    assert_eq!(told.modes.len(), objects, "mode objects stay what they are");
    assert_eq!((told.heads.len(), told.done.len()), (2, 2));
}

#[test]
fn a_test_changes_nothing() {
    let (mut fixture, client, manager) = two();
    for (scale, answer) in [(1.5, Answer::Succeeded), (9.0, Answer::Failed)] {
        let configuration = fixture[client].configuration(&manager);
        fixture[client].enable(&configuration, FIRST).set_scale(scale);
        fixture[client].disable(&configuration, SECOND);
        configuration.test();
        assert_eq!(fixture.answer_to(client, &configuration), answer);
    }
    assert!(fixture.kiosk.screens.iter().all(|screen| screen.power && screen.scale() == 1.0));
    assert_eq!(fixture[client].seen.admin.done.len(), 1);
}

#[test]
fn an_impossible_configuration_fails_and_changes_nothing() {
    type Set = fn(&HeadConfiguration);
    let settings: [(&str, Set); 7] = [
        ("flipped", |head| head.set_transform(Transform::Flipped90)),
        ("too large", |head| head.set_scale(4.5)),
        ("too small", |head| head.set_scale(0.5)),
        ("over another", |head| head.set_position(330, 0)),
        ("far away", |head| head.set_position(i32::MAX, i32::MIN)),
        ("adaptive", |head| {
            head.set_adaptive_sync(AdaptiveSyncState::Enabled);
        }),
        ("no timings", |head| head.set_custom_mode(100_000, 3, 1)),
    ];
    let (mut fixture, client, manager) = two();
    for (what, set) in settings {
        let configuration = fixture[client].configuration(&manager);
        set(&fixture[client].enable(&configuration, FIRST));
        fixture[client].enable(&configuration, SECOND).set_position(320, 0);
        configuration.apply();
        assert_eq!(fixture.answer_to(client, &configuration), Answer::Failed, "{what}");
    }
    assert_eq!(fixture[client].seen.admin.done.len(), 1, "nothing changed, nothing is told");
    fixture.assert_serving();
}

#[test]
fn what_the_hardware_refuses_is_undone_whole() {
    let (mut fixture, client, manager) = two();
    let tool = &fixture[client];
    let small = tool.seen.admin.mode(&tool.seen.admin.head(FIRST).modes[1]).mode.clone();
    let configuration = tool.configuration(&manager);
    tool.enable(&configuration, FIRST).set_mode(&small);
    tool.disable(&configuration, SECOND);
    configuration.apply();
    fixture.panels.refuse_switch_after(1);
    assert_eq!(fixture.answer_to(client, &configuration), Answer::Failed);
    assert!(!fixture.panels.would_refuse(), "the hardware was asked");
    assert_eq!(fixture[client].seen.admin.size_of(FIRST), (320, 200));
    assert!(fixture.kiosk.screens.iter().all(|screen| screen.power));
}

#[test]
fn a_position_written_back_stays_automatic() {
    let (mut fixture, client, manager) = two();
    // As wlr-randr does: the state of all heads, with one change.
    let tool = &fixture[client];
    let configuration = tool.configuration(&manager);
    for name in [FIRST, SECOND] {
        let head = tool.enable(&configuration, name);
        let told = tool.seen.admin.head(name);
        head.set_mode(&tool.seen.admin.mode(told.mode.as_ref().unwrap()).mode);
        head.set_position(told.position.unwrap().0, told.position.unwrap().1);
        head.set_transform(if name == FIRST { Transform::_90 } else { Transform::Normal });
        head.set_scale(told.scale.unwrap());
        head.set_adaptive_sync(AdaptiveSyncState::Disabled);
    }
    configuration.apply();
    assert_eq!(fixture.answer_to(client, &configuration), Answer::Succeeded);
    assert_eq!(fixture[client].seen.admin.head(SECOND).position, Some((200, 0)), "it follows the rotated screen");
}

#[test]
fn a_custom_mode_is_listed_from_then_on() {
    let (mut fixture, client, manager) = two();
    let configuration = fixture[client].configuration(&manager);
    fixture[client].enable(&configuration, FIRST).set_custom_mode(640, 400, 0);
    fixture[client].enable(&configuration, SECOND);
    configuration.apply();
    assert_eq!(fixture.answer_to(client, &configuration), Answer::Succeeded);
    let told = &fixture[client].seen.admin;
    assert_eq!(told.size_of(FIRST), (640, 400));
    assert_eq!(told.head(FIRST).modes.len(), 3);
    // It is removed from the list when another mode is set.
    let listed = told.mode(&told.head(FIRST).modes[0]).mode.clone();
    let configuration = fixture[client].configuration(&manager);
    fixture[client].enable(&configuration, FIRST).set_mode(&listed);
    fixture[client].enable(&configuration, SECOND);
    configuration.apply();
    assert_eq!(fixture.answer_to(client, &configuration), Answer::Succeeded);
    let told = &fixture[client].seen.admin;
    assert_eq!(told.size_of(FIRST), (320, 200));
    assert!(told.mode(&told.head(FIRST).modes[2]).finished);
}

#[test]
fn a_disabled_head_is_dark_and_the_page_keeps_its_output() {
    let (mut fixture, client, manager) = two();
    let shell = fixture.client();
    let window = fixture.map(shell, Picture::Solid(GREEN));
    let configures = fixture[shell].configures(&window).count();
    let configuration = fixture[client].configuration(&manager);
    fixture[client].disable(&configuration, FIRST);
    fixture[client].disable(&configuration, SECOND);
    configuration.apply();
    assert_eq!(fixture.answer_to(client, &configuration), Answer::Succeeded, "all off is meant when it is said");
    assert!(fixture.kiosk.screens.iter().all(|screen| !screen.power));
    assert_eq!(fixture.panel().pixel(9, 9), [0, 0, 0]);
    assert_eq!(fixture[client].seen.admin.head(FIRST).enabled, Some(false));
    fixture.roundtrip(shell);
    assert!(fixture[shell].seen.removed.is_empty());
    assert_eq!(fixture[shell].configures(&window).count(), configures);

    let configuration = fixture[client].configuration(&manager);
    fixture[client].enable(&configuration, FIRST);
    fixture[client].disable(&configuration, SECOND);
    configuration.apply();
    assert_eq!(fixture.answer_to(client, &configuration), Answer::Succeeded);
    fixture.still();
    assert_eq!(fixture.panel().pixel(9, 9), GREEN);
    assert_eq!(fixture[client].seen.admin.head(FIRST).enabled, Some(true));
}

/// As `wlr-randr --off` and then `wlr-randr --on`: two tools, of which the second sends the whole state.
#[test]
fn a_screen_that_was_switched_off_has_its_place_rotation_and_scale_when_another_tool_switches_it_on() {
    let (mut fixture, client, manager) = two();
    let configuration = fixture[client].configuration(&manager);
    let head = fixture[client].enable(&configuration, SECOND);
    head.set_transform(Transform::_90);
    head.set_scale(2.0);
    head.set_position(700, 30);
    fixture[client].enable(&configuration, FIRST);
    configuration.apply();
    assert_eq!(fixture.answer_to(client, &configuration), Answer::Succeeded);
    let place = |fixture: &Fixture| {
        let screen = fixture.kiosk.screens.by_name(SECOND).unwrap();
        (screen.rotation.degrees(), screen.scale(), <(i32, i32)>::from(screen.output.current_location()))
    };
    let before = place(&fixture);
    assert_eq!(before, (270, 2.0, (700, 30)));
    let configuration = fixture[client].configuration(&manager);
    fixture[client].enable(&configuration, FIRST);
    fixture[client].disable(&configuration, SECOND);
    configuration.apply();
    assert_eq!(fixture.answer_to(client, &configuration), Answer::Succeeded);
    assert_eq!(place(&fixture), before);

    let (other, manager) = fixture.tool();
    let told = fixture[other].seen.admin.head(SECOND);
    assert_eq!((told.enabled, told.mode.is_some()), (Some(false), true));
    let (transform, scale, (x, y)) = (told.transform.unwrap(), told.scale.unwrap(), told.position.unwrap());
    assert_eq!((transform, scale, (x, y)), (Transform::_90, 2.0, (700, 30)));
    let configuration = fixture[other].configuration(&manager);
    fixture[other].enable(&configuration, FIRST);
    let head = fixture[other].enable(&configuration, SECOND);
    head.set_transform(transform);
    head.set_scale(scale);
    head.set_position(x, y);
    configuration.apply();
    assert_eq!(fixture.answer_to(other, &configuration), Answer::Succeeded);
    assert!(fixture.kiosk.screens.by_name(SECOND).unwrap().power);
    assert_eq!(place(&fixture), before);
}

#[test]
fn what_a_tool_applies_is_not_saved_and_ends_with_the_next_replug() {
    let (mut fixture, client, manager) = two();
    let directory = tempfile::tempdir().unwrap();
    fixture.kiosk.settings.saved.directory = Some(directory.path().to_owned());
    let configuration = fixture[client].configuration(&manager);
    fixture[client].enable(&configuration, FIRST).set_transform(Transform::_180);
    fixture[client].enable(&configuration, SECOND);
    configuration.apply();
    assert_eq!(fixture.answer_to(client, &configuration), Answer::Succeeded);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    let heads = fixture.panels.heads();
    fixture.plug(heads[1..].to_vec());
    fixture.plug(heads);
    assert_eq!(fixture.kiosk.screens.by_name(FIRST).unwrap().rotation.degrees(), 0);
}

#[test]
fn a_replugged_display_is_a_new_head_and_older_configurations_are_cancelled() {
    let (mut fixture, client, manager) = two();
    let stale = fixture[client].configuration(&manager);
    fixture[client].enable(&stale, FIRST).set_scale(2.0);
    let heads = fixture.panels.heads();
    fixture.plug(heads[..1].to_vec());
    fixture.roundtrip(client);
    let gone = &fixture[client].seen.admin.heads[1];
    assert!(gone.finished);
    assert!(fixture[client].seen.admin.mode(&gone.modes[0]).finished);
    // The configuration lacks a head, which is not the client's fault.
    stale.apply();
    assert_eq!(fixture.answer_to(client, &stale), Answer::Cancelled);
    assert_eq!(fixture.primary().scale(), 1.0);

    // A client that has not got the news yet may name a head that is gone.
    let late = fixture[client].configuration(&manager);
    fixture[client].enable(&late, FIRST);
    let inert = late.enable_head(&fixture[client].seen.admin.heads[1].head, &fixture[client].handle, ());
    inert.set_scale(2.0);
    late.apply();
    assert_eq!(fixture.answer_to(client, &late), Answer::Cancelled);

    fixture.plug(heads);
    fixture.roundtrip(client);
    let told = &fixture[client].seen.admin;
    assert_eq!((told.heads.len(), told.head(SECOND).enabled), (3, Some(true)));
}

#[test]
fn a_change_by_others_is_told_once_and_nothing_else_is() {
    let (mut fixture, client, manager) = two();
    let old = fixture[client].configuration(&manager);
    fixture[client].enable(&old, FIRST);
    fixture[client].enable(&old, SECOND);
    let before = fixture[client].seen.admin.head(SECOND).events;
    let change = OutputChange { rotation: Some(Rotation::R180), ..OutputChange::default() };
    fixture.kiosk.apply(0, &[(FIRST.into(), change)], ApplyMode::Keep).unwrap();
    fixture.roundtrip(client);
    let told = &fixture[client].seen.admin;
    assert_eq!((told.done.len(), told.head(FIRST).transform), (2, Some(Transform::_180)));
    assert_eq!(told.head(SECOND).events, before, "nothing changed of the other");
    old.apply();
    assert_eq!(fixture.answer_to(client, &old), Answer::Cancelled);
    // Windows, frames and clients cause no events.
    let shell = fixture.client();
    fixture.map(shell, Picture::Solid(GREEN));
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.admin.done.len(), 2);
    fixture.nothing_left_to_do();
    assert_eq!(fixture.wakeups(Duration::from_millis(100)), 0, "a tool that listens causes no wake-up");
}

#[test]
fn without_a_display_there_is_no_head() {
    let mut fixture = Fixture::new(&["320x200"]);
    let heads = fixture.panels.heads();
    let (client, manager) = fixture.tool();
    fixture.plug(Vec::new());
    fixture.roundtrip(client);
    assert!(fixture[client].seen.admin.heads[0].finished);
    let nothing = fixture[client].configuration(&manager);
    nothing.apply();
    assert_eq!(fixture.answer_to(client, &nothing), Answer::Succeeded);
    fixture.plug(heads);
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.admin.head(FIRST).enabled, Some(true));
}

#[test]
fn a_stopped_tool_gets_no_more_events() {
    let (mut fixture, client, manager) = two();
    manager.stop();
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.admin.finished, 1);
    fixture.rotate(90);
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.admin.done.len(), 1);
}

#[test]
fn released_objects_get_no_events() {
    let (mut fixture, client, _) = two();
    let told = &fixture[client].seen.admin;
    told.mode(&told.head(FIRST).modes[1]).mode.release();
    told.head(SECOND).head.release();
    fixture.roundtrip(client);
    let change = OutputChange {
        mode: Some(kiosk_core::config::ModeChoice::Exact { width: 160, height: 100, refresh: None }),
        rotation: Some(Rotation::R90),
        ..OutputChange::default()
    };
    let other = OutputChange { rotation: Some(Rotation::R90), ..OutputChange::default() };
    fixture.kiosk.apply(0, &[(FIRST.into(), change), (SECOND.into(), other)], ApplyMode::InForce).unwrap();
    fixture.roundtrip(client);
    fixture.plug(Vec::new());
    fixture.roundtrip(client);
    assert!(fixture[client].error().is_none());
    fixture.assert_serving();
}

#[test]
fn an_old_tool_is_told_what_it_understands() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client_of(Privilege::Admin);
    let tool = &fixture[client];
    let global = tool.seen.globals.iter().find(|global| global.interface == "zwlr_output_manager_v1").unwrap();
    assert_eq!(global.version, 4);
    let _: ZwlrOutputManagerV1 = tool.registry.bind(global.number, 1, &tool.handle, ());
    fixture.roundtrip(client);
    let head = fixture[client].seen.admin.head(FIRST);
    assert_eq!((head.identity.clone(), head.adaptive_sync), ([None, None, None], None));
    assert_eq!((head.head.version(), head.scale), (1, Some(1.0)));
}
