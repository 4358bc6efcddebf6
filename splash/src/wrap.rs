//! Text cut to one line or broken into lines, after it has been cleaned of what leaves no mark. Called by the
//! layout; measures with [`Face`], paints nothing. The work is bounded by what fits, not by the text's length.

use crate::text::{Face, Pen};

/// Stands for what did not fit.
const ELLIPSIS: char = '…';

impl Face {
    /// `text` as one line of at most `width` pixels: white space is one blank, and what does not fit is `…`.
    pub(crate) fn one_line(&self, text: &str, width: u32) -> String {
        let room = self.room(width);
        let mut line = String::new();
        let mut pen = Pen::default();
        // Where the line is cut if it turns out not to fit.
        let mut cut = None;
        let mut blank = false;
        for c in text.chars() {
            if c.is_whitespace() {
                blank = !line.is_empty();
                continue;
            }
            if ignorable(c) {
                continue;
            }
            for c in std::iter::once(' ').filter(|_| std::mem::take(&mut blank)).chain([c]) {
                if pen.after(self, ELLIPSIS) <= room {
                    cut = Some(line.len());
                }
                pen.advance(self, c);
                line.push(c);
            }
            if pen.x > room {
                let Some(cut) = cut else { return String::new() };
                line.truncate(cut);
                line.truncate(line.trim_end().len());
                line.push(ELLIPSIS);
                return line;
            }
        }
        line
    }

    /// `text` in at most `most` lines of at most `width` pixels, broken at blanks and, where a word is longer than
    /// a line, within it. Line feeds are kept, outer empty lines are not; the last line says with `…` that there
    /// was more, and so does the `false` beside the lines.
    pub(crate) fn wrap(&self, text: &str, width: u32, most: usize) -> (Vec<String>, bool) {
        let mut lines: Vec<String> = Vec::new();
        let text = text.trim_matches(|c: char| c.is_whitespace() || ignorable(c));
        if text.is_empty() || most == 0 {
            return (lines, text.is_empty());
        }
        'all: for paragraph in text.split('\n') {
            let mut rest = Wrapped::default();
            for c in paragraph.chars().filter(|c| c.is_whitespace() || !ignorable(*c)) {
                if let Some(line) = rest.push(self, c, self.room(width)) {
                    lines.push(line);
                }
                if lines.len() > most {
                    break 'all;
                }
            }
            lines.push(rest.line.trim_end().to_string());
            if lines.len() > most {
                break;
            }
        }
        let whole = lines.len() <= most;
        lines.truncate(most);
        if let Some(last) = lines.last_mut().filter(|_| !whole) {
            last.push(ELLIPSIS);
            *last = self.one_line(last, width);
        }
        (lines, whole)
    }
}

/// A line that is being filled.
#[derive(Default)]
struct Wrapped {
    line: String,
    pen: Pen,
    /// Byte index of the last blank.
    blank: Option<usize>,
}

impl Wrapped {
    /// Adds `c`; gives back the line that is full with it, and keeps the rest.
    fn push(&mut self, face: &Face, c: char, room: f32) -> Option<String> {
        if c.is_whitespace() {
            if self.line.is_empty() || self.line.ends_with(' ') {
                return None;
            }
            self.blank = Some(self.line.len());
        }
        let begin = self.line.len();
        let c = if c.is_whitespace() { ' ' } else { c };
        self.line.push(c);
        self.pen.advance(face, c);
        if self.pen.x <= room || begin == 0 {
            return None;
        }
        let rest = match self.blank {
            Some(blank) => self.line.split_off(blank).trim_start().to_string(),
            None => self.line.split_off(begin),
        };
        let full = std::mem::take(self).line;
        for c in rest.chars() {
            self.pen.advance(face, c);
        }
        self.line = rest;
        Some(full)
    }
}

/// Characters that leave no mark: controls, and those that only steer a shaper that is not here.
fn ignorable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn face() -> Face {
        Face::new(18.0).unwrap()
    }

    proptest! {
        #[test]
        fn a_cut_line_is_the_longest_beginning_that_fits(text in "[a-zA-Zäöß ]{0,80}", width in 60u32..900) {
            let face = face();
            let line = face.one_line(&text, width);
            let words: Vec<&str> = text.split_whitespace().collect();
            let whole = words.join(" ");
            prop_assert!(face.width(&line) <= face.room(width));
            if face.width(&whole) <= face.room(width) {
                prop_assert_eq!(line, whole);
            } else {
                let kept = line.strip_suffix(ELLIPSIS).unwrap();
                prop_assert!(whole.starts_with(kept) && !kept.ends_with(' '));
                let next = whole[kept.len()..].trim_start().chars().next().unwrap();
                let blank = if whole[kept.len()..].starts_with(' ') { " " } else { "" };
                let longer = format!("{kept}{blank}{next}{ELLIPSIS}");
                prop_assert!(face.width(&longer) > face.room(width), "{longer} fits as well");
            }
        }

        #[test]
        fn wrapping_loses_no_word_and_keeps_to_the_width(text in "[a-z \n]{0,300}", width in 80u32..600) {
            let face = face();
            let (lines, whole) = face.wrap(&text, width, usize::MAX);
            prop_assert!(whole);
            // Sums of the same widths in another order differ by a rounding.
            prop_assert!(lines.iter().all(|line| face.width(line) <= face.room(width) + 0.01));
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }
    }

    #[test]
    fn lines_are_broken_at_blanks_and_words_only_if_they_must() {
        let face = face();
        let width = face.width("display system").ceil() as u32 + 2 * face.bleed();
        assert_eq!(face.wrap("kiosk display system", width, 9).0, ["kiosk display", "system"]);
        assert_eq!(face.wrap("kiosk\ndisplay system", width, 9).0, ["kiosk", "display system"].map(String::from));
        let broken = face.wrap("kioskdisplaysystem kiosk", width, 9).0;
        assert!(broken.len() == 2 && broken[0].starts_with("kioskdis"), "{broken:?}");
    }

    #[test]
    fn lines_left_out_are_announced() {
        let face = face();
        let wrap = |text: &str, most: usize| {
            let (lines, whole) = face.wrap(text, 200, most);
            (lines.join("|"), whole)
        };
        assert_eq!(wrap("a\nb\nc", 3), ("a|b|c".into(), true));
        assert_eq!(wrap("a\nb\nc", 2), ("a|b…".into(), false));
        assert_eq!(wrap("a", 0), (String::new(), false));
        assert_eq!(wrap(" \n", 0), (String::new(), true));
    }
}
