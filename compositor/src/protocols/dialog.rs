//! xdg-dialog: marks a window as a dialog, modal or not. A kiosk shows both the same.
//!
//! WORKAROUND(smithay:dialog-cycle): with smithay a dialog and its window keep each other alive for ever, with all of
//! the window's state, when the client dies without destroying them.

use smithay::reexports::{
    wayland_protocols::xdg::{
        dialog::v1::server::{
            xdg_dialog_v1::{self, XdgDialogV1},
            xdg_wm_dialog_v1::{self, Error, XdgWmDialogV1},
        },
        shell::server::xdg_toplevel::XdgToplevel,
    },
    wayland_server::{Client, DataInit, Dispatch, DisplayHandle, Resource, Weak, backend::ClientId},
};

use crate::{
    kiosk::Kiosk,
    limits::refusal,
    protocols::dispatch::{objects, plain},
};

/// Highest supported version of the protocol.
const VERSION: u32 = 1;

/// The state of the protocol: each dialog with its window.
pub struct Dialogs(Vec<(XdgDialogV1, Weak<XdgToplevel>)>);

impl Dialogs {
    /// Offers the global.
    pub fn new(display: &DisplayHandle) -> Self {
        display.create_global::<Kiosk, XdgWmDialogV1, ()>(VERSION, ());
        Self(Vec::new())
    }
}

impl Dispatch<XdgWmDialogV1, (), Kiosk> for Dialogs {
    fn request(
        kiosk: &mut Kiosk,
        _: &Client,
        manager: &XdgWmDialogV1,
        request: xdg_wm_dialog_v1::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        let xdg_wm_dialog_v1::Request::GetXdgDialog { id, toplevel } = request else { return };
        let dialog = init.init(id, ());
        let dialogs = &mut kiosk.protocols.dialogs.0;
        if dialogs.iter().any(|(_, other)| *other == toplevel) {
            refusal::post(manager, Error::AlreadyUsed, "the window has an xdg_dialog_v1 already");
            return;
        }
        dialogs.push((dialog, toplevel.downgrade()));
    }
}

impl Dispatch<XdgDialogV1, (), Kiosk> for Dialogs {
    fn request(
        _: &mut Kiosk,
        _: &Client,
        _: &XdgDialogV1,
        _: xdg_dialog_v1::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
    }

    fn destroyed(kiosk: &mut Kiosk, _: ClientId, resource: &XdgDialogV1, (): &()) {
        kiosk.protocols.dialogs.0.retain(|(dialog, _)| dialog != resource);
    }
}

plain! {
    XdgWmDialogV1 => Dialogs;
}
objects! {
    XdgWmDialogV1, () => Dialogs;
    XdgDialogV1, () => Dialogs;
}
