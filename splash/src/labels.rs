//! Short texts as pictures, for layouts elsewhere: the keys of the on-screen keyboard.

use crate::{
    Image, Rgb, Style,
    text::{Size, Typesetter},
    with_sound_fonts,
};

/// A text of one line.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// Plain.
    pub text: String,
    /// Pixels an em; what is too small to be read gives no picture.
    pub em: f32,
    /// Pixels that there are for it: more is cut to `…`.
    pub width: u32,
    /// Of the letters.
    pub ink: Rgb,
}

/// Paints each of them, as narrow and as high as its line is.
pub fn labels(labels: &[Label], style: &Style) -> Vec<Image> {
    with_sound_fonts(style, |typesetter| labels.iter().map(|label| one(label, typesetter)).collect())
}

fn one(label: &Label, typesetter: &mut Typesetter<'_>) -> Image {
    let Some(size) = Size::new(label.em) else { return Image::empty(0, 0) };
    let setting = typesetter.one_line(&label.text, size, label.width);
    typesetter.paint(&setting, label.ink, u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_has_ink_and_what_is_too_small_has_none() {
        let label = |em| Label { text: "ä".into(), em, width: 100, ink: [255, 0, 0] };
        let images = labels(&[label(32.0), label(2.0)], &Style::default());
        assert!(images[0].data.chunks_exact(4).any(|pixel| pixel == [0, 0, 255, 255]));
        assert!(images[1].data.is_empty());
    }
}
