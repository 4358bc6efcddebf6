//! Paints the keyboard: rounded keys, their characters, and icons for keys without. Pure.

use kiosk_splash::{Image, Label, Rgb, Style, labels};

use super::Look;
use crate::keyboard::{
    board::{Board, Offer, Shift},
    geometry::Rect,
    page::{Cap, NEXT_LAYOUT, Page},
};

/// Space between keys, and the corners' radius, in shares of a row's height.
const GAP: i32 = 14;
const CORNER: f64 = 0.14;
/// Letters in proportion to their key.
const LETTER: f32 = 0.46;
const WORD: f32 = 0.3;
/// How far keys without characters are from the background to the keys' colour.
const SPECIAL: u8 = 110;
/// Width of an icon's lines, in shares of its size.
const STROKE: f64 = 0.13;

/// A picture in memory order B, G, R, A, without transparency.
struct Canvas {
    data: Vec<u8>,
    width: i32,
    height: i32,
}

/// The visible part of a key.
pub fn inset(area: Rect) -> Rect {
    let gap = (area.h / GAP).max(1);
    let (x, y) = (gap / 2, gap / 2);
    Rect { x: area.x + x, y: area.y + y, w: (area.w - gap).max(1), h: (area.h - gap).max(1) }
}

/// The inputs of painting.
pub struct Paint<'a> {
    /// The colours.
    pub look: &'a Look,
    /// The fonts.
    pub style: &'a Style,
    /// Leave out glyphs whose fonts are still being searched, instead of showing boxes.
    pub waits: bool,
}

impl Paint<'_> {
    /// The whole keyboard.
    pub fn board(&self, board: &Board, (width, height): (i32, i32)) -> Vec<u8> {
        let look = self.look;
        let mut canvas = Canvas::new(width, height, look.background);
        let mut texts = Vec::new();
        for cell in board.cells() {
            let face = inset(cell.area);
            let on = cell.key.cap == Cap::Shift && board.shift() == Shift::Locked;
            let fill = match cell.key.cap {
                Cap::Shift if on => look.accent,
                Cap::Letter(..) | Cap::Sign(_) | Cap::Dead(_) | Cap::Space => look.key,
                _ => blend(look.background, look.key, SPECIAL),
            };
            canvas.rounded(face, fill);
            let word = |text: String, share: f32| Label {
                text,
                em: (face.h as f32 * share).min(face.w as f32 * share * 1.3),
                width: face.w.unsigned_abs(),
                ink: look.text,
            };
            let lines = match cell.key.cap {
                Cap::Shift if board.shift() == Shift::Once => Some((SHIFT, look.accent)),
                Cap::Shift => Some((SHIFT, if on { look.background } else { look.text })),
                Cap::Backspace => Some((BACKSPACE, look.text)),
                Cap::Enter => Some((ENTER, look.text)),
                Cap::Hide => Some((HIDE, look.text)),
                _ => None,
            };
            if let Some((lines, ink)) = lines {
                canvas.sign(face, lines, ink);
                continue;
            }
            let text = match cell.key.cap {
                Cap::Space if board.keymap().layouts.len() > 1 => {
                    let name = board.layout().map(|layout| layout.name.to_uppercase()).unwrap_or_default();
                    let ink = blend(look.key, look.text, 150);
                    Label { ink, ..word(name, WORD) }
                }
                Cap::Space => continue,
                Cap::Dead(sign) => Label { ink: look.accent, ..word(sign.to_string(), LETTER) },
                Cap::NextLayout => word(NEXT_LAYOUT.into(), LETTER),
                Cap::Page(Page::Letters) => word("ABC".into(), WORD),
                Cap::Page(Page::Symbols | Page::Digits) => word("?123".into(), WORD),
                Cap::Page(Page::More) => word("=\\<".into(), WORD),
                cap => word(board.character(cap).map(String::from).unwrap_or_default(), LETTER),
            };
            texts.push((face, text));
        }
        self.texts(&mut canvas, &texts);
        canvas.data
    }

    /// The choices of a long press, without the mark of the chosen one.
    pub fn offer(&self, offer: &Offer) -> Vec<u8> {
        let look = self.look;
        let area = offer.area();
        let mut canvas = Canvas::new(area.w, area.h, blend(look.background, look.key, SPECIAL));
        let mut texts = Vec::new();
        for (cell, c) in &offer.cells {
            let face = inset(Rect { x: cell.x - area.x, y: cell.y - area.y, ..*cell });
            canvas.rounded(face, look.key);
            let em = (face.h as f32 * LETTER).min(face.w as f32 * 0.8);
            texts.push((face, Label { text: c.to_string(), em, width: face.w.unsigned_abs(), ink: look.text }));
        }
        self.texts(&mut canvas, &texts);
        canvas.data
    }

    /// Texts in the middle of their keys.
    fn texts(&self, canvas: &mut Canvas, texts: &[(Rect, Label)]) {
        let is_there = |(_, label): &&(Rect, Label)| !(self.waits && self.style.fonts.lacks(&label.text));
        let (faces, shown): (Vec<Rect>, Vec<Label>) = texts.iter().filter(is_there).cloned().unzip();
        for (face, image) in faces.into_iter().zip(labels(&shown, self.style)) {
            canvas.picture(face, &image);
        }
    }
}

/// A colour between two: 0 the first, 255 the second.
fn blend(from: Rgb, to: Rgb, share: u8) -> Rgb {
    let mix = |from: u8, to: u8| {
        let share = u32::from(share);
        ((u32::from(from) * (255 - share) + u32::from(to) * share + 127) / 255) as u8
    };
    [mix(from[0], to[0]), mix(from[1], to[1]), mix(from[2], to[2])]
}

/// Lines of an icon, from (-1, -1) to (1, 1).
type Lines = &'static [((f64, f64), (f64, f64))];

const SHIFT: Lines = &[
    ((0.0, -0.9), (0.9, 0.05)),
    ((0.0, -0.9), (-0.9, 0.05)),
    ((-0.9, 0.05), (-0.4, 0.05)),
    ((0.9, 0.05), (0.4, 0.05)),
    ((-0.4, 0.05), (-0.4, 0.85)),
    ((0.4, 0.05), (0.4, 0.85)),
    ((-0.4, 0.85), (0.4, 0.85)),
];
const BACKSPACE: Lines = &[
    ((-1.2, 0.0), (-0.5, -0.75)),
    ((-1.2, 0.0), (-0.5, 0.75)),
    ((-0.5, -0.75), (1.1, -0.75)),
    ((-0.5, 0.75), (1.1, 0.75)),
    ((1.1, -0.75), (1.1, 0.75)),
    ((0.0, -0.3), (0.6, 0.3)),
    ((0.6, -0.3), (0.0, 0.3)),
];
const ENTER: Lines = &[
    ((0.9, -0.7), (0.9, 0.25)),
    ((0.9, 0.25), (-0.9, 0.25)),
    ((-0.9, 0.25), (-0.4, -0.25)),
    ((-0.9, 0.25), (-0.4, 0.75)),
];
const HIDE: Lines = &[((-0.8, -0.35), (0.0, 0.45)), ((0.0, 0.45), (0.8, -0.35))];

/// How far a point is from a line.
fn distance((x, y): (f64, f64), ((ax, ay), (bx, by)): ((f64, f64), (f64, f64))) -> f64 {
    let (dx, dy) = (bx - ax, by - ay);
    let length = dx * dx + dy * dy;
    let along = if length > 0.0 { (((x - ax) * dx + (y - ay) * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
    (x - ax - along * dx).hypot(y - ay - along * dy)
}

impl Canvas {
    fn new(width: i32, height: i32, [r, g, b]: Rgb) -> Self {
        let pixels = usize::try_from(width.max(0)).unwrap_or(0) * usize::try_from(height.max(0)).unwrap_or(0);
        Self { data: [b, g, r, u8::MAX].repeat(pixels), width, height }
    }

    fn at(&mut self, x: i32, y: i32) -> Option<&mut [u8]> {
        if x < 0 || y < 0 || x >= self.width || y >= self.height {
            return None;
        }
        let start = (usize::try_from(y).ok()? * usize::try_from(self.width).ok()? + usize::try_from(x).ok()?) * 4;
        self.data.get_mut(start..start + 3)
    }

    fn lay(&mut self, x: i32, y: i32, color: Rgb, share: u8) {
        if share == 0 {
            return;
        }
        if let Some([b, g, r]) = self.at(x, y) {
            [*r, *g, *b] = blend([*r, *g, *b], color, share);
        }
    }

    /// A key's face.
    fn rounded(&mut self, face: Rect, color: Rgb) {
        let radius = (f64::from(face.h) * CORNER).max(1.0);
        let corner = radius.ceil() as i32;
        for y in 0..face.h {
            for x in 0..face.w {
                let (dx, dy) = (x.min(face.w - 1 - x), y.min(face.h - 1 - y));
                let share = if dx < corner && dy < corner {
                    let from = (radius - f64::from(dx) - 0.5).hypot(radius - f64::from(dy) - 0.5);
                    ((radius - from + 0.5).clamp(0.0, 1.0) * 255.0) as u8
                } else {
                    u8::MAX
                };
                self.lay(face.x + x, face.y + y, color, share);
            }
        }
    }

    /// An icon in the middle of a key.
    fn sign(&mut self, face: Rect, lines: Lines, ink: Rgb) {
        let size = f64::from(face.h.min(face.w)) * 0.24;
        let (cx, cy) = (f64::from(face.x) + f64::from(face.w) / 2.0, f64::from(face.y) + f64::from(face.h) / 2.0);
        let half = (size * STROKE).max(0.6);
        for y in face.y..face.y + face.h {
            for x in face.x..face.x + face.w {
                let point = ((f64::from(x) + 0.5 - cx) / size, (f64::from(y) + 0.5 - cy) / size);
                let near = lines.iter().map(|line| distance(point, *line) * size).fold(f64::INFINITY, f64::min);
                self.lay(x, y, ink, ((half - near + 0.5).clamp(0.0, 1.0) * 255.0) as u8);
            }
        }
    }

    fn picture(&mut self, face: Rect, image: &Image) {
        let (Ok(width), Ok(height)) = (i32::try_from(image.width), i32::try_from(image.height)) else { return };
        let (left, top) = (face.x + (face.w - width) / 2, face.y + (face.h - height) / 2);
        for (y, row) in (0i32..).zip(image.data.chunks_exact((image.width as usize * 4).max(1))) {
            for (x, pixel) in (0i32..).zip(row.chunks_exact(4)) {
                let (&[b, g, r, alpha], true) = (pixel, y < height) else { continue };
                if let Some([under_b, under_g, under_r]) = self.at(left + x, top + y) {
                    // Premultiplied.
                    let over = |under: u8, above: u8| {
                        above.saturating_add((u32::from(under) * u32::from(255 - alpha) / 255) as u8)
                    };
                    (*under_b, *under_g, *under_r) = (over(*under_b, b), over(*under_g, g), over(*under_r, r));
                }
            }
        }
    }
}
