//! An on-screen keyboard of another program: windows get the area that it leaves, and it gets the focused fields.

use kiosk_core::config::KeyboardUse;
use kioskd::{
    command::{Call, Command, CommandError, KeyboardMode},
    privilege::Privilege,
};
use wayland_protocols::wp::text_input::zv3::client::zwp_text_input_v3::{ContentHint, ContentPurpose};
use wayland_protocols_wlr::layer_shell::v1::client::{zwlr_layer_shell_v1::Layer, zwlr_layer_surface_v1::Anchor};

use crate::fixture::{
    ClientId, Fixture, Setup,
    client::Toplevel,
    layer_windows::LayerWindow,
    methods::MethodSeen,
    picture::{BLUE, GREEN, Picture, RED},
};

fn start(when: KeyboardUse) -> (Fixture, ClientId, Toplevel) {
    let mut setup = Setup::bare(&["320x200"]);
    setup.config.keyboard.when = when;
    let mut fixture = setup.start();
    let shell = fixture.client();
    let window = fixture.map(shell, Picture::Solid(RED));
    (fixture, shell, window)
}

/// A keyboard of this height at the lower edge.
fn shown(fixture: &mut Fixture, keyboard: ClientId, height: u32) -> LayerWindow {
    let window = fixture.layer(keyboard, Layer::Top, None);
    window.layer.set_size(0, height);
    window.layer.set_anchor(Anchor::Bottom | Anchor::Left | Anchor::Right);
    window.layer.set_exclusive_zone(i32::try_from(height).unwrap());
    fixture.show_layer(keyboard, &window, Picture::Solid(GREEN));
    window
}

#[track_caller]
fn until_told(fixture: &mut Fixture, client: ClientId, window: &Toplevel, height: i32) {
    fixture.until("the window's size", |fixture| {
        fixture[client].configured(window).is_some_and(|told| (told.width, told.height) == (320, height))
    });
}

fn is_said_to_be_shown(fixture: &Fixture) -> bool {
    fixture.kiosk.snapshot().keyboard == "shown"
}

#[test]
fn the_window_has_the_room_above_it_and_the_whole_screen_when_it_goes() {
    let (mut fixture, shell, window) = start(KeyboardUse::External);
    let keyboard = fixture.client_of(Privilege::Keyboard);
    assert!(!is_said_to_be_shown(&fixture));
    let board = shown(&mut fixture, keyboard, 80);
    until_told(&mut fixture, shell, &window, 120);
    fixture.fill(shell, &window, Picture::Solid(BLUE));
    let panel = fixture.panel();
    assert_eq!([panel.pixel(0, 0), panel.pixel(319, 119), panel.pixel(0, 120)], [BLUE, BLUE, GREEN]);
    assert!(is_said_to_be_shown(&fixture));
    fixture.rotate(90);
    fixture.until("the rotated window's size", |fixture| {
        fixture[shell].configured(&window).is_some_and(|told| (told.width, told.height) == (200, 240))
    });
    fixture.rotate(0);
    board.destroy();
    until_told(&mut fixture, shell, &window, 200);
    assert!(!is_said_to_be_shown(&fixture));
    // The same with a keyboard that dies.
    shown(&mut fixture, keyboard, 60);
    until_told(&mut fixture, shell, &window, 140);
    fixture.disconnect(keyboard);
    until_told(&mut fixture, shell, &window, 200);
    fixture.assert_serving();
}

#[test]
fn one_that_wants_the_whole_screen_lies_over_the_window() {
    let (mut fixture, shell, window) = start(KeyboardUse::External);
    let keyboard = fixture.client_of(Privilege::Keyboard);
    shown(&mut fixture, keyboard, 160);
    fixture.roundtrip(shell);
    assert_eq!(fixture[shell].configured(&window).unwrap().height, 200);
    assert!(!is_said_to_be_shown(&fixture));
}

#[test]
fn a_panel_of_another_tool_or_without_the_setting_takes_no_room() {
    for (when, privilege) in [(KeyboardUse::External, Privilege::Admin), (KeyboardUse::Never, Privilege::Keyboard)] {
        let (mut fixture, shell, window) = start(when);
        let tool = fixture.client_of(privilege);
        shown(&mut fixture, tool, 80);
        fixture.roundtrip(shell);
        assert_eq!(fixture[shell].configured(&window).unwrap().height, 200);
    }
}

fn ask(fixture: &mut Fixture, mode: KeyboardMode) -> Result<(), CommandError> {
    let (reply, mut answer) = tokio::sync::oneshot::channel();
    fixture.kiosk.answer(Call { request: Command::Keyboard { mode }, reply });
    fixture.kiosk.settle();
    answer.try_recv().expect("requests are answered at once").map(drop)
}

#[test]
fn hidden_by_command_it_is_told_of_no_field_until_it_may_be_again() {
    let (mut fixture, shell, _window) = start(KeyboardUse::External);
    let keyboard = fixture.client_of(Privilege::Keyboard);
    let _method = fixture[keyboard].input_method();
    let input = fixture[shell].text_input();
    fixture.roundtrip(shell);
    fixture[shell].focus_field(&input, ContentHint::None, ContentPurpose::Normal);
    fixture.roundtrip(shell);
    fixture.roundtrip(keyboard);
    assert!(fixture[keyboard].take_method_seen().contains(&MethodSeen::Activate));
    ask(&mut fixture, KeyboardMode::Hide).unwrap();
    fixture.roundtrip(keyboard);
    assert_eq!(fixture[keyboard].take_method_seen(), [MethodSeen::Deactivate, MethodSeen::Done]);
    let error = ask(&mut fixture, KeyboardMode::Show).unwrap_err().to_string();
    assert!(error.contains("keyboard.use is \"never\" or \"external\""), "{error}");
    ask(&mut fixture, KeyboardMode::Auto).unwrap();
    fixture.roundtrip(keyboard);
    assert_eq!(fixture[keyboard].take_method_seen()[0], MethodSeen::Activate);
}
