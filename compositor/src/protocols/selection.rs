//! Copy and paste, drag and drop between clients, without changes to the data.

use std::os::fd::OwnedFd;

use smithay::{
    input::Seat,
    reexports::{
        wayland_protocols::wp::primary_selection::zv1::server::zwp_primary_selection_device_manager_v1::ZwpPrimarySelectionDeviceManagerV1,
        wayland_server::protocol::{
            wl_data_device_manager::WlDataDeviceManager, wl_data_source::WlDataSource, wl_surface::WlSurface,
        },
    },
    wayland::selection::{
        SelectionHandler, SelectionTarget,
        data_device::{ClientDndGrabHandler, DataDeviceHandler, DataDeviceState, ServerDndGrabHandler},
        primary_selection::{PrimaryDeviceManagerGlobalData, PrimarySelectionHandler, PrimarySelectionState},
    },
};

use super::selection_sources::Owner;
use crate::{kiosk::Kiosk, protocols::dispatch::globals};

impl SelectionHandler for Kiosk {
    type SelectionUserData = Owner;

    fn send_selection(&mut self, kind: SelectionTarget, form: String, into: OwnedFd, _seat: Seat<Self>, owner: &Owner) {
        match &owner.source {
            Some(source) => source.send(form, into),
            None => self.paste_from_x(kind, form, into),
        }
    }
}

impl DataDeviceHandler for Kiosk {
    fn data_device_state(&self) -> &DataDeviceState {
        &self.protocols.data_device
    }
}

impl ClientDndGrabHandler for Kiosk {
    fn started(&mut self, source: Option<WlDataSource>, icon: Option<WlSurface>, seat: Seat<Self>) {
        self.protocols.selection_sources.drag_begins(source);
        // The drag's start: a finger that is down, else the pointer.
        let pointer = seat.get_pointer().map(|pointer| pointer.current_location()).unwrap_or_default();
        let at = self.seat.finger().unwrap_or(pointer);
        self.stage.cursor.start_drag(icon, at);
        self.seat.set_dragging(true);
        self.screens.request_redraw();
    }
    fn dropped(&mut self, _target: Option<WlSurface>, _validated: bool, _seat: Seat<Self>) {
        self.protocols.selection_sources.drag_ends();
        self.stage.cursor.end_drag();
        self.seat.set_dragging(false);
        self.screens.request_redraw();
    }
}

impl ServerDndGrabHandler for Kiosk {}

impl PrimarySelectionHandler for Kiosk {
    fn primary_selection_state(&self) -> &PrimarySelectionState {
        &self.protocols.primary_selection
    }
}

globals! {
    WlDataDeviceManager, () => DataDeviceState;
    ZwpPrimarySelectionDeviceManagerV1, PrimaryDeviceManagerGlobalData => PrimarySelectionState;
}
