//! wl_output and xdg-output: smithay answers, nothing to decide.

use smithay::{
    reexports::{
        wayland_protocols::xdg::xdg_output::zv1::server::{
            zxdg_output_manager_v1::ZxdgOutputManagerV1, zxdg_output_v1::ZxdgOutputV1,
        },
        wayland_server::protocol::wl_output::WlOutput,
    },
    wayland::output::{OutputHandler, OutputManagerState, OutputUserData, WlOutputData, XdgOutputUserData},
};

use crate::{
    kiosk::Kiosk,
    protocols::dispatch::{globals, objects},
};

impl OutputHandler for Kiosk {}

globals! {
    WlOutput, WlOutputData => OutputManagerState;
    ZxdgOutputManagerV1, () => OutputManagerState;
}
objects! {
    WlOutput, OutputUserData => OutputManagerState;
    ZxdgOutputManagerV1, () => OutputManagerState;
    ZxdgOutputV1, XdgOutputUserData => OutputManagerState;
}
