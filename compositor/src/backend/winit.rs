//! A window of another compositor: for developers, and for testing the GLES path. Same policy, resizable.

use std::time::Duration;

use smithay::{
    backend::{
        SwapBuffersError,
        allocator::dmabuf::Dmabuf,
        renderer::{
            ImportDma,
            damage::OutputDamageTracker,
            gles::{GlesRenderer, GlesTexture},
        },
        winit::{self as window, WinitEvent, WinitGraphicsBackend},
    },
    desktop::utils::OutputPresentationFeedback,
    reexports::{
        calloop::{
            LoopHandle,
            timer::{TimeoutAction, Timer},
        },
        wayland_server::protocol::wl_shm,
        winit::{dpi::PhysicalSize, window::Window},
    },
};

use super::{
    Backend, PresentError, Presented,
    capture::{Capture, CaptureError, capture},
    headless::OutputSpec,
};
use crate::{
    kiosk::{Exit, FlipTime, Kiosk},
    screens::{DEFAULT_REFRESH, Head, HeadId, HeadMode, Identity, Scanout},
    stage::Frame,
};

/// The one window.
const HEAD: HeadId = HeadId(1);
/// What its screen is called.
pub const NAME: &str = "WINIT-1";

/// The back end.
pub struct Winit {
    handle: LoopHandle<'static, Kiosk>,
    graphics: WinitGraphicsBackend<GlesRenderer>,
    size: (i32, i32),
    tracker: Option<OutputDamageTracker>,
    feedback: Option<OutputPresentationFeedback>,
    /// The window's content is not known: draw all of it.
    fresh: bool,
}

impl Winit {
    /// Opens the window.
    pub fn new(handle: &LoopHandle<'static, Kiosk>, spec: Option<OutputSpec>) -> Result<Self, String> {
        let wanted = spec.map_or((1280, 800), |spec| (spec.width, spec.height));
        let attributes =
            Window::default_attributes().with_title("kioskd").with_inner_size(PhysicalSize::new(wanted.0, wanted.1));
        let (graphics, events) = window::init_from_attributes::<GlesRenderer>(attributes)
            .map_err(|error| format!("no window could be opened: {error}"))?;
        let size = graphics.window_size();
        let inserted = handle.insert_source(events, |event, (), kiosk| match event {
            WinitEvent::Resized { size, .. } => kiosk.window_resized(size.w, size.h),
            WinitEvent::Input(event) => kiosk.input(event),
            WinitEvent::Redraw => kiosk.screens.request_redraw(),
            WinitEvent::CloseRequested => kiosk.stop(Exit(0)),
            WinitEvent::Focus(_) => {}
        });
        inserted.map_err(|error| format!("the window's events could not be watched: {error}"))?;
        Ok(Self {
            handle: handle.clone(),
            graphics,
            size: (size.w, size.h),
            tracker: None,
            feedback: None,
            fresh: true,
        })
    }

    /// The window has another size. Returns whether that is news.
    pub fn resize(&mut self, width: i32, height: i32) -> bool {
        let changed = self.size != (width, height);
        self.size = (width, height);
        self.fresh |= changed;
        changed
    }

    fn draw(&mut self, frame: &Frame<'_>) -> Result<Presented, SwapBuffersError> {
        let tracker = self.tracker.get_or_insert_with(|| OutputDamageTracker::from_output(&frame.screen.output));
        let age = if std::mem::take(&mut self.fresh) { 0 } else { self.graphics.buffer_age().unwrap_or(0) };
        let (damage, states) = {
            let (renderer, mut framebuffer) = self.graphics.bind()?;
            let elements = frame.elements(renderer, true);
            let drawn = tracker
                .render_output(renderer, &mut framebuffer, age, &elements, frame.clear_color())
                .map_err(|error| match error {
                    smithay::backend::renderer::damage::Error::Rendering(error) => SwapBuffersError::from(error),
                    other => SwapBuffersError::TemporaryFailure(Box::new(other)),
                })?;
            (drawn.damage.cloned(), drawn.states)
        };
        frame.note_scanout(&states);
        let Some(damage) = damage.filter(|damage| !damage.is_empty()) else {
            return Ok(Presented { queued: false, scanout: Scanout::Composited });
        };
        self.graphics.submit(Some(&damage))?;
        self.feedback = Some(frame.take_feedback(&states));
        // The host compositor paces us by blocking in the swap; what is left of the frame time is waited for here.
        let pace = frame.screen.frame_time().min(Duration::from_millis(8));
        let inserted = self.handle.insert_source(Timer::from_duration(pace), |_, _, kiosk| {
            kiosk.flipped(HEAD, FlipTime::Now);
            TimeoutAction::Drop
        });
        inserted.map_err(|error| SwapBuffersError::TemporaryFailure(Box::new(error.error)))?;
        Ok(Presented { queued: true, scanout: Scanout::Composited })
    }
}

impl Backend for Winit {
    fn name(&self) -> &'static str {
        "winit"
    }

    fn renderer(&self) -> &'static str {
        "gles"
    }

    fn heads(&mut self) -> Vec<Head> {
        vec![Head {
            id: HEAD,
            name: NAME.into(),
            identity: Identity { make: "kioskd".into(), model: "window".into(), serial: String::new() },
            physical: (0, 0),
            modes: vec![HeadMode {
                width: self.size.0.max(1),
                height: self.size.1.max(1),
                refresh: DEFAULT_REFRESH,
                preferred: true,
            }],
            mode: 0,
        }]
    }

    fn present(&mut self, frame: &Frame<'_>) -> Result<Presented, PresentError> {
        self.draw(frame).map_err(|error| PresentError::Device(error.to_string()))
    }

    fn flipped(&mut self, _head: HeadId) -> Option<OutputPresentationFeedback> {
        self.feedback.take()
    }

    fn set_power(&mut self, _head: HeadId, _on: bool) -> Result<(), String> {
        self.fresh = true;
        Ok(())
    }

    fn capture(&mut self, frame: &Frame<'_>) -> Result<Capture, CaptureError> {
        capture::<_, GlesTexture>(self.graphics.renderer(), frame)
    }

    fn shm_formats(&self) -> Vec<wl_shm::Format> {
        Vec::new()
    }

    fn import_dmabuf(&mut self, dmabuf: &Dmabuf) -> bool {
        self.graphics.renderer().import_dmabuf(dmabuf, None).is_ok()
    }

    fn window_resized(&mut self, width: i32, height: i32) -> bool {
        self.resize(width, height)
    }
}

impl Kiosk {
    /// The developer dragged the window's edge: the screen has another size, as if another mode were set.
    fn window_resized(&mut self, width: i32, height: i32) {
        if self.backend.window_resized(width, height) {
            self.displays_changed();
        }
        self.screens.request_redraw();
    }
}
