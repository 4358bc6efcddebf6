//! A card's connectors: which displays are connected, their modes and names, and which CRTC drives each.

use std::collections::HashSet;

use smithay::{
    backend::drm::DrmDevice,
    reexports::drm::control::{Device as ControlDevice, Mode, ModeFlags, ModeTypeFlags, connector, crtc},
};

use super::{edid, properties::named};
use crate::screens::{Head, HeadId, HeadMode, Identity};

/// A connector of the card.
#[derive(Debug)]
pub struct Seen {
    /// Identifies the connector while the card is open.
    pub id: HeadId,
    /// The connected display, perhaps without modes yet: some are slow to report them.
    pub display: Option<Found>,
}

/// A connected display and the mode timings behind its list.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its description for the rest of the compositor.
    pub head: Head,
    /// The kernel's object.
    pub connector: connector::Handle,
    /// The kernel's timings, in the order of the head's list.
    pub modes: Vec<Mode>,
    /// CRTCs that can drive it, beginning with the current one.
    pub crtcs: Vec<crtc::Handle>,
}

/// What a card's connectors have on them.
#[derive(Debug)]
pub struct Scanned {
    /// Those that are screens.
    pub seen: Vec<Seen>,
    /// The displays, of any kind, on those that clients may lease.
    pub leasable: Vec<Found>,
    /// The card has some that they may, with displays or without.
    pub any_leasable: bool,
}

/// The card's connectors; those with the names of `leases` are for clients. `probe`: ask the hardware, which takes milliseconds a connector, instead of the kernel's
/// cached state.
pub fn scan(drm: &DrmDevice, card: u32, probe: bool, leases: &[String]) -> Scanned {
    let (mut leasable, mut any_leasable) = (Vec::new(), false);
    let Ok(resources) = drm.resource_handles() else {
        return Scanned { seen: Vec::new(), leasable, any_leasable };
    };
    let seen = resources
        .connectors()
        .iter()
        .filter_map(|handle| {
            let mut info = drm.get_connector(*handle, probe).ok()?;
            // Without a probe since boot the kernel's cached list is empty.
            if !probe && info.modes().is_empty() && info.state() != connector::State::Disconnected {
                info = drm.get_connector(*handle, true).ok()?;
            }
            // Some panels report "unknown": they count as connected.
            let connected = info.state() != connector::State::Disconnected;
            let leased = leases.contains(&name(&info));
            any_leasable |= leased;
            if leased && connected {
                leasable.push(describe(drm, card, &info, &resources));
            }
            let is_screen = connected && !leased && !is_non_desktop(drm, *handle);
            let display = is_screen.then(|| describe(drm, card, &info, &resources));
            Some(Seen { id: head_id(card, *handle), display })
        })
        .collect();
    Scanned { seen, leasable, any_leasable }
}

/// Such as `HDMI-A-1`.
fn name(info: &connector::Info) -> String {
    format!("{}-{}", info.interface().as_str(), info.interface_id())
}

fn describe(
    drm: &DrmDevice,
    card: u32,
    info: &connector::Info,
    resources: &smithay::reexports::drm::control::ResourceHandles,
) -> Found {
    let modes: Vec<Mode> = info.modes().iter().copied().filter(is_possible).collect();
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
                interlaced: mode.flags().contains(ModeFlags::INTERLACE),
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
        name: name(info),
        identity: read_identity(drm, handle),
        // A size that does not fit counts as unknown.
        physical: (i32::try_from(width).unwrap_or(0), i32::try_from(height).unwrap_or(0)),
        mode: listed.iter().position(|mode| mode.preferred).unwrap_or(0),
        modes: listed,
    };
    Found { head, connector: handle, modes, crtcs }
}

// WORKAROUND(smithay:mode-rate)
/// Whether the timings are valid: smithay 0.7 divides by these fields to compute the refresh rate.
fn is_possible(mode: &Mode) -> bool {
    let (width, height) = mode.size();
    width > 0 && height > 0 && mode.hsync().2 > 0 && mode.vsync().2 > 0
}

impl Found {
    /// Fills a missing identity or mode list from the display that was on the connector before: displays that are slow,
    /// off, or behind a bad cable report none. `None`: nothing is known of either.
    pub fn completed_by(self, known: Option<&Self>) -> Option<Self> {
        let unknown = Identity::default();
        let silent = self.modes.is_empty();
        match known {
            Some(known) if silent || (self.head.identity == unknown && known.head.identity != unknown) => {
                Some(Self { crtcs: self.crtcs, ..known.clone() })
            }
            _ => (!silent).then_some(self),
        }
    }
}

/// One number for a connector of a card.
pub fn head_id(card: u32, connector: connector::Handle) -> HeadId {
    HeadId((u64::from(card) + 1) << 32 | u64::from(u32::from(connector)))
}

fn read_identity(drm: &DrmDevice, handle: connector::Handle) -> Identity {
    let blob = named(drm, handle, "EDID").ok().flatten().and_then(|(info, value)| {
        let id = info.value_type().convert_value(value).as_blob()?;
        drm.get_property_blob(id).ok()
    });
    blob.map(|edid| edid::identity(&edid)).unwrap_or_default()
}

/// Headsets and the like are not screens.
fn is_non_desktop(drm: &DrmDevice, handle: connector::Handle) -> bool {
    named(drm, handle, "non-desktop").is_ok_and(|property| property.is_some_and(|(_, value)| value != 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::kms::timing;
    use smithay::reexports::drm::control::from_u32;

    fn display(model: &str, width: Option<i32>) -> Found {
        let modes: Vec<HeadMode> = width
            .map(|width| HeadMode {
                width,
                height: 600,
                refresh: 60_000,
                preferred: true,
                custom: Some(60_000),
                interlaced: false,
            })
            .into_iter()
            .collect();
        let timings = modes.iter().filter_map(|mode| timing::custom(*mode)).collect();
        let identity = Identity { model: model.into(), ..Identity::default() };
        let head = Head { id: HeadId(1), name: "DP-1".into(), identity, physical: (0, 0), modes, mode: 0 };
        Found { head, connector: from_u32(4).unwrap(), modes: timings, crtcs: vec![from_u32(5).unwrap()] }
    }

    #[test]
    fn a_display_without_identity_keeps_its_modes() {
        let known = display("U2720Q", Some(1920));
        for lost in [display("", Some(1024)), display("", None), display("U2720Q", None)] {
            let kept = lost.completed_by(Some(&known)).unwrap();
            assert_eq!((kept.head.identity.model.as_str(), kept.head.modes[0].width), ("U2720Q", 1920));
            assert_eq!(kept.modes.len(), 1);
        }
        let other = display("TV", Some(1280)).completed_by(Some(&known)).unwrap();
        assert_eq!(other.head.identity.model, "TV");
    }

    #[test]
    fn a_mode_without_timings_is_none() {
        let mode = HeadMode {
            width: 800,
            height: 600,
            refresh: 60_000,
            preferred: true,
            custom: Some(60_000),
            interlaced: false,
        };
        let whole = timing::custom(mode).unwrap();
        assert!(is_possible(&whole));
        let spoils: [fn(&mut drm_ffi::drm_mode_modeinfo); 4] =
            [|raw| raw.htotal = 0, |raw| raw.vtotal = 0, |raw| raw.hdisplay = 0, |raw| raw.vdisplay = 0];
        for spoil in spoils {
            let mut raw: drm_ffi::drm_mode_modeinfo = whole.into();
            spoil(&mut raw);
            assert!(!is_possible(&raw.into()));
        }
    }

    #[test]
    fn an_unknown_display_needs_modes_and_no_name() {
        assert!(display("", None).completed_by(None).is_none());
        let nameless = display("", Some(1024)).completed_by(None).unwrap();
        // A new mode list replaces the old one.
        assert_eq!(display("", Some(800)).completed_by(Some(&nameless)).unwrap().head.modes[0].width, 800);
    }
}
