//! The content of a window: a Wayland toplevel, or an X window with its Xwayland surface, behind one interface.

use smithay::{
    backend::renderer::{
        ImportAll, Renderer,
        element::{
            AsRenderElements, Kind,
            surface::{WaylandSurfaceRenderElement, render_elements_from_surface_tree},
        },
        utils::with_renderer_surface_state,
    },
    desktop::{Window, WindowSurfaceType, utils::under_from_surface_tree},
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{IsAlive, Logical, Physical, Point, Rectangle, Scale},
    wayland::{seat::WaylandFocus, shell::xdg::ToplevelSurface},
};

use crate::policy::Role;

/// An X program's window.
#[derive(Debug, Clone)]
pub struct XWindow {
    /// Its X window id.
    pub id: u32,
    /// Its role when it was mapped.
    pub role: Role,
    /// Its area in the layout, as set by the X server.
    pub place: Rectangle<i32, Logical>,
    /// Its surface; `None`: not associated yet.
    pub surface: Option<WlSurface>,
    /// Its title.
    pub title: String,
    /// Its program's class, as an app-id.
    pub class: String,
    /// Whether it answers pings.
    pub answers: bool,
}

/// Either.
#[derive(Debug, Clone)]
pub enum Content {
    /// smithay's: the toplevel with its popups and subsurfaces.
    Toplevel(Window),
    /// An X program's.
    X(XWindow),
}

impl Content {
    /// Of a toplevel.
    pub fn new(toplevel: ToplevelSurface) -> Self {
        Self::Toplevel(Window::new_wayland_window(toplevel))
    }

    /// The toplevel, if it is one.
    pub fn toplevel(&self) -> Option<&ToplevelSurface> {
        match self {
            Self::Toplevel(window) => window.toplevel(),
            Self::X(_) => None,
        }
    }

    /// The X program's window, if it is one.
    pub fn x(&self) -> Option<&XWindow> {
        match self {
            Self::Toplevel(_) => None,
            Self::X(window) => Some(window),
        }
    }

    /// The same.
    pub fn x_mut(&mut self) -> Option<&mut XWindow> {
        match self {
            Self::Toplevel(_) => None,
            Self::X(window) => Some(window),
        }
    }

    /// Its surface, if it has one.
    pub fn wl_surface(&self) -> Option<WlSurface> {
        match self {
            Self::Toplevel(window) => window.wl_surface().map(|surface| surface.into_owned()),
            Self::X(window) => window.surface.clone().filter(IsAlive::alive),
        }
    }

    /// Whether it still exists. X windows are removed explicitly.
    pub fn alive(&self) -> bool {
        match self {
            Self::Toplevel(window) => window.alive(),
            Self::X(_) => true,
        }
    }

    /// The surface was committed.
    pub fn on_commit(&self) {
        match self {
            Self::Toplevel(window) => window.on_commit(),
            // Nothing of it is kept.
            Self::X(_) => {}
        }
    }

    /// The window geometry, relative to the surface's origin.
    pub fn geometry(&self) -> Rectangle<i32, Logical> {
        match self {
            Self::Toplevel(window) => window.geometry(),
            Self::X(window) => {
                let size = self
                    .wl_surface()
                    .and_then(|surface| with_renderer_surface_state(&surface, |state| state.surface_size()).flatten());
                Rectangle::from_size(size.unwrap_or(window.place.size))
            }
        }
    }

    /// The surface at a point from the surface's own origin, and where that one starts.
    pub fn surface_under(
        &self,
        point: Point<f64, Logical>,
        kinds: WindowSurfaceType,
    ) -> Option<(WlSurface, Point<i32, Logical>)> {
        match self {
            Self::Toplevel(window) => window.surface_under(point, kinds),
            Self::X(_) => under_from_surface_tree(&self.wl_surface()?, point, (0, 0), kinds),
        }
    }
}

impl<R> AsRenderElements<R> for Content
where
    R: Renderer + ImportAll,
    R::TextureId: Clone + 'static,
{
    type RenderElement = WaylandSurfaceRenderElement<R>;

    fn render_elements<C: From<Self::RenderElement>>(
        &self,
        renderer: &mut R,
        location: Point<i32, Physical>,
        scale: Scale<f64>,
        alpha: f32,
    ) -> Vec<C> {
        match self {
            Self::Toplevel(window) => AsRenderElements::<R>::render_elements(window, renderer, location, scale, alpha),
            Self::X(_) => self.wl_surface().map_or_else(Vec::new, |surface| {
                render_elements_from_surface_tree(renderer, &surface, location, scale, alpha, Kind::Unspecified)
            }),
        }
    }
}
