//! Displays whose driver does not share its buffers: before Linux 6.6 those of bochs, VirtualBox and other simple
//! devices do not (`DRM_IOCTL_PRIME_HANDLE_TO_FD` fails with ENOSYS). smithay's `DrmCompositor` draws only into buffers
//! that are shared, so that such a display would be black. Here a frame is drawn into memory, and what changed is
//! copied into one of two dumb buffers, which are flipped. Nothing of it goes on other planes.
//!
//! It has the names of `DrmCompositor` for the same things; [`super::present`] calls either.

use std::io;

use smithay::{
    backend::{
        allocator::{Allocator, Fourcc, dmabuf::AsDmabuf, dumb::DumbAllocator},
        drm::{DrmDeviceFd, DrmError, DrmSurface, PlaneConfig, PlaneState, compositor::FrameError},
        renderer::{Bind, ExportMem, Offscreen, damage::OutputDamageTracker, pixman::PixmanRenderer},
    },
    reexports::{
        drm::{
            buffer::Buffer as _,
            control::{Device as _, Mode, dumbbuffer::DumbBuffer, framebuffer, plane},
        },
        pixman::Image,
    },
    utils::{Buffer, Physical, Rectangle, Size, Transform},
};

use super::{
    queue::{Drawing, Feedback},
    refusal::device_error,
};
use crate::{
    backend::{
        PresentError, Presented,
        rotated::{PanelRotation, RotatedRenderer},
    },
    screens::Scanout,
    stage::Frame,
};

/// Bits and bytes of a pixel, and the bits of its colours.
const BITS: u32 = 32;
const BYTES: usize = 4;
const DEPTH: u32 = 24;

/// `DrmCompositor`'s error type, without the variants for allocators.
pub type DumbError = FrameError<io::Error, io::Error, io::Error>;

// WORKAROUND(smithay:unshared-dumb-buffers)
/// Whether the driver shares its buffers.
pub fn shares_buffers(fd: &DrmDeviceFd) -> bool {
    let linear = [smithay::backend::allocator::Modifier::Linear];
    match DumbAllocator::new(fd.clone()).create_buffer(64, 64, Fourcc::Xrgb8888, &linear) {
        Ok(buffer) => buffer.export().is_ok(),
        // It cannot allocate any; the error is reported where a buffer is needed.
        Err(_) => true,
    }
}

/// The counterpart of `DrmCompositor` for one display.
pub struct DumbCompositor {
    surface: DrmSurface,
    fd: DrmDeviceFd,
    picture: Option<Picture>,
    /// On the screen, or on its way there.
    front: Option<ScanoutBuffer>,
    back: Option<ScanoutBuffer>,
    /// The last frame's damage, which the back buffer lacks.
    missing: Vec<Rectangle<i32, Physical>>,
    /// The feedback of the pending page flip.
    flying: Option<Feedback>,
}

/// The frame as it lies on the panel.
struct Picture {
    size: Size<i32, Physical>,
    image: Image<'static, 'static>,
    rotation: PanelRotation,
    scale: f64,
    tracker: OutputDamageTracker,
    /// Its content is undefined.
    fresh: bool,
}

impl DumbCompositor {
    /// Draws into buffers of `fd`'s device, and shows them on the primary plane of `surface`.
    pub fn new(surface: DrmSurface, fd: &DrmDeviceFd) -> Self {
        Self { surface, fd: fd.clone(), picture: None, front: None, back: None, missing: Vec::new(), flying: None }
    }

    /// Draws a frame and queues its page flip.
    pub fn queue(
        &mut self,
        renderer: &mut PixmanRenderer,
        frame: &Frame<'_>,
        drawing: Drawing<PixmanRenderer>,
        rotation: PanelRotation,
    ) -> Result<Presented, PresentError> {
        if self.flying.is_some() {
            return Err(PresentError::FlipPending);
        }
        let (size, scale) = (frame.screen.panel_size(), frame.screen.scale());
        let picture =
            match self.picture.take_if(|last| (last.size, last.rotation, last.scale) != (size, rotation, scale)) {
                Some(_) => None,
                None => self.picture.take(),
            };
        let picture = match picture {
            Some(picture) => picture,
            None => Picture::new(renderer, size, rotation, scale)?,
        };
        let picture = self.picture.insert(picture);

        let elements = rotation.elements(drawing.elements);
        let mut target = renderer.bind(&mut picture.image).map_err(PresentError::draw)?;
        let age = usize::from(!std::mem::take(&mut picture.fresh));
        let mut rotated = RotatedRenderer::new(renderer, rotation);
        let drawn = picture
            .tracker
            .render_output(&mut rotated, &mut target, age, &elements, frame.clear_color())
            .map_err(PresentError::draw)?;
        let changed = drawn.damage.cloned().unwrap_or_default();
        frame.note_scanout(drawing.states.as_ref().unwrap_or(&drawn.states));
        let modeset = self.surface.commit_pending();
        if changed.is_empty() && !modeset {
            return Ok(Presented::default());
        }

        let whole = Rectangle::from_size(size);
        let (mut buffer, parts) = match self.back.take().filter(|buffer| buffer.size() == size) {
            Some(buffer) => (buffer, changed.iter().chain(&self.missing).copied().collect()),
            None => (ScanoutBuffer::new(&self.fd, size).map_err(PresentError::draw)?, vec![whole]),
        };
        self.missing = changed;
        let shown = buffer.copy(renderer, &target, &parts).and_then(|()| {
            let state = [buffer.on(self.surface.plane())];
            let shown = if modeset { self.surface.commit(state, true) } else { self.surface.page_flip(state, true) };
            shown.map_err(device_error)
        });
        if let Err(error) = shown {
            // The buffer is dropped, so its unknown content does not matter.
            self.reset_buffer_ages();
            return Err(error);
        }
        self.back = self.front.replace(buffer);
        self.flying = Some(Some(frame.take_feedback(drawing.states.as_ref().unwrap_or(&drawn.states))));
        Ok(Presented { queued: true, scanout: Scanout::default(), another: false })
    }

    /// Gives the display to another compositor: its surface, and what is on the screen.
    pub fn give_up(self) -> (DrmSurface, LastPicture) {
        (self.surface, LastPicture { _buffers: [self.front, self.back] })
    }

    /// The DRM surface.
    pub fn surface(&self) -> &DrmSurface {
        &self.surface
    }

    /// The primary plane, the only one that is used.
    pub fn plane(&self) -> plane::Handle {
        self.surface.plane()
    }

    /// The mode of the next frame, which differs from the current one while a change is pending.
    pub fn pending_mode(&self) -> Mode {
        self.surface.pending_mode()
    }

    /// Uses this mode from the next frame on. An error: the driver refused it in a test.
    pub fn use_mode(&self, mode: Mode) -> Result<(), DumbError> {
        self.surface.use_mode(mode).map_err(FrameError::DrmError)
    }

    /// The page flip happened: returns the frame's presentation feedback. `None`: no flip was pending.
    pub fn frame_submitted(&mut self) -> Result<Option<Feedback>, DumbError> {
        Ok(self.flying.take())
    }

    /// The next frame is drawn whole.
    pub fn reset_buffer_ages(&mut self) {
        if let Some(picture) = &mut self.picture {
            picture.fresh = true;
        }
        self.back = None;
    }

    /// As [`Self::reset_buffer_ages`], with new buffers.
    pub fn reset_buffers(&mut self) {
        self.picture = None;
        self.back = None;
    }

    /// Drops the cached KMS state: the next frame sets everything again.
    pub fn reset_state(&mut self) -> Result<(), DrmError> {
        self.surface.reset_state()
    }

    /// Switches the screen off: CRTC and plane disabled, no pending flip.
    pub fn clear(&mut self) -> Result<(), DrmError> {
        self.flying = None;
        self.reset_buffer_ages();
        self.surface.clear()
    }
}

impl Picture {
    fn new(
        renderer: &mut PixmanRenderer,
        size: Size<i32, Physical>,
        rotation: PanelRotation,
        scale: f64,
    ) -> Result<Self, PresentError> {
        let image = renderer.create_buffer(Fourcc::Xrgb8888, (size.w, size.h).into()).map_err(PresentError::draw)?;
        let tracker = OutputDamageTracker::new(size, scale, Transform::Normal);
        Ok(Self { size, image, rotation, scale, tracker, fresh: true })
    }
}

/// What a compositor that gave its display up has left on the screen. The end of a framebuffer that is on a plane
/// switches the CRTC off, so it is kept until something else is there; while a page flip is pending it may be either.
pub struct LastPicture {
    _buffers: [Option<ScanoutBuffer>; 2],
}

/// A buffer of the driver's, and the framebuffer that shows it.
struct ScanoutBuffer {
    fd: DrmDeviceFd,
    buffer: DumbBuffer,
    framebuffer: framebuffer::Handle,
}

impl ScanoutBuffer {
    fn new(fd: &DrmDeviceFd, size: Size<i32, Physical>) -> io::Result<Self> {
        let size = (size.w.unsigned_abs(), size.h.unsigned_abs());
        let buffer = fd.create_dumb_buffer(size, Fourcc::Xrgb8888, BITS)?;
        match fd.add_framebuffer(&buffer, DEPTH, BITS) {
            Ok(framebuffer) => Ok(Self { fd: fd.clone(), buffer, framebuffer }),
            Err(error) => {
                let _ = fd.destroy_dumb_buffer(buffer);
                Err(error)
            }
        }
    }

    fn size(&self) -> Size<i32, Physical> {
        let (width, height) = self.buffer.size();
        (width.cast_signed(), height.cast_signed()).into()
    }

    /// Copies parts of the picture.
    fn copy(
        &mut self,
        renderer: &mut PixmanRenderer,
        picture: &<PixmanRenderer as smithay::backend::renderer::RendererSuper>::Framebuffer<'_>,
        parts: &[Rectangle<i32, Physical>],
    ) -> Result<(), PresentError> {
        let (whole, pitch) = (Rectangle::from_size(self.size()), self.buffer.pitch() as usize);
        let mut map = self.fd.map_dumb_buffer(&mut self.buffer).map_err(PresentError::draw)?;
        for part in parts.iter().filter_map(|part| part.intersection(whole)) {
            let area: Rectangle<i32, Buffer> =
                Rectangle::new((part.loc.x, part.loc.y).into(), (part.size.w, part.size.h).into());
            let read = renderer.copy_framebuffer(picture, area, Fourcc::Xrgb8888).map_err(PresentError::draw)?;
            let pixels = renderer.map_texture(&read).map_err(PresentError::draw)?;
            paste(&mut map, pitch, part, pixels);
        }
        Ok(())
    }

    /// The plane's state with this buffer.
    fn on(&self, plane: plane::Handle) -> PlaneState<'_> {
        let size = self.size();
        let config = PlaneConfig {
            src: Rectangle::from_size((f64::from(size.w), f64::from(size.h)).into()),
            dst: Rectangle::from_size(size),
            transform: Transform::Normal,
            alpha: 1.0,
            damage_clips: None,
            fb: self.framebuffer,
            fence: None,
        };
        PlaneState { handle: plane, config: Some(config) }
    }
}

impl Drop for ScanoutBuffer {
    fn drop(&mut self) {
        let _ = self.fd.destroy_framebuffer(self.framebuffer);
        let _ = self.fd.destroy_dumb_buffer(self.buffer);
    }
}

/// Writes a part's pixels, row by row, to its position in a picture with rows of `pitch` bytes.
fn paste(picture: &mut [u8], pitch: usize, part: Rectangle<i32, Physical>, pixels: &[u8]) {
    let at = |number: i32| usize::try_from(number).unwrap_or_default();
    let row = at(part.size.w) * BYTES;
    let rows = picture.chunks_exact_mut(pitch.max(1)).skip(at(part.loc.y));
    for (to, from) in rows.zip(pixels.chunks_exact(row.max(1))) {
        let begin = at(part.loc.x) * BYTES;
        if let Some(to) = to.get_mut(begin..begin + row) {
            to.copy_from_slice(from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_pasted_where_it_lies_and_nothing_beside_it() {
        let mut picture = vec![0; 4 * 20];
        paste(&mut picture, 20, Rectangle::new((1, 2).into(), (2, 2).into()), &[7; 16]);
        let expected: Vec<u8> =
            (0..80).map(|at| if at / 20 >= 2 && (4..12).contains(&(at % 20)) { 7 } else { 0 }).collect();
        assert_eq!(picture, expected);
        // A part that does not fit is not written at all.
        let before = picture.clone();
        paste(&mut picture, 20, Rectangle::new((4, 3).into(), (2, 9).into()), &[9; 72]);
        assert_eq!(picture, before);
    }
}
