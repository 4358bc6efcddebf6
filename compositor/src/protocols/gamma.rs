//! wlr-gamma-control: wlsunset, gammastep and others adjust the screens' colours. For clients that may manage screens.
//! What is done with the ramps is in [`crate::kiosk`]; they count instead of the night light's, until the tool goes.

use std::{io, os::fd::OwnedFd};

use smithay::reexports::{
    wayland_protocols_wlr::gamma_control::v1::server::{
        zwlr_gamma_control_manager_v1::{self, ZwlrGammaControlManagerV1},
        zwlr_gamma_control_v1::{self, Error, ZwlrGammaControlV1},
    },
    wayland_server::{Client, DataInit, Dispatch, DisplayHandle, backend::ClientId},
};

use super::capture::screen_of;
use crate::{
    kiosk::Kiosk,
    limits::{
        descriptors::{self, NONE_LEFT, Use},
        refusal,
    },
    protocols::{
        client_file,
        dispatch::{objects, plain},
    },
    screens::ScreenId,
    stage::ramp::{Ramp, SIZE},
};

/// Highest supported version of the protocol.
const VERSION: u32 = 1;
/// Bytes of the three ramps.
const BYTES: usize = SIZE * 3 * 2;

/// The state of the protocol: the controls that are in force, at most one a screen.
pub struct Gamma(Vec<Control>);

struct Control {
    resource: ZwlrGammaControlV1,
    screen: ScreenId,
    set: Option<Set>,
}

/// What a tool has set; `None` in it: that changes no colours.
#[derive(PartialEq, Eq)]
struct Set(Option<Ramp>);

impl Gamma {
    /// Offers the global.
    pub fn new(display: &DisplayHandle) -> Self {
        display.create_global::<Kiosk, ZwlrGammaControlManagerV1, ()>(VERSION, ());
        Self(Vec::new())
    }

    /// The ramp that a tool has set for a screen, `None` in it: one that changes nothing. `None`: no tool has set any.
    pub fn ramp(&self, screen: ScreenId) -> Option<Option<&Ramp>> {
        let set = self.0.iter().find(|control| control.screen == screen)?.set.as_ref()?;
        Some(set.0.as_ref())
    }
}

impl Kiosk {
    /// A tool has set a screen's colours, or has gone.
    fn colours_set(&mut self, screen: ScreenId) {
        self.request_redraw(screen);
        self.status.publisher.mark_changed();
    }

    /// The screen is gone: its controls fail.
    pub(crate) fn end_gamma_of(&mut self, screen: ScreenId) {
        self.protocols.gamma.0.retain(|control| {
            if control.screen == screen {
                control.resource.failed();
            }
            control.screen != screen
        });
    }
}

/// Why a client's ramps are not used.
#[derive(Debug, thiserror::Error)]
enum RampsError {
    /// The file's length, bytes.
    #[error("three ramps of {SIZE} values have {BYTES} bytes, not {0}")]
    Short(usize),
    #[error("the ramps could not be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("{NONE_LEFT}")]
    NoFiles,
}

/// Reads three ramps, of native 16 bits a value.
fn read(fd: &OwnedFd) -> Result<[u16; SIZE * 3], RampsError> {
    if descriptors::is_of_reserve(fd, Use::Buffer) {
        return Err(RampsError::NoFiles);
    }
    let mut bytes = [0; BYTES];
    let length = client_file::fill(fd, &mut bytes)?;
    if length < BYTES {
        return Err(RampsError::Short(length));
    }
    let (values, _) = bytes.as_chunks();
    Ok(std::array::from_fn(|index| values.get(index).map_or(0, |value| u16::from_ne_bytes(*value))))
}

impl Dispatch<ZwlrGammaControlManagerV1, (), Kiosk> for Gamma {
    fn request(
        kiosk: &mut Kiosk,
        _: &Client,
        _: &ZwlrGammaControlManagerV1,
        request: zwlr_gamma_control_manager_v1::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        let zwlr_gamma_control_manager_v1::Request::GetGammaControl { id, output } = request else { return };
        let resource = init.init(id, ());
        let screen = screen_of(&kiosk.screens, &output).map(|screen| screen.id);
        let controls = &mut kiosk.protocols.gamma.0;
        match screen.filter(|screen| !controls.iter().any(|control| control.screen == *screen)) {
            Some(screen) => {
                resource.gamma_size(SIZE as u32);
                controls.push(Control { resource, screen, set: None });
            }
            None => resource.failed(),
        }
    }
}

impl Dispatch<ZwlrGammaControlV1, (), Kiosk> for Gamma {
    fn request(
        kiosk: &mut Kiosk,
        _: &Client,
        resource: &ZwlrGammaControlV1,
        request: zwlr_gamma_control_v1::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
        let zwlr_gamma_control_v1::Request::SetGamma { fd } = request else { return };
        let controls = &mut kiosk.protocols.gamma.0;
        // A failed control has no effect.
        let Some(control) = controls.iter_mut().find(|control| control.resource == *resource) else { return };
        match read(&fd) {
            Ok(values) => {
                let set = Some(Set(Ramp::of(&values)));
                let screen = control.screen;
                if control.set != set {
                    control.set = set;
                    kiosk.colours_set(screen);
                }
            }
            Err(error) => refusal::post(resource, Error::InvalidGamma, &error.to_string()),
        }
    }

    fn destroyed(kiosk: &mut Kiosk, _: ClientId, resource: &ZwlrGammaControlV1, (): &()) {
        let controls = &mut kiosk.protocols.gamma.0;
        let Some(at) = controls.iter().position(|control| control.resource == *resource) else { return };
        let screen = controls.swap_remove(at).screen;
        kiosk.colours_set(screen);
    }
}

plain! {
    ZwlrGammaControlManagerV1 => Gamma;
}
objects! {
    ZwlrGammaControlManagerV1, () => Gamma;
    ZwlrGammaControlV1, () => Gamma;
}
