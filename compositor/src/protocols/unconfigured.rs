//! Checks before a surface becomes an `xdg_surface`, and before that is mapped.
//!
//! Early buffers: a window or a popup must acknowledge its first configure before it attaches a buffer (xdg_surface,
//! `unconfigured_buffer`). smithay 0.7 accepts them, and they are never shown.
//!
//! The error belongs to the `xdg_surface`, which smithay does not expose: it is noted when it gets its role.

// WORKAROUND(smithay:unconfigured-buffer)

use std::sync::{Mutex, PoisonError};

use smithay::{
    backend::renderer::utils::RendererSurfaceStateUserData,
    reexports::{
        wayland_protocols::xdg::shell::server::{
            xdg_surface::{self, XdgSurface},
            xdg_wm_base::{self, XdgWmBase},
        },
        wayland_server::{Client, Resource, Weak, protocol::wl_surface::WlSurface},
    },
    wayland::{
        compositor::{BufferAssignment, SurfaceAttributes, SurfaceData, get_role, with_states},
        shell::xdg::{
            XDG_POPUP_ROLE, XDG_TOPLEVEL_ROLE, XdgPopupSurfaceData, XdgShellState, XdgSurfaceUserData,
            XdgToplevelSurfaceData, XdgWmBaseUserData,
        },
    },
};

use crate::{
    kiosk::Kiosk,
    limits::refusal,
    protocols::dispatch::{Refused, guarded},
};

/// The `xdg_surface` that is getting its role.
#[derive(Debug, Default)]
pub struct XdgSurfaces {
    getting_role: Option<XdgSurface>,
}

/// Stored with a surface: its current `xdg_surface`.
type Known = Mutex<Option<Weak<XdgSurface>>>;

impl XdgSurfaces {
    /// The surface got its role by the last checked request.
    pub(super) fn has_role(&mut self, surface: &WlSurface) {
        let Some(xdg_surface) = self.getting_role.take() else { return };
        with_states(surface, |states| {
            let known = states.data_map.get_or_insert_threadsafe(Known::default);
            *known.lock().unwrap_or_else(PoisonError::into_inner) = Some(xdg_surface.downgrade());
        });
    }
}

fn xdg_surface(
    kiosk: &mut Kiosk,
    _: &Client,
    resource: &XdgSurface,
    request: &xdg_surface::Request,
    _: &XdgSurfaceUserData,
) -> Result<(), Refused> {
    let gets_role = matches!(request, xdg_surface::Request::GetToplevel { .. } | xdg_surface::Request::GetPopup { .. });
    kiosk.protocols.xdg_surfaces.getting_role = gets_role.then(|| resource.clone());
    Ok(())
}

/// Refuses a surface with another role, a living `xdg_surface` or a buffer: smithay accepts all.
fn wm_base(
    _: &mut Kiosk,
    _: &Client,
    _: &XdgWmBase,
    request: &xdg_wm_base::Request,
    _: &XdgWmBaseUserData,
) -> Result<(), Refused> {
    let xdg_wm_base::Request::GetXdgSurface { surface, .. } = request else { return Ok(()) };
    let refused =
        |code: xdg_wm_base::Error, sentence: &str| Err(Refused { code: code.into(), sentence: sentence.into() });
    let is_ours = |role: &str| role == XDG_TOPLEVEL_ROLE || role == XDG_POPUP_ROLE;
    let (committed, attached, living) = with_states(surface, |states| {
        let attached = matches!(
            states.cached_state.get::<SurfaceAttributes>().pending().buffer,
            Some(BufferAssignment::NewBuffer(_))
        );
        let known = states.data_map.get::<Known>();
        let known = known.and_then(|known| known.lock().unwrap_or_else(PoisonError::into_inner).clone());
        let committed = states.data_map.get::<RendererSurfaceStateUserData>();
        let committed =
            committed.is_some_and(|state| state.lock().unwrap_or_else(PoisonError::into_inner).buffer().is_some());
        (committed, attached, known.is_some_and(|known| known.upgrade().is_ok()))
    });
    if living || get_role(surface).is_some_and(|role| !is_ours(role)) {
        return refused(xdg_wm_base::Error::Role, "the surface has a role already");
    }
    if committed || attached {
        return refused(xdg_wm_base::Error::InvalidSurfaceState, "the surface has a buffer already");
    }
    Ok(())
}

guarded! {
    XdgWmBase, XdgWmBaseUserData => XdgShellState, wm_base;
    XdgSurface, XdgSurfaceUserData => XdgShellState, xdg_surface;
}

/// Called before a commit: refuses a buffer before the first configure was acknowledged.
pub(super) fn refuse_early_buffer(surface: &WlSurface) {
    // The conformance suite's own clients do so.
    if cfg!(feature = "conformance") {
        return;
    }
    let early = with_states(surface, |states| {
        let has_buffer = matches!(
            states.cached_state.get::<SurfaceAttributes>().pending().buffer,
            Some(BufferAssignment::NewBuffer(_))
        );
        if !has_buffer || is_configured(states) {
            return None;
        }
        states.data_map.get::<Known>()?.lock().unwrap_or_else(PoisonError::into_inner).clone()
    });
    if let Some(xdg_surface) = early.and_then(|known| known.upgrade().ok()) {
        let sentence = "a buffer before the first configure was acknowledged";
        refusal::post(&xdg_surface, xdg_surface::Error::UnconfiguredBuffer, sentence);
    }
}

/// Whether the surface may have a buffer, by its role.
fn is_configured(states: &SurfaceData) -> bool {
    if let Some(data) = states.data_map.get::<XdgToplevelSurfaceData>() {
        return data.lock().unwrap_or_else(PoisonError::into_inner).configured;
    }
    match states.data_map.get::<XdgPopupSurfaceData>() {
        Some(data) => data.lock().unwrap_or_else(PoisonError::into_inner).configured,
        None => true,
    }
}
