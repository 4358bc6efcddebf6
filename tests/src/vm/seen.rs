//! What the screen of a disk image's machine shows, by its colours.

use super::{Picture, Rgb, near};

/// The demo page's colour, which no other screen of ours has.
const DEMO: Rgb = [0x1c, 0x6e, 0x8c];
/// Of the edge of kioskd's logo: its beginning, middle and end. No firmware's has all three.
const EDGE: [Rgb; 3] = [[0x5e, 0xea, 0xd4], [0x38, 0xbd, 0xf8], [0x63, 0x66, 0xf1]];

/// The demo page, over most of the screen.
pub fn is_demo(picture: &Picture) -> bool {
    picture.share_of(DEMO, 12) > 0.7
}

/// The picture of the kernel, the boot splash and kioskd's first frame: our logo, which the firmware has not.
pub fn is_splash(picture: &Picture) -> bool {
    EDGE.iter().all(|color| picture.share_of(*color, 12) > 0.000_5) && !is_demo(picture)
}

/// The logo's place in a picture that is a splash: x, y, width and height of its edge.
pub fn logo_bounds(picture: &Picture) -> Option<(usize, usize, usize, usize)> {
    picture.bounds(|pixel| EDGE.iter().any(|color| near(pixel, *color, 12)))
}

/// Whether anything is below the logo: the dots of the boot splash and of kioskd, which the kernel's picture has not.
pub fn has_dots(picture: &Picture) -> bool {
    !picture.part(0, picture.height * 7 / 10, picture.width, picture.height / 10).is_black()
}
