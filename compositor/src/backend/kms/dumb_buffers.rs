//! Frames that the CPU draws: into one of two dumb buffers, which are flipped. Nothing goes on planes of its own, since
//! no display shows clients' shared memory. It also draws the first picture of a card with a GPU, and hands the display
//! over when that is started.
//!
//! It has the names of smithay's `DrmCompositor` for the same things; [`super::present`] calls either. That one could
//! draw into dumb buffers, too, but only where the driver exports them (before Linux 6.6 bochs, VirtualBox and others do
//! not), keeps its surface for ever, and looks in each frame for what could go on which plane.

mod allocation;
mod buffer;
mod display;
mod flip;

use std::io;

use smithay::{
    backend::{
        drm::{DrmDeviceFd, DrmError, DrmSurface, compositor::FrameError},
        renderer::{Bind, damage::OutputDamageTracker, element::RenderElementStates, pixman::PixmanRenderer},
    },
    reexports::drm::control::{Mode, plane},
    utils::{Physical, Size, Transform},
};

pub use self::allocation::Allocation;
use self::{buffer::ScanoutBuffer, display::Display};
use super::{queue::Feedback, quirks::Quirks};
use crate::{
    backend::{
        PresentError, Presented,
        rotated::{PanelRotation, RotatedRenderer},
    },
    stage::{Frame, elements::StageElement, reflected::Reflected},
};

/// `DrmCompositor`'s error type, without the variants for allocators.
pub type DumbError = FrameError<io::Error, io::Error, io::Error>;

/// What to draw in a frame.
pub struct Drawing {
    /// Top first, in panel coordinates: already rotated and fitted.
    pub elements: Vec<Reflected<StageElement<PixmanRenderer>>>,
    /// The render states of clients' surfaces, where the elements are not the clients' own.
    pub states: Option<RenderElementStates>,
}

/// The counterpart of `DrmCompositor` for one display.
pub struct DumbCompositor {
    display: Display,
    fd: DrmDeviceFd,
    changes: Option<Changes>,
    /// The number of the last frame that was drawn.
    drawn: usize,
    /// On the screen, or on its way there.
    front: Option<ScanoutBuffer>,
    back: Option<ScanoutBuffer>,
    /// The feedback of the pending page flip.
    flying: Option<Feedback>,
}

/// What changes on a panel from frame to frame.
struct Changes {
    size: Size<i32, Physical>,
    rotation: PanelRotation,
    scale: f64,
    tracker: OutputDamageTracker,
}

impl DumbCompositor {
    /// Draws into buffers of `fd`'s device, and shows them on the primary plane of `surface`.
    pub fn new(surface: DrmSurface, fd: &DrmDeviceFd, quirks: &Quirks) -> Self {
        Self {
            display: Display::new(surface, quirks),
            fd: fd.clone(),
            changes: None,
            drawn: 0,
            front: None,
            back: None,
            flying: None,
        }
    }

    /// Draws a frame and queues its page flip.
    pub fn queue(
        &mut self,
        renderer: &mut PixmanRenderer,
        frame: &Frame<'_>,
        drawing: Drawing,
        rotation: PanelRotation,
    ) -> Result<Presented, PresentError> {
        if self.flying.is_some() {
            return Err(PresentError::FlipPending);
        }
        let size = frame.screen.panel_size();
        // An error drops it, so that its content does not matter.
        let mut buffer = match self.back.take().filter(|buffer| buffer.size() == size) {
            Some(buffer) => buffer,
            None => ScanoutBuffer::new(&self.fd, size).map_err(PresentError::draw)?,
        };
        let number = self.drawn.wrapping_add(1);
        let known = buffer.frame.filter(|_| !self.display.is_set_anew());
        let age = known.map_or(0, |frame| number.wrapping_sub(frame));
        let mut changes = Changes::go_on(self.changes.take(), size, rotation, frame.screen.scale());
        let mut target = renderer.bind(buffer.image()).map_err(PresentError::draw)?;
        let drawn = changes
            .tracker
            .render_output(
                &mut RotatedRenderer::new(renderer, rotation),
                &mut target,
                age,
                &rotation.elements(drawing.elements),
                frame.clear_color(),
            )
            .map_err(PresentError::draw)?;
        let states = drawing.states.as_ref().unwrap_or(&drawn.states);
        frame.note_scanout(states);
        if let Some(damage) = drawn.damage {
            (self.drawn, buffer.frame) = (number, Some(number));
            self.display.show(&self.fd, buffer.plane(), damage)?;
            self.flying = Some(Some(frame.take_feedback(states)));
            self.back = self.front.replace(buffer);
        } else {
            self.back = Some(buffer);
        }
        self.changes = Some(changes);
        Ok(Presented { queued: self.flying.is_some(), ..Presented::default() })
    }

    /// Gives the display to another compositor: its surface, and what is on the screen.
    pub fn give_up(self) -> (DrmSurface, LastPicture) {
        (self.display.surface, LastPicture { _buffers: [self.front, self.back] })
    }

    /// The DRM surface.
    pub fn surface(&self) -> &DrmSurface {
        &self.display.surface
    }

    /// The primary plane, the only one that is used.
    pub fn plane(&self) -> plane::Handle {
        self.surface().plane()
    }

    /// The mode of the next frame, which differs from the current one while a change is pending.
    pub fn pending_mode(&self) -> Mode {
        self.surface().pending_mode()
    }

    /// Uses this mode from the next frame on. An error: the driver refused it in a test.
    pub fn use_mode(&self, mode: Mode) -> Result<(), DumbError> {
        self.surface().use_mode(mode).map_err(FrameError::DrmError)
    }

    /// The page flip happened: returns the frame's presentation feedback. `None`: no flip was pending.
    pub fn frame_submitted(&mut self) -> Result<Option<Feedback>, DumbError> {
        Ok(self.flying.take())
    }

    /// The next frame is drawn whole.
    pub fn reset_buffer_ages(&mut self) {
        self.changes = None;
    }

    /// As [`Self::reset_buffer_ages`], with new buffers.
    pub fn reset_buffers(&mut self) {
        self.changes = None;
        self.back = None;
    }

    /// Drops the cached KMS state: the next frame sets everything again.
    pub fn reset_state(&mut self) -> Result<(), DrmError> {
        self.display.reset_state()
    }

    /// Switches the screen off: CRTC and plane disabled, no pending flip.
    pub fn clear(&mut self) -> Result<(), DrmError> {
        self.flying = None;
        self.display.clear()
    }
}

impl Changes {
    /// Those since the last frame; all, if that was drawn for another panel.
    fn go_on(last: Option<Self>, size: Size<i32, Physical>, rotation: PanelRotation, scale: f64) -> Self {
        last.filter(|last| (last.size, last.rotation, last.scale) == (size, rotation, scale)).unwrap_or_else(|| {
            let tracker = OutputDamageTracker::new(size, scale, Transform::Normal);
            Self { size, rotation, scale, tracker }
        })
    }
}

/// What a compositor that gave its display up has left on the screen. The end of a framebuffer that is on a plane
/// switches the CRTC off, so it is kept until something else is there; while a page flip is pending it may be either.
pub struct LastPicture {
    _buffers: [Option<ScanoutBuffer>; 2],
}
