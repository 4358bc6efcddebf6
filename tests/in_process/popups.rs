//! Menus and other popups: kept on the screen with any rules, with grabs, and dismissed by a click outside.

use wayland_protocols::xdg::shell::client::xdg_positioner::{Anchor, ConstraintAdjustment, Gravity};

use crate::fixture::{
    ClientId, Fixture,
    client::{Popup, Toplevel},
    hands::keys,
    picture::{BLUE, GREEN, Picture, RED},
    seen::{KeySeen, PointerSeen, PopupSeen, TouchSeen},
};

const SLIDE: ConstraintAdjustment = ConstraintAdjustment::SlideX.union(ConstraintAdjustment::SlideY);

impl Fixture {
    /// A popup of this size whose top left is to be at `at` of its parent, as far as `adjust` allows.
    fn popup(
        &mut self,
        client: ClientId,
        parent: &wayland_protocols::xdg::shell::client::xdg_surface::XdgSurface,
        at: (i32, i32),
        size: (i32, i32),
        adjust: ConstraintAdjustment,
        grab: bool,
    ) -> Popup {
        let positioner = self[client].positioner();
        positioner.set_size(size.0, size.1);
        positioner.set_anchor_rect(at.0, at.1, 1, 1);
        positioner.set_anchor(Anchor::TopLeft);
        positioner.set_gravity(Gravity::BottomRight);
        positioner.set_constraint_adjustment(adjust);
        let popup = self[client].popup(parent, &positioner);
        positioner.destroy();
        if grab {
            let seat = self[client].bound().seat.clone();
            popup.popup.grab(&seat, self[client].seen.serial);
        }
        popup.surface.commit();
        self.until("the popup's configure", |fixture| !fixture[client].popup_seen(&popup).is_empty());
        if let Some(PopupSeen::Configure { width, height, .. }) = self[client].popup_seen(&popup).first() {
            self[client].draw(&popup.surface, Picture::Solid(GREEN), *width, *height);
        }
        self.roundtrip(client);
        self.still();
        popup
    }

    fn shell(&mut self) -> (ClientId, Toplevel) {
        let client = self.client();
        let shell = self.map(client, Picture::Solid(RED));
        (client, shell)
    }
}

fn placed(fixture: &Fixture, client: ClientId, popup: &Popup) -> (i32, i32, i32, i32) {
    let said = fixture[client].popup_seen(popup);
    let last = said.iter().rev().find_map(|said| match said {
        PopupSeen::Configure { x, y, width, height } => Some((*x, *y, *width, *height)),
        _ => None,
    });
    last.unwrap_or_else(|| panic!("never configured: {said:?}"))
}

fn dismissed(fixture: &Fixture, client: ClientId, popup: &Popup) -> bool {
    fixture[client].popup_seen(popup).contains(&PopupSeen::Done)
}

#[test]
fn a_popup_is_where_it_asked_to_be_and_above_its_window() {
    let mut fixture = Fixture::new(&["400x300"]);
    let (client, shell) = fixture.shell();
    let popup = fixture.popup(client, &shell.xdg, (50, 60), (80, 40), ConstraintAdjustment::empty(), false);
    assert_eq!(placed(&fixture, client, &popup), (50, 60, 80, 40));
    let panel = fixture.panel();
    assert_eq!(panel.pixel(50, 60), GREEN);
    assert_eq!(panel.pixel(129, 99), GREEN);
    assert_eq!(panel.pixel(49, 60), RED);
    assert_eq!(panel.pixel(130, 99), RED);
    popup.destroy();
    fixture.roundtrip(client);
    fixture.still();
    assert_eq!(fixture.panel().pixel(50, 60), RED);
}

#[test]
fn a_popup_may_be_anchored_to_a_line_or_a_point() {
    let mut fixture = Fixture::new(&["400x300"]);
    let (client, shell) = fixture.shell();
    for (size, expected) in [((0, 0), (50, 60)), ((30, 0), (80, 60)), ((0, 20), (50, 80))] {
        let positioner = fixture[client].positioner();
        positioner.set_size(80, 40);
        positioner.set_anchor_rect(50, 60, size.0, size.1);
        positioner.set_anchor(Anchor::BottomRight);
        positioner.set_gravity(Gravity::BottomRight);
        let popup = fixture[client].popup(&shell.xdg, &positioner);
        popup.surface.commit();
        fixture.until("the popup's configure", |fixture| !fixture[client].popup_seen(&popup).is_empty());
        assert_eq!(placed(&fixture, client, &popup), (expected.0, expected.1, 80, 40), "{size:?}");
        popup.popup.reposition(&positioner, 7);
        let told = |fixture: &Fixture| fixture[client].popup_seen(&popup).len();
        let before = told(&fixture);
        fixture.until("the new place", |fixture| told(fixture) > before);
        assert_eq!(placed(&fixture, client, &popup), (expected.0, expected.1, 80, 40), "{size:?}, anew");
        popup.destroy();
    }
}

#[test]
fn an_anchor_of_less_than_nothing_is_an_error() {
    let mut fixture = Fixture::new(&["400x300"]);
    let (client, _) = fixture.shell();
    fixture[client].positioner().set_anchor_rect(0, 0, -1, 0);
    assert_eq!(fixture.protocol_error_of(client), ("xdg_positioner".into(), 0));
}

#[test]
fn a_popup_stays_on_the_screen_at_every_edge_rotation_and_scale() {
    for (degrees, scale) in [(0, 1.0), (90, 1.0), (180, 1.5), (270, 2.0)] {
        let mut fixture = Fixture::new(&["600x400"]);
        fixture.rotate(degrees);
        fixture.scale(scale);
        let (client, shell) = fixture.shell();
        let told = fixture[client].configured(&shell).cloned().unwrap();
        for at in [(0, 0), (told.width - 1, 5), (5, told.height - 1), (told.width - 1, told.height - 1)] {
            let popup = fixture.popup(client, &shell.xdg, at, (80, 40), SLIDE, false);
            let (x, y, width, height) = placed(&fixture, client, &popup);
            assert_eq!((width, height), (80, 40));
            assert!(
                x >= 0 && y >= 0 && x + width <= told.width && y + height <= told.height,
                "{x},{y} at {at:?} of {told:?}, rotated by {degrees} at scale {scale}"
            );
            popup.destroy();
        }
    }
}

#[test]
fn a_popup_that_may_flip_flips_and_one_that_may_shrink_shrinks() {
    let mut fixture = Fixture::new(&["400x300"]);
    let (client, shell) = fixture.shell();
    let flip = ConstraintAdjustment::FlipX | ConstraintAdjustment::FlipY;
    let popup = fixture.popup(client, &shell.xdg, (390, 290), (80, 40), flip, false);
    let (x, y, ..) = placed(&fixture, client, &popup);
    assert!(x + 80 <= 400 && y + 40 <= 300, "{x},{y}");
    popup.destroy();
    let shrink = ConstraintAdjustment::ResizeX | ConstraintAdjustment::ResizeY;
    let popup = fixture.popup(client, &shell.xdg, (350, 280), (80, 40), shrink, false);
    assert_eq!(placed(&fixture, client, &popup), (350, 280, 50, 20));
}

#[test]
fn a_popup_of_a_dialog_is_kept_on_the_screen_and_not_in_the_dialog() {
    let mut fixture = Fixture::new(&["400x300"]);
    let (client, shell) = fixture.shell();
    let dialog = fixture[client].toplevel();
    dialog.toplevel.set_parent(Some(&shell.toplevel));
    dialog.surface.commit();
    fixture.roundtrip(client);
    fixture[client].draw(&dialog.surface, Picture::Solid(BLUE), 100, 60);
    fixture.roundtrip(client);
    // The dialog is at 150,120: the popup exceeds it, and fits on the screen.
    let popup = fixture.popup(client, &dialog.xdg, (90, 50), (120, 100), SLIDE, false);
    assert_eq!(placed(&fixture, client, &popup), (90, 50, 120, 100));
    assert_eq!(fixture.panel().pixel(150 + 95, 120 + 55), GREEN);
    let popup = fixture.popup(client, &dialog.xdg, (200, 160), (120, 100), SLIDE, false);
    let (x, y, ..) = placed(&fixture, client, &popup);
    assert_eq!((x, y), (400 - 150 - 120, 300 - 120 - 100), "at the screen's corner");
}

#[test]
fn a_repositioned_popup_is_kept_on_the_screen() {
    let mut fixture = Fixture::new(&["400x300"]);
    let (client, shell) = fixture.shell();
    let popup = fixture.popup(client, &shell.xdg, (50, 60), (80, 40), SLIDE, false);
    let positioner = fixture[client].positioner();
    positioner.set_size(100, 50);
    positioner.set_anchor_rect(395, 295, 1, 1);
    positioner.set_gravity(Gravity::BottomRight);
    positioner.set_constraint_adjustment(SLIDE);
    popup.popup.reposition(&positioner, 42);
    fixture.roundtrip(client);
    assert!(fixture[client].popup_seen(&popup).contains(&PopupSeen::Repositioned(42)));
    assert_eq!(placed(&fixture, client, &popup), (300, 250, 100, 50));
}

#[test]
fn a_popup_with_a_grab_has_the_keys_and_hands_them_back() {
    let mut fixture = Fixture::new(&["400x300"]);
    let (client, shell) = fixture.shell();
    fixture.point((20.0, 20.0));
    fixture.click();
    fixture.roundtrip(client);
    let popup = fixture.popup(client, &shell.xdg, (50, 60), (80, 40), SLIDE, true);
    assert!(!dismissed(&fixture, client, &popup), "the grab was refused");
    let entered = |fixture: &Fixture| {
        fixture[client].seen.keyboard.iter().rev().find_map(|seen| match seen {
            KeySeen::Enter(surface) => Some(surface.clone()),
            _ => None,
        })
    };
    assert_eq!(entered(&fixture), Some(popup.id()));
    fixture.tap_key(keys::A);
    popup.destroy();
    fixture.roundtrip(client);
    fixture.tap_key(keys::A);
    fixture.roundtrip(client);
    assert_eq!(entered(&fixture), Some(shell.id()), "the window has the keys again");
    let typed = fixture[client].seen.keyboard.iter().filter(|seen| matches!(seen, KeySeen::Key { .. })).count();
    assert_eq!(typed, 4);
    assert_eq!(fixture[client].error(), None);
}

#[test]
fn a_client_that_dies_with_its_menu_open_leaves_keyboard_and_pointer_to_the_next() {
    let mut fixture = Fixture::new(&["400x300"]);
    let (client, shell) = fixture.shell();
    fixture.point((20.0, 20.0));
    fixture.click();
    fixture.roundtrip(client);
    let popup = fixture.popup(client, &shell.xdg, (50, 60), (80, 40), SLIDE, true);
    assert!(!dismissed(&fixture, client, &popup), "the grab was refused");
    // The next browser may be connected before the old one is gone.
    let (next, window) = fixture.shell();
    fixture[client].kill();
    fixture.until("the old window gone", |fixture| fixture.kiosk.stage.windows.iter().count() == 1);
    fixture.roundtrip(next);
    let keyboard = fixture.kiosk.seat.seat.get_keyboard().unwrap();
    assert!(!keyboard.is_grabbed() && !fixture.kiosk.seat.seat.get_pointer().unwrap().is_grabbed());
    assert_eq!(fixture[next].seen.keyboard.last(), Some(&KeySeen::Enter(window.id())));
    assert_eq!(fixture.kiosk.protocols.limits.clients(), 1, "the dead one is counted");
    fixture.tap_key(keys::A);
    fixture.roundtrip(next);
    let typed = fixture[next].seen.keyboard.iter().filter(|seen| matches!(seen, KeySeen::Key { .. })).count();
    assert_eq!(typed, 2);
    let menu = fixture.popup(next, &window.xdg, (50, 60), (80, 40), SLIDE, true);
    assert!(!dismissed(&fixture, next, &menu), "its own menu was refused");
}

#[test]
fn a_popup_grab_of_an_unfocused_client_is_refused() {
    let mut fixture = Fixture::new(&["400x300"]);
    let (behind, hidden) = fixture.shell();
    let (client, shell) = fixture.shell();
    fixture.point((20.0, 20.0));
    fixture.click();
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.keyboard.last(), Some(&KeySeen::Enter(shell.id())));
    let popup = fixture.popup(behind, &hidden.xdg, (50, 60), (80, 40), SLIDE, true);
    assert!(dismissed(&fixture, behind, &popup), "a window that is not visible took the keyboard");
    let keys = fixture[client].seen.keyboard.len();
    fixture.tap_key(keys::A);
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.keyboard.len(), keys + 2);
}

/// A shell that leaves the screen's edge free, so that another client's window can be clicked there.
fn small_shell(fixture: &mut Fixture) -> (ClientId, Toplevel) {
    let client = fixture.client();
    let shell = fixture[client].toplevel();
    shell.surface.commit();
    fixture.roundtrip(client);
    fixture[client].draw(&shell.surface, Picture::Solid(RED), 200, 150);
    fixture.roundtrip(client);
    fixture.still();
    (client, shell)
}

#[test]
fn a_click_or_a_finger_outside_dismisses_a_popup_with_a_grab() {
    for finger in [false, true] {
        let mut fixture = Fixture::new(&["400x300"]);
        let (client, shell) = small_shell(&mut fixture);
        fixture.point((200.0, 150.0));
        fixture.click();
        fixture.roundtrip(client);
        let popup = fixture.popup(client, &shell.xdg, (50, 60), (80, 40), SLIDE, true);
        assert!(!dismissed(&fixture, client, &popup), "the grab was refused");
        if finger {
            fixture.touch_down(0, (5.0, 5.0));
            fixture.touch_up(0);
        } else {
            fixture.point((5.0, 5.0));
            fixture.click();
        }
        fixture.roundtrip(client);
        assert!(dismissed(&fixture, client, &popup), "finger: {finger}");
        popup.destroy();
        fixture.tap_key(keys::A);
        fixture.roundtrip(client);
        let last = fixture[client].seen.keyboard.last().cloned();
        assert_eq!(last, Some(KeySeen::Key { code: keys::A, pressed: false }));
        assert_eq!(fixture[client].error(), None);
    }
}

#[test]
fn a_popup_that_a_finger_opened_takes_its_grab() {
    let mut fixture = Fixture::new(&["400x300"]);
    let (client, shell) = fixture.shell();
    fixture.touch_down(0, (20.0, 20.0));
    fixture.roundtrip(client);
    let popup = fixture.popup(client, &shell.xdg, (50, 60), (80, 40), SLIDE, true);
    fixture.touch_up(0);
    assert!(!dismissed(&fixture, client, &popup), "a menu must open under a finger");
    fixture.touch_down(1, (60.0, 70.0));
    fixture.touch_up(1);
    fixture.roundtrip(client);
    let on_popup = fixture[client].seen.touch.iter().any(|seen| match seen {
        TouchSeen::Down { surface, .. } => *surface == popup.id(),
        _ => false,
    });
    assert!(on_popup, "{:?}", fixture[client].seen.touch);
}

#[test]
fn menus_in_menus_close_in_order() {
    let mut fixture = Fixture::new(&["400x300"]);
    let (client, shell) = fixture.shell();
    fixture.point((20.0, 20.0));
    fixture.click();
    fixture.roundtrip(client);
    let first = fixture.popup(client, &shell.xdg, (50, 60), (80, 40), SLIDE, true);
    let second = fixture.popup(client, &first.xdg, (70, 10), (80, 40), SLIDE, true);
    assert!(!dismissed(&fixture, client, &first) && !dismissed(&fixture, client, &second));
    assert_eq!(placed(&fixture, client, &second), (70, 10, 80, 40));
    assert_eq!(fixture.panel().pixel(50 + 75, 60 + 15), GREEN);
    second.destroy();
    fixture.roundtrip(client);
    first.destroy();
    fixture.roundtrip(client);
    assert_eq!(fixture[client].error(), None);
    fixture.tap_key(keys::A);
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.keyboard.last(), Some(&KeySeen::Key { code: keys::A, pressed: false }));
}

#[test]
fn the_pointer_finds_a_popup_that_opens_under_it() {
    let mut fixture = Fixture::new(&["400x300"]);
    let (client, shell) = fixture.shell();
    fixture.point((60.0, 70.0));
    let popup = fixture.popup(client, &shell.xdg, (50, 60), (80, 40), SLIDE, false);
    fixture.roundtrip(client);
    let entered = fixture[client].seen.pointer.iter().rev().find_map(|seen| match seen {
        PointerSeen::Enter { surface, x, y } => Some((surface.clone(), *x, *y)),
        _ => None,
    });
    let (surface, x, y) = entered.unwrap();
    assert_eq!(surface, popup.id());
    assert!((x - 10.0).abs() < 1.0 && (y - 10.0).abs() < 1.0, "{x},{y}");
    let _ = shell;
}

#[test]
fn a_popup_goes_with_its_window() {
    let mut fixture = Fixture::new(&["400x300"]);
    let below = fixture.client();
    fixture.map(below, Picture::Solid(BLUE));
    let (client, shell) = fixture.shell();
    fixture.point((20.0, 20.0));
    fixture.click();
    fixture.roundtrip(client);
    fixture.popup(client, &shell.xdg, (50, 60), (80, 40), SLIDE, true);
    fixture.disconnect(client);
    fixture.until("the window below", |fixture| fixture.kiosk.stage.windows.iter().count() == 1);
    fixture.still();
    assert_eq!(fixture.panel().pixel(60, 70), BLUE);
    fixture.tap_key(keys::A);
    fixture.point((30.0, 30.0));
    fixture.click();
    fixture.roundtrip(below);
    let keys = fixture[below].seen.keyboard.iter().filter(|seen| matches!(seen, KeySeen::Key { .. })).count();
    assert_eq!(keys, 2, "the keys did not come back");
    let clicks = fixture[below].seen.pointer.iter().filter(|seen| matches!(seen, PointerSeen::Button { .. })).count();
    assert_eq!(clicks, 2, "the pointer did not come back");
}

/// A reactive popup of 80×40 at `at` of its parent, which slides.
fn reactive(fixture: &mut Fixture, client: ClientId, parent: &Toplevel, at: (i32, i32)) -> Popup {
    let positioner = fixture[client].positioner();
    positioner.set_size(80, 40);
    positioner.set_anchor_rect(at.0, at.1, 1, 1);
    positioner.set_anchor(Anchor::TopLeft);
    positioner.set_gravity(Gravity::BottomRight);
    positioner.set_constraint_adjustment(SLIDE);
    positioner.set_reactive();
    let popup = fixture[client].popup(&parent.xdg, &positioner);
    popup.surface.commit();
    fixture.until("the popup's configure", |fixture| !fixture[client].popup_seen(&popup).is_empty());
    fixture[client].draw(&popup.surface, Picture::Solid(GREEN), 80, 40);
    fixture.roundtrip(client);
    popup
}

#[test]
fn a_reactive_popup_is_kept_on_a_screen_that_is_rotated() {
    let mut fixture = Fixture::new(&["400x300"]);
    let (client, shell) = fixture.shell();
    let popup = reactive(&mut fixture, client, &shell, (310, 50));
    assert_eq!(placed(&fixture, client, &popup), (310, 50, 80, 40));
    fixture.rotate(90);
    fixture.roundtrip(client);
    assert_eq!(placed(&fixture, client, &popup), (220, 50, 80, 40));
    let told = fixture[client].popup_seen(&popup).len();
    fixture.rotate(90);
    fixture.roundtrip(client);
    assert_eq!(fixture[client].popup_seen(&popup).len(), told, "it is told when something changes");
}

#[test]
fn a_reactive_popup_is_kept_on_the_screen_when_its_dialog_moves() {
    let mut fixture = Fixture::new(&["400x300"]);
    let (client, shell) = fixture.shell();
    let dialog = fixture.dialog(client, &shell, BLUE, (100, 60));
    // From 150, 120 on.
    let popup = reactive(&mut fixture, client, &dialog, (0, 150));
    assert_eq!(placed(&fixture, client, &popup), (0, 140, 80, 40));
    fixture[client].draw(&dialog.surface, Picture::Solid(BLUE), 100, 200);
    fixture.roundtrip(client);
    assert_eq!(placed(&fixture, client, &popup), (0, 150, 80, 40), "the dialog is higher up");
}

#[test]
fn a_popup_that_does_not_want_to_follow_stays() {
    let mut fixture = Fixture::new(&["400x300"]);
    let (client, shell) = fixture.shell();
    let popup = fixture.popup(client, &shell.xdg, (310, 50), (80, 40), SLIDE, false);
    fixture.rotate(90);
    fixture.roundtrip(client);
    assert_eq!(placed(&fixture, client, &popup), (310, 50, 80, 40));
}

#[test]
fn a_reactive_popup_is_kept_on_the_screen_when_its_parent_popup_moves() {
    let mut fixture = Fixture::new(&["400x300"]);
    let (client, shell) = fixture.shell();
    let parent = fixture.popup(client, &shell.xdg, (50, 60), (80, 40), SLIDE, false);
    let positioner = fixture[client].positioner();
    positioner.set_size(80, 40);
    positioner.set_anchor_rect(60, 10, 1, 1);
    positioner.set_anchor(Anchor::TopLeft);
    positioner.set_gravity(Gravity::BottomRight);
    positioner.set_constraint_adjustment(SLIDE);
    positioner.set_reactive();
    let child = fixture[client].popup(&parent.xdg, &positioner);
    child.surface.commit();
    fixture.until("the popup's configure", |fixture| !fixture[client].popup_seen(&child).is_empty());
    fixture[client].draw(&child.surface, Picture::Solid(BLUE), 80, 40);
    fixture.roundtrip(client);
    assert_eq!(placed(&fixture, client, &child), (60, 10, 80, 40));
    let further = fixture[client].positioner();
    further.set_size(80, 40);
    further.set_anchor_rect(300, 60, 1, 1);
    further.set_anchor(Anchor::TopLeft);
    further.set_gravity(Gravity::BottomRight);
    parent.popup.reposition(&further, 1);
    fixture.roundtrip(client);
    assert_eq!(placed(&fixture, client, &parent), (300, 60, 80, 40));
    parent.surface.commit();
    fixture.roundtrip(client);
    assert_eq!(placed(&fixture, client, &child), (20, 10, 80, 40), "to the left, by what does not fit");
}

#[test]
fn a_window_that_comes_over_an_open_menu_dismisses_it_and_has_the_keys() {
    let mut fixture = Fixture::new(&["400x300"]);
    let (client, shell) = fixture.shell();
    fixture.point((20.0, 20.0));
    fixture.click();
    fixture.roundtrip(client);
    let popup = fixture.popup(client, &shell.xdg, (50, 60), (80, 40), SLIDE, true);
    assert!(!dismissed(&fixture, client, &popup), "the grab was refused");
    let next = fixture.map(client, Picture::Solid(BLUE));
    assert!(dismissed(&fixture, client, &popup));
    assert_eq!(fixture[client].seen.keyboard.last(), Some(&KeySeen::Enter(next.id())));
}
