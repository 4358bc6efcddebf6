//! The one embedded face: text measured and painted. Called by the layout (how large) and by the painter (its
//! pixels). One glyph a character from left to right, with kerning: no shaping, no right-to-left, no fallback to
//! the system's fonts; what the face lacks is a box.

use ab_glyph::{Font, FontRef, GlyphId, PxScaleFont, ScaleFont, point};

/// Largest text, pixels an em: also the limit of what a text's pixels may cost.
pub(crate) const MAX_EM: f32 = 128.0;
/// DejaVu Sans, reduced to Latin, Greek, Cyrillic, punctuation and arrows (`assets/font`).
const FONT: &[u8] = include_bytes!("../../assets/font/kiosk-sans.ttf");
/// Height of a small x, em.
const X_HEIGHT: f32 = 0.547;
/// Smallest text that is drawn, pixels a small x: below, it is a smear.
const MIN_X_HEIGHT: f32 = 4.0;
/// Distance of two baselines, em.
const LINE: f32 = 1.45;

/// The face at one size.
pub(crate) struct Face {
    font: PxScaleFont<FontRef<'static>>,
    em: f32,
}

/// Coverage 0 to 255, a byte a pixel, rows without padding.
pub(crate) struct Mask {
    pub width: u32,
    pub height: u32,
    pub coverage: Vec<u8>,
}

impl Face {
    /// The face at about `em` pixels; `None` where that is too small to be read.
    ///
    /// The size is rounded so that small letters are whole pixels high: their tops are as sharp as the baseline.
    pub(crate) fn new(em: f32) -> Option<Self> {
        let x_height = (em.min(MAX_EM) * X_HEIGHT).round();
        if x_height < MIN_X_HEIGHT {
            return None;
        }
        let em = x_height / X_HEIGHT;
        let font = FontRef::try_from_slice(FONT).ok()?;
        let scale = em * font.height_unscaled() / font.units_per_em()?;
        Some(Self { font: font.into_scaled(scale), em })
    }

    /// Pixels an em.
    pub(crate) fn em(&self) -> f32 {
        self.em
    }

    /// How many lines fit into `height` pixels.
    pub(crate) fn lines_in(&self, height: u32) -> usize {
        let first = self.line_height();
        height.checked_sub(first).map_or(0, |more| 1 + (more / self.pitch()) as usize)
    }

    /// Width and height of `lines`, pixels; `None` if there is nothing to see.
    pub(crate) fn measure(&self, lines: &[String]) -> Option<(u32, u32)> {
        let widest = lines.iter().map(|line| self.width(line)).fold(0.0, f32::max);
        if widest <= 0.0 {
            return None;
        }
        let more = self.pitch() * lines.len().saturating_sub(1) as u32;
        Some((widest.ceil() as u32 + 2 * self.bleed(), self.line_height() + more))
    }

    /// The coverage of `lines`, each centred, in a picture of the size that [`Self::measure`] gives them.
    pub(crate) fn paint(&self, lines: &[String], width: u32, height: u32) -> Mask {
        let mut mask = Mask { width, height, coverage: vec![0; width as usize * height as usize] };
        // Baselines and starts of lines are on whole pixels: equal letters look equal.
        let mut baseline = self.font.ascent().round();
        for line in lines {
            let start = ((width as f32 - self.width(line)) / 2.0).floor();
            self.paint_line(line, start, baseline, &mut mask);
            baseline += self.pitch() as f32;
        }
        mask
    }

    fn paint_line(&self, line: &str, start: f32, baseline: f32, mask: &mut Mask) {
        let mut pen = Pen { x: start, last: None };
        for c in line.chars() {
            let (x, glyph) = pen.advance(self, c);
            let glyph = glyph.with_scale_and_position(self.font.scale(), point(x, baseline));
            let Some(outline) = self.font.outline_glyph(glyph) else { continue };
            let bounds = outline.px_bounds();
            let (left, top) = (bounds.min.x as i64, bounds.min.y as i64);
            outline.draw(|x, y, coverage| mask.add(left + i64::from(x), top + i64::from(y), coverage));
        }
    }

    /// Length of `line`, pixels.
    pub(crate) fn width(&self, line: &str) -> f32 {
        let mut pen = Pen::default();
        line.chars().for_each(|c| {
            pen.advance(self, c);
        });
        pen.x
    }

    /// What a text may take of a line of `width` pixels.
    pub(crate) fn room(&self, width: u32) -> f32 {
        width.saturating_sub(2 * self.bleed()) as f32
    }

    /// Letters such as j reach out of their own width by less than this.
    pub(crate) fn bleed(&self) -> u32 {
        (self.em * 0.15).ceil() as u32
    }

    fn line_height(&self) -> u32 {
        (self.font.ascent().round() - self.font.descent()).ceil() as u32
    }

    fn pitch(&self) -> u32 {
        (self.em * LINE).round() as u32
    }
}

impl Mask {
    /// Lays `coverage` (0.0 to 1.0) over what is there; outside the picture it is lost.
    fn add(&mut self, x: i64, y: i64, coverage: f32) {
        if x < 0 || y < 0 || x >= i64::from(self.width) || y >= i64::from(self.height) {
            return;
        }
        let index = y as usize * self.width as usize + x as usize;
        if let Some(pixel) = self.coverage.get_mut(index) {
            *pixel = pixel.saturating_add((coverage * 255.0).round() as u8);
        }
    }
}

/// A line in the making.
#[derive(Default, Clone, Copy)]
pub(crate) struct Pen {
    /// Where the next glyph would go, pixels.
    pub x: f32,
    last: Option<GlyphId>,
}

impl Pen {
    /// Places `c`: where it begins, and its glyph.
    pub(crate) fn advance(&mut self, face: &Face, c: char) -> (f32, GlyphId) {
        let glyph = face.font.glyph_id(c);
        // A word is as long alone as after a blank: no kerning there.
        let last = self.last.take().filter(|_| c != ' ');
        let begin = self.x + last.map_or(0.0, |last| face.font.kern(last, glyph));
        self.x = begin + face.font.h_advance(glyph);
        self.last = Some(glyph).filter(|_| c != ' ');
        (begin, glyph)
    }

    /// Where the line would end with `c`.
    pub(crate) fn after(mut self, face: &Face, c: char) -> f32 {
        self.advance(face, c);
        self.x
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn painting_stays_in_the_measured_box(text in "(?s).{1,60}", em in 8.0f32..130.0) {
            let face = Face::new(em).unwrap();
            let (lines, _) = face.wrap(&text, 3_000, 4);
            if let Some((width, height)) = face.measure(&lines) {
                // With ten pixels more on both sides, these stay empty: nothing was cut off.
                let wide = face.paint(&lines, width + 20, height);
                for row in wide.coverage.chunks_exact(width as usize + 20) {
                    prop_assert!(row[..10].iter().chain(&row[width as usize + 10..]).all(|c| *c == 0), "{:?}", lines);
                }
            }
        }
    }

    #[test]
    fn a_size_stays_what_it_is_when_it_is_asked_for_again() {
        for size in 8..128 {
            let em = Face::new(size as f32).unwrap().em();
            assert_eq!(Face::new(em).unwrap().em(), em);
            assert!((em - size as f32).abs() <= 1.0, "{size} became {em}");
        }
        assert!(Face::new(5.0).is_none());
    }
}
