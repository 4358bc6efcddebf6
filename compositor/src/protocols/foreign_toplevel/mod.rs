//! ext-foreign-toplevel-list and wlr-foreign-toplevel-management: the list of windows for taskbars and command-line
//! tools. Only for clients that may manage windows. The stage decides how windows are shown; a tool may raise a window
//! or ask it to close, and no more: windows stay fullscreen or centred.
//!
//! The root state calls [`Kiosk::tell_foreign_toplevels`] at the end of each turn; without clients nothing is computed.

mod ext;
mod handle;
mod wlr;

use std::time::{SystemTime, UNIX_EPOCH};

use smithay::{
    output::Output,
    reexports::{
        wayland_protocols::{
            ext::foreign_toplevel_list::v1::server::{
                ext_foreign_toplevel_handle_v1::ExtForeignToplevelHandleV1,
                ext_foreign_toplevel_list_v1::ExtForeignToplevelListV1,
            },
            xdg::shell::server::xdg_toplevel::XdgToplevel,
        },
        wayland_protocols_wlr::foreign_toplevel::v1::server::{
            zwlr_foreign_toplevel_handle_v1::ZwlrForeignToplevelHandleV1,
            zwlr_foreign_toplevel_manager_v1::ZwlrForeignToplevelManagerV1,
        },
        wayland_server::{Client, DisplayHandle, Resource, protocol::wl_output::WlOutput},
    },
    wayland::{
        compositor::with_states,
        shell::xdg::{ToplevelSurface, XdgToplevelSurfaceData},
    },
};

use crate::{
    kiosk::Kiosk,
    limits::{self, refusal},
    policy::Role,
    protocols::dispatch::{globals, objects},
    stage::{content::Content, windows::ShownWindow},
};
use handle::{Handle, HandleResource};

/// Highest supported version of wlr's protocol.
const WLR_VERSION: u32 = 3;
/// Highest supported version of ext's protocol.
const EXT_VERSION: u32 = 1;

/// The state of both protocols.
pub struct ForeignToplevels {
    listeners: Vec<Listener>,
    /// Windows that have an identifier.
    known: Vec<(Listed, String)>,
    /// Part of the identifiers, different for each start of kioskd.
    start: u128,
    last: u64,
}

/// The client's object that announces windows.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    Ext(ExtForeignToplevelListV1),
    Wlr(ZwlrForeignToplevelManagerV1),
}

/// One list or manager of a client.
struct Listener {
    source: Source,
    client: Client,
    /// Whether new windows are announced. If not, it is kept while it has handles.
    told_of_new: bool,
    handles: Vec<Handle>,
    /// Windows that were announced, also those whose handle the client has destroyed.
    introduced: Vec<Listed>,
}

/// A window that is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Listed {
    /// A Wayland client's.
    Toplevel(XdgToplevel),
    /// An X program's, by its number.
    X(u32),
}

/// The state of a window to send.
struct Facts {
    window: Listed,
    title: String,
    app_id: String,
    activated: bool,
    fullscreen: bool,
    output: Option<Output>,
    parent: Option<Listed>,
}

impl Facts {
    /// `None`: it is not listed. Menus of X programs aren't.
    fn of(kiosk: &Kiosk, shown: &ShownWindow) -> Option<Self> {
        let surface = shown.window.wl_surface()?;
        let (window, title, app_id, parent) = match &shown.window {
            Content::Toplevel(_) => Self::of_toplevel(kiosk, shown.window.toplevel()?)?,
            Content::X(x) if x.role == Role::Free => return None,
            Content::X(x) => (Listed::X(x.id), x.title.clone(), x.class.clone(), None),
        };
        Some(Self {
            window,
            title,
            app_id,
            activated: kiosk.stage.windows.focus(shown.shell).as_ref() == Some(&surface),
            fullscreen: shown.role() == Role::Shell,
            output: kiosk.screens.screen_for(shown.shell).map(|screen| screen.output.clone()),
            parent,
        })
    }

    /// The window, its title, its app-id and its parent.
    fn of_toplevel(kiosk: &Kiosk, toplevel: &ToplevelSurface) -> Option<(Listed, String, String, Option<Listed>)> {
        let surface = toplevel.wl_surface();
        let (title, app_id) = with_states(surface, |states| {
            let data = states.data_map.get::<XdgToplevelSurfaceData>()?.lock().ok()?;
            Some((data.title.clone().unwrap_or_default(), data.app_id.clone().unwrap_or_default()))
        })?;
        let listed = |toplevel: &ToplevelSurface| Listed::Toplevel(toplevel.xdg_toplevel().clone());
        let parent = toplevel.parent().and_then(|parent| kiosk.stage.windows.find(&parent)?.window.toplevel());
        Some((listed(toplevel), title, app_id, parent.map(listed)))
    }
}

impl ForeignToplevels {
    /// Offers the globals.
    pub fn new(display: &DisplayHandle) -> Self {
        display.create_global::<Kiosk, ExtForeignToplevelListV1, ()>(EXT_VERSION, ());
        display.create_global::<Kiosk, ZwlrForeignToplevelManagerV1, ()>(WLR_VERSION, ());
        let start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        Self { listeners: Vec::new(), known: Vec::new(), start, last: 0 }
    }

    /// Announces windows to this client from the next end of a turn on.
    fn listen(&mut self, client: &Client, source: Source) {
        self.listeners.push(Listener {
            source,
            client: client.clone(),
            told_of_new: true,
            handles: Vec::new(),
            introduced: Vec::new(),
        });
    }

    /// Stops announcing new windows. Existing handles stay valid.
    fn stop(&mut self, source: &Source) {
        for listener in self.listeners.iter_mut().filter(|listener| listener.source == *source) {
            listener.told_of_new = false;
        }
        self.drop_silent();
    }

    /// Removes a destroyed handle.
    fn forget(&mut self, resource: &HandleResource) {
        for listener in &mut self.listeners {
            listener.handles.retain(|handle| handle.resource != *resource);
        }
        self.drop_silent();
    }

    fn drop_silent(&mut self) {
        self.listeners.retain(|listener| listener.told_of_new || !listener.handles.is_empty());
    }

    /// Drops the identifiers of closed windows, and gives one to each new window.
    fn identify(&mut self, windows: &[Facts]) {
        self.known.retain(|(known, _)| windows.iter().any(|window| window.window == *known));
        for window in windows {
            if !self.known.iter().any(|(known, _)| window.window == *known) {
                self.last += 1;
                self.known.push((window.window.clone(), format!("{:x}-{:x}", self.start, self.last)));
            }
        }
    }

    /// The window of a handle; `None`: it is closed.
    fn window_of(&self, resource: &ZwlrForeignToplevelHandleV1) -> Option<&Listed> {
        let mut handles = self.listeners.iter().flat_map(|listener| &listener.handles);
        let handle = handles.find(|handle| handle.resource == HandleResource::Wlr(resource.clone()))?;
        Some(&handle.window)
    }
}

impl Listener {
    /// Sends what changed. `false`: the client has too many handles, and got an error.
    fn tell(&mut self, display: &DisplayHandle, windows: &[Facts], known: &[(Listed, String)]) -> bool {
        self.handles.retain(|handle| {
            let there = windows.iter().any(|window| window.window == handle.window);
            if !there {
                handle.resource.closed();
            }
            there
        });
        self.introduced.retain(|window| known.iter().any(|(other, _)| other == window));
        let mut met = Vec::new();
        if self.told_of_new {
            for (window, identifier) in known {
                if self.introduced.contains(window) {
                    continue;
                }
                if let Err(too_many) = self.source.counted(&self.client) {
                    self.source.refuse(&too_many.to_string());
                    return false;
                }
                met.extend(self.source.introduce(display, &self.client, window, identifier));
                self.introduced.push(window.clone());
            }
        }
        self.handles.append(&mut met);
        let resources: Vec<_> =
            self.handles.iter().map(|handle| (handle.window.clone(), handle.resource.clone())).collect();
        for handle in &mut self.handles {
            if let Some(facts) = windows.iter().find(|window| window.window == handle.window) {
                handle.tell(&self.client, facts, &resources);
            }
        }
        true
    }
}

impl Source {
    /// Counts a handle, as no request of the client creates it.
    fn counted(&self, client: &Client) -> Result<(), limits::counts::TooMany> {
        limits::take(
            client,
            match self {
                Self::Ext(_) => ExtForeignToplevelHandleV1::interface().name,
                Self::Wlr(_) => ZwlrForeignToplevelHandleV1::interface().name,
            },
        )
    }

    fn refuse(&self, sentence: &str) {
        match self {
            Self::Ext(list) => refusal::post(list, refusal::LIMIT, sentence),
            Self::Wlr(manager) => refusal::post(manager, refusal::LIMIT, sentence),
        }
    }

    /// Creates a handle of this window; `None`: the client is gone.
    fn introduce(&self, display: &DisplayHandle, client: &Client, window: &Listed, identifier: &str) -> Option<Handle> {
        let resource = match self {
            Self::Ext(list) => {
                let resource = client.create_resource::<_, (), Kiosk>(display, list.version(), ()).ok()?;
                list.toplevel(&resource);
                resource.identifier(identifier.to_owned());
                HandleResource::Ext(resource)
            }
            Self::Wlr(manager) => {
                let resource = client.create_resource::<_, (), Kiosk>(display, manager.version(), ()).ok()?;
                manager.toplevel(&resource);
                HandleResource::Wlr(resource)
            }
        };
        Some(Handle::new(resource, window.clone()))
    }
}

impl Kiosk {
    /// Sends changes of the windows to tools, if there are any.
    pub(crate) fn tell_foreign_toplevels(&mut self) {
        if self.protocols.foreign_toplevels.listeners.is_empty() {
            return;
        }
        let shown = self.stage.windows.iter().filter(|shown| shown.mapped);
        let windows: Vec<Facts> = shown.filter_map(|shown| Facts::of(self, shown)).collect();
        let state = &mut self.protocols.foreign_toplevels;
        state.identify(&windows);
        let known = &state.known;
        state.listeners.retain_mut(|listener| listener.tell(&self.main_loop.display, &windows, known));
        state.drop_silent();
    }

    /// A client bound an output: sends to its tools which windows are on it.
    pub(crate) fn tell_foreign_toplevels_output(&self, output: &Output, bound: &WlOutput) {
        let listeners = &self.protocols.foreign_toplevels.listeners;
        for handle in listeners.iter().flat_map(|listener| &listener.handles) {
            handle.output_bound(output, bound);
        }
    }
}

globals! {
    ExtForeignToplevelListV1, () => ForeignToplevels;
    ZwlrForeignToplevelManagerV1, () => ForeignToplevels;
}
objects! {
    ExtForeignToplevelListV1, () => ForeignToplevels;
    ExtForeignToplevelHandleV1, () => ForeignToplevels;
    ZwlrForeignToplevelManagerV1, () => ForeignToplevels;
    ZwlrForeignToplevelHandleV1, () => ForeignToplevels;
}
