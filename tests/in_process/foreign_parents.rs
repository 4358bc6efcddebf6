//! xdg-foreign: a window is the dialog of another client's, by a handle.

use kioskd::limits::refusal::LIMIT;
use wayland_client::{Connection, Dispatch, Proxy, QueueHandle, delegate_noop};
use wayland_protocols::xdg::foreign::zv2::client::{
    zxdg_exported_v2::{self, ZxdgExportedV2},
    zxdg_exporter_v2::ZxdgExporterV2,
    zxdg_imported_v2::{self, ZxdgImportedV2},
    zxdg_importer_v2::ZxdgImporterV2,
};

use crate::fixture::{
    ClientId, Fixture, Setup,
    client::Toplevel,
    picture::{GREEN, Picture, RED},
    seen::{Extra, Seen},
};

delegate_noop!(Seen: ZxdgExporterV2);
delegate_noop!(Seen: ZxdgImporterV2);

impl Dispatch<ZxdgExportedV2, ()> for Seen {
    fn event(
        seen: &mut Self,
        _: &ZxdgExportedV2,
        event: zxdg_exported_v2::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let zxdg_exported_v2::Event::Handle { handle } = event {
            seen.extra.push(Extra::Handle(handle));
        }
    }
}

impl Dispatch<ZxdgImportedV2, ()> for Seen {
    fn event(
        seen: &mut Self,
        _: &ZxdgImportedV2,
        event: zxdg_imported_v2::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let zxdg_imported_v2::Event::Destroyed = event {
            seen.extra.push(Extra::HandleEnded);
        }
    }
}

impl Fixture {
    fn export(&mut self, client: ClientId, window: &Toplevel) -> (ZxdgExportedV2, String) {
        let handle = self[client].handle.clone();
        let exporter: ZxdgExporterV2 = self[client].bind();
        let exported = exporter.export_toplevel(&window.surface, &handle, ());
        self.roundtrip(client);
        let last = self[client].seen.extra.iter().rev().find_map(|extra| match extra {
            Extra::Handle(handle) => Some(handle.clone()),
            _ => None,
        });
        (exported, last.expect("a handle is sent at once"))
    }

    fn import(&mut self, client: ClientId, text: &str) -> ZxdgImportedV2 {
        let handle = self[client].handle.clone();
        let importer: ZxdgImporterV2 = self[client].bind();
        let imported = importer.import_toplevel(text.to_owned(), &handle, ());
        self.roundtrip(client);
        imported
    }

    fn handles_ended(&self, client: ClientId) -> usize {
        self[client].seen.extra.iter().filter(|extra| **extra == Extra::HandleEnded).count()
    }

    fn is_fullscreen(&self, client: ClientId, window: &Toplevel) -> bool {
        self[client].configured(window).unwrap().fullscreen
    }
}

/// A page, another client's window above it, and the page's handle imported by that client.
fn page_and_helper(fixture: &mut Fixture) -> (ClientId, Toplevel, ZxdgExportedV2, ClientId, Toplevel, ZxdgImportedV2) {
    let page = fixture.client();
    let shell = fixture.map(page, Picture::Solid(RED));
    let (exported, text) = fixture.export(page, &shell);
    let helper = fixture.client();
    let window = fixture.map(helper, Picture::Solid(GREEN));
    assert!(fixture.is_fullscreen(helper, &window));
    let imported = fixture.import(helper, &text);
    imported.set_parent_of(&window.surface);
    fixture.roundtrip(helper);
    (page, shell, exported, helper, window, imported)
}

#[test]
fn a_window_of_another_client_becomes_the_dialog_of_the_page() {
    let mut fixture = Fixture::new(&["400x300"]);
    let (_, _, _, helper, window, imported) = page_and_helper(&mut fixture);
    let told = fixture[helper].configured(&window).cloned().unwrap();
    assert_eq!((told.width, told.height, told.fullscreen), (0, 0, false), "it may choose its size now");
    window.viewport.set_destination(100, 60);
    fixture[helper].draw(&window.surface, Picture::Solid(GREEN), 100, 60);
    fixture.roundtrip(helper);
    fixture.still();
    let panel = fixture.panel();
    assert_eq!((panel.pixel(200, 150), panel.pixel(100, 150)), (GREEN, RED));
    imported.destroy();
    fixture.roundtrip(helper);
    assert!(fixture.is_fullscreen(helper, &window), "without the import it is a window of its own");
    assert_eq!(fixture[helper].error(), None);
}

#[test]
fn a_handle_ends_with_its_object_and_with_its_window() {
    for whole_window in [false, true] {
        let mut fixture = Fixture::new(&["400x300"]);
        let (page, shell, exported, helper, window, imported) = page_and_helper(&mut fixture);
        let second = fixture[helper].toplevel();
        imported.set_parent_of(&second.surface);
        second.surface.commit();
        fixture.roundtrip(helper);
        assert!(!fixture.is_fullscreen(helper, &second));
        if whole_window {
            shell.destroy();
        } else {
            exported.destroy();
        }
        fixture.roundtrip(page);
        fixture.roundtrip(helper);
        assert_eq!(fixture.handles_ended(helper), 1);
        assert!(fixture.is_fullscreen(helper, &window), "the parent is gone, whole window: {whole_window}");
        assert!(fixture.is_fullscreen(helper, &second), "of every child, whole window: {whole_window}");
        // An import whose handle has ended has no effect, and can be destroyed.
        imported.set_parent_of(&window.surface);
        imported.destroy();
        fixture.roundtrip(helper);
        assert!(fixture.is_fullscreen(helper, &window));
        assert_eq!(fixture[helper].error(), None);
    }
}

#[test]
fn a_client_that_dies_takes_its_handles_with_it() {
    let mut fixture = Fixture::new(&["400x300"]);
    let (page, _, _, helper, window, _) = page_and_helper(&mut fixture);
    fixture.disconnect(page);
    fixture.until("the end of the handle", |fixture| fixture.handles_ended(helper) == 1);
    fixture.roundtrip(helper);
    assert!(fixture.is_fullscreen(helper, &window));
}

#[test]
fn an_unknown_handle_is_told_to_have_ended() {
    let mut fixture = Fixture::new(&["400x300"]);
    let client = fixture.client();
    let imported = fixture.import(client, "0123456789abcdef0123456789abcdef");
    assert_eq!(fixture.handles_ended(client), 1);
    let window = fixture.map(client, Picture::Solid(RED));
    imported.set_parent_of(&window.surface);
    fixture.roundtrip(client);
    assert_eq!(fixture[client].error(), None);
}

#[test]
fn handles_are_not_alike() {
    let mut fixture = Fixture::new(&["400x300"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let (_first, one) = fixture.export(client, &window);
    let (_second, other) = fixture.export(client, &window);
    assert_ne!(one, other);
    assert_eq!((one.len(), other.len()), (32, 32));
}

#[test]
fn two_clients_windows_are_not_each_others_parents() {
    let mut fixture = Fixture::new(&["400x300"]);
    let (page, shell, _, helper, window, _) = page_and_helper(&mut fixture);
    let (_exported, text) = fixture.export(helper, &window);
    let imported = fixture.import(page, &text);
    imported.set_parent_of(&shell.surface);
    fixture[page].sync();
    fixture.until("the client to be disconnected", |fixture| fixture[page].is_gone());
    assert_eq!(
        fixture[page].error(),
        Some(("zxdg_imported_v2".into(), zxdg_imported_v2::Error::InvalidSurface as u32))
    );
    fixture.assert_serving();
}

#[test]
fn what_is_no_window_is_neither_exported_nor_given_a_parent() {
    let mut fixture = Fixture::new(&["400x300"]);
    let client = fixture.client();
    let handle = fixture[client].handle.clone();
    let exporter: ZxdgExporterV2 = fixture[client].bind();
    let surface = fixture[client].surface();
    exporter.export_toplevel(&surface, &handle, ());
    fixture[client].sync();
    fixture.until("the client to be disconnected", |fixture| fixture[client].is_gone());
    assert_eq!(fixture[client].error(), Some(("zxdg_exporter_v2".into(), 0)));
    let (_, _, _, helper, _, imported) = page_and_helper(&mut fixture);
    let surface = fixture[helper].surface();
    imported.set_parent_of(&surface);
    fixture[helper].sync();
    fixture.until("the client to be disconnected", |fixture| fixture[helper].is_gone());
    assert_eq!(fixture[helper].error(), Some(("zxdg_imported_v2".into(), 0)));
    fixture.assert_serving();
}

#[test]
fn chains_of_parents_over_clients_are_as_long_as_within_one() {
    let mut setup = Setup::bare(&["400x300"]);
    setup.config.limits.parent_depth = 3;
    let mut fixture = setup.start();
    // Its own window has a chain of two dialogs, and is to be the child of another client's chain of two.
    let lower = fixture.client();
    let root = fixture.map(lower, Picture::Solid(RED));
    let first = fixture.dialog(lower, &root, GREEN, (40, 30));
    let (_exported, text) = fixture.export(lower, &first);
    let upper = fixture.client();
    let window = fixture.map(upper, Picture::Solid(GREEN));
    let child = fixture.dialog(upper, &window, RED, (40, 30));
    let grandchild = fixture.dialog(upper, &child, RED, (20, 20));
    assert!(grandchild.surface.is_alive());
    let imported = fixture.import(upper, &text);
    // Its client cannot know the depth: the window stays without a parent, and the client connected.
    imported.set_parent_of(&window.surface);
    fixture.roundtrip(upper);
    assert_eq!(fixture[upper].error(), None);
    assert!(fixture.is_fullscreen(upper, &window), "it is no dialog");
    // A shorter chain of its own fits.
    imported.set_parent_of(&grandchild.surface);
    fixture.roundtrip(upper);
    assert_eq!(fixture[upper].error(), None);
    fixture.assert_serving();
}

#[test]
fn no_client_has_handles_without_end() {
    let mut setup = Setup::bare(&["400x300"]);
    setup.config.limits.objects = 20;
    let mut fixture = setup.start();
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let handle = fixture[client].handle.clone();
    let exporter: ZxdgExporterV2 = fixture[client].bind();
    for _ in 0..21 {
        exporter.export_toplevel(&window.surface, &handle, ());
    }
    fixture[client].sync();
    fixture.until("the client to be disconnected", |fixture| fixture[client].is_gone());
    assert_eq!(fixture[client].error(), Some(("zxdg_exporter_v2".into(), LIMIT)));
    fixture.assert_serving();
}
