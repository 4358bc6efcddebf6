//! Input that is faster than a page reads: a page that is busy for a while is not disconnected.

use std::time::{Duration, Instant};

use kiosk_core::config::Shell;
use kioskd::{command::OutputChange, input::stuck::LONGEST_TOUCH};

use wayland_client::{Connection, Dispatch, QueueHandle, delegate_noop};
use wayland_protocols::wp::pointer_gestures::zv1::client::{
    zwp_pointer_gesture_swipe_v1::{self, ZwpPointerGestureSwipeV1},
    zwp_pointer_gestures_v1::ZwpPointerGesturesV1,
};

use crate::fixture::{
    ClientId, Fixture, Setup,
    client::Toplevel,
    hands::{LEFT_BUTTON, keys},
    picture::{GREEN, Picture, RED},
    seen::{Extra, KeySeen, PointerSeen, Seen, TouchSeen},
    tools::{Kind, Spec, Tool},
};

/// A socket has room for some three hundred unread events; a mouse sends a thousand in a second.
const MANY: usize = 3000;

fn with_page() -> (Fixture, ClientId) {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    fixture.map(client, Picture::Solid(RED));
    fixture.point((100.0, 100.0));
    fixture.roundtrip(client);
    (fixture, client)
}

/// The page has read all events, and is still connected.
#[track_caller]
fn reads_again(fixture: &mut Fixture, client: ClientId) {
    fixture.roundtrip(client);
    assert_eq!(fixture.kiosk.stage.windows.iter().count(), 1, "the page was lost");
}

#[test]
fn a_mouse_that_moves_over_a_page_that_is_busy_does_not_cost_the_page() {
    let (mut fixture, client) = with_page();
    for number in 0..MANY {
        fixture.move_mouse((if number % 2 == 0 { 5.0 } else { -5.0 }, 0.0));
        fixture.turn_alone();
    }
    assert!(fixture.kiosk.stage.cursor.is_visible(), "the cursor follows the hand all the same");
    reads_again(&mut fixture, client);
    let motions = |fixture: &Fixture| {
        fixture[client].seen.pointer.iter().filter(|seen| matches!(seen, PointerSeen::Motion { .. })).count()
    };
    assert!(motions(&fixture) < MANY / 4, "{} were told", motions(&fixture));
    let told = motions(&fixture);
    fixture.move_mouse((5.0, 5.0));
    fixture.roundtrip(client);
    assert!(motions(&fixture) > told, "who reads is told again");
}

#[test]
fn a_click_after_a_movement_that_was_not_told_is_where_the_pointer_is() {
    let (mut fixture, client) = with_page();
    for number in 0..MANY {
        fixture.move_mouse((if number % 2 == 0 { 5.0 } else { -5.0 }, 0.0));
        fixture.turn_alone();
    }
    fixture.point((40.0, 30.0));
    // It reads, and the mouse does not move.
    let there =
        |seen: &PointerSeen| matches!(seen, PointerSeen::Motion { x, y } if (x.round(), y.round()) == (40.0, 30.0));
    fixture.until("the place that was missed", |fixture| fixture[client].seen.pointer.iter().any(there));
    fixture.click();
    reads_again(&mut fixture, client);
    let button = |pressed| PointerSeen::Button { code: LEFT_BUTTON, pressed };
    let clicks: Vec<_> =
        fixture[client].seen.pointer.iter().filter(|seen| matches!(seen, PointerSeen::Button { .. })).collect();
    assert_eq!(clicks, [&button(true), &button(false)]);
}

#[test]
fn fingers_on_a_page_that_is_busy_do_not_cost_the_page_and_all_of_them_end() {
    let (mut fixture, client) = with_page();
    fixture.touch_down(0, (20.0, 20.0));
    for number in 0..MANY {
        fixture.touch_move(0, (20.0 + (number % 50) as f64, 30.0));
        fixture.turn_alone();
    }
    for _ in 0..MANY {
        fixture.touch_down(1, (50.0, 50.0));
        fixture.touch_up(1);
        fixture.turn_alone();
    }
    fixture.touch_up(0);
    reads_again(&mut fixture, client);
    let mut down = Vec::new();
    for seen in &fixture[client].seen.touch {
        match seen {
            TouchSeen::Down { finger, .. } => down.push(*finger),
            TouchSeen::Up { finger } => down.retain(|known| known != finger),
            TouchSeen::Motion { finger, .. } => assert!(down.contains(finger), "{finger} moved and was not down"),
            TouchSeen::Cancel => down.clear(),
        }
    }
    assert!(down.is_empty(), "{down:?} are down for ever");
    fixture.touch_down(0, (20.0, 20.0));
    fixture.roundtrip(client);
    assert!(matches!(fixture[client].seen.touch.last(), Some(TouchSeen::Down { .. })));
}

#[test]
fn a_keyboard_that_types_for_hours_at_a_page_that_is_busy_does_not_cost_the_page() {
    let (mut fixture, client) = with_page();
    for _ in 0..MANY {
        fixture.tap_key(keys::A);
        fixture.turn_alone();
    }
    reads_again(&mut fixture, client);
    let pressed = |wanted: bool| move |seen: &&KeySeen| matches!(seen, KeySeen::Key { code: keys::A, pressed } if *pressed == wanted);
    let count = |fixture: &Fixture, wanted| fixture[client].seen.keyboard.iter().filter(pressed(wanted)).count();
    assert_eq!(count(&fixture, true), count(&fixture, false), "no key is held for ever");
    assert!(count(&fixture, true) < MANY / 4);
    let before = count(&fixture, true);
    fixture.tap_key(keys::A);
    fixture.roundtrip(client);
    assert_eq!(count(&fixture, true), before + 1);
}

/// A page that was busy long enough to get no motion events any more.
fn page_that_is_busy() -> (Fixture, ClientId) {
    let (mut fixture, client) = with_page();
    for number in 0..MANY / 10 {
        fixture.move_mouse((if number % 2 == 0 { 5.0 } else { -5.0 }, 0.0));
        fixture.turn_alone();
    }
    (fixture, client)
}

#[test]
fn presses_keys_and_fingers_during_a_short_stall_reach_the_page_where_they_were() {
    let (mut fixture, client) = page_that_is_busy();
    fixture.point((40.0, 30.0));
    fixture.button(true);
    fixture.point((60.0, 35.0));
    fixture.button(false);
    fixture.tap_key(keys::A);
    fixture.touch_down(0, (20.0, 20.0));
    fixture.touch_move(0, (90.0, 25.0));
    fixture.touch_up(0);
    fixture.turn_alone();
    reads_again(&mut fixture, client);
    let seen = &fixture[client].seen;
    let places: Vec<_> = (seen.pointer.iter())
        .filter(|seen| matches!(seen, PointerSeen::Motion { .. } | PointerSeen::Button { .. }))
        .map(|seen| match seen {
            PointerSeen::Motion { x, y } => (x.round(), y.round(), None),
            PointerSeen::Button { pressed, .. } => (0.0, 0.0, Some(*pressed)),
            _ => unreachable!(),
        })
        .collect();
    let wanted = [(40.0, 30.0, None), (0.0, 0.0, Some(true)), (60.0, 35.0, None), (0.0, 0.0, Some(false))];
    assert!(places.ends_with(&wanted), "{:?}", &places[places.len().saturating_sub(6)..]);
    assert!(places.len() < MANY / 10, "movements were held back");
    let key = |pressed| KeySeen::Key { code: keys::A, pressed };
    assert!(seen.keyboard.ends_with(&[key(true), key(false)]));
    let [TouchSeen::Down { .. }, TouchSeen::Motion { x, .. }, TouchSeen::Up { .. }] = seen.touch[..] else {
        panic!("{:?}", seen.touch)
    };
    assert_eq!(x.round(), 90.0, "where the finger was lifted");
}

#[test]
fn clicks_for_minutes_at_a_page_that_hangs_do_not_cost_the_page_and_each_press_has_its_release() {
    let (mut fixture, client) = page_that_is_busy();
    for _ in 0..MANY {
        fixture.click();
        fixture.turn_alone();
    }
    reads_again(&mut fixture, client);
    let count = |wanted: bool| {
        let is = |seen: &&PointerSeen| matches!(seen, PointerSeen::Button { pressed, .. } if *pressed == wanted);
        fixture[client].seen.pointer.iter().filter(is).count()
    };
    assert_eq!(count(true), count(false));
    assert!((10..MANY / 10).contains(&count(true)), "{} were told", count(true));
}

/// A shell on each of two screens; the first one's client hangs, with the pointer on it.
fn beside_a_page_that_hangs() -> (Fixture, ClientId, ClientId, Toplevel) {
    let mut setup = Setup::bare(&["320x200", "320x200"]);
    let shell = |output: &str| Shell { output: output.into(), ..Shell::default() };
    setup.config.shells = vec![shell("HEADLESS-1"), shell("HEADLESS-2")];
    let mut fixture = setup.start();
    let (hangs, reads) = (fixture.client_of_shell(0), fixture.client_of_shell(1));
    fixture.map(hangs, Picture::Solid(RED));
    let window = fixture.map(reads, Picture::Solid(GREEN));
    fixture.point((100.0, 100.0));
    fixture.roundtrip(hangs);
    fixture[hangs].hangs = true;
    for number in 0..MANY / 10 {
        fixture.move_mouse((if number % 2 == 0 { 5.0 } else { -5.0 }, 0.0));
        fixture.turn_alone();
    }
    (fixture, hangs, reads, window)
}

#[test]
fn a_page_that_hangs_does_not_keep_the_mouse_from_another_screen() {
    let (mut fixture, hangs, reads, window) = beside_a_page_that_hangs();
    fixture.move_mouse((320.0, 0.0));
    fixture.roundtrip(reads);
    let seen = &fixture[reads].seen.pointer;
    assert!(matches!(seen[..], [PointerSeen::Enter { ref surface, .. }] if *surface == window.id()), "{seen:?}");
    fixture.click();
    fixture.roundtrip(reads);
    let button = |pressed| PointerSeen::Button { code: LEFT_BUTTON, pressed };
    let seen = &fixture[reads].seen.pointer;
    assert!(seen.ends_with(&[button(true), button(false)]), "{seen:?}");
    fixture[hangs].hangs = false;
    fixture.roundtrip(hangs);
    assert!(matches!(fixture[hangs].seen.pointer.last(), Some(PointerSeen::Leave { .. })));
}

#[test]
fn a_page_that_hangs_for_ever_does_not_wake_the_loop_for_ever() {
    let (mut fixture, _, _, _) = beside_a_page_that_hangs();
    fixture.nothing_left_to_do();
    fixture.move_mouse((1.0, 0.0));
    let woken = fixture.wakeups(Duration::from_secs(2));
    assert!(woken <= 4, "woken {woken} times in 2 s");
}

const MOUSE: Spec = Spec {
    id: "event8",
    name: "Mouse",
    kind: Kind::Pointer,
    model: Some((0x046d, 0xc077)),
    port: Some("1-2"),
    serial: None,
    size: None,
    hint: None,
};
const KEYBOARD: Spec = Spec { id: "event9", name: "Keyboard", kind: Kind::Keyboard, ..MOUSE };

#[test]
fn a_device_with_a_million_events_a_second_is_switched_off_and_the_rest_goes_on() {
    let (mut fixture, client) = with_page();
    let (flood, mouse) = (fixture.plug_in(MOUSE), fixture.plug_in(Spec { id: "event9", port: Some("1-3"), ..MOUSE }));
    fixture.button_with(&flood, true);
    let started = Instant::now();
    for _ in 0..10 {
        fixture.flood_with(&flood, 100_000);
        fixture.turn_alone();
    }
    // Holds without optimisation, too; handling each event would take many times as long.
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert_eq!(flood.applied().last().and_then(|set| set.disable), Some(true), "the kernel need not read it");
    reads_again(&mut fixture, client);
    let released = PointerSeen::Button { code: LEFT_BUTTON, pressed: false };
    assert!(fixture[client].seen.pointer.contains(&released), "its button is held for ever");
    assert_eq!(mouse.applied(), []);
    let before = fixture[client].seen.pointer.len();
    fixture.move_with(&mouse, (3.0, 3.0));
    fixture.roundtrip(client);
    assert!(fixture[client].seen.pointer.len() > before, "the other mouse is heard");
}

#[test]
fn a_keyboard_with_a_million_events_a_second_leaves_no_key_held() {
    let (mut fixture, client) = with_page();
    let flood = fixture.plug_in(KEYBOARD);
    for _ in 0..10 {
        fixture.flood_keys_with(&flood, 99_999);
        fixture.turn_alone();
    }
    assert_eq!(flood.applied().last().and_then(|set| set.disable), Some(true));
    reads_again(&mut fixture, client);
    let count = |wanted: bool| {
        let is = |seen: &&KeySeen| matches!(seen, KeySeen::Key { pressed, .. } if *pressed == wanted);
        fixture[client].seen.keyboard.iter().filter(is).count()
    };
    assert_eq!(count(true), count(false));
}

#[test]
fn a_finger_that_is_never_lifted_is_taken_for_lifted_and_the_others_are_single_ones() {
    let (mut fixture, client) = with_page();
    let panel = fixture.plug_in(Spec { id: "event3", name: "Panel", kind: Kind::Touch, ..MOUSE });
    fixture.finger_down(&panel, 0, (0.25, 0.5));
    let now = fixture.kiosk.now();
    fixture.kiosk.give_up_stuck_fingers(now + LONGEST_TOUCH / 2);
    fixture.roundtrip(client);
    assert!(matches!(fixture[client].seen.touch[..], [TouchSeen::Down { .. }]), "the finger was lifted too early");
    fixture.kiosk.give_up_stuck_fingers(now + LONGEST_TOUCH);
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.touch.last(), Some(&TouchSeen::Cancel));
    // The stuck touch moves a little.
    let seen = fixture[client].seen.touch.len();
    fixture.finger_move(&panel, 0, (0.26, 0.5));
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.touch.len(), seen);
    fixture.finger_down(&panel, 1, (0.75, 0.5));
    fixture.finger_up(&panel, 1);
    fixture.roundtrip(client);
    let after = &fixture[client].seen.touch[seen..];
    assert!(matches!(after, [TouchSeen::Down { finger: 0, .. }, TouchSeen::Up { finger: 0 }]), "{after:?}");
    // It is released, and the next touch with its number counts.
    fixture.finger_up(&panel, 0);
    fixture.finger_down(&panel, 0, (0.25, 0.5));
    fixture.roundtrip(client);
    assert!(matches!(fixture[client].seen.touch[seen + 2..], [TouchSeen::Down { .. }]));
}

#[test]
fn a_finger_that_is_never_lifted_neither_lights_the_screens_nor_keeps_others_from_it() {
    let (mut fixture, client) = with_page();
    let panel = fixture.plug_in(Spec { id: "event3", name: "Panel", kind: Kind::Touch, ..MOUSE });
    let off = || OutputChange { power: Some(false), ..OutputChange::default() };
    fixture.change(off()).unwrap();
    // It switches the screens on, and is withheld from the page with all later touches until it is lifted.
    fixture.finger_down(&panel, 0, (0.25, 0.5));
    assert!(fixture.primary().power);
    let now = fixture.kiosk.now();
    fixture.kiosk.give_up_stuck_fingers(now + LONGEST_TOUCH);
    fixture.change(off()).unwrap();
    fixture.finger_move(&panel, 0, (0.26, 0.5));
    assert!(!fixture.primary().power, "a panel that sticks lit the screens");
    fixture.finger_down(&panel, 1, (0.75, 0.5));
    fixture.finger_up(&panel, 1);
    assert!(fixture.primary().power);
    fixture.finger_down(&panel, 1, (0.75, 0.5));
    fixture.roundtrip(client);
    assert!(matches!(fixture[client].seen.touch.last(), Some(TouchSeen::Down { .. })), "the page is touched no more");
}

const PANEL: Spec = Spec { id: "event3", name: "Panel", kind: Kind::Touch, ..MOUSE };

#[test]
fn a_panel_that_is_switched_off_has_no_finger_that_could_stick() {
    let (mut fixture, client) = with_page();
    let (flood, panel) = (fixture.plug_in(PANEL), fixture.plug_in(Spec { id: "event4", port: Some("1-4"), ..PANEL }));
    fixture.finger_down(&flood, 0, (0.25, 0.5));
    let then = fixture.kiosk.now();
    fixture.flood_with(&flood, 10_000);
    assert_eq!(flood.applied().last().and_then(|set| set.disable), Some(true));
    fixture.until("a moment later", |fixture| fixture.kiosk.now() > then + Duration::from_millis(2));
    fixture.finger_down(&panel, 0, (0.75, 0.5));
    fixture.kiosk.give_up_stuck_fingers(then + LONGEST_TOUCH);
    fixture.roundtrip(client);
    let seen = &fixture[client].seen.touch;
    assert!(matches!(seen.last(), Some(TouchSeen::Down { .. })), "another panel's finger was lifted: {seen:?}");
}

#[test]
fn a_swipe_of_a_touchpad_that_is_switched_off_is_cancelled() {
    let (mut fixture, client) = with_page();
    let gestures: ZwpPointerGesturesV1 = fixture[client].bind();
    let (pointer, handle) = (fixture[client].bound().pointer.clone(), fixture[client].handle.clone());
    gestures.get_swipe_gesture(&pointer, &handle, ());
    fixture.roundtrip(client);
    let pad = fixture.plug_in(MOUSE);
    fixture.swipe_with(&pad);
    fixture.flood_with(&pad, 10_000);
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.extra, [Extra::Swipe { cancelled: None }, Extra::Swipe { cancelled: Some(true) }]);
}

#[test]
fn the_end_of_an_earlier_rest_does_not_end_a_later_one() {
    let (mut fixture, _) = with_page();
    let first = fixture.plug_in(MOUSE);
    fixture.flood_with(&first, 10_000);
    fixture.pull_out(&first);
    // The kernel reuses the name for the next device.
    let second = fixture.plug_in(MOUSE);
    fixture.turn_alone();
    fixture.flood_with(&second, 10_000);
    let off = |tool: &Tool| tool.applied().last().and_then(|set| set.disable);
    assert_eq!(off(&second), Some(true));
    fixture.kiosk.end_rest(MOUSE.id, 1);
    assert_eq!(off(&second), Some(true), "it rests for the first one's fault");
    fixture.kiosk.end_rest(MOUSE.id, 2);
    assert_eq!(off(&second), Some(false));
}

impl Dispatch<ZwpPointerGestureSwipeV1, ()> for Seen {
    fn event(
        seen: &mut Self,
        _: &ZwpPointerGestureSwipeV1,
        event: zwp_pointer_gesture_swipe_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        let cancelled = match event {
            zwp_pointer_gesture_swipe_v1::Event::Begin { .. } => None,
            zwp_pointer_gesture_swipe_v1::Event::End { cancelled, .. } => Some(cancelled == 1),
            _ => return,
        };
        seen.extra.push(Extra::Swipe { cancelled });
    }
}

delegate_noop!(Seen: ZwpPointerGesturesV1);
