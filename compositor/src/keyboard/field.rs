//! The focused text field of a client, independent of the protocol version. The text itself is not kept, only whether a
//! sentence begins. Pure; the text-input protocols fill it, the on-screen keyboard follows it.

/// Longest surrounding text that is used, bytes: what text-input-unstable-v3 allows.
pub const MAX_SURROUNDING: usize = 4000;

/// The kind of text. A protocol's other kinds become [`Purpose::Text`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Purpose {
    /// Any text.
    #[default]
    Text,
    /// Digits only.
    Digits,
    /// Digits with a sign and a decimal separator; dates and times.
    Number,
    /// Digits and a telephone's other keys.
    Phone,
    /// A URL.
    Url,
    /// An e-mail address.
    Email,
    /// Letters, digits and signs, hidden.
    Password,
    /// Digits, hidden.
    Pin,
}

/// An area in the surface's own coordinates, logical pixels: left, top, width, height.
pub type Area = (i32, i32, i32, i32);

/// A text field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Field {
    /// The kind of text.
    pub purpose: Purpose,
    /// A password or other secret.
    pub secret: bool,
    /// Enter begins a new line.
    pub multiline: bool,
    /// The client wants sentences to begin with a capital letter.
    pub capitals: bool,
    /// The next letter begins a sentence, as far as the client's surrounding text tells.
    pub sentence_start: bool,
    /// The cursor's area; `None`: the client did not send it.
    pub cursor: Option<Area>,
}

/// Bits of the hints, the same in text-input v1 and v3.
pub mod hint {
    /// Sentences begin with a capital letter.
    pub const CAPITALS: u32 = 0x4;
    /// The text must not be shown.
    pub const HIDDEN: u32 = 0x40;
    /// The text must not be stored.
    pub const SENSITIVE: u32 = 0x80;
    /// The field has several lines.
    pub const MULTILINE: u32 = 0x200;
}

impl Field {
    /// Sets the content type. Unknown hint bits are ignored.
    pub fn set_content(&mut self, hints: u32, purpose: Purpose) {
        self.purpose = purpose;
        let hidden = hints & (hint::HIDDEN | hint::SENSITIVE) != 0;
        self.secret = hidden || matches!(purpose, Purpose::Password | Purpose::Pin);
        self.multiline = hints & hint::MULTILINE != 0;
        self.capitals = hints & hint::CAPITALS != 0;
    }

    /// Sets the text around the cursor; offsets are bytes. Text that is too long, or an offset that is not a character
    /// boundary, is ignored. Returns whether it was valid.
    pub fn set_surrounding(&mut self, text: &str, cursor: i64, anchor: i64) -> bool {
        self.sentence_start = false;
        let place = |offset: i64| usize::try_from(offset).ok().filter(|offset| text.is_char_boundary(*offset));
        let (Some(cursor), Some(_)) = (place(cursor), place(anchor)) else { return false };
        if text.len() > MAX_SURROUNDING {
            return false;
        }
        let before = text.get(..cursor).unwrap_or_default();
        let words = before.trim_end();
        self.sentence_start = words.is_empty() || (words.len() < before.len() && words.ends_with(['.', '!', '?', '…']));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sentences_begin_where_there_is_nothing_and_after_a_full_stop() {
        let begins = |text: &str| {
            let mut field = Field::default();
            assert!(field.set_surrounding(text, text.len() as i64, 0));
            field.sentence_start
        };
        assert!(begins(""));
        assert!(begins("Schluss. "));
        assert!(!begins("kiosk.example"));
        assert!(!begins("Wort "));
    }

    #[test]
    fn offsets_inside_a_letter_or_beyond_the_text_say_nothing() {
        let mut field = Field::default();
        for (cursor, anchor) in [(1, 0), (0, 1), (3, 0), (-1, 0), (0, i64::from(i32::MIN))] {
            assert!(!field.set_surrounding("ä", cursor, anchor), "{cursor} {anchor}");
            assert!(!field.sentence_start);
        }
        assert!(!field.set_surrounding(&"a".repeat(MAX_SURROUNDING + 1), 0, 0));
        assert!(field.set_surrounding("ä", 2, 0));
    }

    #[test]
    fn a_hidden_text_is_secret() {
        let mut field = Field::default();
        field.set_content(hint::HIDDEN, Purpose::Text);
        assert!(field.secret);
        field.set_content(0, Purpose::Pin);
        assert!(field.secret);
        field.set_content(0xffff_fc00, Purpose::Email);
        assert!(!field.secret);
    }

    proptest! {
        #[test]
        fn any_text_with_any_offset_is_accepted(text in ".{0,40}", cursor in any::<i32>(), anchor in any::<i32>()) {
            Field::default().set_surrounding(&text, i64::from(cursor), i64::from(anchor));
            Field::default().set_surrounding(&text, i64::from(cursor) % 50, i64::from(anchor) % 50);
        }
    }
}
