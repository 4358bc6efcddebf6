//! Limit of the object ids that a client uses.
//!
//! libwayland keeps a table of each client's ids, which grows to the highest one and never shrinks: up to 126 MiB, for
//! a client that never uses an id again. What libwayland answers by itself (`wl_display.sync`) never reaches our
//! handlers, so its own notice of new objects is used, which wayland-backend does not pass on. A client in C or of
//! wayland-client uses ids again, and needs no more than it has objects.

use std::{
    ffi::c_void,
    mem::offset_of,
    ptr::null_mut,
    sync::{Arc, OnceLock},
};

use libloading::Library;
use smithay::reexports::wayland_server::DisplayHandle;
use wayland_sys::{
    common::wl_list,
    server::{wayland_server_handle, wl_client, wl_listener, wl_resource},
};

use super::refusal;
use crate::privilege::ClientState;

/// libwayland's server side, as wayland-sys loads it.
const LIBRARY: &str = "libwayland-server.so.0";
/// The object of every connection, through which errors are sent.
const DISPLAY: u32 = 1;
/// Ids from here on are the server's own (Wayland protocol, "Creating Objects").
pub const SERVER_IDS: u32 = 0xff00_0000;

/// `wl_client_add_resource_created_listener`.
type AddListener = unsafe extern "C" fn(*mut wl_client, *mut wl_listener);

/// What libwayland calls for one client; owned by it until the client is destroyed.
#[repr(C)]
struct Watch {
    created: wl_listener,
    destroyed: wl_listener,
    state: Arc<ClientState>,
}

/// Counts the ids of the client that was just inserted, for ever.
#[allow(unsafe_code)]
pub fn watch_newest(display: &DisplayHandle, state: &Arc<ClientState>) {
    let Some(add_listener) = add_listener() else { return };
    let library = wayland_server_handle();
    let listener = |notify| wl_listener { link: wl_list { prev: null_mut(), next: null_mut() }, notify };
    let watch = Watch { created: listener(created), destroyed: listener(destroyed), state: state.clone() };
    let watch = Box::into_raw(Box::new(watch));
    // SAFETY: the display lives as long as its handle. libwayland inserts each client at the end of the list, and the
    // caller has just inserted one, so that the list is not empty. `watch` is freed by `destroyed` alone.
    unsafe {
        let clients = (library.wl_display_get_client_list)(display.backend_handle().display_ptr());
        let client = (library.wl_client_from_link)((*clients).prev);
        add_listener(client, &raw mut (*watch).created);
        (library.wl_client_add_destroy_listener)(client, &raw mut (*watch).destroyed);
    }
}

/// The function that wayland-sys does not have; `None` in a libwayland before 1.12.
#[allow(unsafe_code)]
fn add_listener() -> Option<AddListener> {
    static LOADED: OnceLock<Option<(Library, AddListener)>> = OnceLock::new();
    let load = || {
        // SAFETY: wayland-sys has loaded this library before, the function has this type since it is there, and the
        // library stays loaded.
        let loaded = unsafe {
            Library::new(LIBRARY).and_then(|library| {
                let function = *library.get::<AddListener>(b"wl_client_add_resource_created_listener\0")?;
                Ok((library, function))
            })
        };
        loaded.inspect_err(|error| tracing::warn!(%error, "object ids of clients are not limited")).ok()
    };
    LOADED.get_or_init(load).as_ref().map(|(_, function)| *function)
}

/// An object of the client was made.
#[allow(unsafe_code)]
unsafe extern "C" fn created(listener: *mut wl_listener, resource: *mut c_void) {
    let library = wayland_server_handle();
    let resource: *mut wl_resource = resource.cast();
    // SAFETY: libwayland calls this with the listener in `watch_newest` (the first field of its structure) until
    // `destroyed` removes it, and with the new object, whose client is alive and has its display object.
    unsafe {
        let watch = &*listener.cast::<Watch>();
        if let Err(too_many) = watch.state.takes_id((library.wl_resource_get_id)(resource)) {
            let client = (library.wl_resource_get_client)(resource);
            let display = (library.wl_client_get_object)(client, DISPLAY);
            refusal::post_raw(display, &too_many.to_string());
        }
    }
}

/// The client goes: its objects are destroyed next, and no more are made.
#[allow(unsafe_code)]
unsafe extern "C" fn destroyed(listener: *mut wl_listener, _client: *mut c_void) {
    let library = wayland_server_handle();
    // SAFETY: the listener is that of `watch_newest`'s structure, and this is called once. Both listeners are in lists
    // of the client, which still exists.
    unsafe {
        let watch = listener.byte_sub(offset_of!(Watch, destroyed)).cast::<Watch>();
        (library.wl_list_remove)(&raw mut (*watch).created.link);
        (library.wl_list_remove)(&raw mut (*watch).destroyed.link);
        drop(Box::from_raw(watch));
    }
}
