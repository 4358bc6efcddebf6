//! What the screen of a disk image's machine shows, by its colours.

use super::{Picture, Rgb};

/// The demo page's colour, which no other screen of ours has.
const DEMO: Rgb = [0x1c, 0x6e, 0x8c];
/// Of the edge of kioskd's logo: its beginning, middle and end. No firmware's has all three.
const EDGE: [Rgb; 3] = [[0x5e, 0xea, 0xd4], [0x38, 0xbd, 0xf8], [0x63, 0x66, 0xf1]];

/// The demo page, over most of the screen.
pub fn is_demo(picture: &Picture) -> bool {
    picture.share_of(DEMO, 12) > 0.7
}

/// The boot splash and kioskd's first frame: our logo, which the firmware has not.
pub fn is_splash(picture: &Picture) -> bool {
    EDGE.iter().all(|color| picture.share_of(*color, 12) > 0.000_5) && !is_demo(picture)
}
