//! One frame of one screen: its elements for any renderer, and its frame callbacks and feedback.

use std::time::Duration;

use smithay::{
    backend::renderer::{
        Color32F, ExportMem, ImportAll, ImportMem, Renderer,
        element::{
            AsRenderElements, Element, Kind, RenderElementStates, default_primary_scanout_output_compare,
            surface::render_elements_from_surface_tree,
        },
    },
    desktop::utils::{
        OutputPresentationFeedback, send_frames_surface_tree, surface_presentation_feedback_flags_from_states,
        surface_primary_scanout_output, take_presentation_feedback_surface_tree, update_surface_primary_scanout_output,
        with_surfaces_surface_tree,
    },
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Physical, Point, Rectangle, Scale, Size},
    wayland::{compositor::SurfaceAttributes, shell::wlr_layer::Layer},
};

use super::{
    Stage,
    aided::AidedPicture,
    elements::{PixelElement, StageElement},
    faded, layers,
    reflected::Reflected,
    splash::{self, Cover},
};
use crate::{
    privilege::ClientState,
    screens::{Screen, ScreenId, Screens, mirror::Fit},
};

/// Everything a back end needs to draw one screen.
pub struct Frame<'a> {
    /// The screen to draw.
    pub screen: &'a Screen,
    stage: &'a Stage,
    /// The screen whose picture it shows: for a mirror another one, placed by `fit`.
    source: &'a Screen,
    fit: Option<Fit>,
    /// The shell whose windows are on the source; other screens keep the splash.
    shell: Option<usize>,
    /// Shells without a screen, which get their frame callbacks with this one.
    guests: Vec<usize>,
    /// Monotonic.
    now: Duration,
    /// Without visual aids.
    plain: bool,
}

impl<'a> Frame<'a> {
    /// The frame of a screen at `now`; `None`: there is no such screen.
    pub fn new(screens: &'a Screens, id: ScreenId, stage: &'a Stage, now: Duration) -> Option<Self> {
        let screen = screens.get(id)?;
        let source = screens.mirror_source(id).unwrap_or(screen);
        let shell_screens = screens.shell_screens();
        let shell = shell_screens.iter().position(|shown_on| *shown_on == Some(source.id));
        let without_screen = |(shell, screen): (usize, &Option<ScreenId>)| screen.is_none().then_some(shell);
        let guests = match screens.primary().map(|primary| primary.id) == Some(id) {
            true => shell_screens.iter().enumerate().filter_map(without_screen).collect(),
            false => Vec::new(),
        };
        Some(Self { screen, stage, source, fit: screens.fit(id), shell, guests, now, plain: false })
    }

    /// The frame without visual aids: input of the aids, and for screenshots.
    pub fn plain(self) -> Self {
        Self { plain: true, ..self }
    }

    fn aided(&self) -> Option<&AidedPicture> {
        self.stage.pictures.get(self.screen.id)?.aided.as_ref().filter(|_| !self.plain)
    }

    fn cover(&self) -> f32 {
        if self.shell.is_some() { self.stage.cover(self.shell).alpha(self.now) } else { 1.0 }
    }

    /// The background.
    pub fn clear_color(&self) -> Color32F {
        match self.stage.cover(self.shell) {
            Cover::Shown { .. } => splash::color(&self.stage.style),
            _ if self.shell.is_none() => splash::color(&self.stage.style),
            // Black as the CRTC's background, so that a fullscreen client can go to the primary plane.
            Cover::Fading { .. } | Cover::Gone => Color32F::BLACK,
        }
    }

    /// The elements, topmost first. `cursor`: whether the pointer is part of the picture (screenshots leave it out).
    pub fn elements<R>(&self, renderer: &mut R, cursor: bool) -> Vec<Reflected<StageElement<R>>>
    where
        R: Renderer + ImportAll + ImportMem + ExportMem + 'static,
        R::TextureId: Clone + Send + 'static,
    {
        let pictures = self.stage.pictures.get(self.screen.id);
        if let Some(buffer) = self.aided().and_then(|aided| aided.canvas.buffer())
            && let Ok(whole) = PixelElement::new(renderer, buffer, Point::default(), 1.0, Kind::Unspecified)
        {
            return vec![Reflected::new(whole.into(), None)];
        }
        let bars = self.fit.zip(pictures).into_iter();
        let bars = bars.flat_map(|(fit, pictures)| pictures.bars.elements(fit, self.screen.picture_size()));
        let tint = pictures.filter(|_| cursor && self.stage.debug.damage).map(|pictures| &pictures.tint);
        let tint = tint.map(|tint| tint.element(self.screen.picture_size()));
        let own = tint.into_iter().chain(bars);
        let mut elements: Vec<_> = own.map(|own| Reflected::new(StageElement::from(own), None)).collect();
        if let Some(notice) = pictures.and_then(|pictures| pictures.notice.as_ref()) {
            elements.extend(notice.element(renderer).map(|notice| Reflected::new(notice, None)));
        }
        let picture = self.picture(renderer, cursor);
        elements.extend(picture.into_iter().map(|element| Reflected::new(element, self.fit)));
        elements
    }

    /// The elements of the source's own picture.
    fn picture<R>(&self, renderer: &mut R, cursor: bool) -> Vec<StageElement<R>>
    where
        R: Renderer + ImportAll + ImportMem + ExportMem + 'static,
        R::TextureId: Clone + Send + 'static,
    {
        let mut elements = Vec::new();
        let scale = Scale::from(self.source.scale());
        let area = self.source.geometry();
        let origin = area.loc;
        if cursor {
            self.stage.cursor.push_elements(renderer, origin, scale, &mut elements);
        }
        let cover = self.cover();
        let splash = self.stage.pictures.get(self.source.id).map(|pictures| &pictures.splash);
        if let Some(splash) = splash
            && cover > 0.0
            && (self.stage.splash_enabled || self.stage.has_screen_over(self.shell))
        {
            splash.push_elements(renderer, cover, &mut elements);
        }
        if cover >= 1.0 {
            return elements;
        }
        if let Some(splash) = splash.filter(|_| cover > 0.0) {
            let size = self.source.picture_size();
            elements.extend(splash.veil(&self.stage.style, size, cover).map(StageElement::from));
        }
        if self.shell.is_some() {
            self.stage.keyboard.push_elements(renderer, self.source.id, &mut elements);
        }
        let mut budget = faded::Budget::of(self.source.picture_size());
        for popup in self.stage.method_popups.on(self.source.id) {
            let at = (popup.origin - origin).to_physical_precise_round(scale);
            let surfaces: Vec<_> =
                render_elements_from_surface_tree(renderer, &popup.surface, at, scale, 1.0, Kind::Unspecified);
            elements.extend(surfaces.into_iter().map(|surface| faded::drawable(renderer, surface, &mut budget)));
        }
        self.push_layers(renderer, layers::ABOVE, (origin, scale), &mut budget, &mut elements);
        for shown in self.shell.into_iter().flat_map(|shell| self.stage.windows.mapped(shell)) {
            if let Some(button) = shown.close_button(area) {
                let at = (button.loc - origin).to_physical_precise_round(scale);
                self.stage.close_button.push_element(renderer, at, scale.x, &mut elements);
            }
            let location = (shown.origin() - origin).to_physical_precise_round(scale);
            let surfaces: Vec<_> =
                AsRenderElements::<R>::render_elements(&shown.window, renderer, location, scale, 1.0);
            let drawn = surfaces.into_iter().map(|surface| faded::drawable(renderer, surface, &mut budget));
            let drawn: Vec<_> = drawn.collect();
            let hides = drawn.iter().any(|element| covers(element, self.source.picture_size(), scale));
            elements.extend(drawn);
            if hides {
                return elements;
            }
        }
        self.push_layers(renderer, layers::BELOW, (origin, scale), &mut budget, &mut elements);
        elements
    }

    /// The layer surfaces above or below the windows. With the source's origin in the layout and its
    /// scale.
    fn push_layers<R>(
        &self,
        renderer: &mut R,
        layers: [Layer; 2],
        (origin, scale): (Point<i32, Logical>, Scale<f64>),
        budget: &mut faded::Budget,
        elements: &mut Vec<StageElement<R>>,
    ) where
        R: Renderer + ImportAll + ImportMem + ExportMem + 'static,
        R::TextureId: Clone + Send + 'static,
    {
        for shown in self.stage.layers.shown(self.source.id, layers) {
            let location = (shown.area.loc - origin).to_physical_precise_round(scale);
            let surfaces: Vec<_> =
                AsRenderElements::<R>::render_elements(&shown.surface, renderer, location, scale, 1.0);
            elements.extend(surfaces.into_iter().map(|surface| faded::drawable(renderer, surface, budget)));
        }
    }

    /// Visits every surface of the screen, also under the splash: clients continue to draw there, so that there is a
    /// picture when it goes. None on a mirror: clients follow one screen.
    pub fn for_each_surface(&self, mut visit: impl FnMut(&WlSurface)) {
        if self.fit.is_some() {
            return;
        }
        let here = |shell: usize| self.shell == Some(shell) || self.guests.contains(&shell);
        for shown in self.stage.windows.iter().filter(|shown| here(shown.shell)) {
            if let Some(surface) = shown.window.wl_surface() {
                visit(&surface);
                for (popup, _) in smithay::desktop::PopupManager::popups_for_surface(&surface) {
                    visit(popup.wl_surface());
                }
            }
        }
        for shown in self.stage.layers.iter().filter(|shown| shown.screen == self.screen.id) {
            let surface = shown.surface.wl_surface();
            visit(surface);
            for (popup, _) in smithay::desktop::PopupManager::popups_for_surface(surface) {
                visit(popup.wl_surface());
            }
        }
        self.stage.method_popups.on(self.screen.id).for_each(|popup| visit(&popup.surface));
        let carried = [self.stage.cursor.client_surface(), self.stage.cursor.drag_icon()];
        carried.into_iter().flatten().filter(|surface| here(ClientState::shell_of(surface))).for_each(visit);
    }

    /// Logs each element's plane, topmost first, with `KIOSKD_DEBUG=planes`.
    pub fn report_planes<E: Element>(&self, elements: &[E], states: &RenderElementStates) {
        if !self.stage.debug.planes {
            return;
        }
        let scale = Scale::from(self.source.scale());
        for (index, element) in elements.iter().enumerate() {
            let state = states.element_render_state(element.id().clone());
            let shown = state.map(|state| state.presentation_state);
            tracing::debug!(screen = self.screen.name, index, kind = ?element.kind(), area = ?element.geometry(scale), ?shown, "plane assignment");
        }
    }

    /// Updates the surfaces' primary scanout output.
    pub fn note_scanout(&self, states: &RenderElementStates) {
        let states = self.aided().map_or(states, |aided| &aided.states);
        self.for_each_surface(|root| {
            with_surfaces_surface_tree(root, |surface, data| {
                update_surface_primary_scanout_output(
                    surface,
                    &self.screen.output,
                    data,
                    states,
                    default_primary_scanout_output_compare,
                );
            });
        });
    }

    /// The presentation feedback that is due when this frame is on the screen.
    pub fn take_feedback(&self, states: &RenderElementStates) -> OutputPresentationFeedback {
        let states = self.aided().map_or(states, |aided| &aided.states);
        let mut feedback = OutputPresentationFeedback::new(&self.screen.output);
        self.for_each_surface(|root| {
            take_presentation_feedback_surface_tree(
                root,
                &mut feedback,
                surface_primary_scanout_output,
                |surface, _| surface_presentation_feedback_flags_from_states(surface, states),
            );
        });
        feedback
    }

    /// Whether the splash is fading.
    pub fn fades(&self) -> bool {
        self.shell.is_some() && self.fit.is_none() && matches!(self.stage.cover(self.shell), Cover::Fading { .. })
    }

    /// Whether any client waits for a frame callback.
    pub fn callbacks_waiting(&self) -> bool {
        let mut waiting = false;
        self.for_each_surface(|root| {
            with_surfaces_surface_tree(root, |_, data| {
                waiting |= !data.cached_state.get::<SurfaceAttributes>().current().frame_callbacks.is_empty();
            });
        });
        waiting
    }

    /// Sends the due frame callbacks, also to hidden surfaces (under the splash, on a screen that is off), at the rate
    /// at which it is called.
    pub fn send_callbacks(&self) {
        self.for_each_surface(|root| {
            send_frames_surface_tree(root, &self.screen.output, self.now, Some(Duration::ZERO), |_, _| {
                Some(self.screen.output.clone())
            });
        });
    }
}

/// Whether nothing below this element is seen on a picture of this size.
fn covers<E: Element>(element: &E, size: Size<i32, Physical>, scale: Scale<f64>) -> bool {
    let origin = element.geometry(scale).loc;
    let mut opaque = element.opaque_regions(scale).into_iter();
    element.alpha() >= 1.0
        && opaque.any(|area| Rectangle::new(area.loc + origin, area.size).contains_rect(Rectangle::from_size(size)))
}
