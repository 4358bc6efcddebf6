//! The clipboard and the primary selection for tools that have no window: wl-copy, wl-paste, clipboard managers.
//! ext-data-control and wlr-data-control; for trusted tools.

use smithay::{
    reexports::{
        wayland_protocols::ext::data_control::v1::server::ext_data_control_manager_v1::ExtDataControlManagerV1,
        wayland_protocols_wlr::data_control::v1::server::zwlr_data_control_manager_v1::ZwlrDataControlManagerV1,
        wayland_server::DisplayHandle,
    },
    wayland::selection::{
        ext_data_control::{self as ext, ExtDataControlManagerGlobalData},
        primary_selection::PrimarySelectionState,
        wlr_data_control::{self as wlr, DataControlManagerGlobalData},
    },
};

use crate::{kiosk::Kiosk, protocols::dispatch::globals};

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

globals! {
    ExtDataControlManagerV1, ExtDataControlManagerGlobalData => ext::DataControlState;
    ZwlrDataControlManagerV1, DataControlManagerGlobalData => wlr::DataControlState;
}
