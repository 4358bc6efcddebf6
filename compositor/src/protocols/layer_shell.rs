//! wlr-layer-shell: surfaces of trusted tools above and below the windows of a screen. The stage decides about layout
//! and keyboard focus ([`crate::stage::layers`]).

use smithay::{
    desktop::{LayerSurface, PopupKind},
    reexports::{
        wayland_protocols_wlr::layer_shell::v1::server::{
            zwlr_layer_shell_v1::{self, ZwlrLayerShellV1},
            zwlr_layer_surface_v1::{Error, ZwlrLayerSurfaceV1},
        },
        wayland_server::{
            Client, WEnum,
            protocol::{wl_output::WlOutput, wl_surface::WlSurface},
        },
    },
    wayland::{
        compositor::{BufferAssignment, SurfaceAttributes, get_role, send_surface_state, with_states},
        fractional_scale::with_fractional_scale,
        shell::{
            wlr_layer::{
                LAYER_SURFACE_ROLE, Layer, LayerSurface as Handle, LayerSurfaceConfigure, WlrLayerShellGlobalData,
                WlrLayerShellHandler, WlrLayerShellState, WlrLayerSurfaceUserData,
            },
            xdg::PopupSurface,
        },
    },
};

use crate::{
    kiosk::Kiosk,
    limits::refusal,
    protocols::{
        capture::screen_of,
        dispatch::{Refused, globals, guarded, objects},
    },
    screens::ScreenId,
    stage::layers::Committed,
};

impl WlrLayerShellHandler for Kiosk {
    fn shell_state(&mut self) -> &mut WlrLayerShellState {
        &mut self.protocols.layer_shell
    }

    fn new_layer_surface(&mut self, surface: Handle, output: Option<WlOutput>, _: Layer, namespace: String) {
        let named = output.and_then(|output| screen_of(&self.screens, &output));
        let Some(screen) = named.or(self.screens.primary()) else {
            surface.send_close();
            return;
        };
        let id = screen.id;
        screen.output.enter(surface.wl_surface());
        let root = surface.wl_surface().clone();
        self.stage.layers.add(LayerSurface::new(surface, namespace), id);
        self.tell_layer_scale(&root, id);
    }

    fn new_popup(&mut self, _: Handle, popup: PopupSurface) {
        // The parent was not known when the popup was created.
        self.keep_popup_on_screen(&popup);
        if let Err(error) = self.stage.popups.track_popup(PopupKind::from(popup)) {
            tracing::debug!(%error, "popup without a living parent");
        }
    }

    fn ack_configure(&mut self, surface: WlSurface, configure: LayerSurfaceConfigure) {
        self.stage.layers.answered(&surface, configure.serial);
    }

    fn layer_destroyed(&mut self, surface: Handle) {
        self.remove_layer(surface.wl_surface());
    }
}

impl Kiosk {
    /// A layer surface, or one of its children, was committed.
    pub(crate) fn follow_layer(&mut self, root: &WlSurface, is_root_commit: bool) {
        let Some(shown) = self.stage.layers.find(root) else { return };
        let (id, handle) = (shown.screen, shown.surface.layer_surface().shell_surface().clone());
        self.request_redraw(id);
        if !is_root_commit {
            return;
        }
        let Some(area) = self.screens.get(id).map(|screen| screen.geometry()) else { return };
        match self.stage.layers.follow_commit(root, area) {
            Committed::TooEarly => {
                let sentence = "a buffer before the first configure was acknowledged";
                refusal::post(&handle, Error::InvalidSurfaceState, sentence);
            }
            Committed::Changed => self.stage.windows.disturb(),
            // The keyboard focus may have changed all the same.
            Committed::Same
                if self.stage.focus() != self.seat.seat.get_keyboard().and_then(|keys| keys.current_focus()) =>
            {
                self.stage.windows.disturb();
            }
            Committed::Same => {}
        }
    }

    /// Removes a layer surface when the surface or its role is destroyed.
    pub(crate) fn remove_layer(&mut self, surface: &WlSurface) {
        let Some(id) = self.stage.layers.remove(surface) else { return };
        if let Some(area) = self.screens.get(id).map(|screen| screen.geometry()) {
            self.stage.layers.arrange(id, area);
        }
        self.request_redraw(id);
        self.stage.windows.disturb();
    }

    /// Adapts the layers when the screens or the layout changed.
    pub(crate) fn rearrange_layers(&mut self) {
        let screens = &self.screens;
        self.stage.layers.close_all_but(|id| screens.get(id).is_some_and(|screen| !screen.retiring()));
        for screen in screens.iter() {
            self.stage.layers.arrange(screen.id, screen.geometry());
        }
        for shown in self.stage.layers.iter() {
            self.tell_layer_scale(shown.surface.wl_surface(), shown.screen);
        }
    }

    /// Sends a surface the scale and transform of its screen.
    pub(super) fn tell_layer_scale(&self, surface: &WlSurface, screen: ScreenId) {
        let Some(screen) = self.screens.get(screen) else { return };
        let (scale, transform) = (screen.scale(), screen.output.current_transform());
        with_states(surface, |states| {
            send_surface_state(surface, states, scale.ceil() as i32, transform);
            with_fractional_scale(states, |state| state.set_preferred_scale(scale));
        });
    }
}

/// A surface can become a layer surface only once and without a buffer: smithay does not check this.
fn layer_shell(
    kiosk: &mut Kiosk,
    _: &Client,
    _: &ZwlrLayerShellV1,
    request: &zwlr_layer_shell_v1::Request,
    (): &(),
) -> Result<(), Refused> {
    let zwlr_layer_shell_v1::Request::GetLayerSurface { surface, layer, .. } = request else { return Ok(()) };
    let refused = |code: zwlr_layer_shell_v1::Error, sentence: &str| {
        Err(Refused { code: code.into(), sentence: sentence.into() })
    };
    if matches!(layer, WEnum::Unknown(_)) {
        return refused(zwlr_layer_shell_v1::Error::InvalidLayer, "there is no such layer");
    }
    let has_role = get_role(surface).is_some_and(|role| role != LAYER_SURFACE_ROLE);
    if has_role || kiosk.stage.layers.find(surface).is_some() {
        return refused(zwlr_layer_shell_v1::Error::Role, "the surface has a role already");
    }
    let attached = with_states(surface, |states| {
        matches!(states.cached_state.get::<SurfaceAttributes>().pending().buffer, Some(BufferAssignment::NewBuffer(_)))
    });
    let has_buffer =
        smithay::backend::renderer::utils::with_renderer_surface_state(surface, |state| state.buffer().is_some());
    if attached || has_buffer.unwrap_or(false) {
        return refused(zwlr_layer_shell_v1::Error::AlreadyConstructed, "the surface has a buffer already");
    }
    Ok(())
}

globals! {
    ZwlrLayerShellV1, WlrLayerShellGlobalData => WlrLayerShellState;
}
guarded! {
    ZwlrLayerShellV1, () => WlrLayerShellState, layer_shell;
}
objects! {
    ZwlrLayerSurfaceV1, WlrLayerSurfaceUserData => WlrLayerShellState;
}
