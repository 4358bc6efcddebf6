//! The keys of the keyboard and their rows, by the layout, the kind of field and the chosen page. Pure;
//! [`super::geometry`] computes their areas.

use super::{
    field::{Field, Purpose},
    keymap::Layout,
};

/// The function of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cap {
    /// A letter, without and with shift.
    Letter(char, char),
    /// Any other character.
    Sign(char),
    /// A dead key's accent.
    Dead(char),
    /// Shift: for one letter, or locked until the next touch.
    Shift,
    /// Deletes the last character; repeats while it is held.
    Backspace,
    /// A new line, or the page's action for Enter.
    Enter,
    /// A space; shows the layout's name if there are several.
    Space,
    /// Changes to another page.
    Page(Page),
    /// Changes to the next layout.
    NextLayout,
    /// Hides the keyboard.
    Hide,
}

/// The pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Page {
    /// The letters of the layout.
    #[default]
    Letters,
    /// Digits and common signs.
    Symbols,
    /// Rarer signs, and accents of dead keys.
    More,
    /// A block of digits, for numeric fields.
    Digits,
}

/// A key of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Its function.
    pub cap: Cap,
    /// Quarters of a letter's width; 0: the rest of the row.
    pub width: u8,
}

/// Widths of a letter key and of larger keys.
pub const LETTER: u8 = 4;
const WIDE: u8 = 6;
const REST: u8 = 0;
/// Least number of letters in the digits' row for a row of their own; fewer are added to the next row.
const OWN_ROW: usize = 3;

/// The sign on the key for the next layout.
pub const NEXT_LAYOUT: char = '↔';

fn key(cap: Cap, width: u8) -> Key {
    Key { cap, width }
}

fn signs(text: &str) -> Vec<Key> {
    text.chars().map(|c| key(Cap::Sign(c), LETTER)).collect()
}

/// The rows of a page, the uppermost first.
pub fn rows(page: Page, layout: &Layout, several: bool, field: &Field) -> Vec<Vec<Key>> {
    match page {
        Page::Letters => letters(layout, several, field),
        Page::Symbols => symbols(["1234567890", "@#€%&-+()/", "*\"':;!?_="], Page::More, field),
        Page::More => more(layout, field),
        Page::Digits => digits(field.purpose),
    }
}

/// The first page for a field.
pub fn first(purpose: Purpose) -> Page {
    match purpose {
        Purpose::Digits | Purpose::Number | Purpose::Phone | Purpose::Pin => Page::Digits,
        Purpose::Text | Purpose::Url | Purpose::Email | Purpose::Password => Page::Letters,
    }
}

fn letters(layout: &Layout, several: bool, field: &Field) -> Vec<Vec<Key>> {
    let mut parts = layout.rows.iter().map(|row| {
        let letters = row.iter().map(|(plain, shifted)| key(Cap::Letter(*plain, *shifted), LETTER));
        letters.collect::<Vec<_>>()
    });
    let mut next = || parts.next().unwrap_or_default();
    let (top, mut upper, middle, lower) = (next(), next(), next(), next());
    let mut rows = Vec::new();
    if field.purpose == Purpose::Password {
        rows.push(signs("1234567890"));
    }
    if top.len() >= OWN_ROW {
        rows.push(top);
    } else {
        upper.extend(top);
    }
    rows.push(upper);
    rows.push(middle);
    let mut last = vec![key(Cap::Shift, REST)];
    last.extend(lower);
    last.push(key(Cap::Backspace, REST));
    rows.push(last);
    rows.push(bottom(Page::Symbols, several, field));
    rows
}

fn bottom(other: Page, several: bool, field: &Field) -> Vec<Key> {
    let mut row = vec![key(Cap::Page(other), WIDE)];
    if several {
        row.push(key(Cap::NextLayout, LETTER));
    }
    match field.purpose {
        Purpose::Email => row.push(key(Cap::Sign('@'), LETTER)),
        Purpose::Url => row.push(key(Cap::Sign('/'), LETTER)),
        _ => row.push(key(Cap::Sign(','), LETTER)),
    }
    row.push(key(Cap::Space, REST));
    row.push(key(Cap::Sign('.'), LETTER));
    if matches!(field.purpose, Purpose::Email | Purpose::Url) {
        row.push(key(Cap::Sign('-'), LETTER));
    }
    row.extend([key(Cap::Hide, LETTER), key(Cap::Enter, WIDE)]);
    row
}

fn symbols(lines: [&str; 3], other: Page, field: &Field) -> Vec<Vec<Key>> {
    let [first, second, third] = lines;
    let mut last = vec![key(Cap::Page(other), REST)];
    last.extend(signs(third));
    last.push(key(Cap::Backspace, REST));
    vec![signs(first), signs(second), last, bottom(Page::Letters, false, field)]
}

fn more(layout: &Layout, field: &Field) -> Vec<Vec<Key>> {
    let mut rows = symbols(["~`|•√π÷×§°", "£$¥^²³{}[]", "\\<>«»„“¿¡"], Page::Symbols, field);
    let dead: Vec<Key> = layout.dead.iter().take(10).map(|sign| key(Cap::Dead(*sign), LETTER)).collect();
    if !dead.is_empty() {
        rows.insert(2, dead);
    }
    rows
}

fn digits(purpose: Purpose) -> Vec<Vec<Key>> {
    let (left, right) = match purpose {
        Purpose::Phone => ("+*", "#"),
        Purpose::Number => ("-:", ",./"),
        _ => ("", ""),
    };
    let line = |text: &str| signs(text);
    let mut rows = vec![line("123"), line("456"), line("789")];
    let mut last = signs("0");
    last.insert(0, key(Cap::Hide, LETTER));
    last.push(key(Cap::Backspace, LETTER));
    rows.push(last);
    let mut extra = signs(left);
    extra.extend(signs(right));
    // In a column of its own beside the digits.
    for (row, key) in rows.iter_mut().zip(extra.iter().take(3)) {
        row.push(*key);
    }
    match rows.last_mut() {
        Some(last) if extra.is_empty() => last.push(key(Cap::Enter, WIDE)),
        Some(last) => last.push(key(Cap::Enter, LETTER)),
        None => {}
    }
    if extra.len() > 3 {
        let rest = extra.get(3..).unwrap_or_default().iter();
        for (row, key) in rows.iter_mut().zip(rest) {
            row.push(*key);
        }
    }
    rows
}

/// The choices of a long press on a character, the likeliest first.
pub fn alternatives(c: char) -> String {
    let lower = c.to_lowercase().next().unwrap_or(c);
    let found = match lower {
        'a' => "äàáâãåæą",
        'c' => "çćč",
        'd' => "ďđð",
        'e' => "éèêëęě€",
        'g' => "ğģ",
        'i' => "íìîïı",
        'l' => "łľ",
        'n' => "ñńň",
        'o' => "öóòôõøœő",
        'r' => "řŕ",
        's' => "ßśšş",
        't' => "ťţþ",
        'u' => "üúùûůű",
        'y' => "ýÿ",
        'z' => "žźż",
        'е' => "ё",
        'ь' => "ъ",
        'и' => "і",
        '.' => "…,!?:;",
        ',' => ";:",
        '-' => "–—_",
        '"' => "„“”«»",
        '\'' => "‚‘’",
        '?' => "¿",
        '!' => "¡",
        '€' => "$£¥",
        '@' => "_",
        '/' => "\\",
        '0' => "°",
        '1' => "½¹",
        '2' => "²",
        '3' => "³",
        _ => "",
    };
    if lower == c {
        return found.to_owned();
    }
    let upper = |c: char| if c == 'ß' { 'ẞ' } else { c.to_uppercase().next().unwrap_or(c) };
    found.chars().map(upper).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_have_capital_alternatives() {
        assert_eq!(alternatives('o').chars().next(), Some('ö'));
        assert_eq!(alternatives('O').chars().next(), Some('Ö'));
        assert_eq!(alternatives('S').chars().next(), Some('ẞ'));
        assert_eq!(alternatives('q'), "");
    }

    #[test]
    fn every_page_has_a_key_to_the_first_page_and_a_hide_key() {
        let mut layout = Layout::default();
        layout.rows[1] = vec![('a', 'A')];
        layout.dead = vec!['´'];
        for purpose in [Purpose::Text, Purpose::Email, Purpose::Pin, Purpose::Number, Purpose::Phone, Purpose::Password]
        {
            let field = Field { purpose, ..Field::default() };
            for page in [Page::Letters, Page::Symbols, Page::More, Page::Digits] {
                let caps: Vec<Cap> =
                    rows(page, &layout, true, &field).into_iter().flatten().map(|key| key.cap).collect();
                for wanted in [Cap::Hide, Cap::Backspace, Cap::Enter] {
                    assert!(caps.contains(&wanted), "{page:?} {purpose:?} {wanted:?}");
                }
                let away = caps.iter().any(|cap| matches!(cap, Cap::Page(_)));
                assert_eq!(away, page != Page::Digits, "{page:?}");
            }
        }
    }
}
