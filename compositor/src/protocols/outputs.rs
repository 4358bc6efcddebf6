//! wl_output, handled by smithay, and xdg-output, the screens' positions in the layout.
//!
//! WORKAROUND(smithay:xdg-output-instances): smithay keeps every `zxdg_output_v1` but the first of a screen for ever,
//! so xdg-output is implemented here.

use smithay::{
    output::Output,
    reexports::{
        wayland_protocols::xdg::xdg_output::zv1::server::{
            zxdg_output_manager_v1::{self, ZxdgOutputManagerV1},
            zxdg_output_v1::{self, ZxdgOutputV1},
        },
        wayland_server::{
            Client, DataInit, Dispatch, DisplayHandle, Resource, Weak,
            backend::ClientId,
            protocol::wl_output::{self, WlOutput},
        },
    },
    utils::{Logical, Rectangle},
    wayland::output::{OutputHandler, OutputManagerState, OutputUserData, WlOutputData},
};

use crate::{
    kiosk::Kiosk,
    privilege::ClientState,
    protocols::dispatch::{globals, objects, plain},
};

/// Highest supported version of xdg-output.
const VERSION: u32 = 3;
/// From this version on, `wl_output.done` ends a group of changes.
const DONE_BY_OUTPUT_SINCE: u32 = 3;

impl OutputHandler for Kiosk {
    fn output_bound(&mut self, output: Output, bound: WlOutput) {
        self.tell_foreign_toplevels_output(&output, &bound);
    }
}

/// The state of xdg-output.
pub struct XdgOutputs {
    told: Vec<Told>,
}

/// The state of a screen as sent to a client.
struct Told {
    resource: ZxdgOutputV1,
    wl_output: Weak<WlOutput>,
    output: Output,
    /// `None`: not sent yet.
    place: Option<Rectangle<i32, Logical>>,
}

impl Told {
    /// The screen's area in the client's coordinates, which are scaled for the X server.
    fn in_clients_space(&self, place: Rectangle<i32, Logical>) -> Rectangle<i32, Logical> {
        let client = self.resource.client();
        let state = client.as_ref().and_then(|client| client.get_data::<ClientState>());
        let scale = state.map_or(1.0, |state| state.compositor.client_scale());
        place.to_f64().upscale(scale).to_i32_round()
    }

    /// Sends the screen's area, if it changed.
    fn tell(&mut self, place: Rectangle<i32, Logical>) {
        let before = self.place.replace(place);
        if before == Some(place) {
            return;
        }
        if before.map(|before| before.loc) != Some(place.loc) {
            self.resource.logical_position(place.loc.x, place.loc.y);
        }
        if before.map(|before| before.size) != Some(place.size) {
            self.resource.logical_size(place.size.w, place.size.h);
        }
    }

    /// Sends `done`.
    fn done(&self) {
        if self.resource.version() < DONE_BY_OUTPUT_SINCE {
            self.resource.done();
        }
        if let Ok(output) = self.wl_output.upgrade()
            && output.version() >= wl_output::EVT_DONE_SINCE
        {
            output.done();
        }
    }
}

impl XdgOutputs {
    /// Offers the global.
    pub fn new(display: &DisplayHandle) -> Self {
        display.create_global::<Kiosk, ZxdgOutputManagerV1, ()>(VERSION, ());
        Self { told: Vec::new() }
    }
}

impl Kiosk {
    /// Sends the changed areas of screens to clients.
    pub fn tell_xdg_outputs(&mut self) {
        let screens = &self.screens;
        for told in &mut self.protocols.xdg_outputs.told {
            let screen = screens.iter().find(|screen| screen.output == told.output);
            let place = screen.filter(|screen| screen.output.current_mode().is_some()).map(|screen| screen.geometry());
            let place = place.map(|place| told.in_clients_space(place));
            if let Some(place) = place.filter(|place| told.place != Some(*place)) {
                told.tell(place);
                told.done();
            }
        }
    }
}

impl Dispatch<ZxdgOutputManagerV1, (), Kiosk> for XdgOutputs {
    fn request(
        kiosk: &mut Kiosk,
        _: &Client,
        _: &ZxdgOutputManagerV1,
        request: zxdg_output_manager_v1::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        let zxdg_output_manager_v1::Request::GetXdgOutput { id, output: wl_output } = request else { return };
        let resource = init.init(id, ());
        // Nothing is sent for a screen that is gone.
        let Some(output) = Output::from_resource(&wl_output) else { return };
        let mut told = Told { resource, wl_output: wl_output.downgrade(), output, place: None };
        if told.resource.version() >= zxdg_output_v1::EVT_NAME_SINCE {
            told.resource.name(told.output.name());
            told.resource.description(told.output.description());
        }
        let Some(screen) = kiosk.screens.iter().find(|screen| screen.output == told.output) else { return };
        match screen.output.current_mode() {
            Some(_) => told.tell(told.in_clients_space(screen.geometry())),
            None => {
                let at = screen.output.current_location();
                told.resource.logical_position(at.x, at.y);
            }
        }
        told.done();
        kiosk.protocols.xdg_outputs.told.push(told);
    }
}

impl Dispatch<ZxdgOutputV1, (), Kiosk> for XdgOutputs {
    fn request(
        _: &mut Kiosk,
        _: &Client,
        _: &ZxdgOutputV1,
        _: zxdg_output_v1::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
    }

    fn destroyed(kiosk: &mut Kiosk, _: ClientId, resource: &ZxdgOutputV1, (): &()) {
        kiosk.protocols.xdg_outputs.told.retain(|told| told.resource != *resource);
    }
}

globals! {
    WlOutput, WlOutputData => OutputManagerState;
}
plain! {
    ZxdgOutputManagerV1 => XdgOutputs;
}
objects! {
    WlOutput, OutputUserData => OutputManagerState;
    ZxdgOutputManagerV1, () => XdgOutputs;
    ZxdgOutputV1, () => XdgOutputs;
}
