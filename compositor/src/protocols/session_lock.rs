//! ext-session-lock: a kiosk is never locked. Each lock gets `finished` at once, as the protocol prescribes for a
//! refusal; lockers then exit with an error.

use smithay::reexports::{
    wayland_protocols::ext::session_lock::v1::server::{
        ext_session_lock_manager_v1::{self, ExtSessionLockManagerV1},
        ext_session_lock_surface_v1::{self, Error as SurfaceError, ExtSessionLockSurfaceV1},
        ext_session_lock_v1::{self, Error, ExtSessionLockV1},
    },
    wayland_server::{Client, DataInit, Dispatch, DisplayHandle},
};

use crate::{
    kiosk::Kiosk,
    limits::refusal::{self, Repeated},
    protocols::dispatch::{objects, plain},
};

/// Highest supported version of the protocol.
const VERSION: u32 = 1;

/// The protocol, which has no state.
pub struct SessionLock;

impl SessionLock {
    /// Offers the global.
    pub fn offer(display: &DisplayHandle) {
        display.create_global::<Kiosk, ExtSessionLockManagerV1, ()>(VERSION, ());
    }
}

impl Dispatch<ExtSessionLockManagerV1, (), Kiosk> for SessionLock {
    fn request(
        _: &mut Kiosk,
        _: &Client,
        _: &ExtSessionLockManagerV1,
        request: ext_session_lock_manager_v1::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        let ext_session_lock_manager_v1::Request::Lock { id } = request else { return };
        init.init(id, ()).finished();
        static LOG: Repeated = Repeated::new();
        if let Some(more) = LOG.count() {
            tracing::info!(more, "a client wanted to lock the screen, which a kiosk does not allow");
        }
    }
}

impl Dispatch<ExtSessionLockV1, (), Kiosk> for SessionLock {
    fn request(
        _: &mut Kiosk,
        _: &Client,
        lock: &ExtSessionLockV1,
        request: ext_session_lock_v1::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        match request {
            // Created before the client received `finished`: it is never shown.
            ext_session_lock_v1::Request::GetLockSurface { id, .. } => {
                init.init(id, ());
            }
            ext_session_lock_v1::Request::UnlockAndDestroy => {
                refusal::post(lock, Error::InvalidUnlock, "the screen was never locked");
            }
            _ => {}
        }
    }
}

impl Dispatch<ExtSessionLockSurfaceV1, (), Kiosk> for SessionLock {
    fn request(
        _: &mut Kiosk,
        _: &Client,
        surface: &ExtSessionLockSurfaceV1,
        request: ext_session_lock_surface_v1::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
        if let ext_session_lock_surface_v1::Request::AckConfigure { .. } = request {
            refusal::post(surface, SurfaceError::InvalidSerial, "the surface was never configured");
        }
    }
}

plain! {
    ExtSessionLockManagerV1 => SessionLock;
}
objects! {
    ExtSessionLockManagerV1, () => SessionLock;
    ExtSessionLockV1, () => SessionLock;
    ExtSessionLockSurfaceV1, () => SessionLock;
}
