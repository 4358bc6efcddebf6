//! The scale for `auto`, from the pixel density of the mode in force. Pure; used when configuration or a change is
//! applied, and by a [`super::Screen`] with an automatic scale when its mode changes.

use kiosk_core::config::{Scale, ScaleFactor};

/// Density for a scale of 1, pixels per millimetre (about 110 dpi).
const BASE_DENSITY: f64 = 110.0 / 25.4;
/// Smallest credible panel, millimetres: projectors and adapters report sizes in centimetres, or their aspect ratio.
const SMALLEST: (i32, i32) = (60, 40);

/// The scale in force of a panel with this many pixels and of this size (`physical`, millimetres). `auto`
/// goes in quarters, and is 1 where either is not known.
pub fn scale_of(scale: Scale, pixels: Option<(i32, i32)>, physical: (i32, i32)) -> ScaleFactor {
    let (width, height) = physical;
    let pixels = match (scale, pixels) {
        (Scale::Fixed(scale), _) => return scale,
        (Scale::Auto, Some(pixels)) if width >= SMALLEST.0 && height >= SMALLEST.1 => pixels,
        (Scale::Auto, _) => return ScaleFactor::ONE,
    };
    let density = f64::from(pixels.0.max(pixels.1)) / f64::from(width.max(height));
    ScaleFactor::nearest((density / BASE_DENSITY * 4.0).round() / 4.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_follows_the_density_and_does_not_believe_everything() {
        let auto = |width, height, physical| scale_of(Scale::Auto, Some((width, height)), physical).get();
        assert_eq!(auto(1920, 1080, (527, 296)), 1.0, "a desk monitor");
        assert_eq!(auto(3840, 2160, (597, 336)), 1.5, "27 inches in 4K");
        assert_eq!(auto(3840, 2160, (1210, 680)), 1.0, "a television");
        assert_eq!(auto(1200, 1920, (136, 217)), 2.0, "a tablet's panel, upright");
        assert_eq!(auto(3840, 2160, (16, 9)), 1.0, "a ratio is no size");
        assert_eq!(auto(3840, 2160, (0, 0)), 1.0);
        assert_eq!(auto(15360, 8640, (60, 40)), 4.0);
        assert_eq!(scale_of(Scale::Auto, None, (527, 296)).get(), 1.0);
        assert_eq!(scale_of(Scale::fixed(2.5).unwrap(), None, (0, 0)).get(), 2.5);
    }
}
