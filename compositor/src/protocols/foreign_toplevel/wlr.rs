//! Requests of wlr-foreign-toplevel-management. A window can be raised or asked to close; requests for other sizes or
//! states have no effect.

use smithay::reexports::{
    wayland_protocols_wlr::foreign_toplevel::v1::server::{
        zwlr_foreign_toplevel_handle_v1::{self, Error, ZwlrForeignToplevelHandleV1},
        zwlr_foreign_toplevel_manager_v1::{self, ZwlrForeignToplevelManagerV1},
    },
    wayland_server::{Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource, backend::ClientId},
};

use super::{ForeignToplevels, HandleResource, Listed, Source};
use crate::{kiosk::Kiosk, limits::refusal, privilege};

impl GlobalDispatch<ZwlrForeignToplevelManagerV1, (), Kiosk> for ForeignToplevels {
    fn bind(
        kiosk: &mut Kiosk,
        _: &DisplayHandle,
        client: &Client,
        resource: New<ZwlrForeignToplevelManagerV1>,
        (): &(),
        init: &mut DataInit<'_, Kiosk>,
    ) {
        let manager = init.init(resource, ());
        kiosk.protocols.foreign_toplevels.listen(client, Source::Wlr(manager));
    }
}

impl Dispatch<ZwlrForeignToplevelManagerV1, (), Kiosk> for ForeignToplevels {
    fn request(
        kiosk: &mut Kiosk,
        _: &Client,
        manager: &ZwlrForeignToplevelManagerV1,
        request: zwlr_foreign_toplevel_manager_v1::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
        if matches!(request, zwlr_foreign_toplevel_manager_v1::Request::Stop) {
            // A client that binds and stops at once, as wlrctl does, gets the current windows.
            kiosk.tell_foreign_toplevels();
            kiosk.protocols.foreign_toplevels.stop(&Source::Wlr(manager.clone()));
            manager.finished();
        }
    }

    fn destroyed(kiosk: &mut Kiosk, _: ClientId, manager: &ZwlrForeignToplevelManagerV1, (): &()) {
        kiosk.protocols.foreign_toplevels.stop(&Source::Wlr(manager.clone()));
    }
}

impl Dispatch<ZwlrForeignToplevelHandleV1, (), Kiosk> for ForeignToplevels {
    fn request(
        kiosk: &mut Kiosk,
        _: &Client,
        handle: &ZwlrForeignToplevelHandleV1,
        request: zwlr_foreign_toplevel_handle_v1::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
        match request {
            zwlr_foreign_toplevel_handle_v1::Request::Activate { .. } => kiosk.activate_foreign(handle),
            zwlr_foreign_toplevel_handle_v1::Request::Close => kiosk.close_foreign(handle),
            zwlr_foreign_toplevel_handle_v1::Request::SetRectangle { width, height, .. } if width < 0 || height < 0 => {
                refusal::post(handle, Error::InvalidRectangle, "a rectangle has no size below 0");
            }
            _ => {}
        }
    }

    fn destroyed(kiosk: &mut Kiosk, _: ClientId, handle: &ZwlrForeignToplevelHandleV1, (): &()) {
        kiosk.protocols.foreign_toplevels.forget(&HandleResource::Wlr(handle.clone()));
    }
}

impl Kiosk {
    fn activate_foreign(&mut self, handle: &ZwlrForeignToplevelHandleV1) {
        let surface = match self.protocols.foreign_toplevels.window_of(handle) {
            Some(Listed::Toplevel(window)) => {
                self.protocols.xdg_shell.get_toplevel(window).map(|toplevel| toplevel.wl_surface().clone())
            }
            Some(Listed::X(window)) => self.stage.windows.find_x(*window).and_then(|x| x.surface.clone()),
            None => None,
        };
        let Some(surface) = surface else { return };
        self.stage.windows.raise(&surface);
        self.stage.windows.disturb();
    }

    fn close_foreign(&self, handle: &ZwlrForeignToplevelHandleV1) {
        let window = match self.protocols.foreign_toplevels.window_of(handle) {
            Some(Listed::Toplevel(window)) => window,
            Some(Listed::X(window)) => return self.close_x(*window),
            None => return,
        };
        let Some(toplevel) = self.protocols.xdg_shell.get_toplevel(window) else { return };
        // Not to a client that does not read: its event queue is limited, and it would be disconnected.
        if toplevel.wl_surface().client().is_some_and(|client| privilege::accepts_press(&client)) {
            toplevel.send_close();
        }
    }
}
