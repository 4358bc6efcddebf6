//! A window of another compositor: for developers, and for testing the GLES path. Same policy, resizable.

use std::time::Duration;

use smithay::{
    backend::{
        SwapBuffersError,
        allocator::dmabuf::Dmabuf,
        renderer::{
            ImportDma,
            damage::OutputDamageTracker,
            element::RenderElementStates,
            gles::{GlesRenderer, GlesTexture},
        },
        winit::{self as window, WinitEvent, WinitEventLoop, WinitGraphicsBackend},
    },
    desktop::utils::OutputPresentationFeedback,
    reexports::{
        calloop::{self, EventIterator, EventSource, Poll, PostAction, Readiness, Token, TokenFactory},
        wayland_server::protocol::wl_shm,
        winit::{dpi::PhysicalSize, window::Window},
    },
    utils::{Buffer, Physical, Rectangle, Size, Transform},
};

use super::{
    Backend, BackendError, FlipTime, Host, PresentError, Presented,
    capture::{self, Capture, CaptureError, capture},
    headless::OutputSpec,
    watched::{View, Watched},
};
use crate::{
    event_loop::Handle,
    screens::{CompositionReason, DEFAULT_REFRESH, Head, HeadId, HeadMode, Identity, Scanout},
    stage::Frame,
};

/// The one window.
const HEAD: HeadId = HeadId(1);
/// What its screen is called.
pub const NAME: &str = "WINIT-1";

/// What the window's picture depends on in addition to its elements.
#[derive(Clone, Copy, PartialEq)]
struct Shape {
    size: Size<i32, Physical>,
    scale: f64,
    transform: Transform,
}

/// GL counts a window's rows from the bottom.
fn upside_down(transform: Transform) -> Transform {
    match transform {
        Transform::Normal => Transform::Flipped180,
        Transform::_90 => Transform::Flipped90,
        Transform::_180 => Transform::Flipped,
        Transform::_270 => Transform::Flipped270,
        Transform::Flipped180 => Transform::Normal,
        Transform::Flipped90 => Transform::_90,
        Transform::Flipped => Transform::_180,
        Transform::Flipped270 => Transform::_270,
    }
}

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
pub enum WinitError {
    /// The desktop can't be reached, or opens no window with EGL.
    #[error("no window could be opened, WAYLAND_DISPLAY or DISPLAY must name a desktop: {0}")]
    NoWindow(#[source] window::Error),
    /// The window's event source could not be added to the loop.
    #[error("the window's events could not be watched: {0}")]
    Watch(#[source] calloop::Error),
}

/// The back end.
pub struct Winit<H: Host> {
    handle: Handle<H>,
    graphics: WinitGraphicsBackend<GlesRenderer>,
    size: (i32, i32),
    tracker: Option<(Shape, OutputDamageTracker)>,
    feedback: Option<OutputPresentationFeedback>,
    /// The window's content is not known: draw all of it.
    fresh: bool,
    watched: Watched<GlesTexture>,
}

// WORKAROUND(smithay:winit-silent-end)
/// The window's events, with an explicit end: smithay's source only stops sending when the display server is gone.
struct Events(WinitEventLoop);

impl EventSource for Events {
    type Event = Option<WinitEvent>;
    type Metadata = ();
    type Ret = ();
    type Error = <WinitEventLoop as EventSource>::Error;

    const NEEDS_EXTRA_LIFECYCLE_EVENTS: bool = WinitEventLoop::NEEDS_EXTRA_LIFECYCLE_EVENTS;

    fn before_sleep(&mut self) -> calloop::Result<Option<(Readiness, Token)>> {
        self.0.before_sleep()
    }

    fn before_handle_events(&mut self, events: EventIterator<'_>) {
        self.0.before_handle_events(events);
    }

    fn process_events<F>(
        &mut self,
        readiness: Readiness,
        token: Token,
        mut callback: F,
    ) -> Result<PostAction, Self::Error>
    where
        F: FnMut(Self::Event, &mut Self::Metadata) -> Self::Ret,
    {
        let action = self.0.process_events(readiness, token, |event, metadata| callback(Some(event), metadata))?;
        if action == PostAction::Remove {
            callback(None, &mut ());
        }
        Ok(action)
    }

    fn register(&mut self, poll: &mut Poll, factory: &mut TokenFactory) -> calloop::Result<()> {
        self.0.register(poll, factory)
    }

    fn reregister(&mut self, poll: &mut Poll, factory: &mut TokenFactory) -> calloop::Result<()> {
        self.0.reregister(poll, factory)
    }

    fn unregister(&mut self, poll: &mut Poll) -> calloop::Result<()> {
        self.0.unregister(poll)
    }
}

impl<H: Host> Winit<H> {
    /// Opens the window.
    pub fn new(handle: &Handle<H>, spec: Option<OutputSpec>) -> Result<Self, WinitError> {
        let wanted = spec.map_or((1280, 800), |spec| (spec.width, spec.height));
        let attributes =
            Window::default_attributes().with_title("kioskd").with_inner_size(PhysicalSize::new(wanted.0, wanted.1));
        let (graphics, events) =
            window::init_from_attributes::<GlesRenderer>(attributes).map_err(WinitError::NoWindow)?;
        let size = graphics.window_size();
        let inserted = handle.insert_source(Events(events), |event, (), host| match event {
            Some(WinitEvent::Resized { size, .. }) => host.window_resized(size.w, size.h),
            Some(WinitEvent::Input(event)) => host.input(event),
            Some(WinitEvent::Redraw) => host.window_exposed(),
            Some(WinitEvent::CloseRequested) => host.window_closed(),
            Some(WinitEvent::Focus(_)) => {}
            None => {
                tracing::error!("connection to the window's display server ended");
                host.lost();
            }
        });
        inserted.map_err(|error| WinitError::Watch(error.error))?;
        Ok(Self {
            handle: handle.clone(),
            graphics,
            size: (size.w, size.h),
            tracker: None,
            feedback: None,
            fresh: true,
            watched: Watched::default(),
        })
    }

    /// The window's new size. Returns whether it changed.
    pub fn resize(&mut self, width: i32, height: i32) -> bool {
        let changed = self.size != (width, height);
        self.size = (width, height);
        self.fresh |= changed;
        changed
    }

    fn draw(&mut self, frame: &Frame<'_>) -> Result<Presented, SwapBuffersError> {
        let screen = frame.screen;
        let shape = Shape {
            size: screen.panel_size(),
            scale: screen.scale(),
            transform: upside_down(screen.output.current_transform()),
        };
        let tracker = match &mut self.tracker {
            Some((known, tracker)) if *known == shape => tracker,
            other => {
                self.fresh = true;
                let tracker = OutputDamageTracker::new(shape.size, shape.scale, shape.transform);
                &mut other.insert((shape, tracker)).1
            }
        };
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
            return Ok(Presented { scanout: Scanout::Composited(CompositionReason::NoPlanes), ..Presented::default() });
        };
        self.graphics.submit(Some(&damage))?;
        self.feedback = Some(frame.take_feedback(&states));
        // The host compositor paces us by blocking in the swap; what is left of the frame time is waited for here.
        let pace = frame.screen.frame_time().min(Duration::from_millis(8));
        self.handle.after(pace, |host| host.flipped(HEAD, FlipTime::Now));
        Ok(Presented {
            queued: true,
            scanout: Scanout::Composited(CompositionReason::NoPlanes),
            ..Presented::default()
        })
    }
}

impl<H: Host> Backend for Winit<H> {
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
                custom: None,
                interlaced: false,
            }],
            mode: 0,
        }]
    }

    fn present(&mut self, frame: &Frame<'_>) -> Result<Presented, PresentError> {
        self.draw(frame).map_err(PresentError::draw)
    }

    fn flipped(&mut self, _head: HeadId) -> Option<OutputPresentationFeedback> {
        self.feedback.take()
    }

    fn set_power(&mut self, _head: HeadId, _on: bool) -> Result<(), BackendError> {
        self.fresh = true;
        Ok(())
    }

    fn capture(&mut self, frame: &Frame<'_>) -> Result<Capture, CaptureError> {
        capture::<_, GlesTexture>(self.graphics.renderer(), frame)
    }

    fn picture(&mut self, frame: &Frame<'_>) -> Result<(Capture, RenderElementStates), CaptureError> {
        capture::draw::<_, GlesTexture>(self.graphics.renderer(), frame, true)
    }

    fn watch(&mut self, frame: &Frame<'_>, pointer: bool) -> Result<Vec<Rectangle<i32, Physical>>, CaptureError> {
        self.watched.draw(self.graphics.renderer(), frame, pointer)
    }

    fn read_watched(
        &mut self,
        view: View,
        part: Rectangle<i32, Buffer>,
        take: &mut dyn FnMut(&[u8]),
    ) -> Result<(), CaptureError> {
        self.watched.read(self.graphics.renderer(), view, part, take)
    }

    fn forget_watched(&mut self, view: View) {
        self.watched.forget(view);
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
