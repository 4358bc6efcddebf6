//! Requests that make smithay 0.7.0 panic or hang, or take what belongs to all, answered before they reach it: a
//! client must be able to end nothing but its own connection. Each was found by the in-process tests; with a
//! smithay that answers by itself, its guard can be deleted.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use smithay::{
    reexports::wayland_server::{
        Client, DataInit, Dispatch, DisplayHandle, Resource,
        backend::ClientId,
        protocol::{
            wl_buffer::{self, WlBuffer},
            wl_shm::{self, WlShm},
            wl_shm_pool::{self, WlShmPool},
            wl_subsurface::{self, WlSubsurface},
        },
    },
    wayland::{
        compositor::{CompositorState, SubsurfaceUserData, with_states},
        shell::xdg::{PopupSurface, XdgPopupSurfaceData},
        shm::{ShmBufferUserData, ShmPoolUserData, ShmState},
    },
};

use crate::{kiosk::Kiosk, privilege::ClientState};

/// Hands requests to the state they belong to, unless the guard has refused them with a protocol error.
macro_rules! guarded {
    ($($interface:ty, $data:ty => $state:ty, $guard:path, $gone:path;)+) => {$(
        impl Dispatch<$interface, $data> for Kiosk {
            fn request(
                kiosk: &mut Self,
                client: &Client,
                resource: &$interface,
                request: <$interface as Resource>::Request,
                data: &$data,
                display: &DisplayHandle,
                init: &mut DataInit<'_, Self>,
            ) {
                if $guard(client, resource, &request, data).is_ok() {
                    <$state as Dispatch<$interface, $data, Self>>::request(
                        kiosk, client, resource, request, data, display, init,
                    );
                }
            }

            fn destroyed(kiosk: &mut Self, client: ClientId, resource: &$interface, data: &$data) {
                $gone(kiosk, &client);
                <$state as Dispatch<$interface, $data, Self>>::destroyed(kiosk, client, resource, data);
            }
        }
    )+};
}

guarded! {
    WlShm, () => ShmState, shm, nothing;
    WlShmPool, ShmPoolUserData => ShmState, pool, memory_freed;
    WlBuffer, ShmBufferUserData => ShmState, buffer, memory_freed;
    WlSubsurface, SubsurfaceUserData => CompositorState, subsurface, nothing;
}

/// Pools and buffers of shared memory that a client may have at a time. Each may hold a file descriptor of ours,
/// of which there are some thousands for all. Toolkits use dozens.
const MOST_MEMORIES: u32 = 800;

fn memories(client: &Client) -> Option<&AtomicU32> {
    client.get_data::<ClientState>().map(|state| &state.memories)
}

fn nothing(_: &Kiosk, _: &ClientId) {}

fn memory_freed(kiosk: &Kiosk, client: &ClientId) {
    // A client that has gone needs no count.
    if let Ok(data) = kiosk.display.backend_handle().get_client_data(client.clone())
        && let Ok(state) = data.downcast_arc::<ClientState>()
    {
        let _ = state.memories.fetch_update(Relaxed, Relaxed, |count| count.checked_sub(1));
    }
}

/// A pool is made: are there too many?
fn shm(client: &Client, shm: &WlShm, request: &wl_shm::Request, (): &()) -> Result<(), Refused> {
    match request {
        wl_shm::Request::CreatePool { .. } => take_memory(client, shm),
        _ => Ok(()),
    }
}

fn take_memory(client: &Client, object: &impl Resource) -> Result<(), Refused> {
    let Some(count) = memories(client) else { return Ok(()) };
    if count.fetch_add(1, Relaxed) < MOST_MEMORIES {
        return Ok(());
    }
    let text = format!("too many pools and buffers at a time; {MOST_MEMORIES} are possible");
    object.post_error(wl_shm::Error::InvalidFd, text);
    Err(Refused)
}

fn buffer(_: &Client, _: &WlBuffer, _: &wl_buffer::Request, _: &ShmBufferUserData) -> Result<(), Refused> {
    Ok(())
}

/// The request was answered with a protocol error.
struct Refused;

/// A resize to nothing: smithay makes a `NonZeroUsize` of it, after having posted the error.
fn pool(client: &Client, pool: &WlShmPool, request: &wl_shm_pool::Request, _: &ShmPoolUserData) -> Result<(), Refused> {
    match request {
        wl_shm_pool::Request::CreateBuffer { .. } => take_memory(client, pool),
        wl_shm_pool::Request::Resize { size } if *size <= 0 => {
            pool.post_error(wl_shm::Error::InvalidFd, format!("a pool of {size} bytes is not possible"));
            Err(Refused)
        }
        _ => Ok(()),
    }
}

/// A surface above itself: smithay takes it out of the list of its siblings, and then looks for its place there.
fn subsurface(
    _: &Client,
    subsurface: &WlSubsurface,
    request: &wl_subsurface::Request,
    data: &SubsurfaceUserData,
) -> Result<(), Refused> {
    match request {
        wl_subsurface::Request::PlaceAbove { sibling } | wl_subsurface::Request::PlaceBelow { sibling }
            if sibling == data.surface() =>
        {
            subsurface.post_error(wl_subsurface::Error::BadSurface, "a surface is not its own sibling");
            Err(Refused)
        }
        _ => Ok(()),
    }
}

/// Whether the popup is among its own ancestors, itself included. smithay takes any surface for a parent, and then
/// looks for the root of the family for ever.
pub fn is_own_ancestor(popup: &PopupSurface) -> bool {
    let mut ancestor = popup.get_parent_surface();
    while let Some(surface) = ancestor {
        if surface == *popup.wl_surface() {
            return true;
        }
        // Circles are refused as they are made, so there is none further up.
        ancestor = with_states(&surface, |states| {
            let data = states.data_map.get::<XdgPopupSurfaceData>()?;
            data.lock().ok()?.parent.clone()
        });
    }
    false
}
