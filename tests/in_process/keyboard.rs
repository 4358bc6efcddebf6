//! The on-screen keyboard: it is shown and hidden with text fields, the window gets the area above it, and touches on
//! it arrive as keys or as text.

use kiosk_core::config::KeyboardUse;
use kioskd::{
    backend::capture::Capture,
    command::{Call, Command, CommandError, KeyboardMode},
    keyboard::{
        board::LONG,
        geometry::Rect,
        page::{Cap, Page},
    },
};
use smithay::input::keyboard::Layout;
use wayland_protocols::wp::text_input::zv3::client::zwp_text_input_v3::{ContentHint, ContentPurpose, ZwpTextInputV3};

use crate::fixture::{
    ClientId, Fixture, Setup,
    client::Toplevel,
    picture::Picture,
    seen::{KeySeen, TouchSeen},
    text::TextSeen,
};

const RED: Picture = Picture::Solid([255, 0, 0]);
const BLUE: Picture = Picture::Solid([0, 0, 255]);
const BLACK: [u8; 3] = [0, 0, 0];
/// Linux key codes.
const LEFT_SHIFT: u32 = 42;
const RIGHT_ALT: u32 = 100;

struct Typing {
    fixture: Fixture,
    client: ClientId,
    window: Toplevel,
    input: ZwpTextInputV3,
}

impl std::ops::Deref for Typing {
    type Target = Fixture;
    fn deref(&self) -> &Fixture {
        &self.fixture
    }
}

impl std::ops::DerefMut for Typing {
    fn deref_mut(&mut self) -> &mut Fixture {
        &mut self.fixture
    }
}

impl Typing {
    /// A red window on a screen like this, with these keyboard layouts.
    fn on(output: &str, layouts: &str) -> Self {
        let mut setup = Setup::bare(&[output]);
        setup.config.keyboard.when = KeyboardUse::Always;
        setup.config.input.keyboard.layout = layouts.into();
        Self::with(setup)
    }

    fn with(setup: Setup) -> Self {
        let mut fixture = setup.start();
        let client = fixture.client();
        let input = fixture[client].text_input();
        let window = fixture.map(client, RED);
        Self { fixture, client, window, input }
    }

    /// Focuses a field of this purpose.
    fn focus(&mut self, purpose: ContentPurpose) {
        self.fixture[self.client].focus_field(&self.input, ContentHint::None, purpose);
        self.fixture.roundtrip(self.client);
        self.fixture.still();
    }

    fn leave(&mut self) {
        self.input.disable();
        self.input.commit();
        self.fixture.roundtrip(self.client);
    }

    fn shown(&self) -> bool {
        self.kiosk.keyboard_is_shown()
    }

    /// The window's last configured size.
    fn told(&self) -> (i32, i32) {
        let configure = self.fixture[self.client].configured(&self.window).unwrap();
        (configure.width, configure.height)
    }

    #[track_caller]
    fn until_told(&mut self, size: (i32, i32)) {
        let (client, window) = (self.client, self.window.clone());
        self.fixture.until("the window's size", |fixture| {
            fixture[client].configured(&window).is_some_and(|told| (told.width, told.height) == size)
        });
    }

    /// The window draws in its configured size.
    fn draws(&mut self, picture: Picture) {
        let (client, window) = (self.client, self.window.clone());
        self.fixture.fill(client, &window, picture);
    }

    /// The centre of a part of the keyboard, in the upright picture.
    fn spot(&self, area: Rect) -> (f64, f64) {
        let place = self.kiosk.stage.keyboard.place().expect("the keyboard is there").pixels.loc;
        (f64::from(place.x + area.x + area.w / 2), f64::from(place.y + area.y + area.h / 2))
    }

    #[track_caller]
    fn key(&self, wanted: impl Fn(Cap) -> bool) -> (f64, f64) {
        let cells = self.kiosk.stage.keyboard.board.cells();
        self.spot(cells.iter().find(|cell| wanted(cell.key.cap)).expect("there is such a key").area)
    }

    #[track_caller]
    fn letter(&self, c: char) -> (f64, f64) {
        let board = &self.kiosk.stage.keyboard.board;
        self.key(|cap| board.character(cap) == Some(c))
    }

    fn tap(&mut self, at: (f64, f64)) {
        self.touch_down(0, at);
        self.touch_up(0);
    }

    #[track_caller]
    fn tap_key(&mut self, wanted: impl Fn(Cap) -> bool) {
        let at = self.key(wanted);
        self.tap(at);
    }

    /// The Linux codes of the keys that the client got since, presses only.
    fn pressed(&mut self) -> Vec<u32> {
        self.fixture.roundtrip(self.client);
        let seen = std::mem::take(&mut self.fixture[self.client].seen.keyboard);
        let press = |seen: KeySeen| match seen {
            KeySeen::Key { code, pressed: true } => Some(code),
            _ => None,
        };
        seen.into_iter().filter_map(press).collect()
    }

    fn texts(&self) -> Vec<String> {
        let seen = self.fixture[self.client].text_seen(&self.input);
        let text = |seen| match seen {
            TextSeen::Commit { text, .. } => Some(text),
            _ => None,
        };
        seen.into_iter().filter_map(text).collect()
    }

    fn ask(&mut self, mode: KeyboardMode) -> Result<(), CommandError> {
        let (reply, mut answer) = tokio::sync::oneshot::channel();
        self.kiosk.answer(Call { request: Command::Keyboard { mode }, reply });
        self.kiosk.settle();
        answer.try_recv().expect("requests are answered at once").map(drop)
    }

    /// Top edge of the keyboard in the picture, pixels.
    fn top(&self) -> u32 {
        self.kiosk.stage.keyboard.place().unwrap().pixels.loc.y.unsigned_abs()
    }
}

fn is_key(capture: &Capture, y: u32) -> bool {
    let background = kiosk_core::config::OnScreenKeyboard::default().background;
    capture.pixel(0, y) == background
}

#[test]
fn the_keyboard_is_shown_and_hidden_with_a_field_without_a_black_frame() {
    let mut typing = Typing::on("800x480", "us");
    assert!(!typing.shown());
    typing.panels.start_film();
    typing.focus(ContentPurpose::Normal);
    assert!(typing.shown());
    let (top, (width, height)) = (typing.top(), typing.told());
    assert_eq!((width, height), (800, top as i32));
    assert!((200..340).contains(&top), "{top}");
    typing.draws(BLUE);
    let shown = typing.screenshot();
    assert_eq!((shown.pixel(400, 0), shown.pixel(400, top - 1)), ([0, 0, 255], [0, 0, 255]));
    assert!(is_key(&shown, top) && is_key(&shown, 479));
    typing.leave();
    typing.until_told((800, 480));
    let going = typing.screenshot();
    assert!(is_key(&going, 479), "the window has not drawn in its place yet");
    typing.draws(RED);
    assert!(!typing.shown() && typing.kiosk.stage.keyboard.place().is_none());
    assert_eq!(typing.screenshot().pixel(400, 479), [255, 0, 0]);
    for shot in typing.panels.take_film() {
        for y in [0, top - 1, top, 479] {
            assert_ne!(shot.pixels.pixel(0, y), BLACK);
        }
    }
}

#[test]
fn keys_arrive_as_those_of_the_keymap_with_what_is_held_for_them() {
    let mut typing = Typing::on("800x480", "de");
    typing.focus(ContentPurpose::Normal);
    typing.pressed();
    for c in "zü".chars() {
        let at = typing.letter(c);
        typing.tap(at);
    }
    // A German keyboard has z where an American one has y.
    assert_eq!(typing.pressed(), [21, 26]);
    typing.tap_key(|cap| cap == Cap::Shift);
    let at = typing.letter('Ü');
    typing.tap(at);
    assert_eq!(typing.pressed(), [LEFT_SHIFT, 26]);
    typing.tap_key(|cap| cap == Cap::Page(Page::Symbols));
    let at = typing.letter('€');
    typing.tap(at);
    assert_eq!(typing.pressed(), [RIGHT_ALT, 18]);
    let client = typing.client;
    assert_eq!(typing[client].seen.modifiers, 0, "no modifier is left");
    typing.tap_key(|cap| cap == Cap::Page(Page::More));
    typing.tap_key(|cap| cap == Cap::Dead('´'));
    assert_eq!(typing.pressed(), [13], "the accent waits in the client");
    typing.tap_key(|cap| cap == Cap::Enter);
    assert_eq!(typing.pressed(), [28]);
    assert!(typing.texts().is_empty());
}

#[test]
fn what_the_keymap_lacks_arrives_as_a_text() {
    let mut typing = Typing::on("800x480", "us");
    typing.focus(ContentPurpose::Normal);
    typing.pressed();
    let at = typing.letter('o');
    typing.touch_down(0, at);
    typing.until("the offer", |fixture| fixture.kiosk.stage.keyboard.board.offer().is_some());
    typing.still();
    typing.touch_up(0);
    assert_eq!((typing.pressed(), typing.texts()), (Vec::<u32>::new(), vec!["ö".to_owned()]));
    typing.touch_down(0, at);
    typing.until("the offer", |fixture| fixture.kiosk.stage.keyboard.board.offer().is_some());
    let third = typing.kiosk.stage.keyboard.board.offer().unwrap().cells[2].0;
    let third = typing.spot(third);
    typing.touch_move(0, third);
    typing.touch_up(0);
    assert!(typing.pressed().is_empty());
    assert_eq!(typing.texts(), ["ö", "ò"]);
}

#[test]
fn one_key_goes_through_the_layouts_and_keys_follow() {
    let mut typing = Typing::on("800x480", "us,ru");
    typing.focus(ContentPurpose::Normal);
    typing.tap_key(|cap| cap == Cap::NextLayout);
    typing.pressed();
    let at = typing.letter('й');
    typing.tap(at);
    assert_eq!(typing.pressed(), [16]);
    let keyboard = typing.kiosk.seat.seat.get_keyboard().unwrap();
    let active = keyboard.with_xkb_state(&mut typing.kiosk, |context| context.xkb().lock().unwrap().active_layout());
    assert_eq!(active.0, 1, "the client's keymap is at the second layout");
    // Another device went back to the first layout.
    keyboard.with_xkb_state(&mut typing.kiosk, |mut context| context.set_layout(Layout(0)));
    typing.tap(at);
    let active = keyboard.with_xkb_state(&mut typing.kiosk, |context| context.xkb().lock().unwrap().active_layout());
    assert_eq!(active.0, 1, "what is typed is what stands on the key");
}

#[test]
fn touches_on_the_keyboard_are_not_sent_to_clients() {
    let mut typing = Typing::on("800x480", "us");
    typing.focus(ContentPurpose::Normal);
    typing.pressed();
    let (a, away) = (typing.letter('a'), (400.0, 50.0));
    typing.touch_down(0, a);
    typing.touch_move(0, away);
    typing.touch_up(0);
    let client = typing.client;
    assert_eq!((typing.pressed().len(), typing[client].seen.touch.len()), (0, 0), "it slid off");
    typing.tap(away);
    typing.roundtrip(client);
    assert!(matches!(typing[client].seen.touch[..], [TouchSeen::Down { .. }, TouchSeen::Up { .. }]));
    typing.point(a);
    typing.click();
    assert_eq!(typing.pressed(), [30], "a pointer types as well");
    typing.touch_down(0, a);
    typing.touch_cancel();
    typing.touch_up(0);
    assert!(typing.pressed().is_empty());
}

#[test]
fn the_hide_key_and_commands_hold_until_the_next_field() {
    let mut typing = Typing::on("800x480", "us");
    typing.focus(ContentPurpose::Normal);
    typing.tap_key(|cap| cap == Cap::Hide);
    assert!(!typing.shown());
    typing.until_told((800, 480));
    typing.draws(RED);
    typing.focus(ContentPurpose::Normal);
    assert!(typing.shown(), "the field was touched again");
    typing.tap_key(|cap| cap == Cap::Hide);
    typing.until_told((800, 480));
    typing.draws(RED);
    typing.tap((300.0, 300.0));
    typing.pass(std::time::Duration::from_millis(400));
    assert!(!typing.shown(), "that was elsewhere");
    typing.tap((300.0, 30.0));
    typing.until("the keyboard for the field that was touched again", |fixture| fixture.kiosk.keyboard_is_shown());
    typing.ask(KeyboardMode::Hide).unwrap();
    typing.focus(ContentPurpose::Normal);
    assert!(!typing.shown());
    typing.ask(KeyboardMode::Auto).unwrap();
    assert!(typing.shown());
    typing.leave();
    typing.ask(KeyboardMode::Show).unwrap();
    typing.pass(std::time::Duration::from_millis(300));
    assert!(typing.shown(), "shown without a field");
}

#[test]
fn a_window_that_never_acknowledges_does_not_keep_the_keyboard_shown() {
    let mut typing = Typing::on("800x480", "us");
    typing.focus(ContentPurpose::Normal);
    typing.draws(BLUE);
    typing.leave();
    typing.until("its end", |fixture| fixture.kiosk.stage.keyboard.place().is_none());
    typing.still();
    assert!(!is_key(&typing.screenshot(), 479));
}

#[test]
fn a_keyboard_shown_again_while_being_hidden_keeps_its_area() {
    let mut typing = Typing::on("800x480", "us");
    typing.focus(ContentPurpose::Normal);
    let small = typing.told();
    typing.draws(BLUE);
    typing.leave();
    typing.until_told((800, 480));
    // The window has not drawn yet when the next field gets the focus.
    typing.focus(ContentPurpose::Normal);
    typing.until_told(small);
    assert!(typing.shown());
}

#[test]
fn the_keyboard_is_not_shown_where_it_is_not_configured() {
    for when in [KeyboardUse::Never, KeyboardUse::External, KeyboardUse::Auto] {
        let mut setup = Setup::bare(&["800x480"]);
        setup.config.keyboard.when = when;
        let mut typing = Typing::with(setup);
        typing.focus(ContentPurpose::Normal);
        // There is neither a touch panel nor a real keyboard.
        assert!(!typing.shown(), "{when:?}");
        let answer = typing.ask(KeyboardMode::Show);
        assert_eq!(answer.is_ok(), when == KeyboardUse::Auto, "{when:?}");
    }
}

#[test]
fn the_keyboard_is_hidden_with_the_client_of_the_field() {
    let mut typing = Typing::on("800x480", "us");
    typing.focus(ContentPurpose::Normal);
    assert!(typing.shown());
    let client = typing.client;
    typing.disconnect(client);
    typing.until("its end", |fixture| fixture.kiosk.stage.keyboard.place().is_none());
    typing.assert_serving();
}

#[test]
fn system_screens_are_over_it_and_nothing_is_typed_under_them() {
    let mut typing = Typing::on("800x480", "us");
    typing.focus(ContentPurpose::Normal);
    let (a, top) = (typing.letter('a'), typing.top());
    let (reply, _) = tokio::sync::oneshot::channel();
    let request = Command::ShowMessage { title: "Closed".into(), text: "Back at nine".into() };
    typing.kiosk.answer(Call { request, reply });
    typing.kiosk.settle();
    typing.until("the message", |fixture| fixture.kiosk.stage.screen().is_some());
    typing.still();
    assert!(!is_key(&typing.screenshot(), top));
    typing.pressed();
    typing.tap(a);
    assert!(typing.pressed().is_empty());
}

#[test]
fn the_keyboard_rotates_with_its_screen_and_so_do_its_touches() {
    let mut typing = Typing::on("800x480", "us");
    typing.focus(ContentPurpose::Normal);
    typing.rotate(90);
    typing.until_told((480, typing.kiosk.stage.keyboard.place().map_or(0, |place| place.area.loc.y)));
    typing.draws(BLUE);
    let place = *typing.kiosk.stage.keyboard.place().unwrap();
    assert_eq!((place.pixels.loc.x, place.pixels.size.w), (0, 480));
    assert_eq!(place.pixels.loc.y + place.pixels.size.h, 800);
    typing.pressed();
    let (x, y) = typing.letter('a');
    // Rotated clockwise by 90°, the picture's left edge is the panel's top.
    typing.tap((800.0 - y, x));
    assert_eq!(typing.pressed(), [30]);
    typing.rotate(0);
    typing.scale(2.0);
    typing.draws(BLUE);
    typing.pressed();
    let at = typing.letter('a');
    typing.tap(at);
    assert_eq!(typing.pressed(), [30]);
}

#[test]
fn an_unchanged_keyboard_draws_nothing() {
    let mut typing = Typing::on("800x480", "us");
    typing.focus(ContentPurpose::Normal);
    typing.draws(BLUE);
    typing.nothing_left_to_do();
    typing.still();
    let frames = typing.panels.frames();
    assert_eq!(typing.wakeups(LONG * 2), 0);
    assert_eq!(typing.panels.frames(), frames);
    let at = typing.letter('q');
    typing.touch_down(0, at);
    typing.still();
    assert!(typing.panels.frames() > frames, "a pressed key is seen");
    typing.touch_up(0);
}

#[test]
fn drawn_up_from_the_lower_edge_it_comes_where_that_is_wanted() {
    for gesture in [false, true] {
        let mut setup = Setup::bare(&["800x480"]);
        setup.config.keyboard.gesture = gesture;
        let mut typing = Typing::with(setup);
        typing.touch_down(0, (400.0, 475.0));
        typing.touch_move(0, (400.0, 440.0));
        assert!(!typing.shown());
        typing.touch_move(0, (402.0, 380.0));
        typing.touch_up(0);
        assert_eq!(typing.shown(), gesture);
        let client = typing.client;
        typing.roundtrip(client);
        let last = typing[client].seen.touch.last().cloned();
        assert_eq!(last == Some(TouchSeen::Cancel), gesture, "the page's touch is void: {last:?}");
    }
}

/// The pixels in the centre of letter keys of the same size.
fn faces(typing: &mut Typing, letters: &str) -> Vec<Vec<[u8; 3]>> {
    const HALF: u32 = 12;
    let spots: Vec<(f64, f64)> = letters.chars().map(|c| typing.letter(c)).collect();
    let shot = typing.screenshot();
    let face = |(x, y): (f64, f64)| {
        let (x, y) = (x as u32, y as u32);
        let rows = y - HALF..y + HALF;
        rows.flat_map(|y| (x - HALF..x + HALF).map(move |x| (x, y))).map(|(x, y)| shot.pixel(x, y)).collect()
    };
    spots.into_iter().map(face).collect()
}

#[test]
fn letters_that_the_built_in_face_lacks_are_no_boxes() {
    for (layout, letters) in [("il", "שלם"), ("ara", "ضصث")] {
        let mut typing = Typing::on("800x480", layout);
        typing.focus(ContentPurpose::Normal);
        let blank = [kiosk_core::config::OnScreenKeyboard::default().key; 576].to_vec();
        for face in faces(&mut typing, letters) {
            assert!(
                face == blank || !typing.kiosk.stage.style.fonts.lacks(letters),
                "no box while they are looked for"
            );
        }
        typing.until("their fonts", |fixture| !fixture.kiosk.stage.style.fonts.lacks(letters));
        typing.still();
        let faces = faces(&mut typing, letters);
        for (number, face) in faces.iter().enumerate() {
            // Missing glyphs would all look the same.
            assert!(*face != blank && !faces[..number].contains(face), "{layout} {number}");
        }
    }
}

#[test]
fn of_a_secret_no_key_is_marked() {
    for (purpose, seen) in [(ContentPurpose::Normal, true), (ContentPurpose::Password, false)] {
        let mut typing = Typing::on("800x480", "us");
        typing.focus(purpose);
        typing.draws(BLUE);
        let (before, e) = (typing.screenshot(), typing.letter('e'));
        typing.touch_down(0, e);
        typing.still();
        assert_eq!(typing.screenshot() != before, seen, "{purpose:?}: the pressed key");
        typing.until("the offer", |fixture| fixture.kiosk.stage.keyboard.board.offer().is_some());
        typing.still();
        let offered = typing.screenshot();
        typing.touch_move(0, (e.0 + 90.0, e.1));
        typing.still();
        assert_eq!(typing.screenshot() != offered, seen, "{purpose:?}: the chosen accent");
        typing.touch_up(0);
        let client = typing.client;
        typing.roundtrip(client);
        assert_eq!(typing.texts().len(), 1, "it is typed all the same");
    }
}
