//! Frames onto planes: those of a GPU by smithay's `DrmCompositor`, and those that the CPU draws by [`DumbCompositor`].

use smithay::{
    backend::{
        allocator::{
            Fourcc,
            format::FormatSet,
            gbm::{GbmAllocator, GbmBufferFlags, GbmDevice},
        },
        drm::{
            DrmDeviceFd, DrmSurface,
            compositor::{DrmCompositor, FrameFlags},
        },
        renderer::{Bind, pixman::PixmanRenderer},
    },
    output::OutputModeSource,
    reexports::drm::control::{Mode, plane},
    utils::{Buffer, Size, Transform},
};

use super::{
    dumb_buffers::{Drawing, DumbCompositor, LastPicture},
    exporter::Exporter,
    gpu_copy::{GpuPicture, ShownPicture},
    handover::Handover,
    plane_fallback::PlaneFallback,
    queue::{Feedback, GlesCompositor, queue},
    quirks::Quirks,
    refusal::refusal,
    renderer::CardRenderer,
};
use crate::{
    backend::{BackendError, PresentError, Presented, rotated::PanelRotation},
    screens::{CompositionReason, Scanout},
    stage::{Frame, reflected::Reflected},
};

/// Puts frames on one display's planes.
pub struct Presenter {
    compositor: Compositor,
    // After the compositor, whose end switches the CRTC off.
    handover: Handover<LastPicture>,
    /// The last frame's rotation on the panel.
    rotation: Option<PanelRotation>,
    /// How the last frame reached the screen.
    scanout: Scanout,
    fallback: PlaneFallback,
    shown: ShownPicture,
}

enum Compositor {
    Gles(Box<GlesCompositor>),
    Dumb(Box<DumbCompositor>),
}

impl From<DumbCompositor> for Compositor {
    fn from(dumb: DumbCompositor) -> Self {
        Self::Dumb(Box::new(dumb))
    }
}

/// Makes the same call on each form of compositor.
macro_rules! either {
    ($presenter:expr, $compositor:ident => $call:expr) => {
        match $presenter {
            Compositor::Gles($compositor) => $call,
            Compositor::Dumb($compositor) => $call,
        }
    };
}

/// Swapchain formats in order of preference, for GBM: opaque first, then what any display can.
const GBM_FORMATS: [Fourcc; 2] = [Fourcc::Xrgb8888, Fourcc::Argb8888];

impl Presenter {
    /// For frames before the card's GPU is started, which the CPU draws.
    pub fn provisional(quirks: &Quirks, surface: DrmSurface, fd: &DrmDeviceFd) -> Self {
        Self { handover: Handover::Provisional, ..Self::of(DumbCompositor::new(surface, fd, quirks).into()) }
    }

    /// Whether it draws only until the GPU is started.
    pub fn is_provisional(&self) -> bool {
        matches!(self.handover, Handover::Provisional)
    }

    /// Gives the display to the presenter that follows a provisional one; `None`: it is not one.
    pub fn give_up(self) -> Option<(DrmSurface, LastPicture)> {
        match (self.handover, self.compositor) {
            (Handover::Provisional, Compositor::Dumb(dumb)) => Some(dumb.give_up()),
            _ => None,
        }
    }

    /// Keeps what the presenter before it has left on the screen until a frame of its own is there.
    pub fn after(self, shown: LastPicture) -> Self {
        Self { handover: Handover::Awaited(shown), ..self }
    }

    /// Sets a display up. No modeset happens before the first frame. `cursor`: of the device's cursor planes.
    pub fn new(
        renderer: &mut CardRenderer,
        quirks: &Quirks,
        cursor: Size<u32, Buffer>,
        surface: DrmSurface,
        fd: &DrmDeviceFd,
    ) -> Result<Self, PresentError> {
        let compositor = match renderer {
            CardRenderer::Gles(gles) => {
                let mut planes = surface.planes().clone();
                quirks.restrict(&mut planes);
                // Each frame sets it anew.
                let (width, height) = surface.pending_mode().size();
                let output = OutputModeSource::Static {
                    size: (i32::from(width), i32::from(height)).into(),
                    scale: 1.0.into(),
                    transform: Transform::Normal,
                };
                let formats: FormatSet =
                    Bind::<smithay::backend::allocator::dmabuf::Dmabuf>::supported_formats(&gles.renderer)
                        .unwrap_or_default();
                let gbm: GbmDevice<DrmDeviceFd> = gles.gbm.clone();
                let allocator = GbmAllocator::new(gbm.clone(), GbmBufferFlags::RENDERING | GbmBufferFlags::SCANOUT);
                // The node makes clients' buffers of this device fit for scanout; without it none ever is.
                let exporter = Exporter::new(fd, gbm.clone(), gles.node);
                let compositor = DrmCompositor::new(
                    output,
                    surface,
                    Some(planes),
                    allocator,
                    exporter,
                    GBM_FORMATS,
                    formats,
                    cursor,
                    quirks.cursor_plane.then_some(gbm),
                )
                .map_err(refusal)?;
                Compositor::Gles(Box::new(compositor))
            }
            CardRenderer::Pixman(_) => DumbCompositor::new(surface, fd, quirks).into(),
        };
        Ok(Self::of(compositor))
    }

    fn of(compositor: Compositor) -> Self {
        Self {
            compositor,
            handover: Handover::Done,
            rotation: None,
            scanout: Scanout::default(),
            fallback: PlaneFallback::default(),
            shown: ShownPicture::default(),
        }
    }

    /// Draws a frame, or takes the one that another GPU drew, and queues its page flip.
    pub fn present(
        &mut self,
        renderer: &mut CardRenderer,
        frame: &Frame<'_>,
        picture: Option<GpuPicture>,
    ) -> Result<Presented, PresentError> {
        let rotation = PanelRotation::of(frame.screen);
        let mut planes = FrameFlags::DEFAULT | FrameFlags::ALLOW_PRIMARY_PLANE_SCANOUT_ANY;
        if self.rotation.replace(rotation) != Some(rotation) {
            // smithay does not know of the rotation: the old buffers are wrong now, also the cursor plane's, which is
            // drawn again after it was unused.
            either!(&mut self.compositor, compositor => compositor.reset_buffer_ages());
            planes.remove(FrameFlags::ALLOW_CURSOR_PLANE_SCANOUT);
        }
        // WORKAROUND(smithay:plane-test-modeset) A CRTC that is off, or is to change its mode, fails each test of a
        // plane: the library tests without leave for a modeset. It would also cache the failure until the client's
        // buffer moves.
        let modeset = either!(&self.compositor, compositor => compositor.surface().commit_pending());
        let another = modeset && self.fallback.uses_planes() && matches!(self.compositor, Compositor::Gles(_));
        if modeset || !self.fallback.uses_planes() {
            planes = FrameFlags::empty();
        }
        let rotation = rotation.with_planes(!self.scanout.is_composited());
        let presented = match (&mut self.compositor, renderer) {
            (Compositor::Gles(compositor), CardRenderer::Gles(gles)) => {
                let elements = frame.elements(&mut gles.renderer, true);
                queue(compositor, &mut gles.renderer, frame, elements, rotation, planes)
            }
            (Compositor::Dumb(dumb), CardRenderer::Pixman(pixman)) => {
                let drawing = drawing(&mut self.shown, pixman, frame, picture)?;
                dumb.queue(pixman, frame, drawing, rotation).map(without_gpu)
            }
            _ => Err(PresentError::OtherRenderer),
        };
        match presented {
            Ok(Presented { queued: true, scanout, .. }) => {
                self.scanout = scanout;
                if self.fallback.taken() {
                    tracing::warn!("display driver refuses frames with planes; composing all");
                }
            }
            Err(ref error) if error.blames_frame() => {
                self.fallback.refused();
                if self.handover.refused() {
                    tracing::warn!(%error, "display not handed over without a modeset: it is set up anew");
                    self.clear().map_err(PresentError::device)?;
                }
            }
            _ => {}
        }
        presented.map(|presented| Presented { another: another && presented.queued, ..presented })
    }

    /// A page flip happened.
    pub fn flipped(&mut self) -> Feedback {
        let submitted = either!(&mut self.compositor, compositor => compositor.frame_submitted().map_err(|error| error.to_string()));
        let submitted = submitted.unwrap_or_else(|error| {
            tracing::debug!(%error, "the next frame could not be submitted");
            None
        })?;
        self.handover.flipped();
        submitted
    }

    /// Switches the CRTC off. The next frame switches it on.
    pub fn clear(&mut self) -> Result<(), BackendError> {
        either!(&mut self.compositor, compositor => compositor.clear().map_err(BackendError::device))?;
        self.handover.cleared();
        Ok(())
    }

    /// Whether the CRTC is on, in the wanted mode.
    pub fn is_lit(&self) -> bool {
        either!(&self.compositor, compositor => !compositor.surface().commit_pending())
    }

    /// Uses another mode from the next frame on.
    pub fn use_mode(&mut self, mode: Mode) -> Result<(), PresentError> {
        either!(&mut self.compositor, compositor => {
            if compositor.pending_mode() == mode {
                return Ok(());
            }
            self.fallback = PlaneFallback::default();
            compositor.use_mode(mode).map_err(refusal)
        })
    }

    /// Frees all buffers that are not on the screen or queued; the next frame is drawn whole, into a new one.
    pub fn trim(&mut self) {
        either!(&mut self.compositor, compositor => compositor.reset_buffers());
    }

    /// Drops the cached state of the CRTC and any pending flip: after a VT switch or a lost flip.
    pub fn reset(&mut self) -> Result<(), BackendError> {
        self.fallback = PlaneFallback::default();
        either!(&mut self.compositor, compositor => {
            let _ = compositor.frame_submitted();
            // WORKAROUND(smithay:stale-damage)
            // A frame in which nothing changed would come with the damage of the last one, and a driver that honours
            // that leaves everything else as the other terminal had it.
            compositor.reset_buffer_ages();
            compositor.reset_state().map_err(BackendError::device)
        })
    }

    /// The plane that frames are on.
    pub fn plane(&self) -> plane::Handle {
        either!(&self.compositor, compositor => compositor.plane())
    }

    /// Formats that the primary plane takes.
    pub fn plane_formats(&self) -> FormatSet {
        either!(&self.compositor, compositor => compositor.surface().plane_info().formats.clone())
    }
}

/// The frame, or what another GPU drew of it.
fn drawing(
    shown: &mut ShownPicture,
    pixman: &mut PixmanRenderer,
    frame: &Frame<'_>,
    picture: Option<GpuPicture>,
) -> Result<Drawing, PresentError> {
    let Some(picture) = picture else {
        return Ok(Drawing { elements: frame.elements(pixman, true), states: None });
    };
    let shown = shown.show(pixman, &picture)?;
    Ok(Drawing { elements: vec![Reflected::new(shown.into(), None)], states: Some(picture.states) })
}

fn without_gpu(presented: Presented) -> Presented {
    Presented { scanout: Scanout::Composited(CompositionReason::NoGpu), ..presented }
}
