//! The splash without its dots, as pixels: what is shown by firmware and kernels, which move nothing. Called by the
//! modules of their formats.

use crate::{Progress, Rgb, Style, View, compose};

/// The splash of a screen of that size.
pub(super) struct Still {
    /// Row by row.
    pub(super) pixels: Vec<Rgb>,
    /// Around the logo.
    pub(super) background: Rgb,
}

pub(super) fn still(style: &Style, width: u32, height: u32) -> Still {
    let scene = compose(&View::Splash { message: None, progress: Progress::None }, style, width, height, 1.0);
    let mut pixels = vec![scene.background; width as usize * height as usize];
    for piece in &scene.pieces {
        let rows = piece.image.data.chunks_exact(piece.image.width as usize * 4);
        for (y, row) in (piece.y.max(0) as usize..).zip(rows) {
            let start = y * width as usize + piece.x.max(0) as usize;
            for (pixel, over) in pixels.iter_mut().skip(start).zip(row.chunks_exact(4)) {
                *pixel = blend(*pixel, over);
            }
        }
    }
    Still { pixels, background: scene.background }
}

/// A premultiplied B, G, R, A pixel over an opaque one.
fn blend(below: Rgb, over: &[u8]) -> Rgb {
    let [b, g, r, a] = <[u8; 4]>::try_from(over).unwrap_or_default();
    let mix = |below: u8, over: u8| {
        let rest = (u32::from(below) * (255 - u32::from(a)) + 127) / 255;
        (rest + u32::from(over)).min(255) as u8
    };
    let [below_r, below_g, below_b] = below;
    [mix(below_r, r), mix(below_g, g), mix(below_b, b)]
}
