//! xdg-foreign: a window of one client becomes the dialog of another client's window, by a handle that one client
//! passes to the other. A window cannot be reached without its handle: handles are random, and end with the window or
//! with their object. Chains of parents are limited as within one client ([`crate::limits::depth`]), and never cycles.
//!
//! WORKAROUND(smithay:xdg-foreign): smithay exports surfaces that are not windows, panics when an import is destroyed
//! (its commit ae14fa12), keeps one child for all imports of a handle, and does not tell importers that a handle has
//! ended. The protocol is implemented here.

use std::collections::HashMap;

use rustix::rand::{GetRandomFlags, getrandom};
use smithay::{
    reexports::{
        wayland_protocols::xdg::foreign::zv2::server::{
            zxdg_exported_v2::{self, ZxdgExportedV2},
            zxdg_exporter_v2::{self, Error as ExportError, ZxdgExporterV2},
            zxdg_imported_v2::{self, Error as ImportError, ZxdgImportedV2},
            zxdg_importer_v2::{self, ZxdgImporterV2},
        },
        wayland_server::{
            Client, DataInit, Dispatch, DisplayHandle, Resource, Weak, backend::ClientId,
            protocol::wl_surface::WlSurface,
        },
    },
    wayland::{
        compositor::with_states,
        shell::{
            is_valid_parent,
            xdg::{XdgShellHandler, XdgToplevelSurfaceData},
        },
    },
};

use crate::{
    kiosk::Kiosk,
    limits::{depth, refusal},
    protocols::dispatch::{objects, plain},
};

/// Highest supported version of the protocol.
const VERSION: u32 = 1;
/// Bytes of a handle: as many as a UUID's, too many to guess.
const HANDLE: usize = 16;

/// The state of the protocol: the valid handles, by their text.
pub struct ForeignParents(HashMap<String, Export>);

struct Export {
    surface: WlSurface,
    imports: Vec<Import>,
}

struct Import {
    resource: ZxdgImportedV2,
    /// Windows of the importing client, each once, so no more than it has.
    children: Vec<Weak<WlSurface>>,
}

impl ForeignParents {
    /// Offers the globals.
    pub fn new(display: &DisplayHandle) -> Self {
        display.create_global::<Kiosk, ZxdgExporterV2, ()>(VERSION, ());
        display.create_global::<Kiosk, ZxdgImporterV2, ()>(VERSION, ());
        Self(HashMap::new())
    }
}

impl Import {
    /// Unsets the parent of its children, unless they have another one by now.
    fn end(&self, kiosk: &mut Kiosk, parent: &WlSurface) {
        for child in self.children.iter().filter_map(|child| child.upgrade().ok()) {
            if parent_of(&child).as_ref() == Some(parent) {
                set_parent(kiosk, &child, None);
            }
        }
    }
}

impl Kiosk {
    /// Invalidates the handles of a destroyed window.
    pub(super) fn end_exports_of(&mut self, surface: &WlSurface) {
        let exports = &self.protocols.foreign_parents.0;
        let of_it = exports.iter().filter(|(_, export)| export.surface == *surface).map(|(handle, _)| handle.clone());
        for handle in of_it.collect::<Vec<_>>() {
            self.end_export(&handle);
        }
    }

    fn end_export(&mut self, handle: &str) {
        let Some(export) = self.protocols.foreign_parents.0.remove(handle) else { return };
        for import in export.imports {
            import.end(self, &export.surface);
            import.resource.destroyed();
        }
    }
}

fn parent_of(surface: &WlSurface) -> Option<WlSurface> {
    with_states(surface, |states| {
        let role = states.data_map.get::<XdgToplevelSurfaceData>()?;
        role.lock().ok()?.parent.clone()
    })
}

/// Like xdg_toplevel.set_parent; but if the chain of parents became too long, the child keeps its parent: its client
/// cannot know the other's chain. `false`: the child is not a window.
fn set_parent(kiosk: &mut Kiosk, child: &WlSurface, parent: Option<&WlSurface>) -> bool {
    let windows = kiosk.protocols.xdg_shell.toplevel_surfaces();
    let Some(window) = windows.iter().find(|window| window.wl_surface() == child).cloned() else { return false };
    let before = parent_of(child);
    if before.as_ref() == parent {
        return true;
    }
    put_parent(child, parent);
    let limit = kiosk.settings.config.limits.parent_depth;
    if parent.is_some() && !depth::parents_fit(kiosk.protocols.xdg_shell.toplevel_surfaces(), limit) {
        put_parent(child, before.as_ref());
        tracing::debug!(limit, "a window of another client has too many parents to be one");
        return true;
    }
    kiosk.parent_changed(window);
    true
}

fn put_parent(child: &WlSurface, parent: Option<&WlSurface>) {
    with_states(child, |states| {
        let role = states.data_map.get::<XdgToplevelSurfaceData>();
        if let Some(mut role) = role.and_then(|role| role.lock().ok()) {
            role.parent = parent.cloned();
        }
    });
}

/// A random text; `None`: the kernel has no random numbers.
fn handle() -> Option<String> {
    let mut bytes = [0; HANDLE];
    let filled = getrandom(&mut bytes, GetRandomFlags::empty()).ok()?;
    (filled == HANDLE).then(|| bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

impl Dispatch<ZxdgExporterV2, (), Kiosk> for ForeignParents {
    fn request(
        kiosk: &mut Kiosk,
        _: &Client,
        exporter: &ZxdgExporterV2,
        request: zxdg_exporter_v2::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        let zxdg_exporter_v2::Request::ExportToplevel { id, surface } = request else { return };
        let text = handle().unwrap_or_default();
        let exported = init.init(id, text.clone());
        if text.is_empty() {
            refusal::post(exporter, refusal::LIMIT, "there are no random numbers for a handle");
            return;
        }
        if !kiosk.protocols.xdg_shell.toplevel_surfaces().iter().any(|window| *window.wl_surface() == surface) {
            refusal::post(exporter, ExportError::InvalidSurface, "only a window can be exported");
            return;
        }
        exported.handle(text.clone());
        kiosk.protocols.foreign_parents.0.insert(text, Export { surface, imports: Vec::new() });
    }
}

impl Dispatch<ZxdgExportedV2, String, Kiosk> for ForeignParents {
    fn request(
        _: &mut Kiosk,
        _: &Client,
        _: &ZxdgExportedV2,
        _: zxdg_exported_v2::Request,
        _: &String,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
    }

    fn destroyed(kiosk: &mut Kiosk, _: ClientId, _: &ZxdgExportedV2, handle: &String) {
        kiosk.end_export(handle);
    }
}

impl Dispatch<ZxdgImporterV2, (), Kiosk> for ForeignParents {
    fn request(
        kiosk: &mut Kiosk,
        _: &Client,
        _: &ZxdgImporterV2,
        request: zxdg_importer_v2::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        let zxdg_importer_v2::Request::ImportToplevel { id, handle } = request else { return };
        let resource = init.init(id, handle.clone());
        match kiosk.protocols.foreign_parents.0.get_mut(&handle) {
            Some(export) => export.imports.push(Import { resource, children: Vec::new() }),
            None => resource.destroyed(),
        }
    }
}

impl Dispatch<ZxdgImportedV2, String, Kiosk> for ForeignParents {
    fn request(
        kiosk: &mut Kiosk,
        _: &Client,
        resource: &ZxdgImportedV2,
        request: zxdg_imported_v2::Request,
        handle: &String,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
        let zxdg_imported_v2::Request::SetParentOf { surface } = request else { return };
        // An import whose handle has ended has no effect.
        let Some(export) = kiosk.protocols.foreign_parents.0.get_mut(handle) else { return };
        let parent = export.surface.clone();
        if !is_valid_parent(&surface, &parent) {
            refusal::post(resource, ImportError::InvalidSurface, "a window cannot be its own ancestor");
            return;
        }
        if let Some(import) = export.imports.iter_mut().find(|import| import.resource == *resource) {
            import.children.retain(|child| child.upgrade().is_ok_and(|child| child != surface));
            import.children.push(surface.downgrade());
        }
        if !set_parent(kiosk, &surface, Some(&parent)) {
            refusal::post(resource, ImportError::InvalidSurface, "only a window can have a parent");
        }
    }

    fn destroyed(kiosk: &mut Kiosk, _: ClientId, resource: &ZxdgImportedV2, handle: &String) {
        let Some(export) = kiosk.protocols.foreign_parents.0.get_mut(handle) else { return };
        let parent = export.surface.clone();
        let Some(at) = export.imports.iter().position(|import| import.resource == *resource) else { return };
        export.imports.swap_remove(at).end(kiosk, &parent);
    }
}

plain! {
    ZxdgExporterV2 => ForeignParents;
    ZxdgImporterV2 => ForeignParents;
}
objects! {
    ZxdgExporterV2, () => ForeignParents;
    ZxdgImporterV2, () => ForeignParents;
    ZxdgExportedV2, String => ForeignParents;
    ZxdgImportedV2, String => ForeignParents;
}
