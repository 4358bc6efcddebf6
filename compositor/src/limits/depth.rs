//! Limits of nesting. The trees are walked by recursion, or repeatedly from their leaves: smithay's walk of 60,000
//! nested subsurfaces overflows the stack, and a chain of 3,000 dialogs takes minutes.

use smithay::{
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
    wayland::{
        compositor::{get_children, get_parent, with_states},
        shell::xdg::{PopupSurface, ToplevelSurface, XdgPopupSurfaceData, XdgToplevelSurfaceData},
    },
};

/// Whether a surface with all that is below it may become a subsurface of `parent`: no path from the root down is then
/// longer than `limit`.
pub fn subsurface_fits(surface: &WlSurface, parent: &WlSurface, limit: u32) -> bool {
    let above = chain(parent.clone(), get_parent, limit);
    above.saturating_add(levels(surface, limit)) <= limit
}

/// Levels of subsurfaces from this surface on down, itself included, as far as `limit` and one more.
fn levels(surface: &WlSurface, limit: u32) -> u32 {
    let mut level = vec![surface.clone()];
    let mut count = 0;
    while !level.is_empty() && count <= limit {
        count += 1;
        level = level.iter().flat_map(get_children).collect();
    }
    count
}

/// Whether no menu of this client is nested deeper than `limit`. A popup's parent may have been mapped after it, so all
/// are checked.
pub fn popups_fit(popups: &[PopupSurface], newest: &PopupSurface, limit: u32) -> bool {
    let own = popups.iter().filter(|popup| popup.wl_surface().id().same_client_as(&newest.wl_surface().id()));
    own.chain([newest]).all(|popup| chain(popup.wl_surface().clone(), popup_parent, limit) <= limit)
}

fn popup_parent(surface: &WlSurface) -> Option<WlSurface> {
    with_states(surface, |states| {
        let data = states.data_map.get::<XdgPopupSurfaceData>()?;
        data.lock().ok()?.parent.clone()
    })
}

/// Whether no dialog is at the end of a chain of more than `limit` parents. All are checked, as other clients' dialogs
/// may be below the newest (xdg-foreign).
pub fn parents_fit(toplevels: &[ToplevelSurface], limit: u32) -> bool {
    toplevels
        .iter()
        .map(|toplevel| chain(toplevel.wl_surface().clone(), toplevel_parent, limit))
        .all(|depth| depth <= limit)
}

fn toplevel_parent(surface: &WlSurface) -> Option<WlSurface> {
    with_states(surface, |states| {
        let data = states.data_map.get::<XdgToplevelSurfaceData>()?;
        data.lock().ok()?.parent.clone()
    })
}

/// The number of parents, counted up to `limit` + 1, so that circles end too.
fn chain(from: WlSurface, up: impl Fn(&WlSurface) -> Option<WlSurface>, limit: u32) -> u32 {
    let mut steps = 0;
    let mut surface = from;
    while steps <= limit
        && let Some(next) = up(&surface)
    {
        surface = next;
        steps += 1;
    }
    steps
}
