//! From rectangles to pixels: each part of a layout becomes a piece with a picture of exactly its size. Called by
//! [`crate::compose`]; positions are decided by the layout.

use crate::{
    Animation, Image, Piece, Rgb, Scene, Style,
    color::foreground,
    scene::{Layout, Part, Rect, Tone},
    text::{Typesetter, times},
};

/// Opacities of secondary parts: the bar's track, the text under a title.
const TRACK: u8 = 0x38;
const QUIET: u8 = 0xd0;
const STRONG: u8 = 0xff;
/// Opacities of touch targets: normal, and chosen.
const PLATE: u8 = 0x24;
const STRONG_PLATE: u8 = 0x60;
/// Its corners, share of its height.
const CORNER: f32 = 0.22;

/// Coverage 0 to 255, a byte a pixel, rows without padding.
struct Mask {
    width: u32,
    height: u32,
    coverage: Vec<u8>,
}

/// Paints all parts.
pub(crate) fn paint(layout: &Layout, style: &Style, typesetter: &mut Typesetter<'_>) -> Scene {
    let ink = style.text_color.unwrap_or_else(|| foreground(style.background));
    let progress = style.progress_color.unwrap_or(ink);
    let mut pieces = Vec::with_capacity(layout.parts.len());
    let mut animation = None;
    for (rect, part) in &layout.parts {
        if *part == Part::Dot && animation.is_none() {
            animation = Some(Animation::dots(pieces.len()));
        }
        let image = image(rect, part, style, (ink, progress), typesetter);
        pieces.extend(image.map(|image| Piece { x: rect.x, y: rect.y, image }));
    }
    Scene { background: style.background, pieces, animation, pages: layout.pages.max(1) }
}

fn image(
    rect: &Rect,
    part: &Part,
    style: &Style,
    (ink, progress): (Rgb, Rgb),
    typesetter: &mut Typesetter<'_>,
) -> Option<Image> {
    let (width, height) = (rect.width, rect.height);
    match part {
        Part::Logo => style.logo.paint(width, height),
        Part::Dot | Part::Fill => Some(tint(&pill(width, height), progress, STRONG)),
        Part::Track => Some(tint(&pill(width, height), progress, TRACK)),
        Part::Plate { strong } => {
            let radius = width.min(height) as f32 * CORNER;
            Some(tint(&rounded(width, height, radius), ink, if *strong { STRONG_PLATE } else { PLATE }))
        }
        Part::Code(code) => Some(code.paint(width)),
        Part::Text { text, tone } => {
            let opacity = if *tone == Tone::Strong { STRONG } else { QUIET };
            Some(typesetter.paint(text, ink, opacity))
        }
    }
}

/// A bar with round ends, as long as the picture; a disc if that is square.
fn pill(width: u32, height: u32) -> Mask {
    rounded(width, height, width.min(height) as f32 / 2.0)
}

/// A rectangle with round corners.
fn rounded(width: u32, height: u32, radius: f32) -> Mask {
    let middle = (width as f32 / 2.0, height as f32 / 2.0);
    let straight = (middle.0 - radius, middle.1 - radius);
    let mut coverage = Vec::with_capacity(width as usize * height as usize);
    for y in 0..height {
        for x in 0..width {
            // Distance of the pixel's centre to the rectangle of the corners' centres.
            let dx = ((x as f32 + 0.5 - middle.0).abs() - straight.0).max(0.0);
            let dy = ((y as f32 + 0.5 - middle.1).abs() - straight.1).max(0.0);
            let inside = (radius + 0.5 - dx.hypot(dy)).clamp(0.0, 1.0);
            coverage.push((inside * 255.0).round() as u8);
        }
    }
    Mask { width, height, coverage }
}

/// `mask` in one colour, premultiplied.
fn tint(mask: &Mask, [r, g, b]: Rgb, opacity: u8) -> Image {
    let pixel = |coverage: &u8| {
        let alpha = times(*coverage, opacity);
        [times(b, alpha), times(g, alpha), times(r, alpha), alpha]
    };
    Image { width: mask.width, height: mask.height, data: mask.coverage.iter().flat_map(pixel).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_is_round_and_symmetric() {
        let dot = pill(9, 9);
        let at = |x: usize, y: usize| dot.coverage[y * 9 + x];
        assert_eq!(at(4, 4), 255);
        assert_eq!(at(0, 0), 0);
        for y in 0..9 {
            for x in 0..9 {
                assert_eq!(at(x, y), at(y, x));
                assert_eq!(at(x, y), at(8 - x, y));
            }
        }
    }

    #[test]
    fn a_bar_is_straight_between_its_round_ends() {
        let bar = pill(40, 6);
        assert!((3..37).all(|x| (0..6).all(|y| bar.coverage[y * 40 + x] == 255)));
        assert!(bar.coverage[0] < 64);
    }

    #[test]
    fn tinted_pixels_are_premultiplied() {
        let mask = Mask { width: 3, height: 1, coverage: vec![0, 128, 255] };
        assert_eq!(tint(&mask, [255, 128, 0], 255).data, [0, 0, 0, 0, 0, 64, 128, 128, 0, 128, 255, 255]);
    }
}
