//! Layer surfaces: panels, keyboards and notices of trusted tools, above and below the windows of a screen
//! (wlr-layer-shell). [`crate::protocols`] puts them here, [`super::Frame`] draws them. A shell's own page never has one,
//! and none changes the size of a window.

use std::collections::VecDeque;

use smithay::{
    backend::renderer::utils::with_renderer_surface_state,
    desktop::{LayerSurface, WindowSurfaceType},
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Point, Rectangle, Serial},
    wayland::{
        compositor::with_states,
        shell::wlr_layer::{KeyboardInteractivity, Layer, LayerSurfaceData},
    },
};

use super::layer_geometry::{self, Request};
use crate::screens::ScreenId;

/// Most unacknowledged configures of one surface; then no more are sent.
const UNANSWERED: usize = 64;

/// An external keyboard that leaves less than this share of the screen's height lies over the windows.
const LEAST_LEFT: i32 = 4;

/// Above the windows, topmost first.
pub const ABOVE: [Layer; 2] = [Layer::Overlay, Layer::Top];
/// Below the windows, topmost first.
pub const BELOW: [Layer; 2] = [Layer::Bottom, Layer::Background];

/// A layer surface on the stage.
pub struct ShownLayer {
    /// smithay's: with its popups and subsurfaces.
    pub surface: LayerSurface,
    /// Whose edges it is anchored to.
    pub screen: ScreenId,
    /// It has a buffer and is shown.
    pub mapped: bool,
    /// Its area in the layout.
    pub area: Rectangle<i32, Logical>,
    unanswered: VecDeque<Serial>,
    /// Its position set by the conformance suite.
    #[cfg(feature = "conformance")]
    pinned: Option<Point<i32, Logical>>,
}

impl ShownLayer {
    fn interactivity(&self) -> KeyboardInteractivity {
        self.surface.cached_state().keyboard_interactivity
    }

    /// Whether a touch gives it the keyboard focus.
    pub fn wants_keys(&self) -> bool {
        self.interactivity() != KeyboardInteractivity::None
    }

    /// Configures its size, if that changed.
    fn configure(&mut self) {
        let size = self.area.size;
        let surface = self.surface.layer_surface();
        surface.with_pending_state(|state| state.size = Some(size));
        if self.unanswered.len() < UNANSWERED
            && let Some(serial) = surface.send_pending_configure()
        {
            self.unanswered.push_back(serial);
        }
    }

    /// Whether a configure was sent since it was created or last unmapped.
    fn is_told(&self) -> bool {
        with_states(self.surface.wl_surface(), |states| {
            let data = states.data_map.get::<LayerSurfaceData>();
            data.and_then(|data| Some(data.lock().ok()?.initial_configure_sent)).unwrap_or(false)
        })
    }

    /// Whether its client has acknowledged a configure, and may attach a buffer.
    fn is_configured(&self) -> bool {
        with_states(self.surface.wl_surface(), |states| {
            let data = states.data_map.get::<LayerSurfaceData>();
            data.and_then(|data| Some(data.lock().ok()?.configured)).unwrap_or(false)
        })
    }
}

/// The result of a commit of a layer surface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// It has a buffer before its first configure: a protocol error.
    TooEarly,
    /// It was mapped or unmapped.
    Changed,
    /// Only its content or area changed.
    Same,
}

/// All layer surfaces, bottom to top within each layer.
#[derive(Default)]
pub struct Layers {
    list: Vec<ShownLayer>,
    /// The surface that was mapped, touched or clicked last, if it takes the keyboard on demand.
    touched: Option<WlSurface>,
}

impl Layers {
    /// Puts a new surface on a screen. It is shown when it has a buffer.
    pub fn add(&mut self, surface: LayerSurface, screen: ScreenId) {
        self.list.push(ShownLayer {
            surface,
            screen,
            mapped: false,
            area: Rectangle::default(),
            unanswered: VecDeque::new(),
            #[cfg(feature = "conformance")]
            pinned: None,
        });
    }

    /// Keeps a surface at this layout position, independent of its anchors.
    #[cfg(feature = "conformance")]
    pub fn pin(&mut self, surface: &WlSurface, at: Point<i32, Logical>) {
        if let Some(shown) = self.list.iter_mut().find(|shown| shown.surface.wl_surface() == surface) {
            shown.pinned = Some(at);
            shown.area.loc = at;
        }
    }

    /// Removes a surface. Returns its screen.
    pub fn remove(&mut self, surface: &WlSurface) -> Option<ScreenId> {
        let index = self.list.iter().position(|shown| shown.surface.wl_surface() == surface)?;
        if self.touched.as_ref() == Some(surface) {
            self.touched = None;
        }
        Some(self.list.remove(index).screen)
    }

    /// Finds it by its own surface, not by a child.
    pub fn find(&self, surface: &WlSurface) -> Option<&ShownLayer> {
        self.list.iter().find(|shown| shown.surface.wl_surface() == surface)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &ShownLayer> {
        self.list.iter()
    }

    /// The mapped ones of a screen, topmost first.
    pub fn shown(&self, screen: ScreenId, layers: [Layer; 2]) -> impl Iterator<Item = &ShownLayer> {
        let here = move |shown: &&ShownLayer| shown.mapped && shown.screen == screen;
        layers.into_iter().flat_map(move |layer| {
            self.list.iter().rev().filter(here).filter(move |shown| shown.surface.layer() == layer)
        })
    }

    /// What those of its surfaces that `counts` is true for leave of a screen that covers `area`, by their exclusive zones
    /// at the upper and the lower edge. At least a quarter of it.
    pub fn left_by(
        &self,
        screen: ScreenId,
        area: Rectangle<i32, Logical>,
        counts: impl Fn(&WlSurface) -> bool,
    ) -> Rectangle<i32, Logical> {
        let (mut top, mut bottom) = (area.loc.y, area.loc.y.saturating_add(area.size.h));
        let here = |shown: &&ShownLayer| shown.mapped && shown.screen == screen && counts(shown.surface.wl_surface());
        for shown in self.list.iter().filter(here) {
            match Request::from(&shown.surface.cached_state()).keeps_upper() {
                Some(true) => top = top.max(shown.area.loc.y.saturating_add(shown.area.size.h)),
                Some(false) => bottom = bottom.min(shown.area.loc.y),
                None => {}
            }
        }
        let least = (area.size.h / LEAST_LEFT).max(1);
        let left = bottom.saturating_sub(top);
        if left < least { area } else { Rectangle::new((area.loc.x, top).into(), (area.size.w, left).into()) }
    }

    /// Whether any is mapped on a screen.
    pub fn any_shown(&self, screen: ScreenId) -> bool {
        self.list.iter().any(|shown| shown.mapped && shown.screen == screen)
    }

    /// The client has acknowledged this configure and all before it.
    pub fn answered(&mut self, surface: &WlSurface, serial: Serial) {
        if let Some(shown) = self.list.iter_mut().find(|shown| shown.surface.wl_surface() == surface) {
            shown.unanswered.retain(|other| *other > serial);
        }
    }

    /// Handles a commit of the surface, on a screen that covers `area`.
    pub fn follow_commit(&mut self, surface: &WlSurface, area: Rectangle<i32, Logical>) -> Committed {
        let Some(shown) = self.list.iter_mut().find(|shown| shown.surface.wl_surface() == surface) else {
            return Committed::Same;
        };
        let screen = shown.screen;
        let has_buffer = with_renderer_surface_state(surface, |state| state.buffer().is_some()).unwrap_or(false);
        // The conformance suite's clients attach a buffer early.
        if has_buffer && !shown.is_configured() && !cfg!(feature = "conformance") {
            return Committed::TooEarly;
        }
        let changed = shown.mapped != has_buffer;
        shown.mapped = has_buffer;
        if changed && !has_buffer {
            // It was unmapped: its next commit gets a configure.
            with_states(surface, |states| {
                if let Some(Ok(mut data)) = states.data_map.get::<LayerSurfaceData>().map(|data| data.lock()) {
                    (data.configured, data.initial_configure_sent) = (false, false);
                }
            });
            self.arrange(screen, area);
            return Committed::Changed;
        }
        if changed && shown.interactivity() != KeyboardInteractivity::None {
            self.touched = Some(surface.clone());
        }
        let first = !shown.is_told();
        self.arrange(screen, area);
        if first && let Some(shown) = self.list.iter_mut().find(|shown| shown.surface.wl_surface() == surface) {
            shown.configure();
        }
        if changed { Committed::Changed } else { Committed::Same }
    }

    /// Computes the layout again after a change of the screen's area or of a surface.
    pub fn arrange(&mut self, screen: ScreenId, area: Rectangle<i32, Logical>) {
        let mut here: Vec<&mut ShownLayer> = self.list.iter_mut().filter(|shown| shown.screen == screen).collect();
        // The topmost layer's exclusive zones come first.
        let order = [Layer::Overlay, Layer::Top, Layer::Bottom, Layer::Background];
        here.sort_by_key(|shown| order.iter().position(|layer| *layer == shown.surface.layer()));
        let requests: Vec<Request> = here.iter().map(|shown| Request::from(&shown.surface.cached_state())).collect();
        for (shown, place) in here.into_iter().zip(layer_geometry::arrange(area, &requests)) {
            shown.area = place;
            #[cfg(feature = "conformance")]
            if let Some(at) = shown.pinned {
                shown.area.loc = at;
            }
            if shown.is_told() {
                shown.configure();
            }
        }
    }

    /// Closes surfaces whose screens are gone.
    pub fn close_all_but(&mut self, is_there: impl Fn(ScreenId) -> bool) {
        self.list.retain(|shown| {
            let stays = is_there(shown.screen);
            if !stays {
                shown.surface.layer_surface().send_close();
            }
            stays
        });
    }

    /// The surface of a screen under a point, with its origin.
    pub fn under(
        &self,
        screen: ScreenId,
        layers: [Layer; 2],
        point: Point<f64, Logical>,
    ) -> Option<(WlSurface, Point<f64, Logical>)> {
        self.shown(screen, layers).find_map(|shown| {
            let origin = shown.area.loc;
            let (surface, at) = shown.surface.surface_under(point - origin.to_f64(), WindowSurfaceType::ALL)?;
            Some((surface, (at + origin).to_f64()))
        })
    }

    /// The surface of a screen that takes the keyboard focus from the windows: one above them with exclusive focus,
    /// else the one that was touched last.
    pub fn focus(&self, screen: ScreenId) -> Option<WlSurface> {
        let insists = |shown: &&ShownLayer| shown.interactivity() == KeyboardInteractivity::Exclusive;
        let insisting = self.shown(screen, ABOVE).find(insists);
        let wants = |shown: &&ShownLayer| {
            Some(shown.surface.wl_surface()) == self.touched.as_ref()
                && shown.interactivity() != KeyboardInteractivity::None
        };
        let chosen = insisting.or_else(|| self.shown(screen, ABOVE).chain(self.shown(screen, BELOW)).find(wants));
        chosen.map(|shown| shown.surface.wl_surface().clone())
    }

    /// A surface or window was touched or clicked. Returns whether the keyboard focus may change.
    pub fn touch(&mut self, surface: &WlSurface) -> bool {
        let wants = self.find(surface).map(|shown| shown.interactivity() != KeyboardInteractivity::None);
        let touched = match wants {
            // A surface that does not want the keyboard leaves the focus unchanged.
            Some(false) => return false,
            Some(true) => Some(surface.clone()),
            None => None,
        };
        let changes = self.touched != touched;
        self.touched = touched;
        changes
    }
}
