//! Cleans texts from outside: no control characters, single blanks, bounded length. Called before shaping, so that its
//! cost is bounded.

/// Most characters of one text: more would not fit on a screen, and shaping takes time.
pub(crate) const MAX_CHARACTERS: usize = 4_000;
/// Most combining marks on one letter: more would cover other lines.
const MAX_MARKS: usize = 4;

/// A cleaned text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clean {
    pub text: String,
    /// It was cut.
    pub cut: bool,
}

/// `text` with white space as single blanks, line feeds only where `lines` keeps them, no outer white space, no
/// controls, and no bidirectional controls.
pub(crate) fn clean(text: &str, lines: bool) -> Clean {
    let mut out = Clean { text: String::new(), cut: false };
    let (mut blank, mut feeds, mut count, mut marks) = (false, 0, 0, 0);
    for c in text.chars() {
        match c {
            '\n' if lines => feeds += 1,
            c if c.is_whitespace() => blank = true,
            c if c.is_control() || turns(c) => {}
            c => {
                marks = if is_mark(c) { marks + 1 } else { 0 };
                if marks > MAX_MARKS {
                    continue;
                }
                // Invisible characters count too, so that the length is bounded.
                count += 1;
                if count > MAX_CHARACTERS {
                    out.cut = true;
                    return out;
                }
                if crate::fonts::leaves_mark(c) || !out.text.is_empty() {
                    separate(&mut out.text, &mut feeds, &mut blank);
                    out.text.push(c);
                }
            }
        }
    }
    out
}

fn separate(text: &mut String, feeds: &mut usize, blank: &mut bool) {
    let (feeds, blank) = (std::mem::take(feeds), std::mem::take(blank));
    if text.is_empty() {
        return;
    }
    if feeds > 0 {
        text.extend(std::iter::repeat_n('\n', feeds));
    } else if blank {
        text.push(' ');
    }
}

/// Bidirectional overrides, embeddings and isolates, with which a text could be shown in another order than it is read.
/// Arabic and Hebrew do not need them.
fn turns(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e001f}' | '\u{e0080}'..='\u{e0fff}')
}

/// Combining marks, which hostile texts stack without limit.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        clean(text, true).text
    }

    #[test]
    fn blanks_are_single_and_outer_ones_gone() {
        assert_eq!(of(" \n\u{200b} a \t b\n\n c \n"), "a b\n\nc");
        assert_eq!(clean(" a\n\nb ", false).text, "a b");
        assert_eq!(of(" \n \u{7}\u{200d}\u{202e}"), "");
    }

    #[test]
    fn what_turns_or_controls_is_gone_and_what_joins_is_kept() {
        assert_eq!(of("a\u{202e}b\u{2066}c\u{1b}[31m\u{0}"), "abc[31m");
        assert_eq!(of("👩\u{200d}🔧 ❤\u{fe0f}"), "👩\u{200d}🔧 ❤\u{fe0f}");
    }

    #[test]
    fn a_text_is_cut_to_what_is_read() {
        assert!(!clean(&"x".repeat(MAX_CHARACTERS), true).cut);
        let long = clean(&"x".repeat(1 << 20), true);
        assert_eq!((long.text.len(), long.cut), (MAX_CHARACTERS, true));
        let joiners = clean(&format!("a{}", "\u{200d}".repeat(1 << 20)), true);
        assert!(joiners.cut && joiners.text.chars().count() == MAX_CHARACTERS);
        assert!(clean(&"\n".repeat(1 << 20), true).text.is_empty());
        assert_eq!(of(&format!("a{}b", "\u{301}".repeat(10_000))), format!("a{}b", "\u{301}".repeat(MAX_MARKS)));
    }
}
