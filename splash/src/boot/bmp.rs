//! The picture that systemd-stub shows while firmware hands over to the kernel (`ukify --splash=`): uncompressed BMP, 24
//! bit. The stub paints the whole screen black, and the picture in its middle, as large as it is; one that is larger than
//! the screen it does not show.

use super::still::{Still, still};
use crate::{Rgb, Style};

/// Largest screen: the stub takes a picture of 64 MB, and each kernel has one.
const MAX_WIDTH: u32 = 3840;
const MAX_HEIGHT: u32 = 2160;
/// Bytes before the pixels: the file's header and BITMAPINFOHEADER.
const HEADER: u32 = 14 + 40;
/// What the stub paints around the picture.
const AROUND: Rgb = [0; 3];

/// Why there is no picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UefiError {
    /// The size that was asked for.
    #[error("{0} × {1} pixels are no screen for UEFI's picture: 1 × 1 to {MAX_WIDTH} × {MAX_HEIGHT} are allowed")]
    Size(u32, u32),
}

/// The splash without its dots, as it is on a screen of that size. On a black background only what has the logo in it,
/// so that other screens show it, too: in the middle, as large; on any other the whole screen.
///
/// # Errors
///
/// A size that is too large, or none.
pub fn uefi_picture(style: &Style, width: u32, height: u32) -> Result<Vec<u8>, UefiError> {
    if width == 0 || height == 0 || width > MAX_WIDTH || height > MAX_HEIGHT {
        return Err(UefiError::Size(width, height));
    }
    let Still { pixels, background } = still(style, width, height);
    let [width, height] = [width, height].map(|side| side as usize);
    let (left, top) = if background == AROUND { margins(&pixels, width, height) } else { (0, 0) };
    let (across, down) = (width - 2 * left, height - 2 * top);

    // A row has a multiple of four bytes.
    let padding = across % 4;
    let size = (across * 3 + padding) * down;
    let mut file = b"BM".to_vec();
    let number = |file: &mut Vec<u8>, value: usize| file.extend((value as u32).to_le_bytes());
    for value in [HEADER as usize + size, 0, HEADER as usize, 40, across, down] {
        number(&mut file, value);
    }
    // One plane, 24 bit, not compressed; 72 pixels an inch; no palette.
    file.extend([1, 0, 24, 0]);
    for value in [0, size, 2835, 2835, 0, 0] {
        number(&mut file, value);
    }
    // From the bottom.
    for row in pixels.chunks_exact(width).rev().skip(top).take(down) {
        file.extend(row.iter().skip(left).take(across).flat_map(|[r, g, b]| [*b, *g, *r]));
        file.extend(std::iter::repeat_n(0, padding));
    }
    Ok(file)
}

/// How much of the left and the right, and of the top and the bottom, can go alike, so that the middle stays where it
/// is: all of it is black. Without a logo one pixel or two stay.
fn margins(pixels: &[Rgb], width: usize, height: usize) -> (usize, usize) {
    let (mut left, mut top) = ((width - 1) / 2, (height - 1) / 2);
    for (y, row) in pixels.chunks_exact(width).enumerate() {
        let black = |pixel: &Rgb| *pixel == AROUND;
        let Some(first) = row.iter().position(|pixel| !black(pixel)) else { continue };
        let last = row.iter().rposition(|pixel| !black(pixel)).unwrap_or(first);
        left = left.min(first).min(width - 1 - last);
        top = top.min(y).min(height - 1 - y);
    }
    (left, top)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Logo, Position};

    /// Width, height, and the pixels from the top, after what systemd-stub checks (`bmp_parse_header`).
    fn read(file: &[u8]) -> (usize, usize, Vec<Rgb>) {
        let number = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
        assert_eq!((&file[..2], number(2), number(10), number(14)), (&b"BM"[..], file.len(), 54, 40));
        assert_eq!((&file[26..30], number(30), number(46), number(50)), (&[1, 0, 24, 0][..], 0, 0, 0));
        let (width, height) = (number(18), number(22));
        let row = (24 * width).div_ceil(32) * 4;
        assert_eq!((number(34), file.len() - 54), (row * height, row * height));
        let pixels = file[54..].chunks_exact(row).rev().flat_map(|row| {
            row[..width * 3].chunks_exact(3).map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect::<Vec<_>>()
        });
        (width, height, pixels.collect())
    }

    /// As the stub shows it on a screen of that size.
    fn shown(file: &[u8], width: usize, height: usize) -> Vec<Rgb> {
        let (across, down, pixels) = read(file);
        assert!(across <= width && down <= height, "the stub does not show {across}x{down} on {width}x{height}");
        let mut screen = vec![AROUND; width * height];
        let (left, top) = ((width - across) / 2, (height - down) / 2);
        for (y, row) in pixels.chunks_exact(across).enumerate() {
            screen[(top + y) * width + left..][..across].copy_from_slice(row);
        }
        screen
    }

    fn logo(width: u32, height: u32) -> Logo {
        let svg = format!(
            "<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}'>\
             <rect width='{width}' height='{height}' fill='#28f'/></svg>"
        );
        Logo::from_bytes(svg.as_bytes()).unwrap()
    }

    #[test]
    fn the_stub_shows_the_logo_where_kioskd_does() {
        for (across, down) in [(1, 1), (5, 1), (61, 207)] {
            for position in [Position::Center, Position::Top] {
                for background in [[0; 3], [10, 20, 31]] {
                    let style = Style { logo: logo(across, down), position, background, ..Style::default() };
                    for (width, height) in [(640, 480), (481, 321), (322, 482)] {
                        let file = uefi_picture(&style, width, height).unwrap();
                        let wanted = still(&style, width, height).pixels;
                        assert!(
                            shown(&file, width as usize, height as usize) == wanted,
                            "{across}x{down} {position:?} on {width}x{height}, {background:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_smaller_screen_shows_it_in_its_middle() {
        let style = Style { logo: logo(1, 1), ..Style::default() };
        let file = uefi_picture(&style, 1920, 1080).unwrap();
        assert!(file.len() < 400_000, "{} bytes", file.len());
        let screen = shown(&file, 800, 600);
        assert_eq!((screen[300 * 800 + 400], screen[0]), ([0x22, 0x88, 0xff], [0; 3]));
        // Nothing to be seen is a picture, too: it takes the firmware's away.
        let none = uefi_picture(&Style { logo: Logo::none(), ..Style::default() }, 1280, 800).unwrap();
        let (width, height, pixels) = read(&none);
        assert!(width <= 2 && height <= 2 && pixels.iter().all(|pixel| *pixel == AROUND), "{width}x{height}");
    }

    #[test]
    fn a_size_that_is_none_is_one_sentence() {
        for (width, height) in [(0, 1), (1, 0), (3841, 1), (1, 2161), (u32::MAX, u32::MAX)] {
            let error = uefi_picture(&Style::default(), width, height).unwrap_err();
            assert_eq!(error, UefiError::Size(width, height));
            assert!(error.to_string().ends_with("1 × 1 to 3840 × 2160 are allowed"), "{error}");
        }
        assert!(uefi_picture(&Style::default(), 1, 1).is_ok() && uefi_picture(&Style::default(), 2, 1).is_ok());
    }
}
