//! xwayland-shell: the X server gives each surface of an X window a serial, by which its window manager
//! ([`crate::xwayland`]) associates the two. For the X server alone ([`crate::privilege::table`]).

use smithay::{
    reexports::{
        wayland_protocols::xwayland::shell::v1::server::{
            xwayland_shell_v1::{self, XwaylandShellV1},
            xwayland_surface_v1::{self, XwaylandSurfaceV1},
        },
        wayland_server::{Client, DataInit, Dispatch, DisplayHandle, Resource, Weak, protocol::wl_surface::WlSurface},
    },
    wayland::compositor::give_role,
};

use crate::{
    kiosk::Kiosk,
    limits::refusal,
    protocols::dispatch::{objects, plain},
};

/// Highest supported version of the protocol.
const VERSION: u32 = 1;
/// The role of such a surface.
const ROLE: &str = "xwayland_surface";

/// Offers the protocol.
pub struct XwaylandShell;

impl XwaylandShell {
    /// Offers the global.
    pub fn new(display: &DisplayHandle) -> Self {
        display.create_global::<Kiosk, XwaylandShellV1, ()>(VERSION, ());
        Self
    }
}

impl Dispatch<XwaylandShellV1, (), Kiosk> for XwaylandShell {
    fn request(
        _: &mut Kiosk,
        _: &Client,
        shell: &XwaylandShellV1,
        request: xwayland_shell_v1::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        let xwayland_shell_v1::Request::GetXwaylandSurface { id, surface } = request else { return };
        init.init(id, surface.downgrade());
        if give_role(&surface, ROLE).is_err() {
            refusal::post(shell, xwayland_shell_v1::Error::Role, "the surface has a role already");
        }
    }
}

impl Dispatch<XwaylandSurfaceV1, Weak<WlSurface>, Kiosk> for XwaylandShell {
    fn request(
        kiosk: &mut Kiosk,
        _: &Client,
        resource: &XwaylandSurfaceV1,
        request: xwayland_surface_v1::Request,
        surface: &Weak<WlSurface>,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
        let xwayland_surface_v1::Request::SetSerial { serial_lo, serial_hi } = request else { return };
        let Ok(surface) = surface.upgrade() else { return };
        let serial = u64::from(serial_hi) << 32 | u64::from(serial_lo);
        if !kiosk.x_surface_numbered(serial, surface) {
            let text = "the number is taken, or the surface has one already";
            refusal::post(resource, xwayland_surface_v1::Error::InvalidSerial, text);
        }
    }
}

plain! {
    XwaylandShellV1 => XwaylandShell;
}
objects! {
    XwaylandShellV1, () => XwaylandShell;
    XwaylandSurfaceV1, Weak<WlSurface> => XwaylandShell;
}
