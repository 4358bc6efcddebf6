//! Memory of the display driver's and the framebuffer that shows it, freed together.

use std::io;

use smithay::{
    backend::{allocator::Fourcc, drm::DrmDeviceFd},
    reexports::drm::control::{
        Device as _,
        dumbbuffer::{DumbBuffer, DumbMapping},
        framebuffer,
    },
};

/// Bits of a pixel, and the bits of its colours. An alpha channel fails the atomic test on virtio_gpu.
const BITS: u32 = 32;
const DEPTH: u32 = 24;

/// A dumb buffer, a picture as XRGB.
pub struct Allocation {
    fd: DrmDeviceFd,
    pub buffer: DumbBuffer,
    pub framebuffer: framebuffer::Handle,
}

impl Allocation {
    /// For a picture of this width and height, pixels. An error: there is no memory, or it is too large for the device.
    pub fn new(fd: &DrmDeviceFd, size: (u32, u32)) -> io::Result<Self> {
        let buffer = fd.create_dumb_buffer(size, Fourcc::Xrgb8888, BITS)?;
        match fd.add_framebuffer(&buffer, DEPTH, BITS) {
            Ok(framebuffer) => Ok(Self { fd: fd.clone(), buffer, framebuffer }),
            Err(error) => {
                let _ = fd.destroy_dumb_buffer(buffer);
                Err(error)
            }
        }
    }

    /// The memory, for the CPU.
    pub fn map(&mut self) -> io::Result<DumbMapping<'static>> {
        let mapping = self.fd.map_dumb_buffer(&mut self.buffer)?;
        // SAFETY: the lifetime is that of a number, the buffer's handle; nothing is borrowed. The kernel keeps the
        // memory for as long as it is mapped, also when the handle is gone.
        #[allow(unsafe_code)]
        Ok(unsafe { std::mem::transmute::<DumbMapping<'_>, DumbMapping<'static>>(mapping) })
    }
}

impl Drop for Allocation {
    fn drop(&mut self) {
        // What cannot be destroyed is freed when the device is closed.
        let _ = self.fd.destroy_framebuffer(self.framebuffer);
        let _ = self.fd.destroy_dumb_buffer(self.buffer);
    }
}
