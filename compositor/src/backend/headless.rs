//! No display at all: frames are drawn by pixman into memory, and a timer stands in for the page flip. For
//! tests, and for taking pictures of a page that no one looks at.

use std::collections::BTreeMap;

use kiosk_core::config::ScaleFactor;
use smithay::{
    backend::{
        allocator::Fourcc,
        renderer::{
            Bind, Color32F, ExportMem, Frame as _, Offscreen, Renderer,
            damage::OutputDamageTracker,
            element::RenderElementStates,
            pixman::{PixmanError, PixmanRenderer},
        },
    },
    desktop::utils::OutputPresentationFeedback,
    reexports::pixman::Image,
    utils::{Buffer, Physical, Rectangle, Size, Transform},
};

use super::{
    Backend, BackendError, FlipTime, Host, PresentError, Presented,
    capture::{Capture, CaptureError, capture, draw},
    rotated::{PanelRotation, RotatedRenderer},
    watched::{View, Watched},
};
use crate::{
    event_loop::Handle,
    screens::{CompositionReason, DEFAULT_REFRESH, Head, HeadId, HeadMode, Identity, Scanout},
    stage::Frame,
};

/// What one screen's panel would show.
struct Panel {
    image: Option<(Size<i32, Buffer>, Image<'static, 'static>)>,
    /// The damage tracker, valid for this rotation and scale.
    tracker: Option<(PanelRotation, f64, OutputDamageTracker)>,
    feedback: Option<OutputPresentationFeedback>,
    /// Areas that the last frame repainted, for tests of damage.
    damage: Vec<Rectangle<i32, smithay::utils::Physical>>,
}

/// Why there is no headless back end.
#[derive(Debug, thiserror::Error)]
pub enum HeadlessError {
    /// pixman, which needs only memory.
    #[error("pixman could not be started: {0}")]
    Pixman(#[from] PixmanError),
}

/// The back end.
pub struct Headless<H: Host> {
    handle: Handle<H>,
    renderer: PixmanRenderer,
    heads: Vec<Head>,
    panels: BTreeMap<HeadId, Panel>,
    watched: Watched<Image<'static, 'static>>,
}

/// The description of a headless screen: size in pixels and scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OutputSpec {
    /// Pixels, 1 to 16,384.
    pub width: u32,
    /// Pixels, 1 to 16,384.
    pub height: u32,
    /// Of `WxH@SCALE`; 1 where that part is missing.
    pub scale: ScaleFactor,
}

/// The screen without `--output`, pixels.
pub const DEFAULT_OUTPUT: OutputSpec = OutputSpec { width: 1280, height: 720, scale: ScaleFactor::ONE };

/// The name of the screen with that number, counting from 1.
pub fn name(number: usize) -> String {
    format!("HEADLESS-{number}")
}

impl<H: Host> Headless<H> {
    /// One screen a spec, named `HEADLESS-1` and on. The scale is policy: the caller makes it a rule.
    pub fn new(handle: Handle<H>, specs: &[OutputSpec]) -> Result<Self, HeadlessError> {
        let renderer = PixmanRenderer::new()?;
        let heads = (1..)
            .zip(specs)
            .map(|(number, spec)| Head {
                id: HeadId(number as u64),
                name: name(number),
                identity: Identity { make: "kioskd".into(), model: "headless".into(), serial: number.to_string() },
                physical: (0, 0),
                modes: vec![HeadMode {
                    width: spec.width as i32,
                    height: spec.height as i32,
                    refresh: DEFAULT_REFRESH,
                    preferred: true,
                    custom: None,
                    interlaced: false,
                }],
                mode: 0,
            })
            .collect();
        Ok(Self { handle, renderer, heads, panels: BTreeMap::new(), watched: Watched::default() })
    }

    /// Plugs and unplugs for tests: the next [`Backend::heads`] returns these.
    pub fn set_heads(&mut self, heads: Vec<Head>) {
        self.heads = heads;
    }

    /// Rectangles that the last frame on this head repainted, in panel pixels.
    pub fn last_damage(&self, head: HeadId) -> &[Rectangle<i32, smithay::utils::Physical>] {
        self.panels.get(&head).map_or(&[], |panel| &panel.damage)
    }

    /// Width and height of what was drawn for the panel.
    pub fn panel_size(&self, head: HeadId) -> Option<Size<i32, Buffer>> {
        self.panels.get(&head)?.image.as_ref().map(|(size, _)| *size)
    }

    /// A part of the panel's pixels, in panel orientation; `None` if nothing was drawn.
    pub fn panel_pixels(&mut self, head: HeadId, area: Rectangle<i32, Buffer>) -> Option<Capture> {
        let (size, image) = self.panels.get_mut(&head)?.image.as_mut()?;
        let area = area.intersection(Rectangle::from_size(*size))?;
        let framebuffer = self.renderer.bind(image).ok()?;
        let mapping = self.renderer.copy_framebuffer(&framebuffer, area, Fourcc::Xrgb8888).ok()?;
        let pixels = self.renderer.map_texture(&mapping).ok()?;
        Some(Capture::from_xrgb(area.size.w.unsigned_abs(), area.size.h.unsigned_abs(), pixels))
    }
}

impl<H: Host> Backend for Headless<H> {
    fn name(&self) -> &'static str {
        "headless"
    }

    fn renderer(&self) -> &'static str {
        "pixman"
    }

    fn heads(&mut self) -> Vec<Head> {
        self.heads.clone()
    }

    fn present(&mut self, frame: &Frame<'_>) -> Result<Presented, PresentError> {
        let Some(head) = frame.screen.head() else { return Err(PresentError::Inactive) };
        let panel = self.panels.entry(head).or_insert_with(|| Panel {
            image: None,
            tracker: None,
            feedback: None,
            damage: Vec::new(),
        });
        let size = frame.screen.panel_size();
        let buffer_size: Size<i32, Buffer> = (size.w, size.h).into();
        let mut age = 1;
        if panel.image.as_ref().is_none_or(|(drawn, _)| *drawn != buffer_size) {
            let image = self.renderer.create_buffer(Fourcc::Xrgb8888, buffer_size).map_err(PresentError::draw)?;
            panel.image = Some((buffer_size, image));
            panel.tracker = None;
        }
        let (rotation, scale) = (PanelRotation::of(frame.screen), frame.screen.scale());
        let tracker = match &mut panel.tracker {
            Some((drawn, at, tracker)) if (*drawn, *at) == (rotation, scale) => tracker,
            other => {
                age = 0;
                &mut other.insert((rotation, scale, OutputDamageTracker::new(size, scale, Transform::Normal))).2
            }
        };
        let Some((_, image)) = panel.image.as_mut() else { return Err(PresentError::Inactive) };
        let elements = rotation.elements(frame.elements(&mut self.renderer, true));
        let mut framebuffer = self.renderer.bind(image).map_err(PresentError::draw)?;
        let mut renderer = RotatedRenderer::new(&mut self.renderer, rotation);
        let drawn = tracker
            .render_output(&mut renderer, &mut framebuffer, age, &elements, frame.clear_color())
            .map_err(PresentError::draw)?;
        frame.note_scanout(&drawn.states);
        let damage = drawn.damage.cloned().unwrap_or_default();
        let queued = !damage.is_empty();
        if queued {
            panel.damage = damage;
            panel.feedback = Some(frame.take_feedback(&drawn.states));
            self.handle.after(frame.screen.frame_time(), move |host| host.flipped(head, FlipTime::Now));
        }
        Ok(Presented { queued, scanout: Scanout::Composited(CompositionReason::NoPlanes), ..Presented::default() })
    }

    fn flipped(&mut self, head: HeadId) -> Option<OutputPresentationFeedback> {
        self.panels.get_mut(&head).and_then(|panel| panel.feedback.take())
    }

    fn set_power(&mut self, head: HeadId, on: bool) -> Result<(), BackendError> {
        if let Some(panel) = self.panels.get_mut(&head)
            && !on
        {
            if let Some((size, image)) = panel.image.as_mut() {
                blank(&mut self.renderer, image, *size)?;
            }
            panel.tracker = None;
        }
        Ok(())
    }

    fn set_mode(&mut self, head: HeadId, mode: HeadMode) -> Result<(), BackendError> {
        let head = self.heads.iter_mut().find(|own| own.id == head).ok_or(BackendError::NotConnected)?;
        head.switch_to(mode).then_some(()).ok_or(BackendError::NotListed)
    }

    fn capture(&mut self, frame: &Frame<'_>) -> Result<Capture, CaptureError> {
        capture::<_, Image<'static, 'static>>(&mut self.renderer, frame)
    }

    fn picture(&mut self, frame: &Frame<'_>) -> Result<(Capture, RenderElementStates), CaptureError> {
        draw::<_, Image<'static, 'static>>(&mut self.renderer, frame, true)
    }

    fn watch(&mut self, frame: &Frame<'_>, pointer: bool) -> Result<Vec<Rectangle<i32, Physical>>, CaptureError> {
        self.watched.draw(&mut self.renderer, frame, pointer)
    }

    fn read_watched(
        &mut self,
        view: View,
        part: Rectangle<i32, Buffer>,
        take: &mut dyn FnMut(&[u8]),
    ) -> Result<(), CaptureError> {
        self.watched.read(&mut self.renderer, view, part, take)
    }

    fn forget_watched(&mut self, view: View) {
        self.watched.forget(view);
    }
}

/// A panel that is off shows nothing.
fn blank(
    renderer: &mut PixmanRenderer,
    image: &mut Image<'static, 'static>,
    size: Size<i32, Buffer>,
) -> Result<(), BackendError> {
    let area = Rectangle::from_size((size.w, size.h).into());
    let mut framebuffer = renderer.bind(image).map_err(BackendError::device)?;
    let mut frame = renderer.render(&mut framebuffer, area.size, Transform::Normal).map_err(BackendError::device)?;
    frame.clear(Color32F::BLACK, &[area]).map_err(BackendError::device)?;
    frame.finish().map(drop).map_err(BackendError::device)
}
