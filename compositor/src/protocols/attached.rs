//! Tracks extension objects of which a surface has at most one (fifo, commit timer, alpha modifier). Used by the
//! handlers that create them; a destroyed object makes room for the next.

use std::sync::{Mutex, PoisonError};

use smithay::{
    reexports::wayland_server::{Resource, Weak, protocol::wl_surface::WlSurface},
    wayland::compositor::with_states,
};

struct Attached<I: Resource>(Mutex<Option<Weak<I>>>);

/// Attaches this object as the surface's only one of its kind. `false`: there is one already.
pub fn attach<I: Resource + Send + Sync + 'static>(surface: &WlSurface, object: &I) -> bool {
    with_states(surface, |states| {
        let place = states.data_map.get_or_insert_threadsafe(|| Attached::<I>(Mutex::new(None)));
        let mut place = place.0.lock().unwrap_or_else(PoisonError::into_inner);
        if place.as_ref().is_some_and(|other| other.upgrade().is_ok()) {
            return false;
        }
        *place = Some(object.downgrade());
        true
    })
}
