//! Requests of ext-foreign-toplevel-list: `stop` and destructors only.

use smithay::reexports::{
    wayland_protocols::ext::foreign_toplevel_list::v1::server::{
        ext_foreign_toplevel_handle_v1::{self, ExtForeignToplevelHandleV1},
        ext_foreign_toplevel_list_v1::{self, ExtForeignToplevelListV1},
    },
    wayland_server::{Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, backend::ClientId},
};

use super::{ForeignToplevels, HandleResource, Source};
use crate::kiosk::Kiosk;

impl GlobalDispatch<ExtForeignToplevelListV1, (), Kiosk> for ForeignToplevels {
    fn bind(
        kiosk: &mut Kiosk,
        _: &DisplayHandle,
        client: &Client,
        resource: New<ExtForeignToplevelListV1>,
        (): &(),
        init: &mut DataInit<'_, Kiosk>,
    ) {
        let list = init.init(resource, ());
        kiosk.protocols.foreign_toplevels.listen(client, Source::Ext(list));
    }
}

impl Dispatch<ExtForeignToplevelListV1, (), Kiosk> for ForeignToplevels {
    fn request(
        kiosk: &mut Kiosk,
        _: &Client,
        list: &ExtForeignToplevelListV1,
        request: ext_foreign_toplevel_list_v1::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
        if matches!(request, ext_foreign_toplevel_list_v1::Request::Stop) {
            // A client that binds and stops at once, as wlrctl does, gets the current windows.
            kiosk.tell_foreign_toplevels();
            kiosk.protocols.foreign_toplevels.stop(&Source::Ext(list.clone()));
            list.finished();
        }
    }

    fn destroyed(kiosk: &mut Kiosk, _: ClientId, list: &ExtForeignToplevelListV1, (): &()) {
        kiosk.protocols.foreign_toplevels.stop(&Source::Ext(list.clone()));
    }
}

impl Dispatch<ExtForeignToplevelHandleV1, (), Kiosk> for ForeignToplevels {
    // The only request is the destructor.
    fn request(
        _: &mut Kiosk,
        _: &Client,
        _: &ExtForeignToplevelHandleV1,
        _: ext_foreign_toplevel_handle_v1::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
    }

    fn destroyed(kiosk: &mut Kiosk, _: ClientId, handle: &ExtForeignToplevelHandleV1, (): &()) {
        kiosk.protocols.foreign_toplevels.forget(&HandleResource::Ext(handle.clone()));
    }
}
