//! A card's connectors: which displays are connected, their modes and names, and which CRTC drives each.

use std::collections::HashSet;

use smithay::{
    backend::drm::DrmDevice,
    reexports::drm::control::{Device as ControlDevice, Mode, ModeTypeFlags, connector, crtc, property},
};

use super::edid;
use crate::screens::{Head, HeadId, HeadMode, Identity};

/// A connected display and the mode timings behind its list.
#[derive(Debug, Clone)]
pub struct Found {
    pub head: Head,
    pub connector: connector::Handle,
    pub modes: Vec<Mode>,
    /// CRTCs that can drive it, the one that does first.
    pub crtcs: Vec<crtc::Handle>,
}

/// The displays that are connected to the card now. `probe`: ask the hardware instead of the kernel's memory,
/// which takes milliseconds a connector.
pub fn scan(drm: &DrmDevice, card: u32, probe: bool) -> Vec<Found> {
    let Ok(resources) = drm.resource_handles() else { return Vec::new() };
    resources
        .connectors()
        .iter()
        .filter_map(|handle| {
            let mut info = drm.get_connector(*handle, probe).ok()?;
            // Nothing has asked the hardware yet since boot: then the kernel's memory is empty.
            if !probe && info.modes().is_empty() && info.state() != connector::State::Disconnected {
                info = drm.get_connector(*handle, true).ok()?;
            }
            // Some panels say neither: they are there.
            if info.state() == connector::State::Disconnected || info.modes().is_empty() {
                return None;
            }
            (!is_non_desktop(drm, *handle)).then(|| describe(drm, card, &info, &resources))
        })
        .collect()
}

fn describe(
    drm: &DrmDevice,
    card: u32,
    info: &connector::Info,
    resources: &smithay::reexports::drm::control::ResourceHandles,
) -> Found {
    let modes: Vec<Mode> = info.modes().to_vec();
    let listed: Vec<HeadMode> = modes
        .iter()
        .map(|mode| {
            let (width, height) = mode.size();
            HeadMode {
                width: width.into(),
                height: height.into(),
                refresh: smithay::output::Mode::from(*mode).refresh,
                preferred: mode.mode_type().contains(ModeTypeFlags::PREFERRED),
                custom: None,
            }
        })
        .collect();
    let (width, height) = info.size().unwrap_or((0, 0));
    let current = info.current_encoder().and_then(|encoder| drm.get_encoder(encoder).ok()?.crtc());
    let possible = info
        .encoders()
        .iter()
        .filter_map(|encoder| drm.get_encoder(*encoder).ok())
        .flat_map(|encoder| resources.filter_crtcs(encoder.possible_crtcs()));
    let mut seen = HashSet::new();
    let crtcs = current.into_iter().chain(possible).filter(|crtc| seen.insert(*crtc)).collect();
    let handle = info.handle();
    let head = Head {
        id: head_id(card, handle),
        name: format!("{}-{}", info.interface().as_str(), info.interface_id()),
        identity: read_identity(drm, handle),
        physical: (width as i32, height as i32),
        mode: listed.iter().position(|mode| mode.preferred).unwrap_or(0),
        modes: listed,
    };
    Found { head, connector: handle, modes, crtcs }
}

/// One number for a connector of a card.
pub fn head_id(card: u32, connector: connector::Handle) -> HeadId {
    HeadId((u64::from(card) + 1) << 32 | u64::from(u32::from(connector)))
}

fn property_value(drm: &DrmDevice, handle: connector::Handle, name: &str) -> Option<(property::Info, u64)> {
    let properties = drm.get_properties(handle).ok()?;
    properties.iter().find_map(|(property, value)| {
        let info = drm.get_property(*property).ok()?;
        (info.name().to_str() == Ok(name)).then_some((info, *value))
    })
}

fn read_identity(drm: &DrmDevice, handle: connector::Handle) -> Identity {
    let blob = property_value(drm, handle, "EDID").and_then(|(info, value)| {
        let id = info.value_type().convert_value(value).as_blob()?;
        drm.get_property_blob(id).ok()
    });
    blob.map(|edid| edid::identity(&edid)).unwrap_or_default()
}

/// Headsets and the like are not screens.
fn is_non_desktop(drm: &DrmDevice, handle: connector::Handle) -> bool {
    property_value(drm, handle, "non-desktop").is_some_and(|(_, value)| value != 0)
}
