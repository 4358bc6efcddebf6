//! Windows with a parent: centred above it, with the focus, which returns to the parent.

use crate::fixture::{
    ClientId, Fixture,
    client::Toplevel,
    hands::keys,
    picture::{BLUE, GREEN, Picture, RED},
    seen::KeySeen,
};

impl Fixture {
    /// A dialog of its own size above `parent`.
    pub fn dialog(&mut self, client: ClientId, parent: &Toplevel, color: [u8; 3], size: (i32, i32)) -> Toplevel {
        let dialog = self[client].toplevel();
        dialog.toplevel.set_parent(Some(&parent.toplevel));
        dialog.surface.commit();
        self.until("the dialog's configure", |fixture| fixture[client].configured(&dialog).is_some());
        self[client].draw(&dialog.surface, Picture::Solid(color), size.0, size.1);
        self.roundtrip(client);
        self.still();
        dialog
    }

    /// The client's surface with the keyboard focus.
    pub fn focus(&mut self, client: ClientId) -> Option<wayland_client::backend::ObjectId> {
        self.roundtrip(client);
        match self[client].seen.keyboard.iter().rev().find(|seen| !matches!(seen, KeySeen::Key { .. })) {
            Some(KeySeen::Enter(surface)) => Some(surface.clone()),
            _ => None,
        }
    }
}

#[test]
fn a_dialog_is_centred_above_with_the_focus_and_hands_it_back() {
    let mut fixture = Fixture::new(&["400x300"]);
    let client = fixture.client();
    let shell = fixture.map(client, Picture::Solid(RED));
    assert_eq!(fixture.focus(client), Some(shell.id()));
    let dialog = fixture.dialog(client, &shell, GREEN, (100, 60));
    let told = fixture[client].configured(&dialog).cloned().unwrap();
    assert_eq!((told.width, told.height, told.fullscreen), (0, 0, false), "a dialog chooses its own size");
    assert_eq!(fixture.focus(client), Some(dialog.id()));
    assert!(fixture[client].configured(&dialog).unwrap().activated);
    assert!(!fixture[client].configured(&shell).unwrap().activated);
    let panel = fixture.panel();
    for ((x, y), color) in [
        ((150, 120), GREEN),
        ((249, 179), GREEN),
        ((149, 150), RED),
        ((250, 150), RED),
        ((200, 119), RED),
        ((200, 180), RED),
    ] {
        assert_eq!(panel.pixel(x, y), color, "at {x},{y}");
    }
    dialog.destroy();
    assert_eq!(fixture.focus(client), Some(shell.id()));
    fixture.still();
    assert_eq!(fixture.panel().pixel(200, 150), RED);
    assert!(fixture[client].configured(&shell).unwrap().activated);
    assert_eq!(fixture[client].error(), None);
}

#[test]
fn a_window_that_gets_its_parent_late_becomes_a_dialog() {
    let mut fixture = Fixture::new(&["400x300"]);
    let client = fixture.client();
    let shell = fixture.map(client, Picture::Solid(RED));
    let late = fixture.map(client, Picture::Solid(GREEN));
    assert!(fixture[client].configured(&late).unwrap().fullscreen);
    late.toplevel.set_parent(Some(&shell.toplevel));
    late.surface.commit();
    fixture.roundtrip(client);
    let told = fixture[client].configured(&late).cloned().unwrap();
    assert_eq!((told.width, told.height, told.fullscreen), (0, 0, false), "it may choose its size now");
    late.viewport.set_destination(100, 60);
    fixture[client].draw(&late.surface, Picture::Solid(GREEN), 100, 60);
    fixture.roundtrip(client);
    fixture.still();
    assert_eq!(fixture.panel().pixel(200, 150), GREEN);
    assert_eq!(fixture.panel().pixel(20, 150), RED);
    // The parent is unset.
    late.toplevel.set_parent(None);
    late.surface.commit();
    fixture.roundtrip(client);
    assert!(fixture[client].configured(&late).unwrap().fullscreen);
}

#[test]
fn a_dialog_stays_above_the_shell_that_is_clicked_beside_it() {
    let mut fixture = Fixture::new(&["400x300"]);
    let client = fixture.client();
    let shell = fixture.map(client, Picture::Solid(RED));
    let dialog = fixture.dialog(client, &shell, GREEN, (100, 60));
    fixture.point((10.0, 10.0));
    fixture.click();
    fixture.roundtrip(client);
    fixture.still();
    assert_eq!(fixture.panel().pixel(200, 150), GREEN);
    assert_eq!(fixture.focus(client), Some(dialog.id()), "keys go to what is on top");
}

#[test]
fn dialogs_of_dialogs_hand_the_focus_back_one_by_one() {
    let mut fixture = Fixture::new(&["400x300"]);
    let client = fixture.client();
    let shell = fixture.map(client, Picture::Solid(RED));
    let first = fixture.dialog(client, &shell, GREEN, (200, 100));
    let second = fixture.dialog(client, &first, BLUE, (100, 60));
    assert_eq!(fixture.panel().pixel(200, 150), BLUE);
    assert_eq!(fixture.panel().pixel(110, 150), GREEN);
    fixture.tap_key(keys::A);
    assert_eq!(fixture.focus(client), Some(second.id()));
    second.destroy();
    assert_eq!(fixture.focus(client), Some(first.id()));
    first.destroy();
    assert_eq!(fixture.focus(client), Some(shell.id()));
}

#[test]
fn a_dialog_larger_than_the_screen_shows_its_top_left() {
    let mut fixture = Fixture::new(&["200x100"]);
    let client = fixture.client();
    let shell = fixture.map(client, Picture::Solid(RED));
    let dialog = fixture.dialog(client, &shell, GREEN, (10, 10));
    fixture[client].draw(&dialog.surface, Picture::Corners, 400, 300);
    fixture.roundtrip(client);
    fixture.still();
    assert_eq!(fixture.panel().pixel(0, 0), RED, "the corner with titles and buttons");
    assert_eq!(fixture.panel().pixel(199, 99), crate::fixture::picture::GREY);
}

#[test]
fn a_dialog_is_centred_by_its_geometry_and_not_by_its_shadow() {
    let mut fixture = Fixture::new(&["400x300"]);
    let client = fixture.client();
    let shell = fixture.map(client, Picture::Solid(RED));
    let dialog = fixture.dialog(client, &shell, GREEN, (140, 100));
    // A shadow of 20 pixels on each side.
    dialog.xdg.set_window_geometry(20, 20, 100, 60);
    fixture[client].draw(&dialog.surface, Picture::Solid(GREEN), 140, 100);
    fixture.roundtrip(client);
    fixture.still();
    let panel = fixture.panel();
    assert_eq!(panel.pixel(130, 100), GREEN);
    assert_eq!(panel.pixel(129, 100), RED);
    assert_eq!(panel.pixel(269, 199), GREEN);
    assert_eq!(panel.pixel(270, 199), RED);
    // Input is mapped as the picture is placed.
    fixture.touch_down(0, (131.0, 101.0));
    fixture.touch_up(0);
    fixture.roundtrip(client);
    match fixture[client].seen.touch.first() {
        Some(crate::fixture::seen::TouchSeen::Down { x, y, surface, .. }) => {
            assert_eq!(*surface, dialog.id());
            assert!((x - 1.0).abs() < 0.5 && (y - 1.0).abs() < 0.5, "{x},{y}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_dialog_that_outlives_its_parent_does_no_harm() {
    let mut fixture = Fixture::new(&["400x300"]);
    let client = fixture.client();
    let shell = fixture.map(client, Picture::Solid(RED));
    let dialog = fixture.dialog(client, &shell, GREEN, (100, 60));
    shell.destroy();
    assert_eq!(fixture.focus(client), Some(dialog.id()));
    fixture.still();
    assert_eq!(fixture.panel().pixel(200, 150), GREEN);
    dialog.destroy();
    fixture.roundtrip(client);
    fixture.assert_serving();
}
