//! A layout for each keyboard: a scanner with an American layout beside a German keyboard.

use std::time::Duration;

use crate::fixture::{
    ClientId, Fixture, Setup,
    picture::{GREEN, Picture},
    seen::KeySeen,
    tools::{Kind, Spec, Tool},
};
use kiosk_core::config::{InputRule, InputSettings};

const KEYBOARD: Spec = Spec {
    id: "event1",
    name: "Desk keyboard",
    kind: Kind::Keyboard,
    model: None,
    port: Some("1-1"),
    serial: None,
    size: None,
    hint: None,
};
const SCANNER: Spec = Spec { id: "event2", name: "Acme Scanner", port: Some("1-2"), ..KEYBOARD };

/// Linux key codes; on a German keyboard `Y` types z, and `MINUS` types ß.
const Y: u32 = 21;
const MINUS: u32 = 12;
const A: u32 = 30;
const LEFT_SHIFT: u32 = 42;
const CAPS_LOCK: u32 = 58;
const NUM_LOCK: u32 = 69;
const KEYPAD_1: u32 = 79;
const MENU: u32 = 127;

struct Desk {
    fixture: Fixture,
    client: ClientId,
    keyboard: Tool,
    scanner: Tool,
}

impl std::ops::Deref for Desk {
    type Target = Fixture;
    fn deref(&self) -> &Fixture {
        &self.fixture
    }
}

impl std::ops::DerefMut for Desk {
    fn deref_mut(&mut self) -> &mut Fixture {
        &mut self.fixture
    }
}

impl Desk {
    /// A German keyboard and a scanner, with this configuration of the scanner.
    fn with(matcher: &str, layout: &str) -> Self {
        let mut setup = Setup::bare(&["320x200"]);
        setup.config.input.keyboard.layout = "de,ru".into();
        setup.config.input.keyboard.options = "grp:menu_toggle".into();
        let settings = InputSettings { layout: Some(layout.into()), ..InputSettings::default() };
        setup.config.input.devices = vec![InputRule { matcher: matcher.into(), settings }];
        let mut fixture = setup.start();
        let client = fixture.client();
        fixture.map(client, Picture::Solid(GREEN));
        let (keyboard, scanner) = (fixture.plug_in(KEYBOARD), fixture.plug_in(SCANNER));
        fixture.roundtrip(client);
        Self { fixture, client, keyboard, scanner }
    }

    fn new() -> Self {
        Self::with("*Scanner", "us")
    }

    fn types(&mut self, code: u32) {
        let tool = self.keyboard.clone();
        self.tap_key_with(&tool, code);
    }

    fn holds(&mut self, code: u32, pressed: bool) {
        let tool = self.keyboard.clone();
        self.key_with(&tool, code, pressed);
    }

    /// Types y, a hyphen and a capital A of an American keyboard.
    fn scans(&mut self) {
        let tool = self.scanner.clone();
        self.tap_key_with(&tool, Y);
        self.tap_key_with(&tool, MINUS);
        self.key_with(&tool, LEFT_SHIFT, true);
        self.tap_key_with(&tool, A);
        self.key_with(&tool, LEFT_SHIFT, false);
    }

    /// What the client has read since the last call.
    fn text(&mut self) -> String {
        let client = self.client;
        self.roundtrip(client);
        std::mem::take(&mut self[client].seen.reader.text)
    }

    /// Keys pressed and released since the last call.
    fn keys(&mut self) -> Vec<(u32, bool)> {
        let client = self.client;
        self.roundtrip(client);
        let seen = std::mem::take(&mut self[client].seen.keyboard);
        let key = |seen| if let KeySeen::Key { code, pressed } = seen { Some((code, pressed)) } else { None };
        seen.into_iter().filter_map(key).collect()
    }

    fn layouts(&self) -> Vec<(String, String)> {
        let inputs = self.kiosk.snapshot().inputs;
        inputs.into_iter().map(|input| (input.name, input.layout)).collect()
    }
}

#[test]
fn a_scanner_types_by_its_own_layout_beside_the_seats() {
    let mut desk = Desk::new();
    desk.types(Y);
    desk.types(MINUS);
    desk.scans();
    desk.scans();
    desk.types(Y);
    assert_eq!(desk.text(), "zßy-Ay-Az");
    let client = desk.client;
    assert_eq!(desk[client].seen.reader.keymaps, 3, "the first one, there and back: none for a scan after a scan");
    let shown = [("Desk keyboard", "de,ru"), ("Acme Scanner", "us")];
    assert_eq!(desk.layouts(), shown.map(|(name, layout)| (name.to_owned(), layout.to_owned())));
}

#[test]
fn one_layout_for_all_keyboards_is_no_change_at_all() {
    let mut desk = Desk::with("*", "us");
    desk.types(Y);
    desk.scans();
    desk.types(Y);
    assert_eq!(desk.text(), "yy-Ay");
    let client = desk.client;
    assert_eq!(desk[client].seen.reader.keymaps, 2);
}

#[test]
fn what_is_held_on_one_keyboard_does_not_count_on_the_other_and_ends_once() {
    let mut desk = Desk::new();
    desk.holds(LEFT_SHIFT, true);
    desk.holds(A, true);
    assert_eq!(desk.text(), "A");
    assert_eq!(desk.keys(), [(LEFT_SHIFT, true), (A, true)]);
    desk.scans();
    assert_eq!(desk.text(), "y-A", "shift was not held on it");
    let mut ended = desk.keys();
    ended.truncate(2);
    ended.sort_unstable();
    assert_eq!(ended, [(A, false), (LEFT_SHIFT, false)], "what was held is released before the scan");
    // Shift is still held, and applies again.
    desk.types(Y);
    assert_eq!(desk.text(), "Z");
    assert_eq!(desk.keys(), [(LEFT_SHIFT, true), (Y, true), (Y, false)]);
    desk.holds(A, false);
    desk.holds(LEFT_SHIFT, false);
    assert_eq!(desk.keys(), [(LEFT_SHIFT, false)], "the a was released already");
    desk.types(Y);
    assert_eq!(desk.text(), "z");
    let client = desk.client;
    assert_eq!(desk[client].seen.modifiers, 0);
}

#[test]
fn locks_and_the_chosen_layout_stay_with_their_keyboard_and_num_lock_is_everybodys() {
    let mut desk = Desk::new();
    desk.types(CAPS_LOCK);
    desk.types(NUM_LOCK);
    desk.types(KEYPAD_1);
    desk.types(A);
    desk.scans();
    let scanner = desk.scanner.clone();
    desk.tap_key_with(&scanner, KEYPAD_1);
    desk.types(A);
    desk.types(KEYPAD_1);
    assert_eq!(desk.text(), "1Ay-A1A1");
    desk.types(CAPS_LOCK);
    desk.types(MENU);
    desk.types(A);
    desk.scans();
    desk.types(A);
    assert_eq!(desk.text(), "фy-Aф", "the Russian one of two stays");
}

#[test]
fn a_layout_that_is_not_there_is_said_once_and_the_keyboard_types_as_the_seat_does() {
    let mut desk = Desk::with("Acme Scanner", "klingon");
    let again = desk.scanner.clone();
    desk.pull_out(&again);
    desk.plug_in_again(&again);
    let told: Vec<String> =
        desk.kiosk.snapshot().problems.into_iter().filter(|told| told.contains("klingon")).collect();
    assert_eq!(
        told,
        ["input.device.\"Acme Scanner\": xkb has no layout \"klingon\" variant \"\" model \"\" options \
          \"grp:menu_toggle\"; it types with that of input.keyboard"]
    );
    desk.scans();
    assert_eq!(desk.text(), "zßA");
    assert_eq!(desk.layouts()[1].1, "de,ru");
}

#[test]
fn the_configuration_is_checked_for_layouts_that_are_not_there() {
    let mut config = kiosk_core::config::Config::default();
    assert!(kioskd::input::layouts::wrong(&config).is_empty());
    let settings = InputSettings { layout: Some("de".into()), variant: Some("klingon".into()), ..Default::default() };
    config.input.devices = vec![InputRule { matcher: "*".into(), settings }];
    let wrong = kioskd::input::layouts::wrong(&config);
    assert!(wrong.len() == 1 && wrong[0].contains("input.device.\"*\": xkb has no layout \"de\" variant \"klingon\""));
}

#[test]
fn two_keyboards_that_alternate_without_end_delay_no_other_client() {
    let mut desk = Desk::new();
    let (keyboard, scanner) = (desk.keyboard.clone(), desk.scanner.clone());
    let mut text = String::new();
    let begun = desk.kiosk.now();
    for pair in 0..200 {
        desk.tap_key_with(&keyboard, Y);
        desk.tap_key_with(&scanner, Y);
        // Not each time: a slow machine would leave a second for few of them.
        if pair % 10 == 9 {
            text.push_str(&desk.text());
        }
    }
    assert_eq!(text.matches('z').count(), 200, "the seat's own keyboard is always heard");
    let client = desk.client;
    // 25 changes a second to the scanner's layout and back.
    let seconds = (desk.kiosk.now() - begun).as_secs() as usize + 2;
    let keymaps = desk[client].seen.reader.keymaps;
    assert!(keymaps <= 2 * 25 * seconds, "{keymaps} of 400 in less than {seconds} s");
    desk.pass(Duration::from_millis(1100));
    desk.scans();
    assert_eq!(desk.text(), "y-A");
    desk.assert_serving();
}

#[test]
fn another_window_begins_with_the_keymap_of_the_last_key() {
    let mut desk = Desk::new();
    desk.scans();
    let other = desk.client();
    desk.map(other, Picture::Solid(GREEN));
    desk.scans();
    desk.types(Y);
    desk.roundtrip(other);
    assert_eq!(desk[other].seen.reader.text, "y-Az");
}
