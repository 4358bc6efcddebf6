//! Prepainted buffers, in shared memory or in a dmabuf.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;

use anyhow::{Context, Result};
use gbm::{BufferObject, BufferObjectFlags, Device, Format};
use rustix::fs::{MemfdFlags, memfd_create};
use wayland_client::QueueHandle;
use wayland_client::protocol::wl_buffer::WlBuffer;
use wayland_client::protocol::wl_shm::{Format as ShmFormat, WlShm};
use wayland_protocols::wp::linux_dmabuf::zv1::client::zwp_linux_buffer_params_v1::Flags;
use wayland_protocols::wp::linux_dmabuf::zv1::client::zwp_linux_dmabuf_v1::ZwpLinuxDmabufV1;

use super::window::Window;

/// Enough for one on the screen, one queued and one to be drawn next.
pub const COUNT: usize = 3;
/// `DRM_FORMAT_MOD_INVALID`: the driver's own layout, told to nobody.
const IMPLICIT: u64 = 0x00ff_ffff_ffff_ffff;

/// A buffer and whether the compositor still has it.
pub struct Buffer {
    pub wl: WlBuffer,
    pub busy: bool,
    /// Keeps the dmabuf's memory.
    _object: Option<BufferObject<()>>,
}

/// The colour of a buffer: each its own, none the splash's, XRGB8888.
fn color(index: usize) -> [u8; 4] {
    [[0x8e, 0x6c, 0x1c, 0xff], [0x9e, 0x7c, 0x2c, 0xff], [0xae, 0x8c, 0x3c, 0xff]][index % COUNT]
}

/// `COUNT` buffers in one pool.
pub fn in_shm(shm: &WlShm, width: i32, height: i32, queue: &QueueHandle<Window>) -> Result<Vec<Buffer>> {
    let size = width * height * 4;
    let file = File::from(memfd_create("bench-client", MemfdFlags::CLOEXEC)?);
    for index in 0..COUNT {
        let pixels = color(index).repeat(usize::try_from(width * height)?);
        file.write_all_at(&pixels, u64::try_from(size)? * index as u64)?;
    }
    let pool = shm.create_pool(file.as_fd(), size * i32::try_from(COUNT)?, queue, ());
    let buffers = (0..)
        .take(COUNT)
        .map(|index| {
            let wl = pool.create_buffer(index * size, width, height, width * 4, ShmFormat::Xrgb8888, queue, ());
            Buffer { wl, busy: false, _object: None }
        })
        .collect();
    pool.destroy();
    Ok(buffers)
}

/// `COUNT` buffers that a plane can show.
pub fn in_dmabuf(
    dmabuf: &ZwpLinuxDmabufV1,
    width: i32,
    height: i32,
    queue: &QueueHandle<Window>,
) -> Result<Vec<Buffer>> {
    let node = File::options().read(true).write(true).open("/dev/dri/renderD128").context("/dev/dri/renderD128")?;
    let device = Device::new(node).context("GBM on /dev/dri/renderD128")?;
    let (w, h) = (u32::try_from(width)?, u32::try_from(height)?);
    let usage = BufferObjectFlags::SCANOUT | BufferObjectFlags::RENDERING;
    (0..COUNT)
        .map(|index| {
            let mut object: BufferObject<()> = device.create_buffer_object(w, h, Format::Xrgb8888, usage)?;
            object.map_mut(0, 0, w, h, |map| {
                let row = color(index).repeat(width.unsigned_abs() as usize);
                let stride = map.stride() as usize;
                for line in map.buffer_mut().chunks_mut(stride) {
                    let length = row.len().min(line.len());
                    line[..length].copy_from_slice(&row[..length]);
                }
            })?;
            let params = dmabuf.create_params(queue, ());
            let modifier = IMPLICIT;
            let (high, low) = ((modifier >> 32) as u32, (modifier & 0xffff_ffff) as u32);
            params.add(object.fd()?.as_fd(), 0, object.offset(0), object.stride(), high, low);
            let wl = params.create_immed(width, height, Format::Xrgb8888 as u32, Flags::empty(), queue, ());
            params.destroy();
            Ok(Buffer { wl, busy: false, _object: Some(object) })
        })
        .collect()
}
