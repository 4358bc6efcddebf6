//! One window's handle for one client: the state that was sent, and the events for the difference to the current one.
//! Called by [`super::Listener`] only.

use smithay::{
    output::Output,
    reexports::{
        wayland_protocols::ext::foreign_toplevel_list::v1::server::ext_foreign_toplevel_handle_v1::ExtForeignToplevelHandleV1,
        wayland_protocols_wlr::foreign_toplevel::v1::server::zwlr_foreign_toplevel_handle_v1::{
            self as wlr_handle, State, ZwlrForeignToplevelHandleV1,
        },
        wayland_server::{Client, Resource, protocol::wl_output::WlOutput},
    },
};

use super::{Facts, Listed};

/// The client's object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandleResource {
    Ext(ExtForeignToplevelHandleV1),
    Wlr(ZwlrForeignToplevelHandleV1),
}

impl HandleResource {
    /// Reports the window as closed.
    pub fn closed(&self) {
        match self {
            Self::Ext(handle) => handle.closed(),
            Self::Wlr(handle) => handle.closed(),
        }
    }
}

/// A window's state as sent to one client.
pub struct Handle {
    pub resource: HandleResource,
    pub window: Listed,
    /// `None`: not sent yet.
    title: Option<String>,
    app_id: Option<String>,
    state: Option<(bool, bool)>,
    output: Option<Output>,
    parent: Option<Listed>,
}

impl Handle {
    /// A handle without any state sent.
    pub fn new(resource: HandleResource, window: Listed) -> Self {
        Self { resource, window, title: None, app_id: None, state: None, output: None, parent: None }
    }

    /// Sends the differences. `others`: this client's handles of all windows.
    pub fn tell(&mut self, client: &Client, facts: &Facts, others: &[(Listed, HandleResource)]) {
        let mut news = false;
        if self.title.as_ref() != Some(&facts.title) {
            self.title = Some(facts.title.clone());
            match &self.resource {
                HandleResource::Ext(handle) => handle.title(facts.title.clone()),
                HandleResource::Wlr(handle) => handle.title(facts.title.clone()),
            }
            news = true;
        }
        if self.app_id.as_ref() != Some(&facts.app_id) {
            self.app_id = Some(facts.app_id.clone());
            match &self.resource {
                HandleResource::Ext(handle) => handle.app_id(facts.app_id.clone()),
                HandleResource::Wlr(handle) => handle.app_id(facts.app_id.clone()),
            }
            news = true;
        }
        if let HandleResource::Wlr(handle) = self.resource.clone() {
            news |= self.tell_place(client, &handle, facts);
            news |= self.tell_parent(&handle, facts, others);
        }
        match &self.resource {
            HandleResource::Ext(handle) if news => handle.done(),
            HandleResource::Wlr(handle) if news => handle.done(),
            _ => {}
        }
    }

    /// Sends its states and its output. Returns whether anything was sent.
    fn tell_place(&mut self, client: &Client, handle: &ZwlrForeignToplevelHandleV1, facts: &Facts) -> bool {
        let mut news = false;
        let state = (facts.activated, facts.fullscreen);
        if self.state.replace(state) != Some(state) {
            let fullscreen = facts.fullscreen && handle.version() >= wlr_handle::REQ_SET_FULLSCREEN_SINCE;
            let states = [(facts.activated, State::Activated), (fullscreen, State::Fullscreen)];
            let states = states.into_iter().filter(|(set, _)| *set).map(|(_, state)| u32::from(state));
            handle.state(states.flat_map(u32::to_ne_bytes).collect());
            news = true;
        }
        if self.output != facts.output {
            for left in self.output.iter().flat_map(|output| output.client_outputs(client)) {
                handle.output_leave(&left);
            }
            for entered in facts.output.iter().flat_map(|output| output.client_outputs(client)) {
                handle.output_enter(&entered);
            }
            self.output.clone_from(&facts.output);
            news = true;
        }
        news
    }

    /// Sends its parent. Returns whether anything was sent.
    fn tell_parent(
        &mut self,
        handle: &ZwlrForeignToplevelHandleV1,
        facts: &Facts,
        others: &[(Listed, HandleResource)],
    ) -> bool {
        if handle.version() < wlr_handle::EVT_PARENT_SINCE {
            return false;
        }
        let known = others.iter().find_map(|(window, resource)| match resource {
            HandleResource::Wlr(resource) if facts.parent.as_ref() == Some(window) => Some((window, resource)),
            _ => None,
        });
        let parent = known.map(|(window, _)| window.clone());
        if self.parent == parent {
            return false;
        }
        handle.parent(known.map(|(_, resource)| resource));
        self.parent = parent;
        true
    }

    /// Its client has bound this output: sends `output_enter` if the window is on it.
    pub fn output_bound(&self, output: &Output, bound: &WlOutput) {
        if let HandleResource::Wlr(handle) = &self.resource
            && self.output.as_ref() == Some(output)
            && handle.id().same_client_as(&bound.id())
        {
            handle.output_enter(bound);
            handle.done();
        }
    }
}
