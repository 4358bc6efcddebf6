//! Focus of a pointer or touch that does not move: windows, subsurfaces and popups move, resize and disappear below it.

use wayland_client::{
    Proxy,
    protocol::{wl_subsurface::WlSubsurface, wl_surface::WlSurface},
};

use crate::fixture::{
    ClientId, Fixture,
    client::Toplevel,
    picture::{GREEN, Picture, RED},
    seen::{PointerSeen, TouchSeen},
};

fn with_page() -> (Fixture, ClientId, Toplevel) {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    (fixture, client, window)
}

/// A subsurface of 40×40 at 100, 100, with the pointer on it.
fn with_subsurface() -> (Fixture, ClientId, Toplevel, WlSurface, WlSubsurface) {
    let (mut fixture, client, window) = with_page();
    let (surface, bound) = (fixture[client].surface(), fixture[client].bound().clone());
    let subsurface = bound.subcompositor.get_subsurface(&surface, &window.surface, &fixture[client].handle, ());
    subsurface.set_position(100, 100);
    fixture[client].draw(&surface, Picture::Solid(GREEN), 40, 40);
    window.surface.commit();
    fixture.roundtrip(client);
    fixture.point((110.0, 120.0));
    fixture.roundtrip(client);
    assert_eq!(last(&fixture, client), (surface.id(), 10, 20));
    (fixture, client, window, surface, subsurface)
}

/// The surface with the pointer focus and the position on it, by the client's events.
fn last(fixture: &Fixture, client: ClientId) -> (wayland_client::backend::ObjectId, i32, i32) {
    let mut has = None;
    for seen in &fixture[client].seen.pointer {
        match (seen, &mut has) {
            (PointerSeen::Enter { surface, x, y }, _) => has = Some((surface.clone(), *x, *y)),
            (PointerSeen::Leave { .. }, _) => has = None,
            (PointerSeen::Motion { x, y }, Some(at)) => (at.1, at.2) = (*x, *y),
            _ => {}
        }
    }
    let (surface, x, y) = has.expect("no surface has the pointer");
    (surface, x.round() as i32, y.round() as i32)
}

/// No surface was entered while another one had the focus. (A client has no name for a surface that is destroyed.)
fn is_left_before_the_next_is_entered(fixture: &Fixture, client: ClientId) -> bool {
    let seen = fixture[client].seen.pointer.iter();
    let moves: Vec<bool> = seen
        .filter_map(|seen| match seen {
            PointerSeen::Enter { .. } => Some(true),
            PointerSeen::Leave { .. } => Some(false),
            _ => None,
        })
        .collect();
    moves.windows(2).all(|two| two[0] != two[1])
}

#[test]
fn a_surface_that_moves_under_the_pointer_is_told_where_it_is_now() {
    let (mut fixture, client, window, surface, subsurface) = with_subsurface();
    subsurface.set_position(95, 90);
    window.surface.commit();
    fixture.roundtrip(client);
    assert_eq!(last(&fixture, client), (surface.id(), 15, 30));
    subsurface.set_position(0, 0);
    window.surface.commit();
    fixture.roundtrip(client);
    assert_eq!(last(&fixture, client), (window.id(), 110, 120), "it has moved away");
    subsurface.set_position(110, 120);
    window.surface.commit();
    fixture.roundtrip(client);
    assert_eq!(last(&fixture, client), (surface.id(), 0, 0), "and came back");
}

#[test]
fn a_surface_that_shrinks_away_from_the_pointer_is_left() {
    let (mut fixture, client, window, surface, _subsurface) = with_subsurface();
    fixture[client].draw(&surface, Picture::Solid(GREEN), 8, 8);
    window.surface.commit();
    fixture.roundtrip(client);
    assert_eq!(last(&fixture, client), (window.id(), 110, 120));
}

#[test]
fn a_dialog_that_grows_under_the_pointer_is_told_where_it_is_now() {
    let (mut fixture, client, window) = with_page();
    let dialog = fixture.dialog(client, &window, GREEN, (100, 60));
    fixture.point((160.0, 100.0));
    fixture.roundtrip(client);
    assert_eq!(last(&fixture, client), (dialog.id(), 50, 30));
    fixture[client].draw(&dialog.surface, Picture::Solid(GREEN), 200, 100);
    fixture.roundtrip(client);
    assert_eq!(last(&fixture, client), (dialog.id(), 100, 50), "it is centred");
}

#[test]
fn a_subsurface_that_goes_is_left_and_seen_no_more() {
    let (mut fixture, client, window, _surface, subsurface) = with_subsurface();
    fixture.still();
    assert_eq!(fixture.panel().pixel(138, 102), GREEN);
    subsurface.destroy();
    fixture.roundtrip(client);
    assert_eq!(last(&fixture, client), (window.id(), 110, 120));
    fixture.still();
    assert_eq!(fixture.panel().pixel(138, 102), RED);
}

#[test]
fn a_popup_that_closes_under_the_pointer_leaves_it_to_its_window() {
    for way in 0..3 {
        let (mut fixture, client, window) = with_page();
        let positioner = fixture[client].positioner();
        positioner.set_size(80, 40);
        positioner.set_anchor_rect(50, 60, 1, 1);
        positioner.set_gravity(wayland_protocols::xdg::shell::client::xdg_positioner::Gravity::BottomRight);
        let popup = fixture[client].popup(&window.xdg, &positioner);
        popup.surface.commit();
        fixture.until("the popup's configure", |fixture| !fixture[client].popup_seen(&popup).is_empty());
        fixture[client].draw(&popup.surface, Picture::Solid(GREEN), 80, 40);
        fixture.roundtrip(client);
        fixture.point((60.0, 70.0));
        fixture.roundtrip(client);
        assert_eq!(last(&fixture, client), (popup.id(), 10, 10));
        match way {
            0 => {
                popup.surface.attach(None, 0, 0);
                popup.surface.commit();
            }
            1 => popup.popup.destroy(),
            _ => popup.destroy(),
        }
        fixture.roundtrip(client);
        assert!(is_left_before_the_next_is_entered(&fixture, client));
        assert_eq!(last(&fixture, client), (window.id(), 60, 70));
    }
}

#[test]
fn a_button_that_is_held_keeps_the_pointer_where_it_was_pressed() {
    let (mut fixture, client, window, surface, subsurface) = with_subsurface();
    fixture.button(true);
    subsurface.set_position(0, 0);
    window.surface.commit();
    fixture.roundtrip(client);
    assert_eq!(last(&fixture, client).0, surface.id());
    fixture.button(false);
    fixture.roundtrip(client);
    assert_eq!(last(&fixture, client), (window.id(), 110, 120));
}

#[test]
fn a_finger_on_a_surface_that_goes_is_lifted_and_the_others_stay() {
    let (mut fixture, client, window, surface, subsurface) = with_subsurface();
    fixture.touch_down(0, (20.0, 20.0));
    fixture.touch_down(1, (120.0, 120.0));
    fixture.roundtrip(client);
    let [TouchSeen::Down { surface: first, .. }, TouchSeen::Down { surface: second, .. }] =
        &fixture[client].seen.touch[..]
    else {
        panic!("{:?}", fixture[client].seen.touch)
    };
    assert_eq!((first, second), (&window.id(), &surface.id()));
    subsurface.destroy();
    surface.destroy();
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.touch[2..], [TouchSeen::Up { finger: 1 }]);
    // It is still on the panel, but ended for the page.
    fixture.touch_move(1, (130.0, 120.0));
    fixture.touch_up(1);
    fixture.touch_move(0, (25.0, 20.0));
    fixture.touch_up(0);
    fixture.roundtrip(client);
    let rest = &fixture[client].seen.touch[3..];
    assert!(matches!(rest, [TouchSeen::Motion { finger: 0, .. }, TouchSeen::Up { finger: 0 }]), "{rest:?}");
}

#[test]
fn a_surface_that_is_destroyed_is_left_before() {
    let (mut fixture, client, window, surface, _subsurface) = with_subsurface();
    surface.destroy();
    fixture.roundtrip(client);
    assert!(is_left_before_the_next_is_entered(&fixture, client));
    assert_eq!(last(&fixture, client), (window.id(), 110, 120));
}
