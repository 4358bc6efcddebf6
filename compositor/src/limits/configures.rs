//! Configure events that a client has not acknowledged. smithay keeps each until then.

use smithay::wayland::{
    compositor::with_states,
    shell::xdg::{PopupSurface, ToplevelSurface, XdgPopupSurfaceData, XdgToplevelSurfaceData},
};

use super::table::UNANSWERED_CONFIGURES;

/// Whether one more configure may be sent to this window.
pub fn toplevel_answers(toplevel: &ToplevelSurface) -> bool {
    let unanswered = with_states(toplevel.wl_surface(), |states| {
        let data = states.data_map.get::<XdgToplevelSurfaceData>();
        data.and_then(|data| Some(data.lock().ok()?.pending_configures().len())).unwrap_or(0)
    });
    unanswered <= UNANSWERED_CONFIGURES
}

/// The same for a popup.
pub fn popup_answers(popup: &PopupSurface) -> bool {
    let unanswered = with_states(popup.wl_surface(), |states| {
        let data = states.data_map.get::<XdgPopupSurfaceData>();
        data.and_then(|data| Some(data.lock().ok()?.pending_configures().len())).unwrap_or(0)
    });
    unanswered <= UNANSWERED_CONFIGURES
}
