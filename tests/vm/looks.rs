//! Recognises the content of screen pictures by their colours.

use kiosk_tests::vm::{Picture, Rgb};

/// Background of the demo page.
pub const PAGE: Rgb = [0x1c, 0x6e, 0x8c];
/// A GPU may round colours differently.
const TOLERANCE: u8 = 6;

/// The page covers the screen.
pub fn is_page(picture: &Picture) -> bool {
    picture.share_of(PAGE, TOLERANCE) > 0.7
}

/// The splash: its bright blue logo centred on a dark screen. (Boot messages have colours too, but at the left.)
pub fn is_logo(picture: &Picture) -> bool {
    let (width, height) = (picture.width, picture.height);
    let middle = picture.part(width * 3 / 10, height / 4, width * 4 / 10, height / 2);
    middle.share(is_mark) > 0.002 && picture.share(is_dark) > 0.6
}

/// The screen with the reason why a page is overdue: the logo above the centre, texts and a QR code.
pub fn is_report(picture: &Picture) -> bool {
    let (width, height) = (picture.width, picture.height);
    let top = picture.part(width * 4 / 10, 0, width * 2 / 10, height / 4);
    top.share(is_mark) > 0.02 && picture.share(is_dark) > 0.6
}

fn is_mark([r, _, b]: Rgb) -> bool {
    b > 140 && b > r.saturating_add(60)
}

/// Between splash and page: most of the screen has a colour between black and the page's.
pub fn is_blend(picture: &Picture) -> bool {
    picture.share(is_page_shade) > 0.5
}

/// A browser's own page instead of ours: white, or Chromium's dark grey.
pub fn is_error_page(picture: &Picture) -> bool {
    let light = picture.share(|[r, g, b]| r.min(g).min(b) > 225);
    let dark_theme = picture.share(|pixel| {
        let [r, g, b] = pixel;
        (28..=64).contains(&r) && r.abs_diff(g) <= 4 && b >= r && b - r <= 8
    });
    light > 0.25 || dark_theme > 0.3
}

/// Only text on black.
pub fn is_console(picture: &Picture) -> bool {
    let text = picture.share(|[r, g, b]| r > 100 && r.abs_diff(g) < 12 && g.abs_diff(b) < 12);
    !is_logo(picture) && !is_report(picture) && !is_page(picture) && text > 0.0005 && picture.share(is_dark) > 0.85
}

/// Pictures that are allowed once the kiosk runs.
pub fn is_ours(picture: &Picture) -> bool {
    is_logo(picture) || is_page(picture) || is_blend(picture) || is_report(picture)
}

fn is_dark([r, g, b]: Rgb) -> bool {
    r < 32 && g < 32 && b < 48
}

fn is_page_shade([r, g, b]: Rgb) -> bool {
    let (r, g, b) = (i32::from(r), i32::from(g), i32::from(b));
    // PAGE scaled to this pixel's blue.
    b > 12 && (g - b * 110 / 140).abs() <= 8 && (r - b * 28 / 140).abs() <= 8
}

/// A picture's name in messages.
pub fn describe(picture: &Picture) -> &'static str {
    match () {
        () if is_error_page(picture) => "an error page",
        () if is_page(picture) => "the page",
        () if is_logo(picture) => "the logo",
        () if is_blend(picture) => "a blend",
        () if is_report(picture) => "why there is no page",
        () if picture.is_black() => "black",
        () if is_console(picture) => "console text",
        () => "something else",
    }
}
