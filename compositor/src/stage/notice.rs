//! The notice: a line over everything on a screen that is being captured (`[capture] notice`), or whose page somebody
//! looks at by DevTools. It does not move, so that a still screen is drawn only when it appears and disappears.
//! [`crate::protocols`]' captures and the session's reports decide when it is shown; captures include it.

use kiosk_splash::{Fonts, Image, Label, Style, labels};
use smithay::{
    backend::{
        allocator::Fourcc,
        renderer::{
            ImportAll, ImportMem, Renderer,
            element::{Kind, memory::MemoryRenderBuffer},
        },
    },
    utils::{Physical, Point, Size, Transform},
};

use super::elements::{PixelElement, StageElement};

/// Text size, in shares of the picture's shorter side; and the smallest, in pixels at scale 1.
const LETTERS: f32 = 1.0 / 36.0;
const LEAST: f32 = 13.0;
/// Margin, in shares of the text size.
const MARGIN: f32 = 0.45;
/// Colours of background and text, visible on any page.
const BEHIND: [u8; 3] = [20, 20, 20];
const INK: [u8; 3] = [255, 255, 255];
/// Bytes.
const PIXEL: usize = 4;

/// The inputs of a notice's picture.
#[derive(Debug, Clone, PartialEq)]
struct From {
    text: String,
    size: (i32, i32),
    scale: f64,
    fonts: Fonts,
}

/// One screen's notice.
pub struct Notice {
    from: From,
    /// `None`: there is no room for any text.
    picture: Option<(MemoryRenderBuffer, Point<i32, Physical>)>,
}

impl Notice {
    /// The notice with this text, on a picture of this size; reuses the previous one if it is the same.
    pub fn paint(before: Option<Self>, text: String, size: Size<i32, Physical>, scale: f64, style: &Style) -> Self {
        let from = From { text, size: (size.w, size.h), scale, fonts: style.fonts.clone() };
        if let Some(before) = before.filter(|before| before.from == from) {
            return before;
        }
        let em = (size.w.min(size.h) as f32 * LETTERS).max(LEAST * scale as f32);
        let margin = (em * MARGIN).round() as u32;
        let width = size.w.max(0).unsigned_abs().saturating_sub(2 * margin);
        let label = Label { text: from.text.clone(), em, width, ink: INK };
        let line = labels(&[label], style).into_iter().next().filter(|line| line.width > 0 && line.height > 0);
        let picture = line.map(|line| {
            let (data, (w, h)) = framed(&line, margin);
            let at = Point::from(((size.w - w) / 2, 0));
            (MemoryRenderBuffer::from_slice(&data, Fourcc::Argb8888, (w, h), 1, Transform::Normal, None), at)
        });
        Self { from, picture }
    }

    /// Its element.
    pub fn element<R>(&self, renderer: &mut R) -> Option<StageElement<R>>
    where
        R: Renderer + ImportAll + ImportMem,
        R::TextureId: Clone + Send + 'static,
    {
        let (buffer, at) = self.picture.as_ref()?;
        PixelElement::new(renderer, buffer, *at, 1.0, Kind::Unspecified).ok().map(StageElement::from)
    }
}

/// The text on its background: premultiplied B, G, R, A, and its size.
fn framed(line: &Image, margin: u32) -> (Vec<u8>, (i32, i32)) {
    let (width, height) = (line.width + 2 * margin, line.height + margin);
    let [r, g, b] = BEHIND;
    let mut data = [b, g, r, 255].repeat(width as usize * height as usize);
    let rows = line.data.chunks_exact(line.width as usize * PIXEL).enumerate();
    for (row, letters) in rows {
        let start = ((row + margin as usize / 2) * width as usize + margin as usize) * PIXEL;
        let Some(plate) = data.get_mut(start..start + letters.len()) else { continue };
        for (below, above) in plate.chunks_exact_mut(PIXEL).zip(letters.chunks_exact(PIXEL)) {
            let through = 255 - u32::from(above[3]);
            for (below, above) in below.iter_mut().zip(above).take(3) {
                *below = (u32::from(*above) + u32::from(*below) * through / 255).min(255) as u8;
            }
        }
    }
    (data, (width.cast_signed(), height.cast_signed()))
}
