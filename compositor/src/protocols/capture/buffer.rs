//! Checks the buffer that a client wants a picture in against what it was told: shared memory, or a buffer of the GPU.

use smithay::{
    backend::allocator::{Buffer as _, dmabuf::Dmabuf},
    reexports::wayland_server::protocol::wl_buffer::WlBuffer,
    utils::{Physical, Size},
    wayland::dmabuf::get_dmabuf,
};

use super::pixels;
use crate::backend::capture_formats::CaptureFormats;

/// A buffer that a picture can be put into.
#[derive(Debug)]
pub enum Memory {
    /// `wl_shm`, written by [`pixels::write`].
    Shared,
    /// A dmabuf, which the GPU draws into.
    Gpu(Dmabuf),
}

/// Why a buffer is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// It has another size or format, or is no such buffer at all.
    Kind,
    /// Its size and format are right, but the GPU cannot draw into its memory layout.
    Layout,
}

impl Memory {
    /// What the buffer is, if it has exactly this size. `formats`: of the GPU's buffers; `None`: shared memory only.
    pub fn of(buffer: &WlBuffer, size: Size<i32, Physical>, formats: Option<&CaptureFormats>) -> Result<Self, Unfit> {
        let Ok(dmabuf) = get_dmabuf(buffer) else {
            let fits = pixels::shape(buffer).is_some_and(|shape| shape == (size.w, size.h));
            return if fits { Ok(Self::Shared) } else { Err(Unfit::Kind) };
        };
        let formats = formats.ok_or(Unfit::Kind)?;
        let (own, code) = (dmabuf.size(), dmabuf.format().code);
        if (own.w, own.h) != (size.w, size.h) || !formats.has(code) {
            return Err(Unfit::Kind);
        }
        if !formats.takes(dmabuf) {
            return Err(Unfit::Layout);
        }
        Ok(Self::Gpu(dmabuf.clone()))
    }
}
