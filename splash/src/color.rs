//! Parses configured colours, and derives contrasting ones. Called by the compositor for `splash.background`, and by
//! the painter for everything on that background.

use crate::Rgb;

/// Why a text is not a colour.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a colour: write # and six hexadecimal digits, for example #1e293b.")]
pub struct ColorError(String);

/// The longest piece of a wrong value that an error repeats, characters.
const QUOTED: usize = 40;

/// Reads `#rrggbb`, digits in either case, blanks around it allowed.
pub fn parse_color(text: &str) -> Result<Rgb, ColorError> {
    let wrong = || ColorError(text.chars().filter(|c| !c.is_control()).take(QUOTED).collect());
    let digits = text.trim().strip_prefix('#').ok_or_else(wrong)?;
    if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let value = u32::from_str_radix(digits, 16).map_err(|_| wrong())?;
    let [_, r, g, b] = value.to_be_bytes();
    Ok([r, g, b])
}

/// Black or white, whichever stands out more from `background` (WCAG 2 relative luminance).
pub(crate) fn foreground(background: Rgb) -> Rgb {
    let [r, g, b] = background.map(|channel| {
        let c = f32::from(channel) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    });
    let luminance = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    // Where the contrast to black and to white is the same: (1 + 0.05) / (l + 0.05) = (l + 0.05) / 0.05.
    if luminance > 0.179 { [0, 0, 0] } else { [255, 255, 255] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_in_either_case() {
        assert_eq!(parse_color("#000000"), Ok([0, 0, 0]));
        assert_eq!(parse_color(" #1E293b "), Ok([0x1e, 0x29, 0x3b]));
    }

    #[test]
    fn an_invalid_colour_is_one_sentence() {
        for text in ["", "#", "black", "#fff", "#12345g", "123456", "#1234567", "#+12345", "#ä1234", "# 12345"] {
            let message = parse_color(text).unwrap_err().to_string();
            assert!(message.contains("six hexadecimal digits"), "{message}");
            assert_eq!(message.matches(". ").count(), 0);
        }
        let long = "#".repeat(10_000);
        assert!(parse_color(&long).unwrap_err().to_string().len() < 200);
    }

    #[test]
    fn text_stands_out_from_any_background() {
        assert_eq!(foreground([0, 0, 0]), [255, 255, 255]);
        assert_eq!(foreground([255, 255, 255]), [0, 0, 0]);
        assert_eq!(foreground([0, 0, 255]), [255, 255, 255]);
        assert_eq!(foreground([255, 255, 0]), [0, 0, 0]);
    }
}
