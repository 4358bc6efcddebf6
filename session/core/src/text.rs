//! Texts from elsewhere in sentences for people: what a caller or a file says may be megabytes long, a sentence not.

#![deny(clippy::indexing_slicing, clippy::string_slice)]

/// At most so many characters of `text`, with an ellipsis where it was longer.
pub fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

/// `text` with `\u{fffd}` in place of each control character: it is one line, and moves no terminal's cursor.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_controls_a_terminal_is_not_printed() {
        assert_eq!(printable("a\u{1b}[31m\nü"), "a\u{fffd}[31m\u{fffd}ü");
    }

    #[test]
    fn what_is_short_stays_and_what_is_long_ends_between_characters() {
        assert_eq!(shortened("", 0), "");
        assert_eq!(shortened("äöü", 3), "äöü");
        assert_eq!(shortened("äöü", 2), "äö…");
        assert_eq!(shortened("äöü", 0), "…");
    }
}
