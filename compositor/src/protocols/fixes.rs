//! wl_fixes: clients can destroy their registries, which are kept and get every new global until then.

use smithay::reexports::wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, Resource,
    protocol::wl_fixes::{self, WlFixes},
};

use crate::{
    kiosk::Kiosk,
    privilege::ClientState,
    protocols::dispatch::{objects, plain},
};

/// Highest supported version of the protocol. In version 2 clients acknowledge removed globals; ours are destroyed
/// after a delay (`screens/screen.rs`).
const VERSION: u32 = 1;

/// The protocol, which has no state.
pub struct Fixes;

impl Fixes {
    /// Offers the global.
    pub fn offer(display: &DisplayHandle) {
        display.create_global::<Kiosk, WlFixes, ()>(VERSION, ());
    }
}

impl Dispatch<WlFixes, (), Kiosk> for Fixes {
    fn request(
        _: &mut Kiosk,
        client: &Client,
        _: &WlFixes,
        request: wl_fixes::Request,
        (): &(),
        display: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
        let wl_fixes::Request::DestroyRegistry { registry } = request else { return };
        // libwayland created it, and destroys it.
        if display.backend_handle().destroy_object::<Kiosk>(&registry.id()).is_ok()
            && let Some(state) = client.get_data::<ClientState>()
        {
            state.registry_ended();
        }
    }
}

plain! {
    WlFixes => Fixes;
}
objects! {
    WlFixes, () => Fixes;
}
