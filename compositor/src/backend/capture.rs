//! Draws a frame once more into memory, upright: for screenshots, and for displays whose card cannot draw the frame
//! itself.

use std::{io::Write, os::fd::OwnedFd};

use rustix::fs::{MemfdFlags, SeekFrom, memfd_create, seek};
use smithay::{
    backend::{
        allocator::Fourcc,
        renderer::{
            Bind, ExportMem, ImportAll, ImportMem, Offscreen, Renderer, damage::OutputDamageTracker,
            element::RenderElementStates,
        },
    },
    utils::{Buffer, Rectangle, Size, Transform},
};

use super::Cause;
use crate::stage::Frame;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// No renderer to draw with: every card is gone.
    #[error("the screen could not be drawn into memory: there is no display device")]
    NoDevice,
    /// The renderer draws into no buffers of a GPU.
    #[error("the screen could not be copied into a GPU's buffer: it is drawn without one")]
    NoGpu,
    /// The renderer gave no buffer, or failed in it.
    #[error("the screen could not be drawn into memory: {0}")]
    Render(#[source] Cause),
    /// The `png` library failed.
    #[error("the picture could not be written as PNG: {0}")]
    Encode(#[from] png::EncodingError),
    /// The kernel gave no memory file, or not all of it.
    #[error("no memory for the picture: {0}")]
    Memory(#[from] std::io::Error),
}

impl CaptureError {
    pub(super) fn render(error: impl Into<Cause>) -> Self {
        Self::Render(error.into())
    }
}

/// Pixels in memory order R, G, B, A, rows without padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// Pixels, as the screen is seen: a rotation is applied.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// `width * height * 4` bytes.
    pub rgba: Vec<u8>,
}

impl Capture {
    /// From R, G, B, A rows; alpha is set to opaque.
    pub fn from_rgba(width: u32, height: u32, pixels: &[u8]) -> Self {
        let mut rgba = pixels.to_vec();
        rgba.iter_mut().skip(3).step_by(4).for_each(|alpha| *alpha = 255);
        Self { width, height, rgba }
    }

    /// From B, G, R, X rows of a framebuffer.
    pub fn from_xrgb(width: u32, height: u32, pixels: &[u8]) -> Self {
        let mut rgba = Vec::with_capacity(pixels.len());
        for pixel in pixels.chunks_exact(4) {
            rgba.extend_from_slice(&[pixel[2], pixel[1], pixel[0], 255]);
        }
        Self { width, height, rgba }
    }

    /// The pixel as R, G, B; black outside.
    pub fn pixel(&self, x: u32, y: u32) -> [u8; 3] {
        let start = (y as usize * self.width as usize + x as usize) * 4;
        match self.rgba.get(start..start + 3) {
            Some(rgb) if x < self.width => [rgb[0], rgb[1], rgb[2]],
            _ => [0, 0, 0],
        }
    }

    /// As a PNG in a memory file, positioned at its start.
    pub fn to_png(&self) -> Result<OwnedFd, CaptureError> {
        let fd = memfd_create("screenshot", MemfdFlags::CLOEXEC).map_err(std::io::Error::from)?;
        let mut file = std::fs::File::from(fd);
        let mut encoder = png::Encoder::new(std::io::BufWriter::new(&mut file), self.width, self.height);
        encoder.set_color(png::ColorType::Rgba);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Fast);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.rgba)?;
        writer.finish()?;
        file.flush()?;
        seek(&file, SeekFrom::Start(0)).map_err(std::io::Error::from)?;
        Ok(file.into())
    }
}

/// R, G, B, A in memory: the one format that every GLES can draw into and read back.
pub(super) const FORMAT: Fourcc = Fourcc::Abgr8888;

/// Draws the frame without the pointer into a buffer of type `Target` and reads it back.
pub fn capture<R, Target>(renderer: &mut R, frame: &Frame<'_>) -> Result<Capture, CaptureError>
where
    R: Renderer + ImportAll + ImportMem + Bind<Target> + Offscreen<Target> + ExportMem + 'static,
    R::TextureId: Clone + Send + 'static,
    R::Error: Send + Sync + 'static,
{
    draw::<R, Target>(renderer, frame, false).map(|(picture, _)| picture)
}

/// As [`capture`], optionally with the pointer; also returns the render states of the elements.
pub fn draw<R, Target>(
    renderer: &mut R,
    frame: &Frame<'_>,
    pointer: bool,
) -> Result<(Capture, RenderElementStates), CaptureError>
where
    R: Renderer + ImportAll + ImportMem + Bind<Target> + Offscreen<Target> + ExportMem + 'static,
    R::TextureId: Clone + Send + 'static,
    R::Error: Send + Sync + 'static,
{
    let size = frame.screen.picture_size();
    let buffer_size: Size<i32, Buffer> = (size.w, size.h).into();
    let mut target = renderer.create_buffer(FORMAT, buffer_size).map_err(CaptureError::render)?;
    let elements = frame.elements(renderer, pointer);
    let mut framebuffer = renderer.bind(&mut target).map_err(CaptureError::render)?;
    let mut tracker = OutputDamageTracker::new(size, frame.screen.scale(), Transform::Normal);
    let drawn = tracker
        .render_output(renderer, &mut framebuffer, 0, &elements, frame.clear_color())
        .map_err(CaptureError::render)?;
    let _ = drawn.sync.wait();
    let mapping = renderer
        .copy_framebuffer(&framebuffer, Rectangle::from_size(buffer_size), FORMAT)
        .map_err(CaptureError::render)?;
    let pixels = renderer.map_texture(&mapping).map_err(CaptureError::render)?;
    Ok((Capture::from_rgba(size.w.unsigned_abs(), size.h.unsigned_abs(), pixels), drawn.states))
}
