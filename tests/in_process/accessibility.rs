//! Aids for people whom a keyboard does not suit as it is: sticky, slow and bounce keys.

use kiosk_core::config::{Accessibility, Aid, KeyboardUse, SavedState};
use kioskd::{
    command::{Call, Command},
    input::aids::{BOUNCE, SLOW},
};
use wayland_protocols::wp::text_input::zv3::client::zwp_text_input_v3::{ContentHint, ContentPurpose};

use crate::fixture::{
    ClientId, Fixture, Setup,
    hands::keys,
    picture::{GREEN, Picture},
    seen::KeySeen,
};

const LEFT_SHIFT: u32 = 42;
const B: u32 = 48;

fn with(aids: Accessibility) -> (Fixture, ClientId) {
    let mut setup = Setup::bare(&["800x480"]);
    setup.config.accessibility = aids;
    setup.config.keyboard.when = KeyboardUse::Always;
    let mut fixture = setup.start();
    let client = fixture.client();
    fixture.map(client, Picture::Solid(GREEN));
    (fixture, client)
}

fn only(aid: Aid) -> Accessibility {
    let mut aids = Accessibility::default();
    aids.set(aid, true);
    aids
}

impl Fixture {
    fn switch_aid(&mut self, aid: Aid, on: Option<bool>) {
        let (reply, mut answer) = tokio::sync::oneshot::channel();
        self.kiosk.answer(Call { request: Command::Accessibility { aid, on }, reply });
        self.kiosk.settle();
        answer.try_recv().expect("requests are answered at once").unwrap();
    }

    /// What the client read since.
    fn read(&mut self, client: ClientId) -> String {
        self.roundtrip(client);
        std::mem::take(&mut self[client].seen.reader.text)
    }
}

#[test]
fn a_modifier_sticks_for_the_next_key_and_twice_for_all() {
    let (mut fixture, client) = with(only(Aid::StickyKeys));
    fixture.tap_key(LEFT_SHIFT);
    fixture.tap_key(keys::A);
    fixture.tap_key(keys::A);
    assert_eq!(fixture.read(client), "Aa");
    assert_eq!(fixture[client].seen.modifiers, 0);
    fixture.tap_key(LEFT_SHIFT);
    fixture.tap_key(LEFT_SHIFT);
    fixture.tap_key(keys::A);
    fixture.tap_key(B);
    assert_eq!(fixture.read(client), "AB");
    fixture.tap_key(LEFT_SHIFT);
    fixture.tap_key(B);
    assert_eq!(fixture.read(client), "b");
    // Held as everybody does it, it sticks no longer than it is held.
    fixture.key(LEFT_SHIFT, true);
    fixture.tap_key(keys::A);
    fixture.key(LEFT_SHIFT, false);
    fixture.tap_key(B);
    assert_eq!(fixture.read(client), "Ab");
}

#[test]
fn terminals_are_switched_one_key_after_the_other() {
    let (mut fixture, client) = with(only(Aid::StickyKeys));
    for key in [keys::LEFT_CTRL, keys::LEFT_ALT, keys::F2] {
        fixture.tap_key(key);
    }
    assert_eq!(fixture.panels.virtual_terminals(), [2]);
    fixture.tap_key(keys::A);
    assert_eq!(fixture.read(client), "a");
}

#[test]
fn a_slow_key_is_held_for_a_moment_before_it_counts() {
    let (mut fixture, client) = with(only(Aid::SlowKeys));
    fixture.tap_key(B);
    fixture.key(keys::A, true);
    let pressed = fixture.kiosk.now();
    fixture.until("the key", |fixture| !fixture[client].seen.reader.text.is_empty());
    assert!(fixture.kiosk.now() - pressed >= SLOW);
    fixture.key(keys::A, false);
    assert_eq!(fixture.read(client), "a", "the one that was touched did not count");
    let last = fixture[client].seen.keyboard.last().cloned();
    assert_eq!(last, Some(KeySeen::Key { code: keys::A, pressed: false }));
}

#[test]
fn a_key_that_is_pressed_again_at_once_does_not_count() {
    let (mut fixture, client) = with(only(Aid::BounceKeys));
    let start = fixture.kiosk.now();
    fixture.tap_key(keys::A);
    fixture.tap_key(keys::A);
    fixture.tap_key(B);
    let quick = fixture.kiosk.now() - start < BOUNCE;
    assert!(fixture.read(client) == "ab" || !quick);
    fixture.pass(BOUNCE);
    fixture.tap_key(keys::A);
    assert_eq!(fixture.read(client), "a");
}

#[test]
fn what_is_switched_is_kept_and_what_stuck_ends() {
    let (mut fixture, client) = with(only(Aid::SlowKeys));
    let directory = fixture.directory.path().join("state");
    fixture.kiosk.saved.directory = Some(directory.clone());
    fixture.switch_aid(Aid::StickyKeys, Some(true));
    fixture.switch_aid(Aid::SlowKeys, Some(false));
    assert_eq!(fixture.kiosk.snapshot().accessibility, ["sticky-keys"]);
    let (kept, wrong) = SavedState::load(&directory);
    assert_eq!(
        (kept.accessibility(only(Aid::BounceKeys)), wrong),
        (Accessibility { sticky_keys: true, slow_keys: false, bounce_keys: true }, None)
    );
    fixture.tap_key(LEFT_SHIFT);
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.modifiers, 1);
    fixture.switch_aid(Aid::StickyKeys, None);
    fixture.tap_key(keys::A);
    assert_eq!(fixture.read(client), "a");
    assert_eq!(fixture[client].seen.modifiers, 0);
    fixture.switch_aid(Aid::SlowKeys, None);
    assert_eq!(fixture.kiosk.snapshot().accessibility, ["slow-keys"], "the configuration's");
}

#[test]
fn a_modifier_does_not_stick_beyond_its_session() {
    let (mut fixture, client) = with(only(Aid::StickyKeys));
    fixture.tap_key(LEFT_SHIFT);
    // As when another virtual terminal comes to the front.
    fixture.kiosk.release_keys();
    fixture.tap_key(keys::A);
    assert_eq!(fixture.read(client), "a");
}

#[test]
fn the_keyboard_on_the_screen_needs_no_patience() {
    let all = Accessibility { sticky_keys: true, slow_keys: true, bounce_keys: true };
    let (mut fixture, client) = with(all);
    let input = fixture[client].text_input();
    fixture.roundtrip(client);
    fixture[client].focus_field(&input, ContentHint::None, ContentPurpose::Normal);
    fixture.roundtrip(client);
    fixture.still();
    let place = fixture.kiosk.stage.keyboard.place().expect("the keyboard is there").pixels.loc;
    let board = &fixture.kiosk.stage.keyboard.board;
    let cell = board.cells().iter().find(|cell| board.character(cell.key.cap) == Some('a')).unwrap().area;
    let at = (f64::from(place.x + cell.x + cell.w / 2), f64::from(place.y + cell.y + cell.h / 2));
    for _ in 0..2 {
        fixture.touch_down(0, at);
        fixture.touch_up(0);
    }
    assert_eq!(fixture.read(client), "aa");
}
