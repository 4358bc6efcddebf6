//! Writes a picture into a client's shared memory, the only place that does. The client may change and truncate that
//! memory at any time, so nothing is read from it, and every row is checked against the pool that smithay has mapped.

use smithay::{
    reexports::wayland_server::protocol::{wl_buffer::WlBuffer, wl_shm},
    wayland::shm::{with_buffer_contents, with_buffer_contents_mut},
};

/// The format of all captures, in memory B, G, R and an unused byte: every client of `wl_shm` supports it.
pub const FORMAT: wl_shm::Format = wl_shm::Format::Xrgb8888;

/// Bytes of a pixel.
const PIXEL: usize = 4;

/// The picture does not fit into the buffer.
#[derive(Debug)]
pub struct DoesNotFit;

/// Width and height of a buffer that a picture can be written to; `None`: it is not such a buffer.
pub fn shape(buffer: &WlBuffer) -> Option<(i32, i32)> {
    let data = with_buffer_contents(buffer, |_, _, data| data).ok()?;
    let roomy = i64::from(data.stride) >= i64::from(data.width) * PIXEL as i64;
    (data.format == FORMAT && roomy).then_some((data.width, data.height))
}

/// Writes `size` pixels of R, G, B and an unused byte, rows without padding, to this position of the buffer.
#[allow(unsafe_code)]
pub fn write(buffer: &WlBuffer, at: (i32, i32), size: (i32, i32), rgbx: &[u8]) -> Result<(), DoesNotFit> {
    let (Ok(x), Ok(y)) = (usize::try_from(at.0), usize::try_from(at.1)) else { return Err(DoesNotFit) };
    let (Ok(width), Ok(height)) = (usize::try_from(size.0), usize::try_from(size.1)) else { return Err(DoesNotFit) };
    if width == 0 || rgbx.len() < width * height * PIXEL {
        return Err(DoesNotFit);
    }
    let mut row = vec![0; width * PIXEL];
    let written = with_buffer_contents_mut(buffer, |memory, length, data| {
        let (offset, stride) = (usize::try_from(data.offset).ok()?, usize::try_from(data.stride).ok()?);
        for (number, pixels) in rgbx.chunks_exact(width * PIXEL).take(height).enumerate() {
            for (to, [r, g, b, _]) in row.as_chunks_mut().0.iter_mut().zip(pixels.as_chunks().0) {
                *to = [*b, *g, *r, 255];
            }
            let start = offset.checked_add((y + number).checked_mul(stride)?)?.checked_add(x * PIXEL)?;
            if start.checked_add(row.len())? > length {
                return None;
            }
            // SAFETY: the row lies within the pool's `length` bytes, which smithay keeps mapped, and catches faults of,
            // while this closure runs; `row` is our own memory. No reference into the client's memory is made.
            unsafe { std::ptr::copy_nonoverlapping(row.as_ptr(), memory.add(start), row.len()) };
        }
        Some(())
    });
    written.ok().flatten().ok_or(DoesNotFit)
}
