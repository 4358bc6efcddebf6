//! Surfaces and their state: compositor, subcompositor, shm, viewporter, scale, content type.

use std::time::Duration;

use smithay::{
    backend::renderer::utils::on_commit_buffer_handler,
    reexports::{
        wayland_protocols::wp::{
            content_type::v1::server::{
                wp_content_type_manager_v1::WpContentTypeManagerV1, wp_content_type_v1::WpContentTypeV1,
            },
            fractional_scale::v1::server::{
                wp_fractional_scale_manager_v1::WpFractionalScaleManagerV1, wp_fractional_scale_v1::WpFractionalScaleV1,
            },
            single_pixel_buffer::v1::server::wp_single_pixel_buffer_manager_v1::WpSinglePixelBufferManagerV1,
            viewporter::server::{wp_viewport::WpViewport, wp_viewporter::WpViewporter},
        },
        wayland_server::{
            Client, Resource, Weak,
            protocol::{
                wl_buffer::WlBuffer, wl_callback::WlCallback, wl_compositor::WlCompositor, wl_shm::WlShm,
                wl_subcompositor::WlSubcompositor, wl_surface::WlSurface,
            },
        },
    },
    wayland::{
        buffer::BufferHandler,
        compositor::{
            CompositorClientState, CompositorHandler, CompositorState, SurfaceAttributes, get_parent, get_role,
            is_sync_subsurface, send_surface_state, with_states,
        },
        content_type::{ContentTypeState, ContentTypeUserData},
        fractional_scale::{FractionalScaleHandler, FractionalScaleManagerState, with_fractional_scale},
        presentation::PresentationFeedbackCachedState,
        shell::xdg::XDG_POPUP_ROLE,
        shm::{ShmHandler, ShmState},
        single_pixel_buffer::{SinglePixelBufferState, SinglePixelBufferUserData},
        viewporter::{ViewportState, ViewporterState},
    },
};

use super::subsurface_position;
use crate::{
    kiosk::Kiosk,
    limits::waiting,
    privilege::ClientState,
    protocols::dispatch::{globals, objects},
};

impl CompositorHandler for Kiosk {
    fn compositor_state(&mut self) -> &mut CompositorState {
        &mut self.protocols.compositor
    }

    fn client_compositor_state<'a>(&self, client: &'a Client) -> &'a CompositorClientState {
        // Every client comes in through `insert_client` with this data.
        static WITHOUT_STATE: std::sync::OnceLock<CompositorClientState> = std::sync::OnceLock::new();
        match client.get_data::<ClientState>() {
            Some(state) => &state.compositor,
            None => WITHOUT_STATE.get_or_init(CompositorClientState::default),
        }
    }

    fn new_surface(&mut self, surface: &WlSurface) {
        self.wait_for_buffers(surface);
        self.x_surface_made(surface);
    }

    fn new_subsurface(&mut self, surface: &WlSurface, _parent: &WlSurface) {
        self.tell_scale(surface);
    }

    fn destroyed(&mut self, surface: &WlSurface) {
        // An inhibitor ends with its surface, also when the client crashed.
        self.no_longer_inhibits(surface);
        self.end_waits_of(surface);
        end_what_waits(surface, self.main_loop.clock.now().into());
        // WORKAROUND(smithay:surfaces-of-outputs)
        for screen in self.screens.iter() {
            screen.output.leave(surface);
        }
        self.let_go_of(surface);
        self.clients.x11.forget(surface);
        self.remove_layer(surface);
        self.mark_pointer_focus_stale();
        // As for a destroyed subsurface: see `guards::subsurface`.
        if get_parent(surface).is_some() {
            self.stage.windows.disturb();
        }
    }

    fn commit(&mut self, surface: &WlSurface) {
        let _span = tracing::debug_span!("commit", surface = surface.id().protocol_id()).entered();
        if let Some(client) = surface.client()
            && let Some(state) = client.get_data::<ClientState>()
        {
            waiting::applied(state, surface);
            state.has_drawn();
        }
        self.fifo_applied(surface);
        subsurface_position::applied(surface);
        on_commit_buffer_handler::<Self>(surface);
        self.hardware.backend.early_import(surface);
        if !is_sync_subsurface(surface) {
            let mut root = surface.clone();
            while let Some(parent) = get_parent(&root) {
                root = parent;
            }
            self.follow_toplevel(&root, *surface == root);
            self.follow_layer(&root, *surface == root);
            self.follow_method_popup(&root);
        }
        // Each of these calls walks all popups.
        if get_role(surface) == Some(XDG_POPUP_ROLE) {
            self.stage.popups.commit(surface);
            self.configure_popup(surface);
            self.follow_popup(surface);
        }
        self.request_redraw_for(surface);
        self.mark_pointer_focus_stale();
    }
}

impl Kiosk {
    /// Sends a surface the scale and transform to draw at. A window that is also to be resized gets them after it has
    /// drawn in the new size, by [`Self::follow_toplevel`]: if both come at once, the buffer keeps its size, and
    /// Chromium without a GPU then keeps the buffer's old size on the screen (its `SoftwareOutputDevice::Resize`
    /// compares only pixels), so that the page stays too large or too small.
    pub fn tell_scale(&self, surface: &WlSurface) {
        let shell = ClientState::shell_of(surface);
        let Some(screen) = self.screens.screen_for(shell) else { return };
        let scale = screen.scale();
        // In this order: at nearly every commit it is the scale that was told before.
        if is_told_another(surface, scale)
            && self.stage.windows.is_to_be_resized(surface, self.told_area_of(shell).size)
        {
            return;
        }
        let transform = screen.output.current_transform();
        with_states(surface, |states| {
            send_surface_state(surface, states, scale.ceil() as i32, transform);
            with_fractional_scale(states, |state| state.set_preferred_scale(scale));
        });
    }
}

/// Whether another scale was sent to the surface.
fn is_told_another(surface: &WlSurface, scale: f64) -> bool {
    let told = with_states(surface, |states| with_fractional_scale(states, |state| state.preferred_scale()));
    told.is_some_and(|told| told != scale)
}

impl BufferHandler for Kiosk {
    fn buffer_destroyed(&mut self, _buffer: &WlBuffer) {}
}

impl ShmHandler for Kiosk {
    fn shm_state(&self) -> &ShmState {
        &self.protocols.shm
    }
}

impl FractionalScaleHandler for Kiosk {
    fn new_fractional_scale(&mut self, surface: WlSurface) {
        self.tell_scale(&surface);
    }
}

globals! {
    WlCompositor, () => CompositorState;
    WlSubcompositor, () => CompositorState;
    WlShm, () => ShmState;
    WpViewporter, () => ViewporterState;
    WpFractionalScaleManagerV1, () => FractionalScaleManagerState;
    WpSinglePixelBufferManagerV1, () => SinglePixelBufferState;
    WpContentTypeManagerV1, () => ContentTypeState;
}
objects! {
    WlCompositor, () => CompositorState;
    WlCallback, () => CompositorState;
    WpViewporter, () => ViewporterState;
    WpViewport, ViewportState => ViewportState;
    WpFractionalScaleManagerV1, () => FractionalScaleManagerState;
    WpFractionalScaleV1, Weak<WlSurface> => FractionalScaleManagerState;
    WpSinglePixelBufferManagerV1, () => SinglePixelBufferState;
    WlBuffer, SinglePixelBufferUserData => SinglePixelBufferState;
    WpContentTypeManagerV1, () => ContentTypeState;
    WpContentTypeV1, ContentTypeUserData => ContentTypeState;
}

/// Answers the frame callbacks and feedbacks of a destroyed surface: nothing else would, and each counts against its
/// client's limits ([`crate::limits`]).
fn end_what_waits(surface: &WlSurface, now: Duration) {
    // Milliseconds that wrap around, as the protocol has them.
    let time = now.as_millis() as u32;
    with_states(surface, |states| {
        let mut attributes = states.cached_state.get::<SurfaceAttributes>();
        let mut callbacks = std::mem::take(&mut attributes.current().frame_callbacks);
        callbacks.append(&mut attributes.pending().frame_callbacks);
        callbacks.iter().for_each(|callback| callback.done(time));
        let mut feedbacks = states.cached_state.get::<PresentationFeedbackCachedState>();
        let mut waiting = std::mem::take(&mut feedbacks.current().callbacks);
        waiting.append(&mut feedbacks.pending().callbacks);
        waiting.into_iter().for_each(|feedback| feedback.discarded());
    });
}
