//! Which client may bind which global: one question, asked for every global there is.
//!
//! Clients come in through two sockets and differ by nothing else. `globals!` is how protocols are made
//! known, so that no global can be offered without the question.

use std::sync::{Arc, atomic::AtomicU32};

use smithay::{
    reexports::wayland_server::{
        Client, Resource,
        backend::{ClientData, ClientId, DisconnectReason},
        protocol::wl_surface::WlSurface,
    },
    wayland::compositor::CompositorClientState,
};

/// What a client may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privilege {
    /// The shell's socket: show windows, take input.
    Shell,
    /// The admin socket: manage outputs, capture, inject input as well.
    Admin,
}

/// Globals that only the admin socket sees. Everything else that is offered is for everyone.
const ADMIN_ONLY: [&str; 9] = [
    "zwlr_output_manager_v1",
    "zwlr_output_power_manager_v1",
    "zwlr_screencopy_manager_v1",
    "ext_image_copy_capture_manager_v1",
    "zwlr_layer_shell_v1",
    "zwp_virtual_keyboard_manager_v1",
    "zwlr_virtual_pointer_manager_v1",
    "zwlr_data_control_manager_v1",
    "ext_data_control_manager_v1",
];

/// What is kept with each client.
pub struct ClientState {
    pub compositor: CompositorClientState,
    pub privilege: Privilege,
    /// The number of the shell through whose socket it came: its windows are on that one's screen.
    pub shell: usize,
    /// Pools and buffers of shared memory that it has.
    pub memories: AtomicU32,
}

impl ClientState {
    /// For a client that connected through the socket of that privilege.
    pub fn new(privilege: Privilege) -> Arc<Self> {
        Self::of_shell(privilege, 0)
    }

    /// The same for the socket of the shell with this number.
    pub fn of_shell(privilege: Privilege, shell: usize) -> Arc<Self> {
        Arc::new(Self { compositor: CompositorClientState::default(), privilege, shell, memories: AtomicU32::new(0) })
    }

    /// The number of the shell whose client has this surface.
    pub fn shell_of(surface: &WlSurface) -> usize {
        let client = surface.client();
        client.and_then(|client| client.get_data::<Self>().map(|state| state.shell)).unwrap_or_default()
    }
}

impl ClientData for ClientState {
    fn initialized(&self, _client: ClientId) {}
    fn disconnected(&self, client: ClientId, reason: DisconnectReason) {
        match reason {
            DisconnectReason::ConnectionClosed => tracing::debug!(?client, "client left"),
            DisconnectReason::ProtocolError(error) => {
                tracing::warn!(
                    ?client,
                    object = error.object_interface,
                    code = error.code,
                    message = error.message,
                    "client disconnected for a protocol error"
                );
            }
        }
    }
}

/// Whether the client may see and bind the global.
pub fn may_bind(client: &Client, interface: &str) -> bool {
    let privilege = client.get_data::<ClientState>().map_or(Privilege::Shell, |state| state.privilege);
    allows(privilege, interface)
}

fn allows(privilege: Privilege, interface: &str) -> bool {
    privilege == Privilege::Admin || !ADMIN_ONLY.contains(&interface)
}

/// Makes globals known: each is bound by the state it belongs to, after [`may_bind`].
macro_rules! globals {
    ($($interface:ty, $data:ty => $state:ty;)+) => {$(
        impl smithay::reexports::wayland_server::GlobalDispatch<$interface, $data> for $crate::kiosk::Kiosk {
            fn bind(
                kiosk: &mut Self,
                display: &smithay::reexports::wayland_server::DisplayHandle,
                client: &smithay::reexports::wayland_server::Client,
                resource: smithay::reexports::wayland_server::New<$interface>,
                data: &$data,
                init: &mut smithay::reexports::wayland_server::DataInit<'_, Self>,
            ) {
                <$state as smithay::reexports::wayland_server::GlobalDispatch<$interface, $data, Self>>::bind(
                    kiosk, display, client, resource, data, init,
                );
            }

            fn can_view(client: smithay::reexports::wayland_server::Client, data: &$data) -> bool {
                use smithay::reexports::wayland_server::Resource;
                $crate::privilege::may_bind(&client, <$interface>::interface().name)
                    && <$state as smithay::reexports::wayland_server::GlobalDispatch<$interface, $data, Self>>::can_view(
                        client, data,
                    )
            }
        }
    )+};
}
pub(crate) use globals;

/// Hands the requests on objects to the state they belong to.
macro_rules! objects {
    ($($interface:ty, $data:ty => $state:ty;)+) => {$(
        smithay::reexports::wayland_server::delegate_dispatch!(
            $crate::kiosk::Kiosk: [$interface: $data] => $state
        );
    )+};
}
pub(crate) use objects;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shell_does_not_see_what_is_for_admins() {
        for interface in ADMIN_ONLY {
            assert!(!allows(Privilege::Shell, interface), "{interface}");
            assert!(allows(Privilege::Admin, interface), "{interface}");
        }
        assert!(allows(Privilege::Shell, "wl_compositor"));
    }
}
