//! wlr-output-power-management: wlopm and idle managers switch screens off and on. Admin socket only. Goes through
//! [`Kiosk::apply`], like all other changes of power.

use smithay::{
    output::Output,
    reexports::{
        wayland_protocols_wlr::output_power_management::v1::server::{
            zwlr_output_power_manager_v1::{self, ZwlrOutputPowerManagerV1},
            zwlr_output_power_v1::{self, Error, Mode, ZwlrOutputPowerV1},
        },
        wayland_server::{Client, DataInit, Dispatch, DisplayHandle, Resource, WEnum, backend::ClientId},
    },
};

use crate::{
    command::{ApplyMode, OutputChange},
    kiosk::Kiosk,
    limits::refusal,
    protocols::dispatch::{objects, plain},
    screens::ScreenId,
};

/// Highest supported version of the protocol.
const VERSION: u32 = 1;
/// Power controls that one client may have. Tools have one a screen.
const MAX_CONTROLS: usize = 64;

/// The state of the protocol.
pub struct OutputPower {
    controls: Vec<Control>,
}

struct Control {
    resource: ZwlrOutputPowerV1,
    screen: ScreenId,
    /// The state that was sent last.
    on: bool,
}

impl OutputPower {
    /// Offers the global.
    pub fn new(display: &DisplayHandle) -> Self {
        display.create_global::<Kiosk, ZwlrOutputPowerManagerV1, ()>(VERSION, ());
        Self { controls: Vec::new() }
    }

    fn forget(&mut self, resource: &ZwlrOutputPowerV1) {
        self.controls.retain(|control| control.resource != *resource);
    }
}

fn mode(on: bool) -> Mode {
    if on { Mode::On } else { Mode::Off }
}

impl Kiosk {
    /// Sends changes of the screens' power; controls of screens that are gone fail.
    pub fn tell_output_power(&mut self) {
        let screens = &self.screens;
        self.protocols.output_power.controls.retain_mut(|control| {
            let Some(screen) = screens.get(control.screen) else {
                control.resource.failed();
                return false;
            };
            if control.on != screen.power {
                control.on = screen.power;
                control.resource.mode(mode(screen.power));
            }
            true
        });
    }
}

impl Dispatch<ZwlrOutputPowerManagerV1, (), Kiosk> for OutputPower {
    fn request(
        kiosk: &mut Kiosk,
        client: &Client,
        _: &ZwlrOutputPowerManagerV1,
        request: zwlr_output_power_manager_v1::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        let zwlr_output_power_manager_v1::Request::GetOutputPower { id, output } = request else { return };
        let resource = init.init(id, ());
        let output = Output::from_resource(&output);
        let screen = kiosk.screens.iter().find(|screen| Some(&screen.output) == output.as_ref());
        let controls = &mut kiosk.protocols.output_power.controls;
        let own = controls
            .iter()
            .filter(|control| control.resource.client().is_some_and(|owner| owner.id() == client.id()))
            .count();
        match screen.filter(|_| own < MAX_CONTROLS) {
            Some(screen) => {
                resource.mode(mode(screen.power));
                controls.push(Control { resource, screen: screen.id, on: screen.power });
            }
            None => resource.failed(),
        }
    }
}

impl Dispatch<ZwlrOutputPowerV1, (), Kiosk> for OutputPower {
    fn request(
        kiosk: &mut Kiosk,
        _: &Client,
        resource: &ZwlrOutputPowerV1,
        request: zwlr_output_power_v1::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
        let zwlr_output_power_v1::Request::SetMode { mode } = request else { return };
        let on = match mode {
            WEnum::Value(Mode::On) => true,
            WEnum::Value(Mode::Off) => false,
            other => {
                refusal::post(resource, Error::InvalidMode, &format!("there is no power mode {other:?}"));
                return;
            }
        };
        let controls = &kiosk.protocols.output_power.controls;
        // A failed control has no effect.
        let Some(control) = controls.iter().find(|control| control.resource == *resource) else { return };
        let Some(screen) = kiosk.screens.get(control.screen).filter(|screen| screen.power != on) else { return };
        let change = OutputChange { power: Some(on), ..OutputChange::default() };
        let name = screen.name.clone();
        if let Err(error) = kiosk.apply(0, &[(name, change)], ApplyMode::InForce) {
            tracing::info!(%error, "a screen could not be switched by another tool");
            resource.failed();
            kiosk.protocols.output_power.forget(resource);
        }
    }

    fn destroyed(kiosk: &mut Kiosk, _: ClientId, resource: &ZwlrOutputPowerV1, (): &()) {
        kiosk.protocols.output_power.forget(resource);
    }
}

plain! {
    ZwlrOutputPowerManagerV1 => OutputPower;
}
objects! {
    ZwlrOutputPowerManagerV1, () => OutputPower;
    ZwlrOutputPowerV1, () => OutputPower;
}
