//! A dumb buffer: the driver's memory, mapped for as long as it lives, and the framebuffer that shows it. It is not
//! exported, so that drivers are served that cannot do that, and no `DMA_BUF_IOCTL_SYNC` is needed around a frame:
//! `DRM_IOCTL_MODE_MAP_DUMB` is meant for drawing by the CPU.

use std::io;

use smithay::{
    backend::drm::{DrmDeviceFd, PlaneConfig},
    reexports::{
        drm::{
            buffer::Buffer as _,
            control::{dumbbuffer::DumbMapping, framebuffer},
        },
        pixman::{FormatCode, Image},
    },
    utils::{Physical, Rectangle, Size, Transform},
};

use super::allocation::Allocation;

/// A buffer to draw into and to show.
pub struct ScanoutBuffer {
    // Before the memory that it is of.
    image: Image<'static, 'static>,
    _mapping: DumbMapping<'static>,
    allocation: Allocation,
    /// The number of the frame that it has; `None`: its content is undefined.
    pub frame: Option<usize>,
}

impl ScanoutBuffer {
    /// Takes memory of the driver's. An error: there is none, or the driver shows no picture of this size.
    pub fn new(fd: &DrmDeviceFd, size: Size<i32, Physical>) -> io::Result<Self> {
        let mut allocation = Allocation::new(fd, (size.w.unsigned_abs(), size.h.unsigned_abs()))?;
        let mut mapping = allocation.map()?;
        let (width, height) = allocation.buffer.size();
        let (pitch, rows) = (allocation.buffer.pitch() as usize, height as usize);
        if mapping.len() < pitch * rows {
            return Err(io::Error::other("the display driver's buffer is smaller than its picture"));
        }
        let data = mapping.as_mut_ptr().cast();
        // SAFETY: the rows lie within the mapping, as was just checked, and the image is dropped before it. The memory
        // is page aligned.
        #[allow(unsafe_code)]
        let image = unsafe { Image::from_raw_mut(FormatCode::X8R8G8B8, width as usize, rows, data, pitch, false) };
        let image = image.map_err(|_| io::Error::other("no memory for a picture"))?;
        Ok(Self { image, _mapping: mapping, allocation, frame: None })
    }

    /// Its width and height in pixels.
    pub fn size(&self) -> Size<i32, Physical> {
        let (width, height) = self.allocation.buffer.size();
        (width.cast_signed(), height.cast_signed()).into()
    }

    /// What a renderer binds to draw into it.
    pub fn image(&mut self) -> &mut Image<'static, 'static> {
        &mut self.image
    }

    /// The framebuffer that shows it.
    pub fn framebuffer(&self) -> framebuffer::Handle {
        self.allocation.framebuffer
    }

    /// The state of a plane that shows it whole.
    pub fn plane(&self) -> PlaneConfig<'_> {
        let size = self.size();
        PlaneConfig {
            src: Rectangle::from_size((f64::from(size.w), f64::from(size.h)).into()),
            dst: Rectangle::from_size(size),
            transform: Transform::Normal,
            alpha: 1.0,
            damage_clips: None,
            fb: self.framebuffer(),
            fence: None,
        }
    }
}
