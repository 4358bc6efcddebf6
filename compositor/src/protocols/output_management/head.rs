//! A head's object and its events: first the complete state, then changes.
//!
//! Released objects are skipped; heads of unplugged monitors get `finished` once.

use smithay::{
    reexports::{
        wayland_protocols_wlr::output_management::v1::server::{
            zwlr_output_head_v1::{AdaptiveSyncState, ZwlrOutputHeadV1},
            zwlr_output_manager_v1::ZwlrOutputManagerV1,
            zwlr_output_mode_v1::ZwlrOutputModeV1,
        },
        wayland_server::{DisplayHandle, Resource},
    },
    utils::Transform,
};

use crate::{
    kiosk::Kiosk,
    screens::{HeadMode, Identity, Screen, ScreenId, rotation::RotationExt},
};

/// Highest version of mode objects: that of heads is one more.
const MODE_VERSION: u32 = 3;
const MAKE_SINCE: u32 = 2;
const ADAPTIVE_SYNC_SINCE: u32 = 4;

/// A head and its state.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct HeadState {
    /// The head's screen.
    pub screen: ScreenId,
    /// The output's, such as `HDMI-A-1`.
    pub name: String,
    description: String,
    identity: Identity,
    /// Millimetres; zero where unknown.
    physical: (i32, i32),
    /// In the monitor's order.
    pub modes: Vec<HeadMode>,
    /// `enabled` in the protocol.
    pub on: bool,
    /// Also sent for a disabled head, though the protocol does not ask for it: tools send the complete state when they
    /// enable a head, and would send their defaults for what they were never told.
    pub now: Now,
}

/// What can be changed of a head, besides enabling it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Now {
    /// `None`: none of the list.
    pub mode: Option<HeadMode>,
    /// Top left corner in the layout, logical pixels.
    pub position: (i32, i32),
    /// As the protocol has it: anticlockwise.
    pub transform: Transform,
    /// 1.0 to 4.0.
    pub scale: f64,
}

impl HeadState {
    /// As the screen is now.
    pub fn of(screen: &Screen) -> Self {
        let mode = screen.output.current_mode();
        let in_force = |listed: &&HeadMode| {
            mode.is_some_and(|mode| (listed.width, listed.height) == mode.size.into() && listed.refresh == mode.refresh)
        };
        // Clients could not tell equal modes apart.
        let mut modes: Vec<HeadMode> = Vec::with_capacity(screen.modes.len());
        for mode in &screen.modes {
            if !modes.contains(mode) {
                modes.push(*mode);
            }
        }
        Self {
            screen: screen.id,
            name: screen.name.clone(),
            description: screen.output.description(),
            identity: screen.identity().clone(),
            physical: screen.output.physical_properties().size.into(),
            on: screen.power,
            now: Now {
                mode: modes.iter().find(in_force).copied(),
                position: screen.output.current_location().into(),
                transform: screen.rotation.transform(),
                scale: screen.scale(),
            },
            modes,
        }
    }

    /// Whether it is the same head as before, by all that a head object sends only once.
    pub fn is_same_display(&self, before: &[HeadState]) -> bool {
        before.iter().any(|old| {
            (old.screen, &old.name, &old.description, &old.identity, old.physical)
                == (self.screen, &self.name, &self.description, &self.identity, self.physical)
        })
    }
}

/// A head object and its modes.
pub(super) struct SentHead {
    /// The head's screen.
    pub screen: ScreenId,
    /// The client's object.
    pub resource: ZwlrOutputHeadV1,
    modes: Vec<(HeadMode, ZwlrOutputModeV1)>,
}

impl SentHead {
    /// Creates the objects and sends the complete state; `None`: the client is gone.
    pub fn announce(display: &DisplayHandle, manager: &ZwlrOutputManagerV1, head: &HeadState) -> Option<Self> {
        let client = manager.client()?;
        let resource = client.create_resource::<ZwlrOutputHeadV1, (), Kiosk>(display, manager.version(), ()).ok()?;
        manager.head(&resource);
        resource.name(head.name.clone());
        resource.description(head.description.clone());
        if head.physical.0 > 0 && head.physical.1 > 0 {
            resource.physical_size(head.physical.0, head.physical.1);
        }
        if resource.version() >= MAKE_SINCE {
            let Identity { make, model, serial } = head.identity.clone();
            if !make.is_empty() {
                resource.make(make);
            }
            if !model.is_empty() {
                resource.model(model);
            }
            if !serial.is_empty() {
                resource.serial_number(serial);
            }
        }
        if resource.version() >= ADAPTIVE_SYNC_SINCE {
            resource.adaptive_sync(AdaptiveSyncState::Disabled);
        }
        let mut sent = Self { screen: head.screen, resource, modes: Vec::new() };
        sent.tell(display, None, head);
        Some(sent)
    }

    /// Sends the differences to `old`; `None`: all that can change.
    pub fn tell(&mut self, display: &DisplayHandle, old: Option<&HeadState>, head: &HeadState) {
        if !self.resource.is_alive() {
            return;
        }
        self.tell_modes(display, &head.modes);
        if old.is_none_or(|old| old.on != head.on) {
            self.resource.enabled(head.on.into());
        }
        let (now, old) = (head.now, old.map(|old| old.now));
        if old.is_none_or(|old| old.mode != now.mode)
            && let Some(mode) = now.mode.and_then(|mode| self.modes.iter().find(|(listed, _)| *listed == mode))
            && mode.1.is_alive()
        {
            self.resource.current_mode(&mode.1);
        }
        if old.is_none_or(|old| old.position != now.position) {
            self.resource.position(now.position.0, now.position.1);
        }
        if old.is_none_or(|old| old.transform != now.transform) {
            self.resource.transform(now.transform.into());
        }
        if old.is_none_or(|old| old.scale != now.scale) {
            self.resource.scale(now.scale);
        }
    }

    /// Sends the list of modes; those that are still there keep their objects.
    fn tell_modes(&mut self, display: &DisplayHandle, modes: &[HeadMode]) {
        self.modes.retain(|(mode, resource)| {
            let listed = modes.contains(mode);
            if !listed {
                finish_mode(resource);
            }
            listed
        });
        let Some(client) = self.resource.client() else { return };
        for mode in modes {
            if self.modes.iter().any(|(known, _)| known == mode) {
                continue;
            }
            let version = self.resource.version().min(MODE_VERSION);
            let Ok(resource) = client.create_resource::<ZwlrOutputModeV1, (), Kiosk>(display, version, ()) else {
                return;
            };
            self.resource.mode(&resource);
            resource.size(mode.width, mode.height);
            if mode.refresh > 0 {
                resource.refresh(mode.refresh);
            }
            if mode.preferred {
                resource.preferred();
            }
            self.modes.push((*mode, resource));
        }
    }

    /// Finishes the head and its modes.
    pub fn finish(&self) {
        self.modes.iter().for_each(|(_, resource)| finish_mode(resource));
        if self.resource.is_alive() {
            self.resource.finished();
        }
    }

    /// The mode of a mode object of this head.
    pub fn mode_of(&self, mode: &ZwlrOutputModeV1) -> Option<HeadMode> {
        self.modes.iter().find(|(_, resource)| resource == mode).map(|(mode, _)| *mode)
    }
}

fn finish_mode(resource: &ZwlrOutputModeV1) {
    if resource.is_alive() {
        resource.finished();
    }
}
