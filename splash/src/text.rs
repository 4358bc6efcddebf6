//! Text in the one embedded face: cleaned, measured, cut, wrapped and painted. Called by the layout (which line
//! fits) and by the painter (its pixels). One glyph a character from left to right, with kerning: no shaping, no
//! right-to-left, no fallback to the system's fonts; what the face lacks is a box.

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
const ELLIPSIS: char = '…';

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

    /// `text` as one line of at most `width` pixels: white space is one blank, and what does not fit is `…`.
    pub(crate) fn one_line(&self, text: &str, width: u32) -> String {
        let room = self.room(width);
        let mut line = String::new();
        let mut pen = Pen::default();
        // Where the line is cut if it turns out not to fit.
        let mut cut = None;
        let mut blank = false;
        for c in text.chars() {
            if c.is_whitespace() {
                blank = !line.is_empty();
                continue;
            }
            if ignorable(c) {
                continue;
            }
            for c in std::iter::once(' ').filter(|_| std::mem::take(&mut blank)).chain([c]) {
                if pen.after(self, ELLIPSIS) <= room {
                    cut = Some(line.len());
                }
                pen.advance(self, c);
                line.push(c);
            }
            if pen.x > room {
                let Some(cut) = cut else { return String::new() };
                line.truncate(cut);
                line.truncate(line.trim_end().len());
                line.push(ELLIPSIS);
                return line;
            }
        }
        line
    }

    /// `text` in at most `most` lines of at most `width` pixels, broken at blanks and, where a word is longer than
    /// a line, within it. Line feeds are kept, outer empty lines are not; the last line says with `…` that there
    /// was more.
    pub(crate) fn wrap(&self, text: &str, width: u32, most: usize) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        let text = text.trim_matches(|c: char| c.is_whitespace() || ignorable(c));
        if text.is_empty() || most == 0 {
            return lines;
        }
        'all: for paragraph in text.split('\n') {
            let mut rest = Wrapped::default();
            for c in paragraph.chars().filter(|c| c.is_whitespace() || !ignorable(*c)) {
                if let Some(line) = rest.push(self, c, self.room(width)) {
                    lines.push(line);
                }
                if lines.len() > most {
                    break 'all;
                }
            }
            lines.push(rest.line.trim_end().to_string());
            if lines.len() > most {
                break;
            }
        }
        if lines.len() > most {
            lines.truncate(most);
            if let Some(last) = lines.last_mut() {
                last.push(ELLIPSIS);
                *last = self.one_line(last, width);
            }
        }
        lines
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
    fn width(&self, line: &str) -> f32 {
        let mut pen = Pen::default();
        line.chars().for_each(|c| {
            pen.advance(self, c);
        });
        pen.x
    }

    fn room(&self, width: u32) -> f32 {
        width.saturating_sub(2 * self.bleed()) as f32
    }

    /// Letters such as j reach out of their own width by less than this.
    fn bleed(&self) -> u32 {
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

/// Where the next glyph goes.
#[derive(Default, Clone, Copy)]
struct Pen {
    x: f32,
    last: Option<GlyphId>,
}

impl Pen {
    /// Places `c`: where it begins, and its glyph.
    fn advance(&mut self, face: &Face, c: char) -> (f32, GlyphId) {
        let glyph = face.font.glyph_id(c);
        let begin = self.x + self.last.map_or(0.0, |last| face.font.kern(last, glyph));
        self.x = begin + face.font.h_advance(glyph);
        self.last = Some(glyph);
        (begin, glyph)
    }

    /// Where the line would end with `c`.
    fn after(mut self, face: &Face, c: char) -> f32 {
        self.advance(face, c);
        self.x
    }
}

/// A line that is being filled.
#[derive(Default)]
struct Wrapped {
    line: String,
    pen: Pen,
    /// Byte index of the last blank.
    blank: Option<usize>,
}

impl Wrapped {
    /// Adds `c`; gives back the line that is full with it, and keeps the rest.
    fn push(&mut self, face: &Face, c: char, room: f32) -> Option<String> {
        if c.is_whitespace() {
            if self.line.is_empty() || self.line.ends_with(' ') {
                return None;
            }
            self.blank = Some(self.line.len());
        }
        let begin = self.line.len();
        let c = if c.is_whitespace() { ' ' } else { c };
        self.line.push(c);
        self.pen.advance(face, c);
        if self.pen.x <= room || begin == 0 {
            return None;
        }
        let rest = match self.blank {
            Some(blank) => self.line.split_off(blank).trim_start().to_string(),
            None => self.line.split_off(begin),
        };
        let full = std::mem::take(self).line;
        for c in rest.chars() {
            self.pen.advance(face, c);
        }
        self.line = rest;
        Some(full)
    }
}

/// Characters that leave no mark: controls, and those that only steer a shaper that is not here.
fn ignorable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn face() -> Face {
        Face::new(18.0).unwrap()
    }

    proptest! {
        #[test]
        fn a_cut_line_is_the_longest_beginning_that_fits(text in "[a-zA-Zäöß ]{0,80}", width in 60u32..900) {
            let face = face();
            let line = face.one_line(&text, width);
            let words: Vec<&str> = text.split_whitespace().collect();
            let whole = words.join(" ");
            prop_assert!(face.width(&line) <= face.room(width));
            if face.width(&whole) <= face.room(width) {
                prop_assert_eq!(line, whole);
            } else {
                let kept = line.strip_suffix(ELLIPSIS).unwrap();
                prop_assert!(whole.starts_with(kept) && !kept.ends_with(' '));
                let next = whole[kept.len()..].trim_start().chars().next().unwrap();
                let blank = if whole[kept.len()..].starts_with(' ') { " " } else { "" };
                let longer = format!("{kept}{blank}{next}{ELLIPSIS}");
                prop_assert!(face.width(&longer) > face.room(width), "{longer} fits as well");
            }
        }

        #[test]
        fn wrapping_loses_no_word_and_keeps_to_the_width(text in "[a-z \n]{0,300}", width in 80u32..600) {
            let face = face();
            let lines = face.wrap(&text, width, usize::MAX);
            prop_assert!(lines.iter().all(|line| face.width(line) <= face.room(width)));
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }

        #[test]
        fn painting_stays_in_the_measured_box(text in "(?s).{1,60}", em in 8.0f32..130.0) {
            let face = Face::new(em).unwrap();
            let lines = face.wrap(&text, 3_000, 4);
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
    fn lines_are_broken_at_blanks_and_words_only_if_they_must() {
        let face = face();
        let width = face.width("display system").ceil() as u32 + 2 * face.bleed();
        assert_eq!(face.wrap("kiosk display system", width, 9), ["kiosk display", "system"]);
        assert_eq!(face.wrap("kiosk\ndisplay system", width, 9), ["kiosk", "display system"].map(String::from));
        let broken = face.wrap("kioskdisplaysystem kiosk", width, 9);
        assert!(broken.len() == 2 && broken[0].starts_with("kioskdis"), "{broken:?}");
    }

    #[test]
    fn lines_left_out_are_announced() {
        let face = face();
        assert_eq!(face.wrap("a\nb\nc", 200, 3), ["a", "b", "c"]);
        assert_eq!(face.wrap("a\nb\nc", 200, 2), ["a", "b…"]);
        assert_eq!(face.wrap("a", 200, 0), Vec::<String>::new());
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
