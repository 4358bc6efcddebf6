//! The clipboard and the primary selection for tools that have no window: wl-copy, wl-paste, clipboard managers.
//! ext-data-control and wlr-data-control; for trusted tools.

use smithay::{
    reexports::{
        wayland_protocols::ext::data_control::v1::server::{
            ext_data_control_manager_v1::ExtDataControlManagerV1,
            ext_data_control_source_v1::{self, ExtDataControlSourceV1},
        },
        wayland_protocols_wlr::data_control::v1::server::{
            zwlr_data_control_manager_v1::ZwlrDataControlManagerV1,
            zwlr_data_control_source_v1::{self, ZwlrDataControlSourceV1},
        },
        wayland_server::{Client, DisplayHandle, Resource},
    },
    wayland::selection::{
        ext_data_control::{self as ext, ExtDataControlManagerGlobalData, ExtDataControlSourceUserData},
        primary_selection::PrimarySelectionState,
        wlr_data_control::{self as wlr, DataControlManagerGlobalData, DataControlSourceUserData},
    },
};

use super::guards::mime_type;
use crate::{
    kiosk::Kiosk,
    protocols::dispatch::{Refused, globals, guarded},
};

/// The state of the protocols.
pub struct DataControl {
    ext: ext::DataControlState,
    wlr: wlr::DataControlState,
}

impl DataControl {
    /// Offers the globals.
    pub fn new(display: &DisplayHandle, primary: &PrimarySelectionState) -> Self {
        Self {
            ext: ext::DataControlState::new::<Kiosk, _>(display, Some(primary), |_| true),
            wlr: wlr::DataControlState::new::<Kiosk, _>(display, Some(primary), |_| true),
        }
    }
}

impl ext::DataControlHandler for Kiosk {
    fn data_control_state(&self) -> &ext::DataControlState {
        &self.protocols.data_control.ext
    }
}

impl wlr::DataControlHandler for Kiosk {
    fn data_control_state(&self) -> &wlr::DataControlState {
        &self.protocols.data_control.wlr
    }
}

fn ext_source(
    _: &mut Kiosk,
    client: &Client,
    source: &ExtDataControlSourceV1,
    request: &ext_data_control_source_v1::Request,
    _: &ExtDataControlSourceUserData,
) -> Result<(), Refused> {
    match request {
        ext_data_control_source_v1::Request::Offer { .. } => mime_type(client, source.id()),
        _ => Ok(()),
    }
}

fn wlr_source(
    _: &mut Kiosk,
    client: &Client,
    source: &ZwlrDataControlSourceV1,
    request: &zwlr_data_control_source_v1::Request,
    _: &DataControlSourceUserData,
) -> Result<(), Refused> {
    match request {
        zwlr_data_control_source_v1::Request::Offer { .. } => mime_type(client, source.id()),
        _ => Ok(()),
    }
}

globals! {
    ExtDataControlManagerV1, ExtDataControlManagerGlobalData => ext::DataControlState;
    ZwlrDataControlManagerV1, DataControlManagerGlobalData => wlr::DataControlState;
}
guarded! {
    ExtDataControlSourceV1, ExtDataControlSourceUserData => ext::DataControlState, ext_source;
    ZwlrDataControlSourceV1, DataControlSourceUserData => wlr::DataControlState, wlr_source;
}
