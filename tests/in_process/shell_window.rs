//! The shell's window: fullscreen from the start, whatever it requests.

use kiosk_core::config::Scale;
use kioskd::command::OutputChange;
use wayland_protocols::xdg::{
    decoration::zv1::client::zxdg_toplevel_decoration_v1::Mode as Decoration, shell::client::xdg_toplevel::ResizeEdge,
};

use crate::fixture::{
    Fixture, Setup,
    hands::keys,
    picture::{BLUE, GREEN, Picture, RED},
};

fn rotated(output: &str, degrees: u32) -> Fixture {
    let mut setup = Setup::bare(&[output]);
    setup.config.outputs[0].settings.rotation = kiosk_core::config::Rotation::try_from(degrees).ok();
    setup.start()
}

#[test]
fn the_shell_knows_its_size_before_its_first_buffer_and_is_told_once() {
    for (output, degrees, expected) in [
        ("800x480", 0, (800, 480)),
        ("800x480", 90, (480, 800)),
        ("1200x600@1.5", 0, (800, 400)),
        ("1200x600@1.5", 270, (400, 800)),
        ("1366x768@1.25", 180, (1093, 614)),
    ] {
        let mut fixture = rotated(output, degrees);
        let client = fixture.client();
        let window = fixture.map(client, Picture::Solid(RED));
        let told: Vec<_> = fixture[client].configures(&window).cloned().collect();
        assert_eq!(told.len(), 1, "{output} rotated by {degrees}: {told:?}");
        assert_eq!((told[0].width, told[0].height), expected, "{output} rotated by {degrees}");
        assert!(told[0].fullscreen && told[0].activated && told[0].other_states == 0, "{told:?}");
    }
}

#[test]
fn a_window_is_placed_on_an_output_before_its_first_buffer() {
    let mut fixture = Fixture::new(&["800x480@1.5"]);
    let client = fixture.client();
    let window = fixture[client].toplevel();
    window.surface.commit();
    fixture.until("the first configure", |fixture| fixture[client].configured(&window).is_some());
    fixture.roundtrip(client);
    assert_eq!(fixture[client].scale(&window.id()), 1.5);
    let entered =
        fixture[client].seen.placed.iter().any(|(surface, placed)| {
            *surface == window.id() && matches!(placed, crate::fixture::seen::Placed::Enter(_))
        });
    assert!(entered, "a client that knows its output draws at the right scale at once");
}

#[test]
fn what_a_window_asks_for_has_no_effect() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Corners);
    let before = fixture.panel();
    let seat = fixture[client].bound().seat.clone();
    let serial = fixture[client].seen.serial;
    window.toplevel.set_minimized();
    window.toplevel.unset_fullscreen();
    window.toplevel.set_maximized();
    window.toplevel.unset_maximized();
    window.toplevel._move(&seat, serial);
    window.toplevel.resize(&seat, serial, ResizeEdge::BottomRight);
    window.toplevel.show_window_menu(&seat, serial, 3, 4);
    window.toplevel.set_min_size(10, 10);
    window.toplevel.set_max_size(20, 20);
    window.xdg.set_window_geometry(0, 0, 320, 200);
    window.surface.commit();
    fixture.roundtrip(client);
    fixture.still();
    assert_eq!(fixture[client].error(), None);
    for told in fixture[client].configures(&window) {
        assert!(told.fullscreen && told.activated && told.other_states == 0, "{told:?}");
        assert_eq!((told.width, told.height), (320, 200));
    }
    assert_eq!(fixture.panel(), before);
    assert!(fixture.kiosk.stage.focus().is_some());
}

#[test]
fn a_window_may_be_unmapped_and_come_back() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    window.surface.attach(None, 0, 0);
    window.surface.commit();
    fixture.until("the window off the stage", |fixture| !fixture.kiosk.stage.windows.any_mapped(0));
    fixture.still();
    assert_ne!(fixture.panel().pixel(100, 100), RED);
    let told = fixture[client].configures(&window).count();
    window.surface.commit();
    fixture.until("a configure as at the first time", |fixture| fixture[client].configures(&window).count() > told);
    fixture.fill(client, &window, Picture::Solid(GREEN));
    assert_eq!(fixture.panel().pixel(100, 100), GREEN);
    assert_eq!(fixture[client].error(), None);
}

#[test]
fn no_decorations_are_drawn() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture[client].toplevel();
    let handle = fixture[client].handle.clone();
    let decoration = fixture[client].bound().decorations.get_toplevel_decoration(&window.toplevel, &handle, ());
    decoration.set_mode(Decoration::ClientSide);
    window.surface.commit();
    fixture.until("the first configure", |fixture| fixture[client].configured(&window).is_some());
    decoration.set_mode(Decoration::ClientSide);
    decoration.unset_mode();
    fixture.roundtrip(client);
    assert!(!fixture[client].seen.decoration.is_empty());
    assert!(fixture[client].seen.decoration.iter().all(|mode| *mode == Decoration::ServerSide));
}

#[test]
fn a_new_size_of_the_screen_is_told_to_the_window() {
    let mut fixture = Fixture::new(&["800x480"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(BLUE));
    fixture.rotate(90);
    fixture.roundtrip(client);
    let told = fixture[client].configured(&window).cloned().unwrap();
    assert_eq!((told.width, told.height), (480, 800));
    fixture.scale(2.0);
    fixture.roundtrip(client);
    let told = fixture[client].configured(&window).cloned().unwrap();
    assert_eq!((told.width, told.height), (240, 400));
    fixture.fill(client, &window, Picture::Solid(BLUE));
    assert_eq!(fixture[client].scale(&window.id()), 2.0);
    // The same value again causes no configure.
    let count = fixture[client].configures(&window).count();
    fixture.change(OutputChange { scale: Some(Scale::fixed(2.0).unwrap()), ..OutputChange::default() }).unwrap();
    fixture.roundtrip(client);
    assert_eq!(fixture[client].configures(&window).count(), count);
}

#[test]
fn a_second_window_covers_the_first_and_gives_the_screen_back() {
    let mut fixture = Fixture::new(&["320x200"]);
    let first = fixture.client();
    let below = fixture.map(first, Picture::Solid(RED));
    let second = fixture.client();
    let above = fixture.map(second, Picture::Solid(GREEN));
    assert_eq!(fixture.panel().pixel(10, 10), GREEN);
    fixture.tap_key(keys::A);
    fixture.roundtrip(first);
    fixture.roundtrip(second);
    let typed = |fixture: &Fixture, client| {
        let keys = &fixture[client].seen.keyboard;
        keys.iter().filter(|seen| matches!(seen, crate::fixture::seen::KeySeen::Key { .. })).count()
    };
    assert_eq!((typed(&fixture, first), typed(&fixture, second)), (0, 2));
    above.destroy();
    fixture.roundtrip(second);
    fixture.still();
    assert_eq!(fixture.panel().pixel(10, 10), RED);
    fixture.tap_key(keys::A);
    fixture.roundtrip(first);
    assert_eq!(typed(&fixture, first), 2);
    assert!(fixture[first].configured(&below).unwrap().activated);
}

/// `xdg_surface.error.unconfigured_buffer`.
const UNCONFIGURED_BUFFER: u32 = 3;

#[test]
fn a_window_with_a_buffer_before_its_first_configure_is_told_so() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture[client].toplevel();
    fixture[client].draw(&window.surface, Picture::Solid(RED), 320, 200);
    fixture.until("the end of the client", |fixture| fixture[client].is_gone());
    assert_eq!(fixture[client].error(), Some(("xdg_surface".into(), UNCONFIGURED_BUFFER)));
    fixture.assert_serving();
}

#[test]
fn a_window_with_a_buffer_before_it_acknowledged_a_configure_is_told_so() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    fixture[client].seen.forgets_acks = true;
    let window = fixture[client].toplevel();
    window.surface.commit();
    fixture.roundtrip(client);
    assert!(fixture[client].configured(&window).is_some());
    fixture[client].draw(&window.surface, Picture::Solid(RED), 320, 200);
    fixture.until("the end of the client", |fixture| fixture[client].is_gone());
    assert_eq!(fixture[client].error(), Some(("xdg_surface".into(), UNCONFIGURED_BUFFER)));
}

#[test]
fn a_popup_with_a_buffer_before_its_first_configure_is_told_so() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let positioner = fixture[client].positioner();
    positioner.set_size(80, 40);
    positioner.set_anchor_rect(0, 0, 1, 1);
    let popup = fixture[client].popup(&window.xdg, &positioner);
    fixture[client].draw(&popup.surface, Picture::Solid(RED), 80, 40);
    fixture.until("the end of the client", |fixture| fixture[client].is_gone());
    assert_eq!(fixture[client].error(), Some(("xdg_surface".into(), UNCONFIGURED_BUFFER)));
}

#[test]
fn a_window_is_placed_by_the_bounds_of_its_subsurfaces_where_it_says_nothing_else() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let shell = fixture.map(client, Picture::Solid(RED));
    let dialog = fixture[client].toplevel();
    dialog.toplevel.set_parent(Some(&shell.toplevel));
    dialog.surface.commit();
    fixture.roundtrip(client);
    let (surface, bound) = (fixture[client].surface(), fixture[client].bound().clone());
    let subsurface = bound.subcompositor.get_subsurface(&surface, &dialog.surface, &fixture[client].handle, ());
    subsurface.set_position(-20, -10);
    fixture[client].draw(&surface, Picture::Solid(crate::fixture::picture::GREEN), 40, 40);
    fixture[client].draw(&dialog.surface, Picture::Solid(crate::fixture::picture::BLUE), 100, 60);
    fixture.roundtrip(client);
    fixture.still();
    let shown = fixture.kiosk.stage.windows.iter().last().unwrap();
    assert_eq!((shown.location.x, shown.location.y, shown.origin().x, shown.origin().y), (100, 65, 120, 75));
    subsurface.destroy();
    fixture.roundtrip(client);
    let shown = fixture.kiosk.stage.windows.iter().last().unwrap();
    assert_eq!((shown.location.x, shown.location.y, shown.origin().x, shown.origin().y), (110, 70, 110, 70));
}

/// Codes of `xdg_wm_base.error`.
const ROLE: u32 = 0;
const INVALID_SURFACE_STATE: u32 = 4;

#[test]
fn what_is_something_else_or_has_a_buffer_does_not_become_a_window() {
    for (what, code) in [
        ("subsurface", ROLE),
        ("window", ROLE),
        ("attached", INVALID_SURFACE_STATE),
        ("committed", INVALID_SURFACE_STATE),
    ] {
        let mut fixture = Fixture::new(&["320x200"]);
        let client = fixture.client();
        let (handle, bound) = (fixture[client].handle.clone(), fixture[client].bound().clone());
        let mut surface = fixture[client].surface();
        match what {
            "subsurface" => {
                let parent = fixture[client].surface();
                bound.subcompositor.get_subsurface(&surface, &parent, &handle, ());
            }
            "window" => surface = fixture[client].toplevel().surface,
            "attached" => surface.attach(Some(&fixture[client].buffer(Picture::Solid(RED), 32, 20)), 0, 0),
            _ => fixture[client].draw(&surface, Picture::Solid(RED), 32, 20),
        }
        fixture.roundtrip(client);
        assert!(!fixture[client].is_gone(), "{what}: lawful so far");
        bound.wm_base.get_xdg_surface(&surface, &handle, wayland_client::Proxy::id(&surface));
        fixture.until("the end of the client", |fixture| fixture[client].is_gone());
        assert_eq!(fixture[client].error(), Some(("xdg_wm_base".into(), code)), "{what}");
    }
}

#[test]
fn a_surface_may_become_a_window_again() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    window.surface.attach(None, 0, 0);
    window.surface.commit();
    window.toplevel.destroy();
    window.xdg.destroy();
    let (handle, bound) = (fixture[client].handle.clone(), fixture[client].bound().clone());
    let xdg = bound.wm_base.get_xdg_surface(&window.surface, &handle, window.id());
    xdg.get_toplevel(&handle, window.id());
    fixture.roundtrip(client);
    assert_eq!(fixture[client].error(), None);
}
