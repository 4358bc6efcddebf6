//! Keys, pointer and touches: which client gets them.

use kiosk_core::api::State;
use kioskd::stage::splash::Cover;

use crate::fixture::{
    ClientId, Fixture, Setup,
    hands::keys,
    picture::{GREEN, Picture, RED},
    seen::{KeySeen, PointerSeen, TouchSeen},
};

fn typed(fixture: &Fixture, client: ClientId) -> Vec<(u32, bool)> {
    let keys = fixture[client].seen.keyboard.iter();
    keys.filter_map(|seen| if let KeySeen::Key { code, pressed } = seen { Some((*code, *pressed)) } else { None })
        .collect()
}

#[test]
fn keys_that_switch_the_terminal_are_never_seen_by_a_client() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    fixture.map(client, Picture::Solid(RED));
    fixture.key(keys::LEFT_CTRL, true);
    fixture.key(keys::LEFT_ALT, true);
    fixture.key(keys::F2, true);
    assert_eq!(fixture.panels.virtual_terminals(), [2]);
    fixture.key(keys::F2, false);
    fixture.key(keys::LEFT_ALT, false);
    fixture.key(keys::LEFT_CTRL, false);
    fixture.tap_key(keys::F2);
    fixture.tap_key(keys::A);
    fixture.roundtrip(client);
    let seen = typed(&fixture, client);
    let modifiers =
        [(keys::LEFT_CTRL, true), (keys::LEFT_ALT, true), (keys::LEFT_ALT, false), (keys::LEFT_CTRL, false)];
    let plain = [(keys::F2, true), (keys::F2, false), (keys::A, true), (keys::A, false)];
    assert_eq!(seen, [&modifiers[..], &plain[..]].concat());
    assert_eq!(fixture.panels.virtual_terminals(), [2], "a release, or F2 alone, switched too");
}

#[test]
fn keys_that_switch_the_terminal_work_under_grabs_and_under_the_splash() {
    let mut fixture = Setup::kiosk(&["320x200"]).start();
    fixture.key(keys::LEFT_CTRL, true);
    fixture.key(keys::LEFT_ALT, true);
    fixture.tap_key(keys::F2);
    assert_eq!(fixture.panels.virtual_terminals(), [2]);
}

#[test]
fn the_release_of_a_key_that_switched_is_hidden_in_whatever_order_the_fingers_leave() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    fixture.map(client, Picture::Solid(RED));
    for code in [keys::LEFT_CTRL, keys::LEFT_ALT, keys::F2] {
        fixture.key(code, true);
    }
    fixture.key(keys::LEFT_CTRL, false);
    fixture.key(keys::F2, false);
    // Again, but the other terminal gets the keyboard before any of them is released.
    fixture.key(keys::LEFT_CTRL, true);
    fixture.key(keys::F2, true);
    fixture.kiosk.session_paused();
    fixture.kiosk.session_resumed();
    fixture.tap_key(keys::A);
    fixture.roundtrip(client);
    let seen = typed(&fixture, client);
    assert!(!seen.iter().any(|(code, _)| *code == keys::F2), "{seen:?}");
    let down = |code| seen.iter().filter(|(key, pressed)| *key == code && *pressed).count();
    let up = |code| seen.iter().filter(|(key, pressed)| *key == code && !*pressed).count();
    for code in [keys::LEFT_CTRL, keys::LEFT_ALT, keys::A] {
        assert_eq!(down(code), up(code), "{seen:?}");
    }
}

#[test]
fn terminals_are_not_switched_where_the_configuration_forbids_it() {
    let mut setup = Setup::bare(&["320x200"]);
    setup.config.input.vt_switching = false;
    let mut fixture = setup.start();
    fixture.key(keys::LEFT_CTRL, true);
    fixture.key(keys::LEFT_ALT, true);
    fixture.tap_key(keys::F2);
    assert!(fixture.panels.virtual_terminals().is_empty());
}

#[test]
fn terminals_are_switched_against_the_configuration_where_cages_option_says_so() {
    let mut setup = Setup::bare(&["320x200"]);
    setup.config.input.vt_switching = false;
    setup.options.push("-s");
    let mut fixture = setup.start();
    fixture.key(keys::LEFT_CTRL, true);
    fixture.key(keys::LEFT_ALT, true);
    fixture.tap_key(keys::F2);
    assert_eq!(fixture.panels.virtual_terminals(), [2]);
}

#[test]
fn input_does_not_reach_a_page_that_the_splash_covers() {
    let mut fixture = Setup::kiosk(&["320x200"]).start();
    let mut session = fixture.session();
    let client = fixture.client();
    fixture.map(client, Picture::Solid(RED));
    fixture.tap_key(keys::A);
    fixture.point((50.0, 50.0));
    fixture.click();
    fixture.touch_down(0, (50.0, 50.0));
    fixture.touch_up(0);
    // The release of a key that was pressed before the page appeared is not sent to the page.
    fixture.key(keys::ESC, true);
    fixture.report(&mut session, State::Ready);
    fixture.until("the page", |fixture| fixture.kiosk.stage.shells[0].cover == Cover::Gone);
    fixture.key(keys::ESC, false);
    fixture.roundtrip(client);
    assert_eq!(typed(&fixture, client), []);
    assert_eq!(fixture[client].seen.touch, []);
    let clicked = fixture[client].seen.pointer.iter().any(|seen| matches!(seen, PointerSeen::Button { .. }));
    assert!(!clicked);
    // Now the page gets all input.
    fixture.tap_key(keys::A);
    fixture.point((60.0, 50.0));
    fixture.click();
    fixture.touch_down(0, (50.0, 50.0));
    fixture.roundtrip(client);
    assert_eq!(typed(&fixture, client).len(), 2);
    assert_eq!(fixture[client].seen.touch.len(), 1);
    let clicks = fixture[client].seen.pointer.iter().filter(|seen| matches!(seen, PointerSeen::Button { .. })).count();
    assert_eq!(clicks, 2);
}

#[test]
fn a_modifier_that_was_held_when_the_page_came_is_not_held_for_ever() {
    let mut fixture = Setup::kiosk(&["320x200"]).start();
    let mut session = fixture.session();
    fixture.key(keys::LEFT_CTRL, true);
    let client = fixture.client();
    fixture.map(client, Picture::Solid(RED));
    fixture.report(&mut session, State::Ready);
    fixture.until("the page", |fixture| fixture.kiosk.stage.shells[0].cover == Cover::Gone);
    fixture.roundtrip(client);
    assert_ne!(fixture[client].seen.modifiers, 0, "a window is told what is held when it gets the focus");
    fixture.key(keys::LEFT_CTRL, false);
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.modifiers, 0);
}

#[test]
fn keys_held_when_another_terminal_takes_over_are_released() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    fixture.map(client, Picture::Solid(RED));
    fixture.key(keys::A, true);
    fixture.kiosk.session_paused();
    fixture.roundtrip(client);
    assert_eq!(typed(&fixture, client), [(keys::A, true), (keys::A, false)]);
}

#[test]
fn the_cursor_is_hidden_until_a_pointer_moves_and_fingers_do_not_show_it() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    fixture.map(client, Picture::Solid(GREEN));
    let clean = fixture.panel();
    fixture.touch_down(0, (50.0, 50.0));
    fixture.touch_move(0, (60.0, 60.0));
    fixture.touch_up(0);
    fixture.roundtrip(client);
    fixture.still();
    assert_eq!(fixture.panel(), clean, "a finger showed the cursor");
    fixture.point((100.0, 100.0));
    fixture.still();
    let shown = fixture.panel();
    assert_ne!(shown, clean, "a moving pointer is not seen");
    // The arrow's tip is at the pointer's position.
    let touched = |x: u32, y: u32| shown.pixel(x, y) != clean.pixel(x, y);
    assert!((0..4).any(|d| touched(100 + d, 100 + d)), "not where the pointer is");
    assert!(!touched(90, 90));
    assert_eq!(fixture.screenshot(), clean, "the cursor is in the screenshot");
    // The rest of the three seconds, without waiting.
    let later = fixture.kiosk.now() + kioskd::stage::cursor::HIDE_TIMEOUT;
    assert!(fixture.kiosk.stage.cursor.rest(later));
    fixture.kiosk.screens.request_redraw();
    fixture.turn(std::time::Duration::ZERO);
    fixture.still();
    assert_eq!(fixture.panel(), clean, "the cursor left traces");
}

#[test]
fn the_cursor_goes_by_itself_when_the_pointer_rests() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    fixture.map(client, Picture::Solid(GREEN));
    let clean = fixture.panel();
    fixture.point((100.0, 100.0));
    fixture.still();
    assert_ne!(fixture.panel(), clean);
    fixture.until("the pointer's rest", |fixture| !fixture.kiosk.stage.cursor.is_visible());
    fixture.still();
    assert_eq!(fixture.panel(), clean);
}

#[test]
fn the_keyboard_is_as_configured() {
    let mut setup = Setup::bare(&["320x200"]);
    let keyboard = &mut setup.config.input.keyboard;
    (keyboard.layout, keyboard.repeat_rate, keyboard.repeat_delay) = ("de".into(), 7, 1_234);
    let mut fixture = setup.start();
    let client = fixture.client();
    fixture.roundtrip(client);
    let seen = &fixture[client].seen;
    assert_eq!(seen.repeat, Some((7, 1_234)));
    assert!(seen.keymap.contains("adiaeresis"), "no German keymap");
}

#[test]
fn the_cursor_rotates_with_the_screen() {
    for degrees in [90, 180, 270] {
        let mut fixture = Fixture::new(&["320x200"]);
        let client = fixture.client();
        fixture.rotate(degrees);
        fixture.map(client, Picture::Solid(GREEN));
        let clean = fixture.panel();
        fixture.point((160.0, 100.0));
        fixture.still();
        let shown = fixture.panel();
        // From the tip in the middle, the arrow's body points to the picture's lower right.
        let (dx, dy) = match degrees {
            90 => (-1, 1),
            180 => (-1, -1),
            _ => (1, -1),
        };
        let at = |step: i32| ((160 + dx * step) as u32, (100 + dy * step) as u32);
        let drawn =
            (3..8).filter(|step| shown.pixel(at(*step).0, at(*step).1) != clean.pixel(at(*step).0, at(*step).1));
        assert!(drawn.count() >= 4, "the arrow points elsewhere at {degrees}");
    }
}

#[test]
fn the_cursor_stays_on_the_screen() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    fixture.map(client, Picture::Solid(GREEN));
    fixture.move_mouse((50.0, 50.0));
    fixture.move_mouse((100_000.0, 100_000.0));
    fixture.move_mouse((-5.0, -5.0));
    fixture.roundtrip(client);
    let last = fixture[client].seen.pointer.iter().rev().find_map(|seen| match seen {
        PointerSeen::Motion { x, y } => Some((*x, *y)),
        _ => None,
    });
    assert_eq!(last, Some((314.0, 194.0)));
}

#[test]
fn many_fingers_are_told_apart() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    for finger in 0..10u32 {
        fixture.touch_down(finger, (f64::from(finger) * 20.0 + 5.0, 40.0));
    }
    for finger in 0..10u32 {
        fixture.touch_move(finger, (f64::from(finger) * 20.0 + 5.0, 80.0));
    }
    for finger in (0..10u32).rev() {
        fixture.touch_up(finger);
    }
    fixture.roundtrip(client);
    let seen = &fixture[client].seen.touch;
    for finger in 0..10 {
        let own: Vec<_> = seen
            .iter()
            .filter(|seen| match seen {
                TouchSeen::Down { finger: id, .. }
                | TouchSeen::Motion { finger: id, .. }
                | TouchSeen::Up { finger: id } => *id == finger,
                TouchSeen::Cancel => false,
            })
            .collect();
        let x = f64::from(finger) * 20.0 + 5.0;
        let near = |a: f64, b: f64| (a - b).abs() < 0.05;
        let as_felt = matches!(own[..], [
            TouchSeen::Down { surface, x: dx, y: dy, .. },
            TouchSeen::Motion { x: mx, y: my, .. },
            TouchSeen::Up { .. },
        ] if *surface == window.id() && near(*dx, x) && near(*dy, 40.0) && near(*mx, x) && near(*my, 80.0));
        assert!(as_felt, "finger {finger}: {own:?}");
    }
}

#[test]
fn a_cancelled_touch_ends_without_a_release() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    fixture.map(client, Picture::Solid(RED));
    fixture.touch_down(0, (10.0, 10.0));
    fixture.touch_down(1, (20.0, 10.0));
    fixture.touch_cancel();
    fixture.roundtrip(client);
    let seen = fixture[client].seen.touch.clone();
    assert!(seen.contains(&TouchSeen::Cancel), "{seen:?}");
    assert!(!seen.iter().any(|seen| matches!(seen, TouchSeen::Up { .. })), "{seen:?}");
    // Later events of those touches do not begin a new one.
    fixture.touch_move(0, (30.0, 30.0));
    fixture.touch_up(0);
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.touch.len(), seen.len());
    fixture.touch_down(0, (30.0, 30.0));
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.touch.len(), seen.len() + 1);
}

#[test]
fn a_touch_during_which_the_screen_is_rotated_is_cancelled() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    fixture.map(client, Picture::Solid(RED));
    fixture.touch_down(0, (10.0, 10.0));
    fixture.rotate(90);
    fixture.roundtrip(client);
    assert!(fixture[client].seen.touch.contains(&TouchSeen::Cancel), "{:?}", fixture[client].seen.touch);
}

#[test]
fn a_finger_that_stays_down_while_the_screen_is_rotated_is_cancelled_until_it_is_lifted() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    fixture.map(client, Picture::Solid(RED));
    fixture.touch_down(0, (10.0, 10.0));
    fixture.touch_down(1, (60.0, 10.0));
    fixture.touch_move(0, (20.0, 20.0));
    fixture.rotate(90);
    fixture.roundtrip(client);
    let seen = fixture[client].seen.touch.len();
    assert_eq!(fixture[client].seen.touch.last(), Some(&TouchSeen::Cancel));
    fixture.touch_move(0, (30.0, 30.0));
    fixture.touch_move(1, (70.0, 30.0));
    fixture.touch_up(0);
    fixture.touch_move(1, (80.0, 30.0));
    // A new touch counts while the old one is still down, also with the number of a lifted finger.
    fixture.touch_down(0, (160.0, 100.0));
    fixture.touch_move(1, (90.0, 30.0));
    fixture.touch_up(0);
    fixture.touch_up(1);
    fixture.roundtrip(client);
    let after = &fixture[client].seen.touch[seen..];
    assert!(matches!(after, [TouchSeen::Down { .. }, TouchSeen::Up { .. }]), "{after:?}");
    assert_eq!(fixture.kiosk.seat.finger(), None);
}

#[test]
fn a_pointer_stays_in_a_picture_that_gets_another_shape() {
    let place = |fixture: &Fixture| {
        let at = fixture.kiosk.seat.seat.get_pointer().unwrap().current_location();
        (at.x, at.y)
    };
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    fixture.map(client, Picture::Solid(RED));
    fixture.move_mouse((310.0, 150.0));
    fixture.rotate(90);
    assert_eq!(place(&fixture), (199.0, 150.0));
    fixture.roundtrip(client);
    let told = fixture[client].seen.pointer.iter().rev().find_map(|seen| match seen {
        PointerSeen::Motion { x, .. } | PointerSeen::Enter { x, .. } => Some(*x),
        _ => None,
    });
    assert_eq!(told, Some(199.0), "the page knows where the pointer is");
    fixture.move_mouse((0.0, 200.0));
    fixture.scale(2.0);
    assert_eq!(place(&fixture), (99.0, 159.0));
    fixture.rotate(0);
    assert_eq!(place(&fixture), (99.0, 99.0));
    fixture.scale(1.0);
    assert_eq!(place(&fixture), (99.0, 99.0), "a larger picture moves nothing");
    assert!(fixture.kiosk.stage.cursor.is_visible(), "it was moved a moment ago");
}

#[test]
fn a_pointer_at_rest_is_not_shown_by_a_change_of_the_screen() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    fixture.map(client, Picture::Solid(RED));
    fixture.move_mouse((310.0, 150.0));
    let later = fixture.kiosk.now() + kioskd::stage::cursor::HIDE_TIMEOUT;
    assert!(fixture.kiosk.stage.cursor.rest(later));
    fixture.rotate(90);
    assert!(!fixture.kiosk.stage.cursor.is_visible());
}

#[test]
fn a_finger_belongs_to_the_window_it_came_down_on() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let shell = fixture.map(client, Picture::Solid(RED));
    let dialog = fixture[client].toplevel();
    dialog.toplevel.set_parent(Some(&shell.toplevel));
    dialog.surface.commit();
    fixture.roundtrip(client);
    fixture[client].draw(&dialog.surface, Picture::Solid(GREEN), 100, 60);
    fixture.roundtrip(client);
    // A touch that moves from the dialog to the shell stays the dialog's, beyond its edge.
    fixture.touch_down(0, (160.0, 100.0));
    fixture.touch_move(0, (10.0, 10.0));
    fixture.touch_up(0);
    fixture.roundtrip(client);
    match &fixture[client].seen.touch[..] {
        [TouchSeen::Down { surface, .. }, TouchSeen::Motion { x, y, .. }, TouchSeen::Up { .. }] => {
            assert_eq!(*surface, dialog.id());
            assert!((x - -100.0).abs() < 0.1 && (y - -60.0).abs() < 0.1, "{x},{y}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_window_that_goes_in_the_middle_of_everything_leaves_nothing_hanging() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    // The window is unmapped during a touch and a key press: both end.
    fixture.touch_down(0, (10.0, 10.0));
    fixture.key(keys::A, true);
    fixture.button(true);
    window.destroy();
    fixture.roundtrip(client);
    fixture.touch_move(0, (20.0, 20.0));
    fixture.touch_up(0);
    fixture.key(keys::A, false);
    fixture.button(false);
    fixture.assert_serving();
}
