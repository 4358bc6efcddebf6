//! The arrow shown where a client sets no picture of its own: drawn here, so that no cursor theme has to be
//! installed. Pure.

use kiosk_core::config::ScaleFactor;
use smithay::utils::{Physical, Point};

/// Edge length at scale 1, pixels.
const BASE: f64 = 24.0;
/// Points across and down that a pixel's coverage is sampled at.
const SAMPLES: u32 = 4;
/// The outline's corners in units of the edge length, tip first: a classic arrow with a tail.
const OUTLINE: [(f64, f64); 7] =
    [(0.08, 0.04), (0.08, 0.80), (0.26, 0.63), (0.38, 0.92), (0.52, 0.86), (0.40, 0.58), (0.64, 0.58)];
/// Width of the dark border, in the same units.
const BORDER: f64 = 0.055;

/// Edge length in pixels for an output's scale.
pub fn size(scale: f64) -> u32 {
    (BASE * ScaleFactor::nearest(scale).get()).round() as u32
}

/// Where the tip is, in pixels.
pub fn hotspot(scale: f64) -> Point<i32, Physical> {
    let size = f64::from(size(scale));
    ((OUTLINE[0].0 * size).round() as i32, (OUTLINE[0].1 * size).round() as i32).into()
}

/// A white arrow with a black border, premultiplied B, G, R, A, `size` × `size` pixels.
pub fn paint(size: u32) -> Vec<u8> {
    let mut pixels = Vec::with_capacity((size * size * 4) as usize);
    for y in 0..size {
        for x in 0..size {
            let (mut fill, mut border) = (0u32, 0u32);
            for sample in 0..SAMPLES * SAMPLES {
                let part = |n: u32| (f64::from(n) + 0.5) / f64::from(SAMPLES);
                let px = (f64::from(x) + part(sample % SAMPLES)) / f64::from(size);
                let py = (f64::from(y) + part(sample / SAMPLES)) / f64::from(size);
                if edge_distance(px, py) < BORDER {
                    border += 1;
                } else if inside(px, py) {
                    fill += 1;
                }
            }
            let total = SAMPLES * SAMPLES;
            let white = (fill * 255 / total) as u8;
            let alpha = ((fill + border) * 255 / total) as u8;
            pixels.extend_from_slice(&[white, white, white, alpha]);
        }
    }
    pixels
}

fn edges() -> impl Iterator<Item = ((f64, f64), (f64, f64))> {
    OUTLINE.into_iter().zip(OUTLINE.into_iter().cycle().skip(1))
}

fn inside(x: f64, y: f64) -> bool {
    edges().filter(|((ax, ay), (bx, by))| (*ay > y) != (*by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax).count()
        % 2
        == 1
}

fn edge_distance(x: f64, y: f64) -> f64 {
    let to_edge = |((ax, ay), (bx, by)): ((f64, f64), (f64, f64))| {
        let (dx, dy) = (bx - ax, by - ay);
        let along = (((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
        (x - ax - along * dx).hypot(y - ay - along * dy)
    };
    edges().map(to_edge).fold(f64::MAX, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arrow_is_white_inside_black_at_its_edge_and_clear_outside() {
        let size = 48;
        let pixels = paint(size);
        let at = |x: u32, y: u32| &pixels[((y * size + x) * 4) as usize..][..4];
        assert_eq!(at(10, 20), [255, 255, 255, 255]);
        assert_eq!(at(47, 0), [0, 0, 0, 0]);
        assert_eq!(at(4, 20)[3], 255);
        assert!(at(4, 20)[0] < 64);
    }
}
