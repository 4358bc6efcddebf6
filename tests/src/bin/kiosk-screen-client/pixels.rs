//! The buffer that a picture is captured into.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use gbm::{BufferObject, BufferObjectFlags, Device, Format, Modifier};
use rustix::fs::{MemfdFlags, memfd_create};
use wayland_client::QueueHandle;
use wayland_client::protocol::wl_buffer::WlBuffer;
use wayland_client::protocol::wl_shm::{Format as ShmFormat, WlShm};
use wayland_protocols::wp::linux_dmabuf::zv1::client::zwp_linux_buffer_params_v1::Flags;
use wayland_protocols::wp::linux_dmabuf::zv1::client::zwp_linux_dmabuf_v1::ZwpLinuxDmabufV1;

use super::capture::State;

/// Bytes of a pixel.
const PIXEL: usize = 4;

/// What each byte is before anything is captured.
const EMPTY: u8 = 0x5a;

/// Where its pixels are.
enum Memory {
    Shared(File),
    Gpu { object: BufferObject<()>, node: PathBuf },
}

/// A buffer for one picture, XRGB8888.
pub struct Canvas {
    pub buffer: WlBuffer,
    memory: Memory,
    width: u32,
    height: u32,
}

fn gpu(node: &Path) -> Result<Device<File>> {
    let name = node.display();
    let file = File::options().read(true).write(true).open(node).with_context(|| name.to_string())?;
    Device::new(file).with_context(|| format!("GBM on {name}"))
}

impl Canvas {
    pub fn shared(shm: &WlShm, (width, height): (u32, u32), queue: &QueueHandle<State>) -> Result<Self> {
        let size = width * height * PIXEL as u32;
        let file = File::from(memfd_create("screen-client", MemfdFlags::CLOEXEC)?);
        file.set_len(size.into())?;
        let pool = shm.create_pool(file.as_fd(), size.try_into()?, queue, ());
        let (w, h) = (width.try_into()?, height.try_into()?);
        let buffer = pool.create_buffer(0, w, h, w * PIXEL as i32, ShmFormat::Xrgb8888, queue, ());
        pool.destroy();
        Ok(Self { buffer, memory: Memory::Shared(file), width, height })
    }

    /// Of a layout that the compositor named, if it named any but the driver's own.
    pub fn gpu(
        dmabuf: &ZwpLinuxDmabufV1,
        node: &Path,
        (width, height): (u32, u32),
        modifiers: &[u64],
        queue: &QueueHandle<State>,
    ) -> Result<Self> {
        let device = gpu(node)?;
        let named: Vec<Modifier> = modifiers
            .iter()
            .map(|modifier| Modifier::from(*modifier))
            .filter(|one| *one != Modifier::Invalid)
            .collect();
        let usage = BufferObjectFlags::RENDERING;
        let (format, own) = (Format::Xrgb8888, Modifier::Invalid);
        let with = device.create_buffer_object_with_modifiers2(width, height, format, named.iter().copied(), usage);
        let (mut object, modifier): (BufferObject<()>, Modifier) = match with {
            Ok(object) if !named.is_empty() => {
                let modifier = object.modifier();
                (object, modifier)
            }
            // A driver without modifiers.
            _ => (device.create_buffer_object(width, height, format, usage).context("no GPU buffer")?, own),
        };
        // So that what was not captured is seen.
        object.map_mut(0, 0, width, height, |map| map.buffer_mut().fill(EMPTY))?;
        eprintln!("a GPU buffer of {width}x{height}, {modifier:?}, of {modifiers:x?}");
        let params = dmabuf.create_params(queue, ());
        let bits = u64::from(modifier);
        for plane in 0..object.plane_count() {
            let number = i32::try_from(plane)?;
            let fd = object.fd_for_plane(number)?;
            let (offset, stride) = (object.offset(number), object.stride_for_plane(number));
            params.add(fd.as_fd(), plane, offset, stride, (bits >> 32) as u32, (bits & 0xffff_ffff) as u32);
        }
        let (w, h) = (width.try_into()?, height.try_into()?);
        let buffer = params.create_immed(w, h, format as u32, Flags::empty(), queue, ());
        params.destroy();
        Ok(Self { buffer, memory: Memory::Gpu { object, node: node.into() }, width, height })
    }

    /// R, G, B of each pixel, rows without padding.
    pub fn colours(&self) -> Result<Vec<u8>> {
        let (width, height) = (self.width as usize, self.height as usize);
        let rgb = |bytes: &[u8], stride: usize| -> Vec<u8> {
            let rows = bytes.chunks(stride).take(height).map(|row| &row[..width * PIXEL]);
            rows.flat_map(|row| row.chunks_exact(PIXEL).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]])).collect()
        };
        match &self.memory {
            Memory::Shared(file) => {
                let mut bytes = vec![0; width * height * PIXEL];
                file.read_exact_at(&mut bytes, 0)?;
                Ok(rgb(&bytes, width * PIXEL))
            }
            Memory::Gpu { object, node } => {
                // Read as by another process: drivers (virgl) believe that they know what their own has written.
                let device = gpu(node)?;
                let (w, h) = (self.width, self.height);
                let (fd, stride) = (object.fd()?, object.stride());
                let usage = BufferObjectFlags::RENDERING;
                let again: BufferObject<()> =
                    device.import_buffer_object_from_dma_buf(fd.as_fd(), w, h, stride, Format::Xrgb8888, usage)?;
                Ok(again.map(0, 0, w, h, |map| rgb(map.buffer(), map.stride() as usize))?)
            }
        }
    }

    /// Writes the picture as PNG.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut encoder = png::Encoder::new(File::create(path)?, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        Ok(encoder.write_header()?.write_image_data(&self.colours()?)?)
    }
}
