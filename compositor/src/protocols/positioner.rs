//! `xdg_positioner`: an anchor rectangle may be empty, which smithay treats as an error. It gets a marker size instead,
//! and [`restore`] puts the real one back before a popup is placed. Called by [`super::shell`].

use smithay::{
    reexports::{
        wayland_protocols::xdg::shell::server::xdg_positioner::{self, XdgPositioner},
        wayland_server::{Client, DataInit, Dispatch, DisplayHandle, backend::ClientId},
    },
    wayland::shell::xdg::{PositionerState, XdgPositionerUserData, XdgShellState},
};

use crate::{kiosk::Kiosk, limits};

/// Marks a length of 0. No window's rectangle is that long.
const NOTHING: i32 = i32::MAX;

// WORKAROUND(smithay:anchor-of-nothing)
impl Dispatch<XdgPositioner, XdgPositionerUserData> for Kiosk {
    fn request(
        kiosk: &mut Self,
        client: &Client,
        positioner: &XdgPositioner,
        request: xdg_positioner::Request,
        data: &XdgPositionerUserData,
        display: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        if !limits::admits(client, positioner, request.opcode()) {
            return;
        }
        let length = |length: i32| if length == 0 { NOTHING } else { length };
        let request = match request {
            xdg_positioner::Request::SetAnchorRect { x, y, width, height } => {
                xdg_positioner::Request::SetAnchorRect { x, y, width: length(width), height: length(height) }
            }
            request => request,
        };
        <XdgShellState as Dispatch<XdgPositioner, XdgPositionerUserData, Self>>::request(
            kiosk, client, positioner, request, data, display, init,
        );
    }

    fn destroyed(kiosk: &mut Self, client: ClientId, positioner: &XdgPositioner, data: &XdgPositionerUserData) {
        limits::released(kiosk, &client, positioner);
        <XdgShellState as Dispatch<XdgPositioner, XdgPositionerUserData, Self>>::destroyed(
            kiosk, client, positioner, data,
        );
    }
}

/// The rules with the client's own lengths.
pub(super) fn restore(mut rules: PositionerState) -> PositionerState {
    for length in [&mut rules.anchor_rect.size.w, &mut rules.anchor_rect.size.h] {
        if *length == NOTHING {
            *length = 0;
        }
    }
    rules
}
