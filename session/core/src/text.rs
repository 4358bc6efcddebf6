//! Makes texts from outside fit for messages: a text of a caller or a file may be megabytes long.

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

/// Why a text can't be painted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// It would not fit on a screen.
    #[error("the {what} has {length} characters, allowed are {limit}")]
    TooLong {
        /// Which text it is.
        what: String,
        /// What it has.
        length: usize,
        /// What it may have.
        limit: usize,
    },
    /// A control character other than a line break.
    #[error("the {what} has the control character {bad:?}, allowed is only \\n")]
    Control {
        /// Which text it is.
        what: String,
        /// The first of them.
        bad: char,
    },
}

/// `text` when it can be painted: short, with no control characters but line breaks. `what` names it in the error.
pub fn paintable(what: &str, text: &str, limit: usize) -> Result<String, TextError> {
    let length = text.chars().count();
    if length > limit {
        return Err(TextError::TooLong { what: what.to_owned(), length, limit });
    }
    match text.chars().find(|c| c.is_control() && *c != '\n') {
        Some(bad) => Err(TextError::Control { what: what.to_owned(), bad }),
        None => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_painted_is_short_and_has_lines() {
        assert_eq!(paintable("text", "a\nü", 3).as_deref(), Ok("a\nü"));
        assert_eq!(paintable("text", "abcd", 3).unwrap_err().to_string(), "the text has 4 characters, allowed are 3");
        assert_eq!(
            paintable("title", "a\tb", 3).unwrap_err().to_string(),
            "the title has the control character '\\t', allowed is only \\n"
        );
    }

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
