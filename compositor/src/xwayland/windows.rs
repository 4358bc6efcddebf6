//! X windows on the stage: handles the window manager's events, associates surfaces, and sends the wanted state back. X
//! coordinates are physical pixels: on a scaled screen X programs draw at full resolution, and take the scale from
//! `Xft.dpi`.

use smithay::{
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
    utils::{Logical, Point, Rectangle},
};

use super::{
    server::SHELL,
    wm::{Geometry, Kind, News, SurfaceName, Wanted, WindowId},
};
use crate::{kiosk::Kiosk, pings::Pinged, policy::Role, privilege::ClientState, stage::content::XWindow};

impl Kiosk {
    /// Handles an event of the X window manager.
    pub(super) fn x_news(&mut self, news: News) {
        match news {
            News::Ready => tracing::debug!("the X server is ready for clients"),
            News::Mapped { window, kind, place, answers } => {
                let role = match kind {
                    Kind::Main => Role::Shell,
                    Kind::Dialog => Role::Dialog,
                    Kind::Free => Role::Free,
                };
                let place = self.logical_of_x(place);
                let (title, class) = (String::new(), String::new());
                let x = XWindow { id: window, role, place, surface: None, title, class, answers };
                self.stage.windows.add_x(x, SHELL);
            }
            News::Answered { window } => self.windows_answer(|other| *other == Pinged::X(window)),
            News::Named { window, names } => {
                self.stage.windows.change_x(window, |x| (x.title, x.class) = (names.title, names.class));
            }
            News::Surface { window, surface } => self.x_surface_named(window, surface),
            News::Placed { window, place } => {
                let place = self.logical_of_x(place);
                let changed = self.stage.windows.change_x(window, |x| x.place = place);
                if changed {
                    self.stage.windows.disturb();
                }
            }
            News::Gone { window } => {
                self.clients.x11.awaited.remove(&window);
                self.stage.windows.remove_x(window);
                self.windows_answer(|other| *other == Pinged::X(window));
            }
            News::Copied { kind, forms } => self.copied_by_x(kind, forms),
            News::Wanted { kind, form, into } => self.paste_to_x(kind, form, into),
            News::Ended { reason } => self.x_manager_ended(&reason),
        }
    }

    /// Associates an X window with a surface, which may not exist yet.
    fn x_surface_named(&mut self, window: WindowId, name: SurfaceName) {
        if self.stage.windows.find_x(window).is_none() {
            return;
        }
        self.clients.x11.awaited.insert(window, name);
        let found = match name {
            SurfaceName::Object(number) => self.clients.x11.server.as_ref().and_then(|server| {
                server.client.object_from_protocol_id::<WlSurface>(&self.main_loop.display, number).ok()
            }),
            SurfaceName::Serial(serial) => self.clients.x11.numbered.get(&serial).cloned(),
        };
        if let Some(surface) = found {
            self.x_surface_found(window, surface);
        }
    }

    /// The X server has created a surface: associates it if a window waits for it.
    pub(crate) fn x_surface_made(&mut self, surface: &WlSurface) {
        if self.clients.x11.awaited.is_empty() || !self.is_of_x_server(surface) {
            return;
        }
        self.x_surface_called(SurfaceName::Object(surface.id().protocol_id()), surface.clone());
    }

    /// The X server has set a surface's serial. Returns false if the surface or the serial is already in use.
    pub(crate) fn x_surface_numbered(&mut self, serial: u64, surface: WlSurface) -> bool {
        let numbered = &mut self.clients.x11.numbered;
        if numbered.contains_key(&serial) || numbered.values().any(|other| *other == surface) {
            return false;
        }
        numbered.insert(serial, surface.clone());
        self.x_surface_called(SurfaceName::Serial(serial), surface);
        true
    }

    fn x_surface_called(&mut self, name: SurfaceName, surface: WlSurface) {
        let window = self.clients.x11.awaited.iter().find(|(_, awaited)| **awaited == name).map(|(window, _)| *window);
        if let Some(window) = window {
            self.x_surface_found(window, surface);
        }
    }

    fn x_surface_found(&mut self, window: WindowId, surface: WlSurface) {
        self.clients.x11.awaited.remove(&window);
        if self.stage.windows.find(&surface).is_some() {
            return;
        }
        self.stage.windows.change_x(window, |x| x.surface = Some(surface.clone()));
        self.tell_scale(&surface);
        if let Some(screen) = self.screens.screen_for(SHELL) {
            screen.output.enter(&surface);
        }
        // It may have a buffer already.
        self.follow_x_commit(&surface, self.area_of(SHELL));
        self.request_shell_redraw();
    }

    pub(super) fn is_of_x_server(&self, surface: &WlSurface) -> bool {
        self.clients.x11.server.as_ref().is_some_and(|server| surface.client().as_ref() == Some(&server.client))
    }

    /// Handles a commit of an X window's surface.
    pub(crate) fn follow_x_commit(&mut self, surface: &WlSurface, area: Rectangle<i32, Logical>) {
        if self.stage.windows.follow_commit(surface, area) {
            self.stage.windows.disturb();
            let comes =
                self.stage.windows.find(surface).is_some_and(|shown| shown.mapped && shown.role() != Role::Free);
            if comes {
                self.dismiss_covered_grab(surface);
            }
        }
    }

    /// Sends changes to the window manager, at the end of a turn.
    pub(crate) fn tell_x11(&mut self) {
        let Some(server) = &self.clients.x11.server else { return };
        let client = server.client.clone();
        let scale = self.x_scale();
        if let Some(state) = client.get_data::<ClientState>()
            && state.compositor.client_scale() != scale
        {
            state.compositor.set_client_scale(scale);
        }
        let wanted = self.wanted_of_x();
        if let Some(server) = &self.clients.x11.server {
            server.manager.want(wanted);
        }
    }

    /// The wanted state of the X server.
    pub(super) fn wanted_of_x(&self) -> Wanted {
        let area = self.told_area_of(SHELL);
        let focus = self.seat.seat.get_keyboard().and_then(|keyboard| keyboard.current_focus());
        let mut wanted = Wanted {
            area: self.to_x(area),
            scale: self.x_scale(),
            offers: self.clients.x11.copied.offers.clone(),
            ..Wanted::default()
        };
        for shown in self.stage.windows.iter() {
            let Some(window) = shown.window.x() else { continue };
            if window.surface.is_some() && window.surface == focus {
                wanted.focus = Some(window.id);
            }
            let is_put = match window.role {
                Role::Shell => false,
                Role::Dialog | Role::Popup => shown.mapped,
                Role::Free => shown.mapped && shown.location != window.place.loc,
            };
            if is_put {
                wanted.at.insert(window.id, self.point_to_x(shown.location));
            }
        }
        wanted
    }

    /// Asks an X program's window to close.
    pub(crate) fn close_x(&self, window: WindowId) {
        if let Some(server) = &self.clients.x11.server {
            server.manager.close(window);
        }
    }

    /// Asks an X program's window for an answer.
    pub(crate) fn ping_x(&self, window: WindowId) {
        if let Some(server) = &self.clients.x11.server {
            server.manager.ping(window);
        }
    }

    /// X pixels per logical pixel.
    fn x_scale(&self) -> f64 {
        self.screens.screen_for(SHELL).map_or(1.0, |screen| screen.scale())
    }

    fn logical_of_x(&self, place: Geometry) -> Rectangle<i32, Logical> {
        let scale = self.x_scale();
        let part = |value: f64| (value / scale).round() as i32;
        let size = (part(place.width.into()).max(1), part(place.height.into()).max(1));
        Rectangle::new((part(place.x.into()), part(place.y.into())).into(), size.into())
    }

    fn point_to_x(&self, point: Point<i32, Logical>) -> (i32, i32) {
        let scale = self.x_scale();
        let part = |value: i32| (f64::from(value) * scale).round() as i32;
        (part(point.x), part(point.y))
    }

    fn to_x(&self, area: Rectangle<i32, Logical>) -> Geometry {
        let (x, y) = self.point_to_x(area.loc);
        let (right, bottom) = self.point_to_x(area.loc + area.size);
        Geometry { x, y, width: (right - x).max(1).unsigned_abs(), height: (bottom - y).max(1).unsigned_abs() }
    }
}
