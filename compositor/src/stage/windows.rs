//! The windows of the shells' clients, bottom to top, and the keyboard focus among them.

use smithay::{
    backend::renderer::utils::with_renderer_surface_state,
    desktop::WindowSurfaceType,
    reexports::{
        wayland_protocols::xdg::shell::server::xdg_toplevel::{State as ToplevelState, WmCapabilities},
        wayland_server::{Resource, protocol::wl_surface::WlSurface},
    },
    utils::{Logical, Point, Rectangle, Size},
    wayland::shell::xdg::ToplevelSurface,
};

#[cfg(feature = "conformance")]
use smithay::wayland::{compositor::with_states, shell::xdg::SurfaceCachedState};

use super::{
    close_button,
    content::{Content, XWindow},
};
use crate::{
    limits::configures::toplevel_answers,
    policy::{self, Role},
};

/// A window on the stage.
pub struct ShownWindow {
    /// Its content.
    pub window: Content,
    /// The number of the shell whose client it belongs to.
    pub shell: usize,
    /// Its client had another window already and may open popups.
    beside: bool,
    /// It has a buffer and is shown.
    pub mapped: bool,
    /// Layout position of its geometry.
    pub location: Point<i32, Logical>,
    /// Its position set by the conformance suite.
    #[cfg(feature = "conformance")]
    pinned: Option<Point<i32, Logical>>,
}

impl ShownWindow {
    fn surface(&self) -> Option<WlSurface> {
        self.window.wl_surface()
    }

    /// Its position on a screen that covers `area`.
    fn place(&self, area: Rectangle<i32, Logical>) -> Point<i32, Logical> {
        #[cfg(feature = "conformance")]
        if let Some(at) = self.pinned {
            // For a window without a geometry the suite's position is the surface's, without its subsurfaces.
            let named = self.surface().is_some_and(|surface| {
                with_states(&surface, |states| {
                    states.cached_state.get::<SurfaceCachedState>().current().geometry.is_some()
                })
            });
            return if named { at } else { at + self.window.geometry().loc };
        }
        match &self.window {
            Content::X(window) if window.role == Role::Free => policy::kept_on(window.place, area),
            _ => place(self.role(), self.window.geometry().size, area),
        }
    }

    /// Shell or dialog, as of now.
    pub fn role(&self) -> Role {
        if let Content::X(window) = &self.window {
            return window.role;
        }
        policy::role(self.window.toplevel().is_some_and(|toplevel| toplevel.parent().is_some()), self.beside)
    }

    /// The area of its close button on a screen that covers `area`; `None`: it has none.
    pub fn close_button(&self, area: Rectangle<i32, Logical>) -> Option<Rectangle<i32, Logical>> {
        (self.role() == Role::Popup)
            .then(|| close_button::area(Rectangle::new(self.location, self.window.geometry().size), area))
    }

    /// Position of the surface's origin: its geometry may start inside it (shadows).
    pub fn origin(&self) -> Point<i32, Logical> {
        self.location - self.window.geometry().loc
    }
}

/// All toplevels, bottom to top.
#[derive(Default)]
pub struct Windows {
    list: Vec<ShownWindow>,
    /// Shells, by number, whose further windows are popups.
    with_popups: Vec<bool>,
    /// All windows have to be placed and configured again at the end of the turn.
    disturbed: bool,
}

impl Windows {
    /// No windows yet; `with_popups`: for each shell whether further windows are popups.
    pub fn new(with_popups: Vec<bool>) -> Self {
        Self { with_popups, ..Self::default() }
    }

    /// Puts a new toplevel on top. It is shown when it has a buffer.
    pub fn add(&mut self, toplevel: ToplevelSurface, shell: usize) {
        let of_same_client = |shown: &ShownWindow| {
            shown.surface().is_some_and(|other| other.id().same_client_as(&toplevel.wl_surface().id()))
        };
        let beside = self.with_popups.get(shell) == Some(&true)
            && self.list.iter().any(|shown| !shown.beside && of_same_client(shown));
        self.list.push(ShownWindow {
            window: Content::new(toplevel),
            shell,
            beside,
            mapped: false,
            location: Point::default(),
            #[cfg(feature = "conformance")]
            pinned: None,
        });
    }

    /// Keeps a window at this layout position, overriding the policy.
    #[cfg(feature = "conformance")]
    pub fn pin(&mut self, surface: &WlSurface, at: Point<i32, Logical>) {
        if let Some(shown) = self.list.iter_mut().find(|shown| shown.surface().as_ref() == Some(surface)) {
            shown.pinned = Some(at);
        }
    }

    /// Puts an X program's window on top. It is shown when its surface is known, and has a buffer.
    pub fn add_x(&mut self, window: XWindow, shell: usize) {
        self.remove_x(window.id);
        let location = window.place.loc;
        self.list.push(ShownWindow {
            window: Content::X(window),
            shell,
            beside: false,
            mapped: false,
            location,
            #[cfg(feature = "conformance")]
            pinned: None,
        });
    }

    /// The X program's window with this number.
    pub fn find_x(&self, id: u32) -> Option<&XWindow> {
        self.list.iter().find_map(|shown| shown.window.x().filter(|window| window.id == id))
    }

    /// Changes the X program's window with this number. Returns whether there is one.
    pub fn change_x(&mut self, id: u32, change: impl FnOnce(&mut XWindow)) -> bool {
        let mut windows = self.list.iter_mut().filter_map(|shown| shown.window.x_mut());
        let found = windows.find(|window| window.id == id);
        found.map(change).is_some()
    }

    /// Removes the X window with this id.
    pub fn remove_x(&mut self, id: u32) {
        self.list.retain(|shown| shown.window.x().is_none_or(|window| window.id != id));
        self.disturbed = true;
    }

    /// Removes all X windows.
    pub fn remove_all_x(&mut self) {
        self.list.retain(|shown| shown.window.x().is_none());
        self.disturbed = true;
    }

    /// Removes a toplevel.
    pub fn remove(&mut self, surface: &WlSurface) {
        self.list.retain(|shown| shown.surface().as_ref() != Some(surface));
    }

    /// Requests that all windows are placed and configured again once at the end of the turn.
    pub fn disturb(&mut self) {
        self.disturbed = true;
    }

    /// Removes windows that no longer exist. Returns whether windows have to be placed and configured again.
    pub fn prune(&mut self) -> bool {
        let before = self.list.len();
        self.list.retain(|shown| shown.window.alive());
        // The X server may replace a window's surface.
        for shown in self.list.iter_mut().filter(|shown| shown.mapped && shown.window.wl_surface().is_none()) {
            shown.mapped = false;
            self.disturbed = true;
        }
        std::mem::take(&mut self.disturbed) || before != self.list.len()
    }

    /// Finds it by its own surface, not by a child.
    pub fn find(&self, surface: &WlSurface) -> Option<&ShownWindow> {
        self.list.iter().find(|shown| shown.surface().as_ref() == Some(surface))
    }

    /// Whether a mapped fullscreen window has not drawn in its screen's current size yet.
    pub fn is_to_be_resized(&self, surface: &WlSurface, size: Size<i32, Logical>) -> bool {
        let shown = self.find(surface).filter(|shown| shown.mapped && shown.role() == Role::Shell);
        let toplevel = shown.and_then(|shown| shown.window.toplevel());
        toplevel.is_some_and(|toplevel| toplevel.current_state().size != Some(size))
    }

    /// Whether any window of a shell is mapped.
    pub fn any_mapped(&self, shell: usize) -> bool {
        self.mapped(shell).next().is_some()
    }

    /// The mapped windows of a shell, topmost first.
    pub fn mapped(&self, shell: usize) -> impl Iterator<Item = &ShownWindow> {
        self.list.iter().rev().filter(move |shown| shown.mapped && shown.shell == shell)
    }

    /// All windows, bottom to top.
    pub fn iter(&self) -> impl Iterator<Item = &ShownWindow> {
        self.list.iter()
    }

    /// The toplevels' surfaces, bottom to top.
    pub fn surfaces(&self) -> impl Iterator<Item = WlSurface> {
        self.list.iter().filter_map(ShownWindow::surface)
    }

    /// The surface that gets the keyboard focus when the shell has it: the topmost window's.
    pub fn focus(&self, shell: usize) -> Option<WlSurface> {
        self.mapped(shell).find(|shown| shown.role() != Role::Free).and_then(ShownWindow::surface)
    }

    /// Brings a window above the others of its role: a dialog is never behind its shell.
    pub fn raise(&mut self, surface: &WlSurface) {
        if let Some(index) = self.list.iter().position(|shown| shown.surface().as_ref() == Some(surface)) {
            let shown = self.list.remove(index);
            self.list.push(shown);
            self.list.sort_by_key(|shown| match shown.role() {
                Role::Shell => 0,
                Role::Dialog | Role::Popup => 1,
                Role::Free => 2,
            });
        }
    }

    /// Configures a toplevel's size and state, for a screen that covers `area`. Sent only if it changed, or if nothing
    /// was sent yet.
    pub fn configure(toplevel: &ToplevelSurface, role: Role, area: Rectangle<i32, Logical>, activated: bool) {
        toplevel.with_pending_state(|state| {
            state.bounds = Some(area.size);
            // Windows cannot be minimised, moved or resized here.
            state.capabilities.unset(WmCapabilities::Minimize);
            state.capabilities.unset(WmCapabilities::WindowMenu);
            state.capabilities.unset(WmCapabilities::Maximize);
            state.capabilities.set(WmCapabilities::Fullscreen);
            match role {
                Role::Shell => {
                    state.states.set(ToplevelState::Fullscreen);
                    state.size = Some(area.size);
                }
                Role::Dialog | Role::Popup | Role::Free => {
                    state.states.unset(ToplevelState::Fullscreen);
                    state.size = None;
                }
            }
            if activated {
                state.states.set(ToplevelState::Activated);
            } else {
                state.states.unset(ToplevelState::Activated);
            }
        });
    }

    /// Handles a commit in a toplevel's surface tree. Returns whether a window was mapped or unmapped.
    pub fn follow_commit(&mut self, surface: &WlSurface, area: Rectangle<i32, Logical>) -> bool {
        let Some(shown) = self.list.iter_mut().find(|shown| shown.surface().as_ref() == Some(surface)) else {
            return false;
        };
        shown.window.on_commit();
        let has_buffer = with_renderer_surface_state(surface, |state| state.buffer().is_some()).unwrap_or(false);
        let changed = shown.mapped != has_buffer;
        shown.mapped = has_buffer;
        shown.location = shown.place(area);
        if changed && has_buffer {
            self.raise(surface);
        }
        changed
    }

    /// Whether all fullscreen windows of a shell have drawn with at least this height.
    pub fn fill(&self, shell: usize, size: Size<i32, Logical>) -> bool {
        let mut filling = self.mapped(shell).filter(|shown| shown.role() == Role::Shell);
        filling.all(|shown| shown.window.geometry().size.h >= size.h)
    }

    /// Places and configures everything after a change of the shells' areas. `told`: the areas to configure.
    pub fn rearrange(&mut self, areas: &[Rectangle<i32, Logical>], told: &[Rectangle<i32, Logical>]) {
        let active: Vec<Option<WlSurface>> = (0..areas.len()).map(|shell| self.focus(shell)).collect();
        for shown in &mut self.list {
            let area = areas.get(shown.shell).copied().unwrap_or_default();
            let focus = active.get(shown.shell).cloned().flatten();
            // A subsurface may be gone without a commit, which makes the window smaller.
            shown.window.on_commit();
            shown.location = shown.place(area);
            if let Some(toplevel) = shown.window.toplevel() {
                let active = focus.as_ref() == Some(toplevel.wl_surface());
                let told = told.get(shown.shell).copied().unwrap_or(area);
                Self::configure(toplevel, shown.role(), told, active);
                // A client that acknowledges none gets no more, as each pending configure is kept.
                if toplevel.is_initial_configure_sent() && toplevel_answers(toplevel) {
                    toplevel.send_pending_configure();
                }
            }
        }
    }

    /// The surface of a shell under a point, with the surface's origin. A window below a dialog is reachable beside it.
    pub fn under(&self, shell: usize, point: Point<f64, Logical>) -> Option<(WlSurface, Point<f64, Logical>)> {
        self.mapped(shell).find_map(|shown| {
            let origin = shown.origin();
            let (surface, at) = shown.window.surface_under(point - origin.to_f64(), WindowSurfaceType::ALL)?;
            Some((surface, (at + origin).to_f64()))
        })
    }
}

fn place(role: Role, size: Size<i32, Logical>, area: Rectangle<i32, Logical>) -> Point<i32, Logical> {
    match role {
        // A shell that ignores its configured size is centred too.
        Role::Shell if size.w >= area.size.w && size.h >= area.size.h => area.loc,
        Role::Shell | Role::Dialog | Role::Popup | Role::Free => policy::centred(size, area),
    }
}
