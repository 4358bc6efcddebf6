//! Prepainted buffers, in shared memory or in a dmabuf.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use anyhow::{Context, Result};
use gbm::{BufferObject, BufferObjectFlags, Device, Format};
use rustix::fs::{MemfdFlags, memfd_create};
use wayland_client::QueueHandle;
use wayland_client::protocol::wl_buffer::WlBuffer;
use wayland_client::protocol::wl_shm::{Format as ShmFormat, WlShm};
use wayland_protocols::wp::linux_dmabuf::zv1::client::zwp_linux_buffer_params_v1::Flags;
use wayland_protocols::wp::linux_dmabuf::zv1::client::zwp_linux_dmabuf_v1::ZwpLinuxDmabufV1;

use super::Memory;
use super::window::Window;

/// Enough for one on the screen, one queued and one to be drawn next.
pub const COUNT: usize = 3;
/// `DRM_FORMAT_MOD_INVALID`: the driver's own layout, not announced.
const IMPLICIT: u64 = 0x00ff_ffff_ffff_ffff;

/// `DRM_FORMAT_MOD_LINEAR`: line by line.
const LINEAR: u64 = 0;

/// What the buffers are to be.
#[derive(Debug)]
pub struct Pictures {
    pub memory: Memory,
    /// Where dmabufs come from.
    pub node: PathBuf,
    /// Each quarter has another shade.
    pub marked: bool,
}

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

impl Pictures {
    /// A line of the picture; `low`: of its lower half.
    fn line(&self, index: usize, width: usize, low: bool) -> Vec<u8> {
        let color = color(index);
        // Far enough from each other for any eye, and plain, so that no way of drawing them rounds anything.
        let shade = |quarter: u8| if self.marked { color.map(|part| part.wrapping_add(quarter * 0x28)) } else { color };
        let (left, right) = if low { (shade(2), shade(3)) } else { (shade(0), shade(1)) };
        [left.repeat(width / 2), right.repeat(width - width / 2)].concat()
    }
}

/// `COUNT` buffers in one pool.
pub fn in_shm(
    shm: &WlShm,
    pictures: &Pictures,
    (width, height): (i32, i32),
    queue: &QueueHandle<Window>,
) -> Result<Vec<Buffer>> {
    let size = width * height * 4;
    let file = File::from(memfd_create("bench-client", MemfdFlags::CLOEXEC)?);
    let (columns, lines) = (usize::try_from(width)?, usize::try_from(height)?);
    for index in 0..COUNT {
        let half = |low, lines| pictures.line(index, columns, low).repeat(lines);
        let pixels = [half(false, lines / 2), half(true, lines - lines / 2)].concat();
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
    pictures: &Pictures,
    (width, height): (i32, i32),
    queue: &QueueHandle<Window>,
) -> Result<Vec<Buffer>> {
    let name = pictures.node.display();
    let node = File::options().read(true).write(true).open(&pictures.node).with_context(|| name.to_string())?;
    let device = Device::new(node).with_context(|| format!("GBM on {name}"))?;
    let (w, h) = (u32::try_from(width)?, u32::try_from(height)?);
    let render = pictures.node.file_name().is_some_and(|name| name.to_string_lossy().starts_with("render"));
    let (usage, modifier) = match render {
        true => (BufferObjectFlags::SCANOUT | BufferObjectFlags::RENDERING, IMPLICIT),
        false => (BufferObjectFlags::SCANOUT | BufferObjectFlags::LINEAR, LINEAR),
    };
    (0..COUNT)
        .map(|index| {
            let mut object: BufferObject<()> = device.create_buffer_object(w, h, Format::Xrgb8888, usage)?;
            object.map_mut(0, 0, w, h, |map| {
                let stride = map.stride() as usize;
                let lines = map.buffer_mut().chunks_mut(stride).take(h as usize);
                for (number, line) in lines.enumerate() {
                    let row = pictures.line(index, w as usize, number >= h as usize / 2);
                    let length = row.len().min(line.len());
                    line[..length].copy_from_slice(&row[..length]);
                }
            })?;
            let params = dmabuf.create_params(queue, ());
            let (high, low) = ((modifier >> 32) as u32, (modifier & 0xffff_ffff) as u32);
            params.add(object.fd()?.as_fd(), 0, object.offset(0), object.stride(), high, low);
            let wl = params.create_immed(width, height, Format::Xrgb8888 as u32, Flags::empty(), queue, ());
            params.destroy();
            Ok(Buffer { wl, busy: false, _object: Some(object) })
        })
        .collect()
}
