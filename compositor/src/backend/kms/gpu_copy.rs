//! Pictures for displays whose card has no GPU (a DisplayLink adapter, a simple framebuffer) beside a card that has one.
//! Clients draw on that GPU, and what is in their buffers cannot be read without it: such a display would be black. So
//! the GPU draws its frames too, into memory, and the display's own renderer puts them on the screen.

use smithay::{
    backend::{
        allocator::Fourcc,
        renderer::{
            element::{Kind, RenderElementStates, memory::MemoryRenderBuffer},
            gles::{GlesRenderer, GlesTexture},
            pixman::PixmanRenderer,
        },
    },
    utils::{Buffer, Point, Rectangle, Size, Transform},
};

use crate::{
    backend::{
        PresentError,
        capture::{Capture, draw},
    },
    stage::{Frame, elements::PixelElement},
};

/// A frame as a GPU drew it: upright, with the pointer.
pub struct GpuPicture {
    picture: Capture,
    /// What became of the elements that it is made of.
    pub states: RenderElementStates,
}

impl GpuPicture {
    /// Has this GPU draw the frame; `None`: it cannot, which is logged.
    pub fn draw(gles: &mut GlesRenderer, frame: &Frame<'_>) -> Option<Self> {
        match draw::<_, GlesTexture>(gles, frame, true) {
            Ok((picture, states)) => Some(Self { picture, states }),
            Err(error) => {
                tracing::debug!(%error, screen = frame.screen.name, "the GPU of another card does not draw this frame");
                None
            }
        }
    }
}

/// The last picture that another card's GPU drew for a display, as the display's own renderer shows it.
#[derive(Default)]
pub struct ShownPicture {
    buffer: Option<(Size<i32, Buffer>, MemoryRenderBuffer)>,
}

impl ShownPicture {
    /// The picture as an element that covers the screen. Only rows that changed are drawn anew.
    pub fn show(
        &mut self,
        renderer: &mut PixmanRenderer,
        picture: &GpuPicture,
    ) -> Result<PixelElement<PixmanRenderer>, PresentError> {
        let Capture { width, height, rgba } = &picture.picture;
        let size = Size::from((width.cast_signed(), height.cast_signed()));
        let (_, buffer) = match self.buffer.take_if(|(other, _)| *other != size) {
            Some(_) => self.buffer.insert(fresh(size, rgba)),
            None => self.buffer.get_or_insert_with(|| fresh(size, rgba)),
        };
        let written = buffer.render().draw(|shown| {
            let changed = changed_rows(shown, rgba, *width as usize * PIXEL);
            shown.copy_from_slice(rgba);
            Ok::<_, std::convert::Infallible>(
                changed.map(|(first, count)| rows(size, first, count)).into_iter().collect(),
            )
        });
        written.unwrap_or_else(|never| match never {});
        PixelElement::new(renderer, buffer, Point::default(), 1.0, Kind::Unspecified).map_err(PresentError::draw)
    }
}

/// Bytes.
const PIXEL: usize = 4;

fn fresh(size: Size<i32, Buffer>, rgba: &[u8]) -> (Size<i32, Buffer>, MemoryRenderBuffer) {
    let opaque = Some(vec![Rectangle::from_size(size)]);
    (size, MemoryRenderBuffer::from_slice(rgba, Fourcc::Xbgr8888, size, 1, Transform::Normal, opaque))
}

fn rows(size: Size<i32, Buffer>, first: usize, count: usize) -> Rectangle<i32, Buffer> {
    Rectangle::new((0, first as i32).into(), (size.w, count as i32).into())
}

/// The first row that differs, and how many there are from it to the last that does.
fn changed_rows(old: &[u8], new: &[u8], row: usize) -> Option<(usize, usize)> {
    let differ = |(old, new): (&[u8], &[u8])| old != new;
    let both = || old.chunks_exact(row.max(1)).zip(new.chunks_exact(row.max(1)));
    let first = both().position(differ)?;
    let last = both().rposition(differ)?;
    Some((first, last + 1 - first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_rows_between_the_first_and_the_last_change_are_new() {
        let old = [0u8; 6 * 8];
        assert_eq!(changed_rows(&old, &old, 8), None);
        let mut new = old;
        new[8 + 7] = 1;
        assert_eq!(changed_rows(&old, &new, 8), Some((1, 1)));
        new[4 * 8] = 1;
        assert_eq!(changed_rows(&old, &new, 8), Some((1, 4)));
        new[0] = 1;
        new[47] = 1;
        assert_eq!(changed_rows(&old, &new, 8), Some((0, 6)));
        assert_eq!(changed_rows(&[], &[], 0), None);
    }
}
