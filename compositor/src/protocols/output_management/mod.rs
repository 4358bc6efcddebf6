//! wlr-output-management: shows the heads to wlr-randr, kanshi and others, and applies their configurations. Admin
//! socket only. Changes go through [`Kiosk::apply`] like all others; nothing is decided here.
//!
//! The root state calls [`Kiosk::tell_output_managers`] when something may have changed; without clients nothing is
//! computed.

mod configuration;
mod head;
mod head_request;

use std::collections::HashMap;

use smithay::reexports::{
    wayland_protocols_wlr::output_management::v1::server::{
        zwlr_output_configuration_head_v1::ZwlrOutputConfigurationHeadV1,
        zwlr_output_configuration_v1::ZwlrOutputConfigurationV1,
        zwlr_output_head_v1::{self, ZwlrOutputHeadV1},
        zwlr_output_manager_v1::{self, ZwlrOutputManagerV1},
        zwlr_output_mode_v1::{self, ZwlrOutputModeV1},
    },
    wayland_server::{
        Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource,
        backend::{ClientId, ObjectId},
    },
};

use crate::{
    kiosk::Kiosk,
    protocols::dispatch::{globals, objects},
    screens::{HeadMode, ScreenId},
};
use configuration::{Configuration, ConfiguredHead};
use head::{HeadState, SentHead};

/// Highest supported version of the protocol.
const VERSION: u32 = 4;
/// Managers that one client may have: each has objects for every mode of every head. Tools have one.
const MAX_MANAGERS: usize = 8;
/// Configurations that one client may have at a time. Tools have one.
const MAX_CONFIGURATIONS: usize = 64;

/// The state of the protocol.
pub struct OutputManagement {
    /// Serial of the state that was sent last.
    serial: u32,
    heads: Vec<HeadState>,
    managers: Vec<Manager>,
    /// Bound in this turn beyond the limit; they get `finished` at its end.
    refused: Vec<ZwlrOutputManagerV1>,
    configurations: HashMap<ObjectId, Configuration>,
}

/// One client's view.
struct Manager {
    resource: ZwlrOutputManagerV1,
    heads: Vec<SentHead>,
}

impl OutputManagement {
    /// Offers the global.
    pub fn new(display: &DisplayHandle) -> Self {
        display.create_global::<Kiosk, ZwlrOutputManagerV1, ()>(VERSION, ());
        Self { serial: 1, heads: Vec::new(), managers: Vec::new(), refused: Vec::new(), configurations: HashMap::new() }
    }

    /// The screen of a head object; `None`: its head is gone.
    fn screen_of(&self, head: &ZwlrOutputHeadV1) -> Option<ScreenId> {
        self.sent_heads().find(|sent| sent.resource == *head).map(|sent| sent.screen)
    }

    /// The mode of a mode object, and its screen; `None`: it is gone.
    fn mode_of(&self, mode: &ZwlrOutputModeV1) -> Option<(ScreenId, HeadMode)> {
        self.sent_heads().find_map(|sent| Some((sent.screen, sent.mode_of(mode)?)))
    }

    fn sent_heads(&self) -> impl Iterator<Item = &SentHead> {
        self.managers.iter().flat_map(|manager| &manager.heads)
    }
}

impl Kiosk {
    /// Sends changes of the heads to tools, if there are any.
    pub fn tell_output_managers(&mut self) {
        if !self.protocols.output_management.managers.is_empty() {
            self.refresh_output_managers();
        }
    }

    /// Finishes the managers beyond the limit in the turn in which they were bound, as nothing else may wake the loop.
    pub(crate) fn finish_refused_managers(&mut self) {
        for manager in self.protocols.output_management.refused.drain(..).filter(Resource::is_alive) {
            manager.finished();
        }
    }

    /// Sends changes of the heads to all managers.
    fn refresh_output_managers(&mut self) {
        let management = &mut self.protocols.output_management;
        let heads: Vec<HeadState> = self
            .screens
            .iter()
            .filter(|screen| screen.head().is_some() && !screen.retiring())
            .map(HeadState::of)
            .collect();
        if heads == management.heads {
            return;
        }
        let before = std::mem::replace(&mut management.heads, heads);
        management.serial = management.serial.wrapping_add(1);
        for manager in &mut management.managers {
            manager.tell(&self.main_loop.display, &before, &management.heads, management.serial);
        }
    }
}

impl Manager {
    /// Sends the differences between these two states of the heads.
    fn tell(&mut self, display: &DisplayHandle, before: &[HeadState], now: &[HeadState], serial: u32) {
        self.heads.retain(|sent| {
            let same = now.iter().any(|head| head.screen == sent.screen && head.is_same_display(before));
            if !same {
                sent.finish();
            }
            same
        });
        for head in now {
            let old = before.iter().find(|old| old.screen == head.screen);
            match self.heads.iter_mut().find(|sent| sent.screen == head.screen) {
                Some(sent) => sent.tell(display, old, head),
                None => self.heads.extend(SentHead::announce(display, &self.resource, head)),
            }
        }
        self.resource.done(serial);
    }
}

impl GlobalDispatch<ZwlrOutputManagerV1, (), Kiosk> for OutputManagement {
    fn bind(
        kiosk: &mut Kiosk,
        display: &DisplayHandle,
        client: &Client,
        resource: New<ZwlrOutputManagerV1>,
        (): &(),
        init: &mut DataInit<'_, Kiosk>,
    ) {
        let resource = init.init(resource, ());
        kiosk.refresh_output_managers();
        let management = &mut kiosk.protocols.output_management;
        let own = management.managers.iter().filter(|manager| is_of(&manager.resource, &client.id())).count();
        if own >= MAX_MANAGERS {
            tracing::warn!("a client asked for too many output managers at a time; {MAX_MANAGERS} are possible");
            // WORKAROUND(wayland-rs:object-gone-in-bind)
            // Not at once: wayland-backend 0.3.17 panics when an object is gone before its bind has returned.
            management.refused.push(resource);
            return;
        }
        let mut manager = Manager { resource, heads: Vec::new() };
        manager.tell(display, &[], &management.heads, management.serial);
        management.managers.push(manager);
    }
}

fn is_of(resource: &impl Resource, client: &ClientId) -> bool {
    resource.client().is_some_and(|owner| owner.id() == *client)
}

impl Dispatch<ZwlrOutputManagerV1, (), Kiosk> for OutputManagement {
    fn request(
        kiosk: &mut Kiosk,
        client: &Client,
        manager: &ZwlrOutputManagerV1,
        request: zwlr_output_manager_v1::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        let management = &mut kiosk.protocols.output_management;
        match request {
            zwlr_output_manager_v1::Request::CreateConfiguration { id, serial } => {
                let configuration = init.init(id, ());
                management.add_configuration(client, &configuration, serial);
            }
            zwlr_output_manager_v1::Request::Stop => {
                management.managers.retain(|other| other.resource != *manager);
                manager.finished();
            }
            _ => {}
        }
    }

    fn destroyed(kiosk: &mut Kiosk, _: ClientId, manager: &ZwlrOutputManagerV1, (): &()) {
        kiosk.protocols.output_management.managers.retain(|other| other.resource != *manager);
    }
}

impl Dispatch<ZwlrOutputHeadV1, (), Kiosk> for OutputManagement {
    // The only request is the destructor, and nothing is sent to the object after it.
    fn request(
        _: &mut Kiosk,
        _: &Client,
        _: &ZwlrOutputHeadV1,
        _: zwlr_output_head_v1::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
    }
}

impl Dispatch<ZwlrOutputModeV1, (), Kiosk> for OutputManagement {
    // As for heads.
    fn request(
        _: &mut Kiosk,
        _: &Client,
        _: &ZwlrOutputModeV1,
        _: zwlr_output_mode_v1::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
    }
}

globals! {
    ZwlrOutputManagerV1, () => OutputManagement;
}
objects! {
    ZwlrOutputManagerV1, () => OutputManagement;
    ZwlrOutputHeadV1, () => OutputManagement;
    ZwlrOutputModeV1, () => OutputManagement;
    ZwlrOutputConfigurationV1, () => OutputManagement;
    ZwlrOutputConfigurationHeadV1, ConfiguredHead => OutputManagement;
}
