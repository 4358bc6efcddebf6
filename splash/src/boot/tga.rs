//! The picture that the kernel of a Raspberry Pi shows before anything else runs (`fullscreen_logo=1`): uncompressed
//! TGA, 24 bit, less than 224 colours. The kernel pads a smaller picture with the colour of its first pixel, and crops
//! a larger one on all four sides.

use std::collections::BTreeSet;

use color_quant::NeuQuant;

use super::still::{Still, still};
use crate::{Rgb, Style};

/// Most colours: the kernel's palette has 224, and its tool requires fewer.
const MOST_COLORS: usize = 223;
/// Largest size that the kernel's tool accepts.
const MAX_WIDTH: u32 = 1920;
const MAX_HEIGHT: u32 = 1080;
/// Samples one pixel in so many for the palette: its own choice for speed against quality, 1 (all) to 30.
const SAMPLES: i32 = 3;

/// Why there is no picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FirmwareError {
    /// The size that was asked for.
    #[error("{0} × {1} pixels are no picture for the firmware: 1 × 1 to {MAX_WIDTH} × {MAX_HEIGHT} are allowed")]
    Size(u32, u32),
}

/// The splash without its dots, as it is on a screen of that size.
///
/// # Errors
///
/// A size that the kernel does not take.
pub fn firmware_picture(style: &Style, width: u32, height: u32) -> Result<Vec<u8>, FirmwareError> {
    if width == 0 || height == 0 || width > MAX_WIDTH || height > MAX_HEIGHT {
        return Err(FirmwareError::Size(width, height));
    }
    let Still { mut pixels, background } = still(style, width, height);
    reduce(&mut pixels, background);

    // No identification, no colour map, true colour; from the top (bit 5), no alpha.
    let [w, h] = [width, height].map(|side| (side as u16).to_le_bytes());
    let mut file = vec![0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, w[0], w[1], h[0], h[1], 24, 0x20];
    file.extend(pixels.iter().flat_map(|[r, g, b]| [*b, *g, *r]));
    Ok(file)
}

/// Reduces the number of colours. The background stays exact, else its edge would be visible when kioskd takes over.
fn reduce(pixels: &mut [Rgb], background: Rgb) {
    let colors: BTreeSet<Rgb> = pixels.iter().copied().collect();
    if colors.len() <= MOST_COLORS {
        return;
    }
    let [r, g, b] = background;
    let logo = pixels.iter().filter(|pixel| **pixel != background);
    let samples: Vec<u8> = logo.flat_map(|[r, g, b]| [*r, *g, *b, 255]).collect();
    let palette = NeuQuant::new(SAMPLES, MOST_COLORS - 1, &samples);
    let nearest = |[r, g, b]: Rgb| {
        let mut pixel = [r, g, b, 255];
        palette.map_pixel(&mut pixel);
        [pixel[0], pixel[1], pixel[2]]
    };
    for pixel in pixels.iter_mut().filter(|pixel| **pixel != [r, g, b]) {
        *pixel = nearest(*pixel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Logo;

    fn pixels(file: &[u8]) -> Vec<Rgb> {
        file[18..].chunks_exact(3).map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect()
    }

    #[test]
    fn the_kernel_takes_a_logo_of_however_many_colours() {
        let rainbow = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><linearGradient id='g'>\
            <stop stop-color='red'/><stop offset='.5' stop-color='#00f8'/><stop offset='1' stop-color='#ff0'/>\
            </linearGradient><circle cx='4' cy='4' r='4' fill='url(#g)'/></svg>";
        let style =
            Style { logo: Logo::from_bytes(rainbow.as_bytes()).unwrap(), background: [10, 20, 31], ..Style::default() };
        let file = firmware_picture(&style, 800, 480).unwrap();
        assert_eq!(&file[..18], &[0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20, 3, 0xe0, 1, 24, 0x20]);
        let pixels = pixels(&file);
        assert_eq!(pixels.len(), 800 * 480);
        let colors: BTreeSet<Rgb> = pixels.iter().copied().collect();
        assert!((100..224).contains(&colors.len()), "{} colours", colors.len());
        // What the kernel fills the rest of a larger screen with.
        assert_eq!(pixels[0], [10, 20, 31]);
        // Both ends of the rainbow are still what they were, nearly.
        let reddest = pixels.iter().map(|[r, g, b]| i32::from(*r) - i32::from(*g) - i32::from(*b)).max().unwrap();
        assert!(reddest > 200, "{reddest}");
    }

    #[test]
    fn few_colours_stay_exactly_what_they_are() {
        let square = "<svg xmlns='http://www.w3.org/2000/svg' width='1' height='1'>\
            <rect width='1' height='1' fill='#123457'/></svg>";
        let style = Style { logo: Logo::from_bytes(square.as_bytes()).unwrap(), ..Style::default() };
        let pixels = pixels(&firmware_picture(&style, 400, 300).unwrap());
        let of_the_logo = pixels.iter().filter(|pixel| **pixel == [0x12, 0x34, 0x57]).count();
        // A square of 0.3 of the shorter side, in the middle.
        assert_eq!(of_the_logo, 90 * 90);
        assert_eq!(pixels[150 * 400 + 200], [0x12, 0x34, 0x57]);
        assert_eq!(pixels.iter().filter(|pixel| **pixel == [0; 3]).count(), 400 * 300 - 90 * 90);
    }

    #[test]
    fn a_size_that_the_kernel_does_not_take_is_one_sentence() {
        let style = Style::default();
        for (width, height) in [(0, 1), (1, 0), (1921, 1080), (1920, 1081), (u32::MAX, u32::MAX)] {
            let error = firmware_picture(&style, width, height).unwrap_err();
            assert_eq!(error, FirmwareError::Size(width, height));
            assert!(error.to_string().ends_with("1 × 1 to 1920 × 1080 are allowed"), "{error}");
        }
    }
}
