//! Sets texts in lines and paints them: used by the layout for sizes and by the painter for pixels. cosmic-text does
//! shaping, bidirectional order and line breaks; cutting long texts is decided here. The library is initialised with
//! the first text.

use std::ops::Range;

use cosmic_text::{
    Attrs, Buffer, CacheKeyFlags, Family, FontSystem, Metrics, PhysicalGlyph, Shaping, SwashCache, SwashContent, Wrap,
};

use crate::{Image, Rgb, clean::clean, fonts::Fonts};

/// Largest text, pixels an em: also the limit of what a text's pixels may cost.
pub(crate) const MAX_EM: f32 = 128.0;
/// Of the built-in face, em: the height of a small x, what is above the baseline, and below.
const X_HEIGHT: f32 = 0.547;
const ASCENT: f32 = 1901.0 / 2048.0;
const DESCENT: f32 = 483.0 / 2048.0;
/// Smallest text that is drawn, pixels a small x: below, it is a smear.
const MIN_X_HEIGHT: f32 = 4.0;
/// Distance of two baselines, em; other faces have higher and deeper letters than the built-in one.
const LINE: f32 = 1.45;
const LINE_OF_OTHERS: f32 = 1.6;
/// What letters of other faces reach out above and below, em.
const RISE_OF_OTHERS: f32 = 0.3;
/// Replaces text that did not fit.
const ELLIPSIS: char = '…';

/// A size that text is set in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Size(f32);

impl Size {
    /// About `em` pixels; `None` where that is too small to be read.
    ///
    /// It is rounded so that small letters are whole pixels high: their tops are as sharp as the baseline.
    pub(crate) fn new(em: f32) -> Option<Self> {
        let x_height = (em.min(MAX_EM) * X_HEIGHT).round();
        (x_height >= MIN_X_HEIGHT).then_some(Self(x_height / X_HEIGHT))
    }

    /// Pixels an em.
    pub(crate) fn em(self) -> f32 {
        self.0
    }

    /// Letters such as j reach out of their own width by less than this.
    fn bleed(self) -> u32 {
        (self.0 * 0.15).ceil() as u32
    }

    fn ascent(self) -> u32 {
        (self.0 * ASCENT).round() as u32
    }

    fn line_height(self) -> u32 {
        self.ascent() + (self.0 * DESCENT).ceil() as u32
    }
}

/// What a text may take, pixels and lines.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Room {
    pub width: u32,
    pub height: u32,
    pub lines: usize,
}

/// A text in lines, ready to be painted into a picture of `width` × `height`, each line centred.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    /// As they are read, without what is not shown.
    pub lines: Vec<String>,
    /// Pixels an em.
    pub em: f32,
    pub width: u32,
    pub height: u32,
    /// Number of characters of the text that are shown, if not all.
    pub cut_to: Option<usize>,
    glyphs: Vec<PhysicalGlyph>,
}

impl PartialEq for Setting {
    fn eq(&self, other: &Self) -> bool {
        (&self.lines, self.em, self.width, self.height) == (&other.lines, other.em, other.width, other.height)
    }
}

impl Setting {
    fn nothing(size: Size, cut_to: Option<usize>) -> Self {
        Self { lines: Vec::new(), em: size.0, width: 0, height: 0, cut_to, glyphs: Vec::new() }
    }

    /// Whether there is nothing to see.
    pub(crate) fn is_empty(&self) -> bool {
        self.width == 0
    }
}

/// Sets texts in the given faces.
pub(crate) struct Typesetter<'a> {
    fonts: &'a Fonts,
    library: Option<(FontSystem, SwashCache)>,
}

/// A line as it was broken.
struct Line {
    /// In the text.
    range: Range<usize>,
    /// Where letters begin and end, pixels.
    ink: Range<f32>,
    glyphs: Vec<cosmic_text::LayoutGlyph>,
}

impl<'a> Typesetter<'a> {
    pub(crate) fn new(fonts: &'a Fonts) -> Self {
        Self { fonts, library: None }
    }

    /// `text` as one line: white space is one blank, and what does not fit is `…`.
    pub(crate) fn one_line(&mut self, text: &str, size: Size, width: u32) -> Setting {
        self.set_cleaned(text, false, Wrap::None, size, Room { width, height: u32::MAX, lines: 1 })
    }

    /// `text` as one paragraph, broken as [`Typesetter::set`] breaks it: all white space is one blank.
    pub(crate) fn paragraph(&mut self, text: &str, size: Size, room: Room) -> Setting {
        self.set_cleaned(text, false, Wrap::WordOrGlyph, size, room)
    }

    /// `text` in as many lines as there is room for, broken where its language allows it and, where a word is longer
    /// than a line, within it. Line feeds are kept, outer empty lines are not; the last line says with `…` that there
    /// was more.
    pub(crate) fn set(&mut self, text: &str, size: Size, room: Room) -> Setting {
        self.set_cleaned(text, true, Wrap::WordOrGlyph, size, room)
    }

    fn set_cleaned(&mut self, text: &str, feeds: bool, wrap: Wrap, size: Size, room: Room) -> Setting {
        let cleaned = clean(text, feeds);
        let text = cleaned.text;
        if text.is_empty() {
            return Setting::nothing(size, None);
        }
        let lines = self.lay_out(&text, size, room.width, wrap);
        let others = self.others(&lines);
        let most = room.lines.min(lines_in(size, others, room.height));
        let fit = |lines: &[Line]| {
            let widest = lines.iter().map(|line| line.ink.end - line.ink.start).fold(0.0, f32::max);
            lines.len() <= most && widest <= inner(size, room.width)
        };
        if fit(&lines) && !cleaned.cut {
            return self.setting(&text, lines, size, others, None);
        }
        let Some(last) = most.checked_sub(1).and_then(|last| lines.get(last).or(lines.last())) else {
            return Setting::nothing(size, Some(0));
        };
        // It ends somewhere in its last line; where, the ellipsis decides, which takes room too.
        let mut ends: Vec<usize> = last.glyphs.iter().flat_map(|glyph| [glyph.start, glyph.end]).collect();
        let base = last.range.start - last.glyphs.iter().map(|glyph| glyph.start).min().unwrap_or_default();
        ends.sort_unstable();
        ends.dedup();
        let cut = |end: &usize| text.get(..base + end).unwrap_or_default().trim_end();
        let with_ellipsis = |end: &usize| format!("{}{ELLIPSIS}", cut(end));
        let fits = ends.partition_point(|end| fit(&self.lay_out(&with_ellipsis(end), size, room.width, wrap)));
        let Some(end) = fits.checked_sub(1).and_then(|fits| ends.get(fits)) else {
            return Setting::nothing(size, Some(0));
        };
        let (shown, cut_to) = (with_ellipsis(end), cut(end).chars().count());
        let lines = self.lay_out(&shown, size, room.width, wrap);
        self.setting(&shown, lines, size, others, Some(cut_to))
    }

    /// Whether faces beside the built-in one are used.
    fn others(&self, lines: &[Line]) -> bool {
        let mut glyphs = lines.iter().flat_map(|line| &line.glyphs);
        let Some((system, _)) = &self.library else { return false };
        !self.fonts.is_only_builtin()
            && glyphs.any(|glyph| system.db().face(glyph.font_id).is_some_and(|face| !crate::fonts::is_builtin(face)))
    }

    fn lay_out(&mut self, text: &str, size: Size, width: u32, wrap: Wrap) -> Vec<Line> {
        let (system, _) = self.library.get_or_insert_with(|| (self.fonts.system(), SwashCache::new()));
        let mut buffer = Buffer::new_empty(Metrics::new(size.0, size.0 * LINE));
        buffer.set_size(Some(inner(size, width)), None);
        buffer.set_wrap(wrap);
        let attributes =
            Attrs::new().family(Family::Name(self.fonts.family())).cache_key_flags(CacheKeyFlags::DISABLE_HINTING);
        buffer.set_text(text, &attributes, Shaping::Advanced, None);
        buffer.shape_until_scroll(system, false);
        let starts: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let line = |run: cosmic_text::LayoutRun<'_>| {
            let paragraph = starts.get(run.line_i).copied().unwrap_or_default();
            let marks = run.glyphs.iter().filter(|glyph| !run.text.get(glyph.start..glyph.end).is_some_and(is_blank));
            let from = marks.clone().map(|glyph| glyph.x).fold(f32::INFINITY, f32::min);
            let to = marks.map(|glyph| glyph.x + glyph.w).fold(f32::NEG_INFINITY, f32::max);
            let ink = if from <= to { from..to } else { 0.0..0.0 };
            let first = run.glyphs.iter().map(|glyph| glyph.start).min().unwrap_or_default();
            let last = run.glyphs.iter().map(|glyph| glyph.end).max().unwrap_or_default();
            Line { range: paragraph + first..paragraph + last, ink, glyphs: run.glyphs.to_vec() }
        };
        buffer.layout_runs().map(line).collect()
    }

    fn setting(&self, text: &str, lines: Vec<Line>, size: Size, others: bool, cut_to: Option<usize>) -> Setting {
        let widest = lines.iter().map(|line| line.ink.end - line.ink.start).fold(0.0, f32::max);
        let width = if widest > 0.0 { widest.ceil() as u32 + 2 * size.bleed() } else { 0 };
        let mut glyphs = Vec::new();
        let mut baseline = rise(size, others) + size.ascent();
        for line in &lines {
            // Baselines and starts of lines are on whole pixels: equal letters look equal.
            let start = ((width as f32 - (line.ink.end - line.ink.start)) / 2.0).floor() - line.ink.start;
            glyphs.extend(line.glyphs.iter().map(|glyph| glyph.physical((start, baseline as f32), 1.0)));
            baseline += pitch(size, others);
        }
        Setting {
            width,
            height: height_of(size, others, lines.len()),
            em: size.0,
            cut_to,
            glyphs,
            lines: lines.into_iter().map(|line| text.get(line.range).unwrap_or_default().trim().to_owned()).collect(),
        }
    }

    /// The pixels of a text that was set here: letters in `ink` with `opacity`, pictures in their own colours.
    pub(crate) fn paint(&mut self, setting: &Setting, ink: Rgb, opacity: u8) -> Image {
        let mut image = Image::empty(setting.width, setting.height);
        let (system, cache) = self.library.get_or_insert_with(|| (self.fonts.system(), SwashCache::new()));
        for glyph in &setting.glyphs {
            let Some(picture) = cache.get_image(system, glyph.cache_key) else { continue };
            let (left, top) = (glyph.x + picture.placement.left, glyph.y - picture.placement.top);
            let width = picture.placement.width.max(1) as usize;
            let coloured = picture.content == SwashContent::Color;
            let rows = picture.data.chunks_exact(if coloured { width * 4 } else { width });
            for (y, row) in (top..).zip(rows) {
                if coloured {
                    for (x, pixel) in (left..).zip(row.chunks_exact(4)) {
                        let &[r, g, b, a] = pixel else { continue };
                        image.lay([r, g, b], a, x, y);
                    }
                } else {
                    for (x, coverage) in (left..).zip(row) {
                        image.lay(ink, times(*coverage, opacity), x, y);
                    }
                }
            }
        }
        image
    }
}

impl Image {
    /// Transparent.
    pub(crate) fn empty(width: u32, height: u32) -> Self {
        Self { width, height, data: vec![0; width as usize * height as usize * 4] }
    }

    /// Lays a colour over a pixel; outside the picture it is lost.
    fn lay(&mut self, [r, g, b]: Rgb, alpha: u8, x: i32, y: i32) {
        let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else { return };
        if x >= self.width || y >= self.height || alpha == 0 {
            return;
        }
        let at = (y as usize * self.width as usize + x as usize) * 4;
        let above = [times(b, alpha), times(g, alpha), times(r, alpha), alpha];
        for (below, above) in self.data.iter_mut().skip(at).zip(above) {
            *below = above.saturating_add(times(*below, 255 - alpha));
        }
    }
}

/// The product of two shares of 255.
pub(crate) fn times(a: u8, b: u8) -> u8 {
    ((u32::from(a) * u32::from(b) + 127) / 255) as u8
}

fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

/// What letters may take of a line of `width` pixels.
fn inner(size: Size, width: u32) -> f32 {
    width.saturating_sub(2 * size.bleed()) as f32
}

fn rise(size: Size, others: bool) -> u32 {
    if others { (size.0 * RISE_OF_OTHERS).ceil() as u32 } else { 0 }
}

fn pitch(size: Size, others: bool) -> u32 {
    (size.0 * if others { LINE_OF_OTHERS } else { LINE }).round() as u32
}

fn height_of(size: Size, others: bool, lines: usize) -> u32 {
    2 * rise(size, others) + size.line_height() + pitch(size, others) * lines.saturating_sub(1) as u32
}

/// How many lines fit into `height` pixels.
fn lines_in(size: Size, others: bool, height: u32) -> usize {
    let one = height_of(size, others, 1);
    height.checked_sub(one).map_or(0, |more| 1 + (more / pitch(size, others)) as usize)
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
