//! Virtual keyboards and pointers: the input of wtype and wayvnc arrives like a person's.

use std::{os::fd::AsFd, time::Duration};

use kioskd::{
    command::{ApplyMode, OutputChange},
    privilege::Privilege,
};
use wayland_client::{
    delegate_noop,
    protocol::wl_pointer::{Axis, AxisSource, ButtonState},
};
use wayland_protocols_misc::zwp_virtual_keyboard_v1::client::{
    zwp_virtual_keyboard_manager_v1::ZwpVirtualKeyboardManagerV1, zwp_virtual_keyboard_v1::ZwpVirtualKeyboardV1,
};
use wayland_protocols_wlr::virtual_pointer::v1::client::{
    zwlr_virtual_pointer_manager_v1::ZwlrVirtualPointerManagerV1, zwlr_virtual_pointer_v1::ZwlrVirtualPointerV1,
};

use crate::fixture::{
    ClientId, Fixture,
    hands::{LEFT_BUTTON, keys},
    picture::{GREEN, Picture, memory},
    seen::{KeySeen, PointerSeen, Seen},
};

delegate_noop!(Seen: ZwpVirtualKeyboardManagerV1);
delegate_noop!(Seen: ZwpVirtualKeyboardV1);
delegate_noop!(Seen: ZwlrVirtualPointerManagerV1);
delegate_noop!(Seen: ZwlrVirtualPointerV1);

/// As wtype sends it: one key with a character that no layout has.
pub(crate) const KEYMAP: &str = "xkb_keymap {
xkb_keycodes \"(unnamed)\" { minimum = 8; maximum = 255; <K1> = 9; <F2> = 68; <LCTL> = 37; <LALT> = 64; };
xkb_types \"(unnamed)\" { include \"complete\" };
xkb_compatibility \"(unnamed)\" { include \"complete\" };
xkb_symbols \"(unnamed)\" { key <K1> {[U20AC]}; key <F2> {[F2]}; key <LCTL> {[Control_L]}; key <LALT> {[Alt_L]};
modifier_map Control { <LCTL> }; modifier_map Mod1 { <LALT> }; };
};";

const XKB_V1: u32 = 1;
const CONTROL: u32 = 4;
const MOD1: u32 = 8;

pub(crate) fn keyboard(fixture: &mut Fixture, tool: ClientId) -> ZwpVirtualKeyboardV1 {
    let manager: ZwpVirtualKeyboardManagerV1 = fixture[tool].bind();
    let (seat, handle) = (fixture[tool].bound().seat.clone(), fixture[tool].handle.clone());
    manager.create_virtual_keyboard(&seat, &handle, ())
}

pub(crate) fn give_keymap(keyboard: &ZwpVirtualKeyboardV1, text: &str) {
    let text = format!("{text}\0");
    keyboard.keymap(XKB_V1, memory(text.as_bytes()).as_fd(), text.len() as u32);
}

fn pointer(fixture: &mut Fixture, tool: ClientId, output: Option<usize>) -> ZwlrVirtualPointerV1 {
    let manager: ZwlrVirtualPointerManagerV1 = fixture[tool].bind();
    let output = output.map(|output| fixture[tool].wl_output(output));
    manager.create_virtual_pointer_with_output(None, output.as_ref(), &fixture[tool].handle.clone(), ())
}

pub(crate) fn typed(fixture: &Fixture, client: ClientId) -> Vec<(u32, bool)> {
    let keys = fixture[client].seen.keyboard.iter();
    keys.filter_map(|seen| if let KeySeen::Key { code, pressed } = seen { Some((*code, *pressed)) } else { None })
        .collect()
}

/// A window and a tool.
fn start() -> (Fixture, ClientId, ClientId) {
    let mut fixture = Fixture::new(&["320x200"]);
    let shell = fixture.client();
    fixture.map(shell, Picture::Solid(GREEN));
    let tool = fixture.client_of(Privilege::Admin);
    (fixture, shell, tool)
}

#[test]
fn what_is_typed_comes_with_its_own_keymap_and_that_of_the_seat_comes_back() {
    let (mut fixture, shell, tool) = start();
    let own = fixture[shell].seen.keymap.clone();
    let keyboard = keyboard(&mut fixture, tool);
    give_keymap(&keyboard, KEYMAP);
    keyboard.key(0, 1, 1);
    keyboard.key(0, 1, 0);
    fixture.roundtrip(tool);
    fixture.roundtrip(shell);
    assert_eq!(typed(&fixture, shell), [(1, true), (1, false)]);
    assert!(fixture[shell].seen.keymap.contains("<K1>"));
    let named =
        |fixture: &Fixture| fixture.kiosk.snapshot().inputs.iter().any(|input| input.name == "Virtual keyboard");
    assert!(named(&fixture));
    assert!(
        !fixture.kiosk.seat.devices.touched_and_typed().1,
        "no keyboard of theirs yet: the one on the screen is still wanted"
    );
    // A real keyboard types as before.
    fixture.tap_key(keys::A);
    fixture.roundtrip(shell);
    assert!(fixture[shell].seen.keymap == own);
    keyboard.key(0, 1, 1);
    fixture.roundtrip(tool);
    fixture.roundtrip(shell);
    assert!(fixture[shell].seen.keymap != own);
    // Its held keys are released when it is destroyed, and its keymap ends.
    keyboard.destroy();
    fixture.roundtrip(tool);
    fixture.roundtrip(shell);
    assert_eq!(typed(&fixture, shell)[4..], [(1, true), (1, false)]);
    assert!(fixture[shell].seen.keymap == own);
}

#[test]
fn modifiers_are_told_and_end_with_the_keyboard_that_died() {
    let (mut fixture, shell, tool) = start();
    let keyboard = keyboard(&mut fixture, tool);
    give_keymap(&keyboard, KEYMAP);
    keyboard.modifiers(CONTROL, 0, 0, 0);
    keyboard.key(0, 1, 1);
    fixture.roundtrip(tool);
    fixture.roundtrip(shell);
    assert_eq!(fixture[shell].seen.modifiers, CONTROL);
    fixture.disconnect(tool);
    fixture.until("the key to be released", |fixture| typed(fixture, shell).last() == Some(&(1, false)));
    fixture.roundtrip(shell);
    assert_eq!(fixture[shell].seen.modifiers, 0);
    assert!(!fixture.kiosk.snapshot().inputs.iter().any(|input| input.name.starts_with("Virtual")));
}

#[test]
fn keys_that_switch_the_terminal_are_the_compositors_from_there_too() {
    let (mut fixture, shell, tool) = start();
    let keyboard = keyboard(&mut fixture, tool);
    give_keymap(&keyboard, KEYMAP);
    keyboard.modifiers(CONTROL | MOD1, 0, 0, 0);
    keyboard.key(0, 60, 1);
    keyboard.key(0, 60, 0);
    fixture.roundtrip(tool);
    fixture.roundtrip(shell);
    assert_eq!(fixture.panels.virtual_terminals(), [2]);
    assert_eq!(typed(&fixture, shell), []);
}

#[test]
fn wrong_keymaps_and_keys_without_one_are_errors() {
    let ends = |wrong: &dyn Fn(&ZwpVirtualKeyboardV1)| {
        let (mut fixture, _, tool) = start();
        let keyboard = keyboard(&mut fixture, tool);
        wrong(&keyboard);
        assert_eq!(fixture.protocol_error_of(tool), ("zwp_virtual_keyboard_v1".into(), 0));
        fixture.assert_serving();
    };
    ends(&|keyboard| keyboard.key(0, 1, 1));
    ends(&|keyboard| keyboard.modifiers(1, 0, 0, 0));
    ends(&|keyboard| {
        give_keymap(keyboard, "xkb_keymap { nonsense");
        keyboard.key(0, 1, 1);
    });
    ends(&|keyboard| keyboard.keymap(7, memory(b"x").as_fd(), 1));
    ends(&|keyboard| keyboard.keymap(XKB_V1, memory(b"short").as_fd(), 500));
    ends(&|keyboard| keyboard.keymap(XKB_V1, memory(b"x").as_fd(), 0));
    ends(&|keyboard| keyboard.keymap(XKB_V1, memory(b"x").as_fd(), u32::MAX));
    ends(&|keyboard| keyboard.keymap(XKB_V1, memory(b"\xff\xff").as_fd(), 2));
    // It makes who reads it wait, as a terminal does.
    let (never_written, _writer) = rustix::pipe::pipe().unwrap();
    ends(&|keyboard| keyboard.keymap(XKB_V1, never_written.as_fd(), 500));
    ends(&|keyboard| keyboard.keymap(XKB_V1, std::fs::File::open("/dev/zero").unwrap().as_fd(), 500));
}

#[test]
fn keymaps_that_change_without_end_leave_the_person_at_the_keyboard_alone() {
    let (mut fixture, shell, tool) = start();
    let own = fixture[shell].seen.keymap.clone();
    let two = [keyboard(&mut fixture, tool), keyboard(&mut fixture, tool)];
    two.iter().for_each(|keyboard| give_keymap(keyboard, KEYMAP));
    for number in 0..200 {
        two[number % 2].key(0, 1, 1);
        two[number % 2].key(0, 1, 0);
    }
    fixture.roundtrip(tool);
    fixture.tap_key(keys::A);
    fixture.roundtrip(shell);
    let typed = typed(&fixture, shell);
    assert_eq!(typed[typed.len() - 2..], [(keys::A, true), (keys::A, false)]);
    let pressed = typed.iter().filter(|(code, pressed)| *code == 1 && *pressed).count();
    // One of them types on; the other one's keys are dropped after ten changes of the keymap, which may fall into two
    // seconds.
    assert!((100..=110).contains(&pressed), "{pressed}");
    assert!(fixture[shell].seen.keymap == own);
}

#[test]
fn a_client_has_so_many_devices() {
    let (mut fixture, _, tool) = start();
    for _ in 0..8 {
        keyboard(&mut fixture, tool);
        pointer(&mut fixture, tool, None);
    }
    fixture.roundtrip(tool);
    assert_eq!(fixture.kiosk.snapshot().inputs.len(), 16);
    pointer(&mut fixture, tool, None);
    assert_eq!(fixture.protocol_error_of(tool), ("zwlr_virtual_pointer_manager_v1".into(), 1000));
    fixture.until("the end of the devices", |fixture| fixture.kiosk.snapshot().inputs.is_empty());
}

#[test]
fn a_pointer_moves_on_its_output_which_may_be_rotated() {
    let mut fixture = Fixture::new(&["320x200", "200x100"]);
    fixture.rotate(90);
    let shell = fixture.client();
    fixture.map(shell, Picture::Solid(GREEN));
    let tool = fixture.client_of(Privilege::Admin);
    let pointer = pointer(&mut fixture, tool, Some(0));
    // The picture is 200x320: a quarter from its top left corner.
    pointer.motion_absolute(0, 25, 25, 100, 100);
    pointer.frame();
    fixture.roundtrip(tool);
    fixture.roundtrip(shell);
    assert!(matches!(fixture[shell].seen.pointer[0], PointerSeen::Enter { x: 50.0, y: 80.0, .. }));
    pointer.motion(0, 5.0, -10.0);
    pointer.motion_absolute(0, u32::MAX, 7, 1, 0);
    fixture.roundtrip(tool);
    fixture.roundtrip(shell);
    let moved = |seen: &PointerSeen| matches!(seen, PointerSeen::Motion { .. });
    assert!(!fixture[shell].seen.pointer.iter().any(moved), "before the frame is whole");
    pointer.frame();
    fixture.roundtrip(tool);
    fixture.roundtrip(shell);
    let moves: Vec<_> =
        fixture[shell].seen.pointer.iter().filter(|seen| matches!(seen, PointerSeen::Motion { .. })).collect();
    assert_eq!(*moves[0], PointerSeen::Motion { x: 55.0, y: 70.0 });
    assert!(matches!(moves[1], PointerSeen::Motion { x, y: 0.0 } if *x == 199.0), "{moves:?}");
}

#[test]
fn a_frame_without_an_end_is_done_as_far_as_it_is() {
    let (mut fixture, shell, tool) = start();
    let pointer = pointer(&mut fixture, tool, None);
    for _ in 0..64 {
        pointer.motion(0, 1.0, 1.0);
    }
    fixture.roundtrip(tool);
    fixture.roundtrip(shell);
    let moves = fixture[shell].seen.pointer.iter().filter(|seen| matches!(seen, PointerSeen::Motion { .. })).count();
    assert!(moves >= 63, "{moves}");
}

#[test]
fn buttons_and_wheels_arrive_whole_and_are_released() {
    let (mut fixture, shell, tool) = start();
    let pointer = pointer(&mut fixture, tool, None);
    pointer.motion_absolute(0, 1, 1, 2, 2);
    pointer.button(0, LEFT_BUTTON, ButtonState::Pressed);
    pointer.button(0, LEFT_BUTTON, ButtonState::Pressed);
    pointer.axis_source(AxisSource::Wheel);
    pointer.axis_discrete(0, Axis::VerticalScroll, 15.0, 1);
    pointer.axis(0, Axis::HorizontalScroll, -4.0);
    fixture.roundtrip(tool);
    fixture.roundtrip(shell);
    let scrolled = |fixture: &Fixture| {
        let seen = fixture[shell].seen.pointer.iter();
        seen.filter(|seen| matches!(seen, PointerSeen::Axis { .. } | PointerSeen::Clicks { .. }))
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(scrolled(&fixture), [], "before the frame is whole");
    pointer.frame();
    fixture.roundtrip(tool);
    fixture.roundtrip(shell);
    let scrolled = scrolled(&fixture);
    assert!(scrolled.contains(&PointerSeen::Axis { vertical: true, value: 15.0 }), "{scrolled:?}");
    assert!(scrolled.contains(&PointerSeen::Clicks { vertical: true, value120: 120 }), "{scrolled:?}");
    assert!(scrolled.contains(&PointerSeen::Axis { vertical: false, value: -4.0 }), "{scrolled:?}");
    fixture.disconnect(tool);
    let buttons = |fixture: &Fixture| {
        let seen = fixture[shell].seen.pointer.iter();
        seen.filter_map(|seen| if let PointerSeen::Button { pressed, .. } = seen { Some(*pressed) } else { None })
            .collect::<Vec<_>>()
    };
    fixture.until("the button to be released", |fixture| buttons(fixture) == [true, false]);
}

#[test]
fn made_up_axes_are_errors() {
    let raw = |opcode, word: u32| {
        let (mut fixture, _, tool) = start();
        let pointer = pointer(&mut fixture, tool, None);
        fixture.roundtrip(tool);
        let id = wayland_client::Proxy::id(&pointer).protocol_id();
        let words: Vec<u32> = match opcode {
            3 => vec![id, 20 << 16 | 3, 0, word, 0],
            _ => vec![id, 12 << 16 | 5, word],
        };
        fixture[tool].send_raw(&words.iter().flat_map(|word| word.to_ne_bytes()).collect::<Vec<_>>());
        fixture.protocol_error_of(tool)
    };
    assert_eq!(raw(3, 2), ("zwlr_virtual_pointer_v1".into(), 0));
    assert_eq!(raw(5, 9), ("zwlr_virtual_pointer_v1".into(), 1));
}

#[test]
fn what_a_tool_does_lights_the_screen_and_does_nothing_else() {
    let (mut fixture, shell, tool) = start();
    let pointer = pointer(&mut fixture, tool, None);
    pointer.motion_absolute(0, 1, 1, 2, 2);
    pointer.frame();
    fixture.roundtrip(tool);
    let change = OutputChange { power: Some(false), ..OutputChange::default() };
    fixture.kiosk.apply(0, &[("HEADLESS-1".into(), change)], ApplyMode::Keep).unwrap();
    fixture.turn(Duration::ZERO);
    assert!(!fixture.primary().power);
    pointer.button(0, LEFT_BUTTON, ButtonState::Pressed);
    pointer.button(0, LEFT_BUTTON, ButtonState::Released);
    pointer.frame();
    fixture.roundtrip(tool);
    fixture.roundtrip(shell);
    assert!(fixture.primary().power);
    assert!(!fixture[shell].seen.pointer.iter().any(|seen| matches!(seen, PointerSeen::Button { .. })));
}
