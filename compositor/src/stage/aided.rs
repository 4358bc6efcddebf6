//! Visual aids: contrast, inverted colours, magnifier. A frame is drawn into memory, changed there, and shown as one
//! element over the whole screen, so that every back end and renderer shows the same and no plane bypasses it. That
//! costs a copy of the screen for each frame; without an aid it costs nothing. Kept by the stage for each screen; made
//! in [`crate::draw`]. Captures include the aids, `kioskctl screenshot` does not.

use kiosk_core::config::Accessibility;
use smithay::{
    backend::{
        allocator::Fourcc,
        renderer::element::{RenderElementStates, memory::MemoryRenderBuffer},
    },
    utils::{Buffer, Physical, Point, Rectangle, Size, Transform},
};

/// The magnifier's factor.
const FACTOR: u32 = 2;
/// The magnifier's height in shares of the picture's.
const LENS: u32 = 3;
/// Its edge, in shares of the picture's height.
const EDGE: u32 = 200;
/// The contrast's gain around grey, in 256ths.
const CONTRAST: i32 = 460;
/// Bytes.
const PIXEL: usize = 4;

/// The changes to a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    contrast: bool,
    invert: bool,
    /// The magnifier's focus, in pixels of the upright picture.
    magnified: Option<Point<i32, Physical>>,
}

impl Look {
    /// `None`: nothing changes. `magnified`: the magnifier's focus, in pixels of the upright picture.
    pub fn of(aids: Accessibility, magnified: Option<Point<i32, Physical>>) -> Option<Self> {
        let Accessibility { contrast, invert, .. } = aids;
        (contrast || invert || magnified.is_some()).then_some(Self { contrast, invert, magnified })
    }

    /// Changes a picture of this width and height, R, G, B and a padding byte for each pixel.
    pub fn change(&self, size: (u32, u32), rgba: &mut [u8]) {
        if self.contrast || self.invert {
            let table: [u8; 256] = std::array::from_fn(|value| self.value(value as u8));
            for pixel in rgba.chunks_exact_mut(PIXEL) {
                for channel in pixel.iter_mut().take(3) {
                    *channel = table[usize::from(*channel)];
                }
            }
        }
        if let Some(focus) = self.magnified {
            magnify(size, rgba, focus);
        }
    }

    fn value(&self, value: u8) -> u8 {
        let stretched = match self.contrast {
            true => (128 + (i32::from(value) - 128) * CONTRAST / 256).clamp(0, 255) as u8,
            false => value,
        };
        if self.invert { 255 - stretched } else { stretched }
    }
}

/// The magnifier's rows: at the upper edge, or at the lower one while the focus is under it there. Touches beside it
/// land where they are seen.
fn lens(height: u32, focus: u32) -> std::ops::Range<u32> {
    let rows = (height / LENS).max(1);
    if focus < rows + rows / 4 { height - rows..height } else { 0..rows }
}

/// Enlarges the surroundings of this pixel over the whole width.
fn magnify((width, height): (u32, u32), rgba: &mut [u8], focus: Point<i32, Physical>) {
    if width < FACTOR || height < FACTOR * LENS {
        return;
    }
    let at = |place: i32, most: u32| u32::try_from(place.max(0)).unwrap_or(0).min(most - 1);
    let (x, y) = (at(focus.x, width), at(focus.y, height));
    let lens = lens(height, y);
    let (columns, rows) = (width / FACTOR, (lens.end - lens.start).div_ceil(FACTOR));
    let left = x.saturating_sub(columns / 2).min(width - columns);
    let top = y.saturating_sub(rows / 2).min(height - rows);
    let line = |row: u32| row as usize * width as usize * PIXEL;
    let seen: Vec<u8> = (top..top + rows)
        .flat_map(|row| {
            let start = line(row) + left as usize * PIXEL;
            rgba.get(start..start + columns as usize * PIXEL).unwrap_or_default().iter().copied()
        })
        .collect();
    let edge = (height / EDGE).max(2);
    let inner = if lens.start == 0 { lens.end - edge..lens.end } else { lens.start..lens.start + edge };
    for row in lens.clone() {
        let start = line(row);
        let Some(target) = rgba.get_mut(start..start + width as usize * PIXEL) else { continue };
        if inner.contains(&row) {
            // Light and dark: seen on any picture.
            let light = row - inner.start < edge / 2;
            target.fill(if light { 255 } else { 0 });
            target.iter_mut().skip(3).step_by(PIXEL).for_each(|alpha| *alpha = 255);
            continue;
        }
        let source = ((row - lens.start) / FACTOR) as usize * columns as usize * PIXEL;
        for (column, pixel) in target.chunks_exact_mut(PIXEL).enumerate() {
            let from = source + (column / FACTOR as usize).min(columns as usize - 1) * PIXEL;
            if let Some(seen) = seen.get(from..from + PIXEL) {
                pixel.copy_from_slice(seen);
            }
        }
    }
}

/// A picture in memory with damage by rows.
#[derive(Default)]
pub struct Canvas(Option<(Size<i32, Buffer>, MemoryRenderBuffer)>);

impl Canvas {
    /// Takes a new picture, R, G, B and a padding byte for each pixel. Only rows that differ are damaged.
    pub fn show(&mut self, (width, height): (u32, u32), rgba: &[u8]) -> &MemoryRenderBuffer {
        let size = Size::from((width.cast_signed(), height.cast_signed()));
        let (_, buffer) = match self.0.take_if(|(other, _)| *other != size) {
            Some(_) => self.0.insert(fresh(size, rgba)),
            None => self.0.get_or_insert_with(|| fresh(size, rgba)),
        };
        let written = buffer.render().draw(|shown| {
            let changed = changed_rows(shown, rgba, width as usize * PIXEL);
            shown.copy_from_slice(rgba);
            Ok::<_, std::convert::Infallible>(
                changed.map(|(first, count)| rows(size, first, count)).into_iter().collect(),
            )
        });
        written.unwrap_or_else(|never| match never {});
        buffer
    }

    /// The last picture.
    pub fn buffer(&self) -> Option<&MemoryRenderBuffer> {
        self.0.as_ref().map(|(_, buffer)| buffer)
    }
}

/// One screen's picture with aids.
#[derive(Default)]
pub struct AidedPicture {
    /// What is shown.
    pub canvas: Canvas,
    /// The render states of clients' surfaces.
    pub states: RenderElementStates,
}

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

    /// A picture whose pixels say where they are.
    fn picture(width: u32, height: u32) -> Vec<u8> {
        (0..width * height).flat_map(|at| [(at % width) as u8, (at / width) as u8, 0, 255]).collect()
    }

    fn look(contrast: bool, invert: bool, magnified: Option<(i32, i32)>) -> Look {
        Look { contrast, invert, magnified: magnified.map(Point::from) }
    }

    #[test]
    fn colours_are_inverted_and_stretched_from_the_middle() {
        assert_eq!([0, 100, 255].map(|value| look(false, true, None).value(value)), [255, 155, 0]);
        let contrast = look(true, false, None);
        assert_eq!([0, 128, 255].map(|value| contrast.value(value)), [0, 128, 255]);
        assert!(contrast.value(100) < 90 && contrast.value(160) > 170);
    }

    #[test]
    fn the_magnified_area_is_doubled_and_not_covered_by_the_magnifier() {
        for (focus, rows) in [((50, 70), 0..30u32), ((50, 10), 60..90), ((0, 89), 0..30), ((99, 0), 60..90)] {
            let mut changed = picture(100, 90);
            look(false, false, Some(focus)).change((100, 90), &mut changed);
            let pixel = |x: usize, y: u32| [0, 1, 2].map(|channel| changed[(y as usize * 100 + x) * 4 + channel]);
            let same = (0..90).filter(|row| !rows.contains(row));
            for row in same {
                assert_eq!(pixel(7, row), [7, row as u8, 0], "{focus:?}");
            }
            let middle = rows.start + 14;
            let [x, y, _] = pixel(50, middle);
            let near =
                |at: u8, wanted: i32, least: i32, most: i32| (i32::from(at) - wanted.clamp(least, most)).abs() <= 1;
            assert!(near(x, focus.0, 25, 75) && near(y, focus.1, 7, 82), "{focus:?}: {x} {y}");
            assert_eq!(pixel(51, middle), [x, y, 0], "two pixels for each");
            assert_eq!(pixel(52, middle), [x + 1, y, 0]);
        }
    }

    #[test]
    fn any_size_and_position_is_accepted() {
        for (width, height) in [(0, 0), (1, 1), (3, 200), (200, 3), (7, 6)] {
            for focus in [(-5, -5), (0, 0), (i32::MAX, i32::MIN), (6, 5)] {
                let mut changed = picture(width, height);
                look(true, true, Some(focus)).change((width, height), &mut changed);
            }
        }
    }
}
