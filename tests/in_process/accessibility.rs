//! Accessibility aids: keyboard aids, magnifier, inversion and contrast.

use std::time::Duration;

use kiosk_core::config::{Accessibility, Aid, KeyboardUse, SavedState};
use kioskd::{
    backend::capture::Capture,
    command::{Call, Command, Reply},
    input::aids::{BOUNCE, SLOW},
    privilege::Privilege,
};
use wayland_protocols::wp::text_input::zv3::client::zwp_text_input_v3::{ContentHint, ContentPurpose};

use crate::fixture::{
    ClientId, Fixture, Setup,
    hands::keys,
    picture::{BLUE, GREEN, GREY, Picture, RED, YELLOW},
    seen::KeySeen,
};

const LEFT_SHIFT: u32 = 42;
const B: u32 = 48;

fn with(aids: Accessibility) -> (Fixture, ClientId) {
    start(aids, KeyboardUse::Auto)
}

fn start(aids: Accessibility, keyboard: KeyboardUse) -> (Fixture, ClientId) {
    let mut setup = Setup::bare(&["800x480"]);
    setup.config.accessibility = aids;
    setup.config.keyboard.when = keyboard;
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

    /// What the client has read since the last call.
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
    // Held in the usual way, a modifier does not stick after its release.
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
    fixture.kiosk.settings.saved.directory = Some(directory.clone());
    fixture.switch_aid(Aid::StickyKeys, Some(true));
    fixture.switch_aid(Aid::SlowKeys, Some(false));
    assert_eq!(fixture.kiosk.snapshot().accessibility, ["sticky-keys"]);
    let (kept, wrong) = SavedState::load(&directory);
    assert_eq!(
        (kept.accessibility(only(Aid::BounceKeys)), wrong),
        (Accessibility { sticky_keys: true, bounce_keys: true, ..Accessibility::default() }, None)
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
    let all = Accessibility { sticky_keys: true, slow_keys: true, bounce_keys: true, ..Accessibility::default() };
    let (mut fixture, client) = start(all, KeyboardUse::Always);
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

/// The panel's pixels, after all frames that are due.
fn panel(fixture: &mut Fixture) -> Capture {
    fixture.still();
    fixture.panel()
}

/// Saves a picture for visual checks, if a directory is given.
fn keep(name: &str, capture: &Capture) {
    if let Some(directory) = std::env::var_os("KIOSK_TEST_PICTURES") {
        let mut file = std::fs::File::from(capture.to_png().unwrap());
        let mut target = std::fs::File::create(std::path::Path::new(&directory).join(name)).unwrap();
        std::io::copy(&mut file, &mut target).unwrap();
    }
}

#[test]
fn colours_are_inverted_on_the_panel_and_not_in_screenshots() {
    let (mut fixture, client) = with(only(Aid::Invert));
    let window = fixture.map(client, Picture::Solid([250, 100, 0]));
    assert_eq!(panel(&mut fixture).pixel(400, 240), [5, 155, 255]);
    let (reply, mut answer) = tokio::sync::oneshot::channel();
    fixture.kiosk.answer(Call { request: Command::Screenshot { output: None }, reply });
    let Ok(Reply::Png(png)) = answer.try_recv().unwrap() else { panic!("no picture") };
    let mut reader = png::Decoder::new(std::io::BufReader::new(std::fs::File::from(png))).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    assert_eq!(pixels[..3], [250, 100, 0]);
    fixture.switch_aid(Aid::Contrast, Some(true));
    assert_eq!(panel(&mut fixture).pixel(400, 240), [0, 177, 255]);
    // The client still gets its frames, and they are shown.
    fixture.fill(client, &window, Picture::Solid(GREEN));
    fixture.switch_aid(Aid::Contrast, None);
    fixture.switch_aid(Aid::Invert, Some(false));
    assert_eq!(panel(&mut fixture).pixel(400, 240), GREEN);
}

#[test]
fn a_remote_viewer_sees_what_the_screen_shows() {
    let (mut fixture, client) = with(only(Aid::Invert));
    let window = fixture.map(client, Picture::Solid([250, 100, 0]));
    let watcher = fixture.client_of(Privilege::Admin);
    let session = fixture[watcher].capture_session(0, 0);
    fixture.roundtrip(watcher);
    let size = fixture.primary().panel_size();
    let canvas = fixture[watcher].canvas(size.w, size.h);
    let capture = |fixture: &mut Fixture| {
        let frame = fixture[watcher].capture(&session, &canvas);
        fixture.until("a picture", |fixture| fixture[watcher].is_answered(&frame));
        frame.destroy();
        fixture.roundtrip(watcher);
        assert_eq!(canvas.pixels().rgba, panel(fixture).rgba);
        canvas.pixels().pixel(400, 240)
    };
    assert_eq!(capture(&mut fixture), [5, 155, 255]);
    fixture[client].fill(&window, Picture::Solid(GREEN));
    assert_eq!(capture(&mut fixture), [225, 55, 225]);
    fixture.switch_aid(Aid::Invert, Some(false));
    assert_eq!(capture(&mut fixture), GREEN);
    // A pending capture causes no frames.
    fixture[watcher].capture(&session, &canvas);
    fixture.roundtrip(watcher);
    fixture.nothing_left_to_do();
    let frames = fixture.panels.frames();
    assert_eq!(fixture.wakeups(Duration::from_millis(400)), 0);
    assert_eq!(fixture.panels.frames(), frames);
}

#[test]
fn with_an_aid_nothing_new_is_no_frame_and_something_new_is_only_its_rows() {
    let (mut fixture, client) = with(only(Aid::Invert));
    let window = fixture.map(client, Picture::Solid(GREEN));
    fixture.nothing_left_to_do();
    fixture.still();
    let frames = fixture.panels.frames();
    fixture.kiosk.screens.request_redraw();
    fixture.still();
    assert_eq!(fixture.panels.frames(), frames);
    assert_eq!(fixture.wakeups(Duration::from_millis(400)), 0);
    fixture.panels.start_film();
    fixture.point((100.0, 100.0));
    fixture.still();
    fixture.move_mouse((0.0, 8.0));
    fixture.still();
    let film = fixture.panels.take_film();
    assert!(!film.is_empty(), "the pointer is seen");
    for shot in film {
        let rows: i32 = shot.damage.iter().map(|part| part.size.h).sum();
        assert!(rows < 80, "{:?}", shot.damage);
    }
    drop(window);
}

#[test]
fn the_magnifier_shows_what_is_pointed_at_touched_and_typed_twice_as_large() {
    let (mut fixture, client) = with(only(Aid::Magnifier));
    fixture.map(client, Picture::Corners);
    keep("magnifier-start.png", &panel(&mut fixture));
    let plain = fixture.screenshot();
    fixture.touch_down(0, (60.0, 420.0));
    let touched = panel(&mut fixture);
    keep("magnifier-touch.png", &touched);
    // The blue corner is 120 pixels wide.
    assert_eq!((plain.pixel(238, 80), touched.pixel(238, 80), touched.pixel(242, 80)), (GREY, BLUE, GREY));
    assert_eq!(touched.pixel(60, 420), BLUE, "beside it nothing is moved");
    fixture.touch_up(0);
    fixture.point((600.0, 60.0));
    let at_pointer = panel(&mut fixture);
    fixture.short_touch((60.0, 420.0));
    assert!(panel(&mut fixture) == touched, "a touch that begins and ends in one turn of the loop");
    fixture.point((600.0, 61.0));
    fixture.point((600.0, 60.0));
    assert!(panel(&mut fixture) == at_pointer);
    let pointed = panel(&mut fixture);
    keep("magnifier-pointer.png", &pointed);
    assert_eq!(pointed.pixel(10, 60), RED, "it makes room for the pointer");
    assert_eq!((plain.pixel(700, 400), pointed.pixel(700, 400)), (YELLOW, GREEN));
    let input = fixture[client].text_input();
    fixture.roundtrip(client);
    // The text cursor is at (10, 20) of the window.
    fixture[client].focus_field(&input, ContentHint::None, ContentPurpose::Normal);
    fixture.roundtrip(client);
    assert_eq!((plain.pixel(2, 400), panel(&mut fixture).pixel(2, 400)), (BLUE, RED));
}

#[test]
fn aids_rotate_and_scale_with_their_screen() {
    let aids = Accessibility { magnifier: true, invert: true, ..Accessibility::default() };
    let (mut fixture, client) = with(aids);
    fixture.map(client, Picture::Corners);
    fixture.rotate(90);
    fixture.map(client, Picture::Corners);
    let plain = fixture.screenshot();
    let rotated = panel(&mut fixture);
    keep("rotated.png", &rotated);
    let inverted = |[r, g, b]: [u8; 3]| [255 - r, 255 - g, 255 - b];
    // Rotated clockwise by 90°, the picture's left edge is the panel's top: (x, y) is at (799 - y, x).
    assert_eq!(rotated.pixel(799 - 700, 20), inverted(plain.pixel(20, 700)));
    fixture.rotate(0);
    fixture.scale(2.0);
    fixture.map(client, Picture::Corners);
    let plain = fixture.screenshot();
    let scaled = panel(&mut fixture);
    keep("scaled.png", &scaled);
    assert_eq!(scaled.pixel(20, 460), inverted(plain.pixel(20, 460)));
    fixture.touch_down(0, (100.0, 420.0));
    assert_eq!(plain.pixel(200, 80), GREY);
    assert_eq!(panel(&mut fixture).pixel(200, 80), inverted(BLUE));
}
