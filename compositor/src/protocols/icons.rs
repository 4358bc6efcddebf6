//! xdg-toplevel-icon: icons are validated as the protocol requires, and dropped, as a kiosk does not show them.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use smithay::{
    reexports::{
        wayland_protocols::xdg::toplevel_icon::v1::server::{
            xdg_toplevel_icon_manager_v1::{self, XdgToplevelIconManagerV1},
            xdg_toplevel_icon_v1::{self, Error, XdgToplevelIconV1},
        },
        wayland_server::{Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New},
    },
    wayland::shm::with_buffer_contents,
};

use crate::{
    kiosk::Kiosk,
    limits::refusal,
    protocols::dispatch::{globals, objects},
};

/// Highest supported version of the protocol.
const VERSION: u32 = 1;

/// The protocol, which has no state.
pub struct Icons;

/// An icon: whether it was set on a window, after which it cannot be changed.
#[derive(Default)]
pub struct Icon(AtomicBool);

impl Icons {
    /// Offers the global.
    pub fn offer(display: &DisplayHandle) {
        display.create_global::<Kiosk, XdgToplevelIconManagerV1, ()>(VERSION, ());
    }
}

impl GlobalDispatch<XdgToplevelIconManagerV1, (), Kiosk> for Icons {
    fn bind(
        _: &mut Kiosk,
        _: &DisplayHandle,
        _: &Client,
        resource: New<XdgToplevelIconManagerV1>,
        (): &(),
        init: &mut DataInit<'_, Kiosk>,
    ) {
        // No preferred size.
        init.init(resource, ()).done();
    }
}

impl Dispatch<XdgToplevelIconManagerV1, (), Kiosk> for Icons {
    fn request(
        _: &mut Kiosk,
        _: &Client,
        _: &XdgToplevelIconManagerV1,
        request: xdg_toplevel_icon_manager_v1::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        match request {
            xdg_toplevel_icon_manager_v1::Request::CreateIcon { id } => {
                init.init(id, Icon::default());
            }
            xdg_toplevel_icon_manager_v1::Request::SetIcon { icon: Some(icon), .. } => {
                if let Some(Icon(set)) = smithay::reexports::wayland_server::Resource::data::<Icon>(&icon) {
                    set.store(true, Relaxed);
                }
            }
            _ => {}
        }
    }
}

impl Dispatch<XdgToplevelIconV1, Icon, Kiosk> for Icons {
    fn request(
        _: &mut Kiosk,
        _: &Client,
        resource: &XdgToplevelIconV1,
        request: xdg_toplevel_icon_v1::Request,
        icon: &Icon,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
        if matches!(request, xdg_toplevel_icon_v1::Request::Destroy) {
            return;
        }
        if icon.0.load(Relaxed) {
            refusal::post(resource, Error::Immutable, "the icon is a window's already, and stays as it is");
            return;
        }
        let xdg_toplevel_icon_v1::Request::AddBuffer { buffer, .. } = request else { return };
        if !with_buffer_contents(&buffer, |_, _, shape| shape.width == shape.height).unwrap_or(false) {
            refusal::post(resource, Error::InvalidBuffer, "an icon's buffer is square, and of wl_shm");
        }
    }
}

globals! {
    XdgToplevelIconManagerV1, () => Icons;
}
objects! {
    XdgToplevelIconManagerV1, () => Icons;
    XdgToplevelIconV1, Icon => Icons;
}
