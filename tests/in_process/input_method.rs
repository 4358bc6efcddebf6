//! Input methods: the field's state that they get, their preedit and text, their popups and their keyboard grab.

use kioskd::privilege::Privilege;
use wayland_protocols::wp::text_input::zv3::client::zwp_text_input_v3::{
    ChangeCause, ContentHint, ContentPurpose, ZwpTextInputV3,
};
use wayland_protocols_misc::zwp_input_method_v2::client::zwp_input_method_v2::ZwpInputMethodV2;

use crate::{
    fixture::{
        ClientId, Fixture,
        client::Toplevel,
        hands::keys,
        methods::MethodSeen,
        picture::{GREEN, Picture},
        seen::TouchSeen,
        text::TextSeen,
        tools::{Kind, Spec},
    },
    virtual_input::{KEYMAP, give_keymap, keyboard, typed},
};

const BLUE: [u8; 3] = [0, 0, 255];
const CONTROL: u32 = 4;
/// Caps Lock and Num Lock.
const LOCKS: u32 = 2 | 16;

struct Composing {
    fixture: Fixture,
    shell: ClientId,
    window: Toplevel,
    input: ZwpTextInputV3,
    tool: ClientId,
    method: ZwpInputMethodV2,
}

impl std::ops::Deref for Composing {
    type Target = Fixture;
    fn deref(&self) -> &Fixture {
        &self.fixture
    }
}

impl std::ops::DerefMut for Composing {
    fn deref_mut(&mut self) -> &mut Fixture {
        &mut self.fixture
    }
}

impl Composing {
    /// A green window with a text input, and a method on the admin socket.
    fn start() -> Self {
        let mut fixture = Fixture::new(&["320x200"]);
        let shell = fixture.client();
        let input = fixture[shell].text_input();
        let window = fixture.map(shell, Picture::Solid(GREEN));
        let tool = fixture.client_of(Privilege::Admin);
        let method = fixture[tool].input_method();
        fixture.roundtrip(tool);
        Self { fixture, shell, window, input, tool, method }
    }

    /// The same, with a focused field.
    fn in_a_field() -> Self {
        let mut composing = Self::start();
        composing.focus();
        composing.told();
        composing
    }

    fn focus(&mut self) {
        self.fixture[self.shell].focus_field(&self.input, ContentHint::Multiline, ContentPurpose::Email);
        self.both();
    }

    fn leave(&mut self) {
        self.input.disable();
        self.input.commit();
        self.both();
    }

    /// All requests of both clients have been handled, and their events read.
    fn both(&mut self) {
        for client in [self.shell, self.tool, self.shell] {
            self.fixture.roundtrip(client);
        }
    }

    fn told(&mut self) -> Vec<MethodSeen> {
        let tool = self.tool;
        self.fixture[tool].take_method_seen()
    }

    /// What the field has got since the last call.
    fn seen(&mut self) -> Vec<TextSeen> {
        let shell = self.shell;
        std::mem::take(&mut self.fixture[shell].seen.text.said).into_iter().map(|(_, said)| said).collect()
    }

    fn commit(&mut self) {
        let (method, tool) = (self.method.clone(), self.tool);
        self.fixture[tool].method_commit(&method);
        self.both();
    }
}

fn commit(text: &str, serial: u32) -> TextSeen {
    TextSeen::Commit { text: text.into(), serial }
}

fn composed(text: &str, cursor: i32) -> TextSeen {
    TextSeen::Composed { text: text.into(), begin: cursor, end: cursor }
}

#[test]
fn a_method_is_told_of_the_field_with_its_text_and_of_its_end() {
    let mut composing = Composing::start();
    assert_eq!(composing.told(), []);
    composing.input.enable();
    composing.input.set_content_type(ContentHint::Multiline, ContentPurpose::Email);
    composing.input.set_surrounding_text("Grüße".into(), 6, 0);
    composing.input.set_text_change_cause(ChangeCause::Other);
    composing.input.commit();
    composing.both();
    let content = MethodSeen::Content(ContentHint::Multiline, ContentPurpose::Email);
    let around = |text: &str, cursor, anchor| MethodSeen::Around { text: text.into(), cursor, anchor };
    let begins = vec![
        MethodSeen::Activate,
        around("Grüße", 6, 0),
        MethodSeen::Cause(ChangeCause::Other),
        content.clone(),
        MethodSeen::Done,
    ];
    assert_eq!(composing.told(), begins);
    // Changes are sent, and nothing else.
    composing.input.set_surrounding_text("Grüß".into(), 6, 6);
    composing.input.commit();
    composing.both();
    assert_eq!(composing.told(), [around("Grüß", 6, 6), content.clone(), MethodSeen::Done]);
    composing.input.set_cursor_rectangle(1, 2, 3, 4);
    composing.input.commit();
    composing.both();
    assert_eq!(composing.told(), []);
    // Another field of the same window.
    composing.focus();
    assert_eq!(
        composing.told(),
        [MethodSeen::Deactivate, MethodSeen::Activate, content, MethodSeen::Done],
        "the text round the cursor of the other one is told to no method"
    );
    composing.leave();
    assert_eq!(composing.told(), [MethodSeen::Deactivate, MethodSeen::Done]);
}

#[test]
fn texts_go_to_the_field_in_order_and_what_is_composed_ends_with_the_method() {
    let mut composing = Composing::in_a_field();
    composing.seen();
    composing.method.set_preedit_string("にほ".into(), 6, 6);
    composing.commit();
    assert_eq!(composing.seen(), [composed("にほ", 6)]);
    composing.method.delete_surrounding_text(3, 1);
    composing.method.commit_string("日本".into());
    composing.method.set_preedit_string("ご".into(), 3, 3);
    composing.commit();
    let done = [TextSeen::Deleted { before: 3, after: 1 }, composed("ご", 3), commit("日本", 1)];
    assert_eq!(composing.seen(), done);
    // Without its `commit` nothing happens.
    composing.method.commit_string("x".into());
    composing.both();
    assert_eq!(composing.seen(), []);
    let tool = composing.tool;
    composing.disconnect(tool);
    composing.until("the method's end", |fixture| !fixture.kiosk.has_input_method());
    let shell = composing.shell;
    composing.roundtrip(shell);
    assert!(composing.kiosk.type_text("z"), "text input is as it is without a method");
    composing.roundtrip(shell);
    assert_eq!(composing.seen(), [commit("z", 1)]);
}

#[test]
fn version_1_is_composed_in_too() {
    use wayland_protocols::wp::text_input::zv1::client::zwp_text_input_v1 as v1;
    let mut composing = Composing::start();
    let shell = composing.shell;
    let input = composing.fixture[shell].text_input_v1();
    let seat = composing.fixture[shell].bound().seat.clone();
    input.activate(&seat, &composing.window.surface);
    input.set_surrounding_text("Grüße".into(), 6, 6);
    input.set_content_type(v1::ContentHint::SensitiveData, v1::ContentPurpose::Password);
    input.commit_state(7);
    composing.both();
    let content = MethodSeen::Content(ContentHint::SensitiveData, ContentPurpose::Password);
    let around = MethodSeen::Around { text: "Grüße".into(), cursor: 6, anchor: 6 };
    assert_eq!(composing.told(), [MethodSeen::Activate, around, content, MethodSeen::Done]);
    composing.seen();
    let hidden = |text: &str| TextSeen::Composed { text: text.into(), begin: -1, end: -1 };
    composing.method.set_preedit_string("に".into(), 3, 3);
    composing.commit();
    assert_eq!(composing.seen(), [hidden("に")]);
    composing.commit();
    assert_eq!(composing.seen(), [hidden("")]);
    composing.method.delete_surrounding_text(2, 1);
    composing.method.commit_string("日".into());
    composing.commit();
    assert_eq!(composing.seen(), [TextSeen::Deleted { before: 2, after: 1 }, commit("日", 7)]);
}

#[test]
fn a_text_for_a_field_that_was_left_is_typed_nowhere() {
    let mut composing = Composing::in_a_field();
    let (tool, method) = (composing.tool, composing.method.clone());
    let before = composing.fixture[tool].dones_of(&method);
    composing.leave();
    method.commit_string("secret".into());
    method.commit(before);
    composing.focus();
    composing.seen();
    method.commit_string("secret".into());
    method.commit(before);
    method.commit_string("secret".into());
    method.commit(before.wrapping_add(100));
    composing.both();
    assert_eq!(composing.seen(), []);
    method.commit_string("here".into());
    composing.commit();
    assert_eq!(composing.seen(), [commit("here", 3)]);
}

#[test]
fn a_second_method_is_told_that_there_is_one_and_does_nothing() {
    let mut composing = Composing::in_a_field();
    composing.seen();
    let other = composing.fixture.client_of(Privilege::Admin);
    let second = composing.fixture[other].input_method();
    composing.fixture.roundtrip(other);
    let said = composing.fixture[other].take_method_seen();
    assert_eq!(said, [MethodSeen::Unavailable]);
    second.commit_string("intruder".into());
    second.commit(1);
    let (handle, _popup) = {
        let client = &composing.fixture[other];
        (client.handle.clone(), client.method_popup(&second, Picture::Solid(BLUE), (40, 30)))
    };
    second.grab_keyboard(&handle, ());
    composing.fixture.roundtrip(other);
    composing.tap_key(keys::A);
    composing.both();
    composing.still();
    assert_eq!(composing.seen(), []);
    assert_eq!(typed(&composing, composing.shell).len(), 2);
    assert_eq!(composing.panel().pixel(12, 40), GREEN);
    // After the first one is destroyed, the next request for a method succeeds.
    composing.method.destroy();
    composing.both();
    let third = composing.fixture[other].input_method();
    composing.fixture.roundtrip(other);
    assert_eq!(composing.fixture[other].take_method_seen()[0], MethodSeen::Activate);
    third.destroy();
}

#[test]
fn the_shell_cannot_be_a_method() {
    let mut fixture = Fixture::new(&["320x200"]);
    let shell = fixture.client();
    let offered = |global: &crate::fixture::seen::Global| global.interface == "zwp_input_method_manager_v2";
    assert!(!fixture[shell].seen.globals.iter().any(offered));
}

#[test]
fn a_popup_is_below_the_cursor_while_a_field_has_the_focus_and_is_touched_there() {
    let mut composing = Composing::start();
    let tool = composing.tool;
    let (surface, popup) = composing.fixture[tool].method_popup(&composing.method, Picture::Solid(BLUE), (40, 30));
    composing.fixture.roundtrip(tool);
    composing.still();
    assert_eq!(composing.panel().pixel(12, 40), GREEN, "no field has the focus");
    // The cursor is 16 pixels high, at 10, 20.
    composing.focus();
    composing.still();
    let shown = composing.panel();
    assert_eq!(
        [shown.pixel(9, 40), shown.pixel(10, 35), shown.pixel(10, 36), shown.pixel(49, 65)],
        [GREEN, GREEN, BLUE, BLUE]
    );
    assert_eq!([shown.pixel(50, 65), shown.pixel(49, 66)], [GREEN, GREEN]);
    assert_eq!(composing.fixture[tool].seen.methods.rectangles, [(0, -16, 1, 16)]);
    composing.touch_down(0, (20.0, 50.0));
    composing.touch_up(0);
    composing.both();
    let touched = |fixture: &Fixture, client: ClientId| {
        fixture[client].seen.touch.iter().filter(|seen| matches!(seen, TouchSeen::Down { .. })).count()
    };
    assert_eq!([touched(&composing, composing.shell), touched(&composing, tool)], [0, 1]);
    assert!(composing.kiosk.text_field().is_some(), "the field keeps the keyboard");
    // At the lower edge the popup is above the cursor.
    composing.input.set_cursor_rectangle(310, 180, 1, 16);
    composing.input.commit();
    composing.both();
    composing.still();
    let shown = composing.panel();
    assert_eq!([shown.pixel(280, 150), shown.pixel(319, 179), shown.pixel(319, 180)], [BLUE, BLUE, GREEN]);
    assert_eq!(shown.pixel(20, 50), GREEN);
    assert_eq!(composing.draw_from_scratch().pixel(280, 150), BLUE);
    // With any numbers of a client the popup stays on the screen.
    for (far, corner) in [(i32::MIN, (0, 0)), (i32::MAX, (319, 199))] {
        composing.input.set_cursor_rectangle(far, far, i32::MAX, i32::MAX);
        composing.input.commit();
        composing.both();
        composing.still();
        assert_eq!(composing.panel().pixel(corner.0, corner.1), BLUE, "{far}");
    }
    composing.input.set_cursor_rectangle(310, 180, 1, 16);
    composing.input.commit();
    composing.leave();
    composing.still();
    assert_eq!(composing.panel().pixel(300, 160), GREEN);
    composing.focus();
    composing.still();
    assert_eq!(composing.panel().pixel(20, 50), BLUE);
    popup.destroy();
    surface.destroy();
    composing.both();
    composing.still();
    assert_eq!(composing.panel().pixel(20, 50), GREEN);
}

#[test]
fn a_popup_goes_with_the_method_that_died() {
    let mut composing = Composing::in_a_field();
    let tool = composing.tool;
    composing.fixture[tool].method_popup(&composing.method, Picture::Solid(BLUE), (40, 30));
    composing.both();
    composing.still();
    assert_eq!(composing.panel().pixel(20, 50), BLUE);
    composing.disconnect(tool);
    composing.until("the popup's end", |fixture| fixture.panel().pixel(20, 50) == GREEN);
    composing.assert_serving();
}

#[test]
fn a_popup_is_drawn_again_when_its_client_draws() {
    let mut composing = Composing::in_a_field();
    let tool = composing.tool;
    let (surface, _popup) = composing.fixture[tool].method_popup(&composing.method, Picture::Solid(BLUE), (40, 30));
    composing.fixture[tool].ask_frame(&surface);
    composing.fixture[tool].draw(&surface, Picture::Solid([255, 0, 0]), 60, 30);
    composing.until("the frame's callback", |fixture| fixture[tool].frames(&surface) == 1);
    composing.still();
    assert_eq!(composing.panel().pixel(65, 50), [255, 0, 0], "in its new size");
}

#[test]
fn a_surface_with_another_role_is_no_popup() {
    let mut composing = Composing::start();
    let (tool, method) = (composing.tool, composing.method.clone());
    let window = composing.fixture[tool].toplevel();
    let handle = composing.fixture[tool].handle.clone();
    method.get_input_popup_surface(&window.surface, &handle, ());
    assert_eq!(composing.protocol_error_of(tool), ("zwp_input_method_v2".into(), 0));
    composing.assert_serving();
}

#[test]
fn a_method_that_has_the_keys_gets_them_while_a_field_has_the_focus_and_types_by_its_own_keyboard() {
    let mut composing = Composing::start();
    let (tool, shell) = (composing.tool, composing.shell);
    let handle = composing.fixture[tool].handle.clone();
    let grab = composing.method.grab_keyboard(&handle, ());
    composing.both();
    assert!(composing.fixture[tool].seen.methods.keymap.starts_with("xkb_keymap"));
    composing.tap_key(keys::A);
    composing.both();
    assert_eq!(typed(&composing, shell).len(), 2, "no field has the focus");
    composing.focus();
    composing.told();
    composing.key(keys::LEFT_CTRL, true);
    composing.tap_key(keys::A);
    composing.both();
    let key = |code, pressed| MethodSeen::Key { code, pressed };
    assert_eq!(composing.told(), [key(keys::LEFT_CTRL, true), key(keys::A, true), key(keys::A, false)]);
    assert_eq!(composing.fixture[tool].seen.methods.modifiers, CONTROL);
    assert_eq!(typed(&composing, shell).len(), 2, "the page gets none of them");
    composing.key(keys::LEFT_CTRL, false);
    composing.both();
    assert_eq!(composing.fixture[tool].seen.methods.modifiers, 0);
    // What the method types itself goes to the page.
    let virtual_keyboard = keyboard(&mut composing, tool);
    give_keymap(&virtual_keyboard, KEYMAP);
    virtual_keyboard.key(0, 1, 1);
    virtual_keyboard.key(0, 1, 0);
    composing.told();
    composing.both();
    assert_eq!(typed(&composing, shell)[2..], [(1, true), (1, false)]);
    assert_eq!(composing.told(), []);
    // The release of a key that was pressed during the grab goes to no client.
    composing.key(keys::A, true);
    composing.both();
    grab.release();
    composing.both();
    composing.key(keys::A, false);
    composing.tap_key(keys::ENTER);
    composing.both();
    assert_eq!(typed(&composing, shell)[4..], [(keys::ENTER, true), (keys::ENTER, false)]);
}

#[test]
fn keys_are_the_pages_again_when_the_method_dies_with_them() {
    let mut composing = Composing::in_a_field();
    let (tool, shell) = (composing.tool, composing.shell);
    let handle = composing.fixture[tool].handle.clone();
    composing.method.grab_keyboard(&handle, ());
    // A second grab gets no keys, and its end does not end the first.
    composing.method.grab_keyboard(&handle, ()).release();
    composing.both();
    composing.key(keys::A, true);
    composing.both();
    assert_eq!(typed(&composing, shell), []);
    composing.disconnect(tool);
    composing.until("the method's end", |fixture| !fixture.kiosk.has_input_method());
    composing.key(keys::A, false);
    composing.tap_key(keys::ENTER);
    composing.roundtrip(shell);
    assert_eq!(typed(&composing, shell), [(keys::ENTER, true), (keys::ENTER, false)]);
}

#[test]
fn keys_that_switch_the_terminal_are_no_methods() {
    let mut composing = Composing::in_a_field();
    let (tool, handle) = (composing.tool, composing.fixture[composing.tool].handle.clone());
    composing.method.grab_keyboard(&handle, ());
    composing.both();
    composing.key(keys::LEFT_CTRL, true);
    composing.key(keys::LEFT_ALT, true);
    composing.tap_key(keys::F2);
    composing.both();
    assert_eq!(composing.panels.virtual_terminals(), [2]);
    let told = composing.fixture[tool].take_method_seen();
    assert!(!told.iter().any(|seen| matches!(seen, MethodSeen::Key { code: keys::F2, .. })), "{told:?}");
}

#[test]
fn a_modifier_that_was_held_before_counts_for_the_method() {
    let mut composing = Composing::in_a_field();
    let (tool, shell) = (composing.tool, composing.shell);
    let handle = composing.fixture[tool].handle.clone();
    composing.key(keys::LEFT_CTRL, true);
    composing.method.grab_keyboard(&handle, ());
    composing.both();
    assert_eq!(composing.fixture[tool].seen.methods.modifiers, CONTROL);
    composing.key(keys::LEFT_CTRL, false);
    composing.both();
    assert_eq!(composing.fixture[tool].seen.methods.modifiers, 0);
    assert_eq!(typed(&composing, shell), [(keys::LEFT_CTRL, true), (keys::LEFT_CTRL, false)]);
}

#[test]
fn caps_lock_and_num_lock_outlast_the_grab_and_light_their_lamps() {
    let mut composing = Composing::in_a_field();
    let (tool, shell) = (composing.tool, composing.shell);
    let handle = composing.fixture[tool].handle.clone();
    let desk = composing.plug_in(Spec { id: "desk", name: "Desk", kind: Kind::Keyboard, ..Spec::default() });
    let grab = composing.method.grab_keyboard(&handle, ());
    composing.both();
    for key in [keys::CAPS_LOCK, keys::NUM_LOCK] {
        composing.tap_key_with(&desk, key);
    }
    composing.both();
    assert_eq!(composing.fixture[tool].seen.methods.locked, LOCKS);
    assert_eq!(desk.locks(), [true, true], "the lamps are dark");
    // What the method types itself is not locked, and costs the lock nothing.
    let virtual_keyboard = keyboard(&mut composing, tool);
    give_keymap(&virtual_keyboard, KEYMAP);
    virtual_keyboard.key(0, 1, 1);
    virtual_keyboard.key(0, 1, 0);
    composing.both();
    assert_eq!(desk.locks(), [true, true], "dark after the method has typed");
    // The next field.
    composing.leave();
    grab.release();
    composing.both();
    composing.focus();
    let grab = composing.method.grab_keyboard(&handle, ());
    composing.both();
    assert_eq!(composing.fixture[tool].seen.methods.locked, LOCKS, "lost between two fields");
    // Without the method.
    grab.release();
    composing.both();
    composing.tap_key_with(&desk, keys::A);
    composing.both();
    let text = &composing.fixture[shell].seen.reader.text;
    assert!(text.ends_with('A'), "{text:?}");
    assert_eq!(desk.locks(), [true, true]);
}

#[test]
fn a_new_layout_reaches_a_grab_at_once() {
    let mut composing = Composing::in_a_field();
    let tool = composing.tool;
    let handle = composing.fixture[tool].handle.clone();
    composing.method.grab_keyboard(&handle, ());
    composing.tap_key(keys::CAPS_LOCK);
    composing.both();
    let before = composing.fixture[tool].seen.methods.keymap.clone();
    composing.reload("[input.keyboard]\nlayout = \"de\"\n").unwrap();
    composing.both();
    let after = &composing.fixture[tool].seen.methods.keymap;
    assert!(after.contains("ssharp") && *after != before, "it reads by the old keymap");
    assert_eq!(composing.fixture[tool].seen.methods.locked, 2);
}

#[test]
fn a_method_that_hangs_withholds_the_keys_only_for_a_moment() {
    let mut composing = Composing::in_a_field();
    let (tool, shell) = (composing.tool, composing.shell);
    let handle = composing.fixture[tool].handle.clone();
    composing.method.grab_keyboard(&handle, ());
    composing.both();
    composing.fixture[tool].hangs = true;
    let mut count = 0;
    while typed(&composing, shell).is_empty() {
        count += 1;
        assert!(count < 10_000, "a method that reads nothing keeps all keys");
        composing.tap_key(keys::A);
        if count % 100 == 0 {
            composing.roundtrip(shell);
        }
    }
    composing.roundtrip(shell);
    composing.assert_serving();
}

#[test]
fn a_text_that_fits_into_no_message_is_an_error() {
    let mut composing = Composing::in_a_field();
    let tool = composing.tool;
    composing.method.commit_string("x".repeat(4000));
    composing.commit();
    assert!(composing.fixture[tool].error().is_none());
    assert_eq!(composing.seen().last(), Some(&commit(&"x".repeat(4000), 1)));
    composing.method.set_preedit_string("x".repeat(4001), 0, 0);
    assert_eq!(composing.protocol_error_of(tool), ("zwp_input_method_v2".into(), 1000));
    composing.assert_serving();
}

#[test]
fn megabytes_of_texts_are_bounded_and_a_page_that_does_not_read_is_not_lost() {
    let mut composing = Composing::in_a_field();
    let (tool, shell) = (composing.tool, composing.shell);
    composing.fixture[shell].hangs = true;
    for _ in 0..500 {
        composing.method.commit_string("x".repeat(2000));
        composing.fixture[tool].method_commit(&composing.method.clone());
        composing.fixture.roundtrip(tool);
    }
    composing.fixture[shell].hangs = false;
    composing.fixture.roundtrip(shell);
    assert!(!composing.fixture[shell].is_gone());
    let texts = composing.seen().len();
    assert!((5..100).contains(&texts), "{texts}");
}

#[test]
fn the_keyboard_on_the_screen_is_composed_with_too() {
    use kiosk_core::config::KeyboardUse;
    let mut setup = crate::fixture::Setup::bare(&["800x480"]);
    setup.config.keyboard.when = KeyboardUse::Always;
    let mut fixture = setup.start();
    let shell = fixture.client();
    let input = fixture[shell].text_input();
    let window = fixture.map(shell, Picture::Solid(GREEN));
    let tool = fixture.client_of(Privilege::Admin);
    let method = fixture[tool].input_method();
    let mut composing = Composing { fixture, shell, window, input, tool, method };
    composing.focus();
    let handle = composing.fixture[tool].handle.clone();
    composing.method.grab_keyboard(&handle, ());
    composing.both();
    composing.told();
    let place = composing.kiosk.stage.keyboard.place().unwrap().pixels.loc;
    let board = &composing.kiosk.stage.keyboard.board;
    let cell = board.cells().iter().find(|cell| board.character(cell.key.cap) == Some('a')).unwrap().area;
    let at = (f64::from(place.x + cell.x + cell.w / 2), f64::from(place.y + cell.y + cell.h / 2));
    composing.touch_down(0, at);
    composing.touch_up(0);
    composing.both();
    let key = |pressed| MethodSeen::Key { code: keys::A, pressed };
    assert_eq!(composing.told(), [key(true), key(false)]);
    assert_eq!(typed(&composing, shell), []);
}
