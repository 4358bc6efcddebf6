//! Pointer constraints: a page can lock the pointer, or confine it to a part of its window. They apply to relative and
//! absolute pointers alike.

use std::time::Duration;

use kioskd::privilege::ClientState;
use smithay::{
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
    wayland::pointer_constraints::with_pointer_constraint,
};
use wayland_protocols::wp::pointer_constraints::zv1::client::zwp_pointer_constraints_v1::{
    Lifetime, ZwpPointerConstraintsV1,
};

use crate::fixture::{
    ClientId, Fixture,
    client::Toplevel,
    hands::keys,
    picture::{Picture, RED},
};

fn with_page() -> (Fixture, ClientId, Toplevel) {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    fixture.point((100.0, 100.0));
    fixture.roundtrip(client);
    (fixture, client, window)
}

fn at(fixture: &Fixture) -> (f64, f64) {
    let at = fixture.kiosk.seat.seat.get_pointer().unwrap().current_location();
    (at.x.round(), at.y.round())
}

/// Whether the window's constraint is in force.
fn is_active(fixture: &Fixture) -> bool {
    let surface = fixture.kiosk.stage.windows.surfaces().next().unwrap();
    let pointer = fixture.kiosk.seat.seat.get_pointer().unwrap();
    with_pointer_constraint(&surface, &pointer, |constraint| {
        constraint.is_some_and(|constraint| constraint.is_active())
    })
}

/// Confines the pointer to x 80 to 160, y 60 to 140, with a hole at x 120 to 140, y 80 to 120.
fn confine(fixture: &mut Fixture, client: ClientId, window: &Toplevel) {
    let (handle, bound) = (fixture[client].handle.clone(), fixture[client].bound().clone());
    let constraints: ZwpPointerConstraintsV1 = fixture[client].bind();
    let region = bound.compositor.create_region(&handle, ());
    region.add(80, 60, 80, 80);
    region.subtract(120, 80, 20, 40);
    constraints.confine_pointer(&window.surface, &bound.pointer, Some(&region), Lifetime::Persistent, &handle, ());
    fixture.roundtrip(client);
}

fn lock(fixture: &mut Fixture, client: ClientId, window: &Toplevel) {
    let (handle, bound) = (fixture[client].handle.clone(), fixture[client].bound().clone());
    let constraints: ZwpPointerConstraintsV1 = fixture[client].bind();
    constraints.lock_pointer(&window.surface, &bound.pointer, None, Lifetime::Persistent, &handle, ());
    fixture.roundtrip(client);
}

#[test]
fn a_confined_pointer_slides_along_the_edge_of_its_region() {
    let (mut fixture, client, window) = with_page();
    confine(&mut fixture, client, &window);
    fixture.move_mouse((-50.0, 25.0));
    assert_eq!(at(&fixture), (80.0, 125.0), "down along the left edge");
    fixture.move_mouse((50.0, 50.0));
    assert_eq!(at(&fixture), (130.0, 139.0), "and along the lower one");
    fixture.move_mouse((5.0, -100.0));
    assert_eq!(at(&fixture), (135.0, 120.0), "up to the hole");
}

#[test]
fn a_pointer_that_says_where_it_is_is_confined_too() {
    let (mut fixture, client, window) = with_page();
    confine(&mut fixture, client, &window);
    fixture.point((110.0, 70.0));
    assert_eq!(at(&fixture), (110.0, 70.0));
    fixture.point((300.0, 75.0));
    let at = fixture.kiosk.seat.seat.get_pointer().unwrap().current_location();
    assert!((159.0..160.0).contains(&at.x) && at.y.round() == 75.0, "{at:?}");
}

#[test]
fn a_pointer_that_says_where_it_is_is_locked_too() {
    let (mut fixture, client, window) = with_page();
    lock(&mut fixture, client, &window);
    fixture.point((200.0, 150.0));
    assert_eq!(at(&fixture), (100.0, 100.0));
}

#[test]
fn a_constraint_waits_until_the_pointer_is_in_its_region() {
    let (mut fixture, client, window) = with_page();
    fixture.point((10.0, 10.0));
    confine(&mut fixture, client, &window);
    fixture.point((20.0, 10.0));
    assert_eq!(at(&fixture), (20.0, 10.0));
    assert!(!is_active(&fixture), "the page was told that the pointer is confined");
    fixture.point((90.0, 90.0));
    assert!(is_active(&fixture));
    fixture.point((10.0, 90.0));
    assert_eq!(at(&fixture), (80.0, 90.0));
}

/// Whether the constraint of the page's window is active: a dialog is above it.
fn page_is_held(fixture: &Fixture, page: &WlSurface) -> bool {
    let pointer = fixture.kiosk.seat.seat.get_pointer().unwrap();
    with_pointer_constraint(page, &pointer, |constraint| constraint.is_some_and(|constraint| constraint.is_active()))
}

#[test]
fn a_locked_pointer_is_unlocked_while_a_dialog_has_the_keyboard() {
    let (mut fixture, client, window) = with_page();
    lock(&mut fixture, client, &window);
    let page = fixture.kiosk.stage.windows.surfaces().next().unwrap();
    assert!(page_is_held(&fixture, &page));
    let dialog = fixture[client].toplevel();
    dialog.toplevel.set_parent(Some(&window.toplevel));
    dialog.surface.commit();
    fixture.until("the dialog's configure", |fixture| fixture[client].configured(&dialog).is_some());
    assert!(page_is_held(&fixture, &page), "nothing is seen of it yet");
    // Centred, 40x40: not at the pointer's position.
    fixture[client].draw(&dialog.surface, Picture::Solid(RED), 40, 40);
    fixture.until("the dialog on the stage", |fixture| {
        fixture.kiosk.stage.windows.iter().filter(|shown| shown.mapped).count() == 2
    });
    fixture.roundtrip(client);
    assert!(!page_is_held(&fixture, &page), "the dialog can't be reached");
    fixture.point((160.0, 100.0));
    fixture.point((100.0, 101.0));
    assert!(!page_is_held(&fixture, &page), "by a movement");
    assert_eq!(at(&fixture), (100.0, 101.0));
    dialog.destroy();
    fixture.roundtrip(client);
    fixture.until("the lock again", |fixture| page_is_held(fixture, &page));
}

#[test]
fn a_page_that_hangs_does_not_let_a_locked_pointer_out() {
    let (mut fixture, client, window) = with_page();
    lock(&mut fixture, client, &window);
    fixture[client].hangs = true;
    // The only events of a locked pointer are relative motions, which this client does not use.
    let page = fixture.kiosk.stage.windows.surfaces().next().unwrap().client().unwrap();
    while page.get_data::<ClientState>().unwrap().reads() {
        fixture.tap_key(keys::A);
    }
    fixture.move_mouse((50.0, 0.0));
    fixture.point((200.0, 150.0));
    fixture.pass(Duration::from_millis(1));
    assert_eq!(at(&fixture), (100.0, 100.0));
}
