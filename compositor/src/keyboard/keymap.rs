//! Reverse look-up in the configured keymap: for each layout the key and modifiers of each character, and the letters
//! of its rows. Compiled when the keyboard is first needed; independent of the seat.

use std::collections::HashMap;

use smithay::input::keyboard::{Keycode, Keysym, xkb};

/// A key of the keymap with the modifiers to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stroke {
    /// xkb's key code.
    pub code: Keycode,
    /// Whether shift is held.
    pub shift: bool,
    /// Whether AltGr is held.
    pub level3: bool,
}

/// The characters of a letter key: without and with shift.
pub type Pair = (char, char);

/// One layout of the keymap.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layout {
    /// Its short name, such as `de`, shown on the keyboard.
    pub name: String,
    /// Rows of letters, from the digits' row (where some layouts have letters) to the lowest.
    pub rows: [Vec<Pair>; 4],
    /// Accents of dead keys, by the sign of each.
    pub dead: Vec<char>,
    strokes: HashMap<char, Stroke>,
    dead_strokes: HashMap<char, Stroke>,
}

impl Layout {
    /// The key that types this character.
    pub fn stroke(&self, c: char) -> Option<Stroke> {
        self.strokes.get(&c).copied()
    }

    /// The dead key of this accent.
    pub fn dead_stroke(&self, sign: char) -> Option<Stroke> {
        self.dead_strokes.get(&sign).copied()
    }
}

/// What is used of the keymap.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Keymap {
    /// At least one.
    pub layouts: Vec<Layout>,
    /// The key for shift.
    pub shift: Option<Keycode>,
    /// The key for AltGr.
    pub level3: Option<Keycode>,
}

/// xkb's names of the keys in each row: the digits' row, then the rows of letters.
const ROWS: [&[&str]; 4] = [
    &["AE01", "AE02", "AE03", "AE04", "AE05", "AE06", "AE07", "AE08", "AE09", "AE10", "AE11", "AE12", "TLDE"],
    &["AD01", "AD02", "AD03", "AD04", "AD05", "AD06", "AD07", "AD08", "AD09", "AD10", "AD11", "AD12"],
    &["AC01", "AC02", "AC03", "AC04", "AC05", "AC06", "AC07", "AC08", "AC09", "AC10", "AC11", "BKSL"],
    &["LSGT", "AB01", "AB02", "AB03", "AB04", "AB05", "AB06", "AB07", "AB08", "AB09", "AB10"],
];
/// Most layouts: an xkb keymap has no more.
const MAX_LAYOUTS: u32 = 4;
/// Levels that are used: plain, shift, AltGr, both.
const LEVELS: u32 = 4;

/// The accents of dead keys.
const DEAD: [(Keysym, char); 14] = [
    (Keysym::dead_grave, '`'),
    (Keysym::dead_acute, '´'),
    (Keysym::dead_circumflex, '^'),
    (Keysym::dead_tilde, '~'),
    (Keysym::dead_diaeresis, '¨'),
    (Keysym::dead_caron, 'ˇ'),
    (Keysym::dead_cedilla, '¸'),
    (Keysym::dead_ogonek, '˛'),
    (Keysym::dead_abovering, '°'),
    (Keysym::dead_abovedot, '˙'),
    (Keysym::dead_breve, '˘'),
    (Keysym::dead_doubleacute, '˝'),
    (Keysym::dead_macron, '¯'),
    (Keysym::dead_stroke, '/'),
];

/// The names that a keymap is compiled from, as `[input.keyboard]` has them.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// Such as `evdev`; empty: xkb's default, as with all of these.
    pub rules: &'a str,
    /// Such as `pc105`.
    pub model: &'a str,
    /// Such as `us,de`.
    pub layout: &'a str,
    /// One for each layout.
    pub variant: &'a str,
    /// Such as `caps:none`.
    pub options: &'a str,
}

impl Keymap {
    /// Compiles the keymap, which takes tens of milliseconds; the default one if these names are not valid.
    pub fn compile(names: &Names<'_>) -> Self {
        let context = xkb::Context::new(xkb::CONTEXT_NO_FLAGS);
        let options = Some(names.options.to_owned()).filter(|options| !options.is_empty());
        let wanted = xkb::Keymap::new_from_names(
            &context,
            names.rules,
            names.model,
            names.layout,
            names.variant,
            options,
            xkb::KEYMAP_COMPILE_NO_FLAGS,
        );
        if let Some(keymap) = wanted {
            return Self::read(&keymap, names.layout);
        }
        let default = xkb::Keymap::new_from_names(&context, "", "", "", "", None, xkb::KEYMAP_COMPILE_NO_FLAGS);
        default.map_or_else(Self::default, |keymap| Self::read(&keymap, ""))
    }

    fn read(keymap: &xkb::Keymap, names: &str) -> Self {
        let mut names = names.split(',').map(str::trim);
        let layouts = (0..keymap.num_layouts().clamp(1, MAX_LAYOUTS)).map(|number| {
            let name = names.next().filter(|name| !name.is_empty()).unwrap_or("abc");
            read_layout(keymap, number, name)
        });
        Self { layouts: layouts.collect(), shift: keymap.key_by_name("LFSH"), level3: level3(keymap) }
    }
}

/// The key for the third level: the right Alt key if it has it, else xkb's own.
fn level3(keymap: &xkb::Keymap) -> Option<Keycode> {
    let holds = |code: &Keycode| keymap.key_get_syms_by_level(*code, 0, 0).contains(&Keysym::ISO_Level3_Shift);
    ["RALT", "LVL3"].into_iter().filter_map(|name| keymap.key_by_name(name)).find(holds)
}

fn read_layout(keymap: &xkb::Keymap, number: u32, name: &str) -> Layout {
    let mut layout = Layout { name: name.to_owned(), ..Layout::default() };
    let with_level3 = level3(keymap).is_some();
    for (row, keys) in ROWS.iter().enumerate() {
        for code in keys.iter().filter_map(|name| keymap.key_by_name(name)) {
            // A key with fewer layouts uses its first one for the others.
            let number = if number < keymap.num_layouts_for_key(code) { number } else { 0 };
            let symbol = |level| match keymap.key_get_syms_by_level(code, number, level) {
                &[symbol] => Some(symbol),
                _ => None,
            };
            let letter = |level| symbol(level).and_then(Keysym::key_char).filter(|c| c.is_alphabetic());
            if let Some(plain) = letter(0).filter(|c| !"ºª".contains(*c))
                && let Some(row) = layout.rows.get_mut(row)
            {
                row.push((plain, letter(1).unwrap_or(plain)));
            }
            let levels = if with_level3 { LEVELS } else { 2 };
            for level in 0..levels.min(keymap.num_levels_for_key(code, number)) {
                let stroke = Stroke { code, shift: level % 2 == 1, level3: level >= 2 };
                let Some(symbol) = symbol(level) else { continue };
                if let Some(c) = symbol.key_char().filter(|c| !c.is_control()) {
                    let known = layout.strokes.entry(c).or_insert(stroke);
                    // The stroke with fewer modifiers is preferred.
                    if weight(&stroke) < weight(known) {
                        *known = stroke;
                    }
                } else if let Some((_, sign)) = DEAD.iter().find(|(dead, _)| *dead == symbol)
                    && layout.dead_strokes.insert(*sign, stroke).is_none()
                {
                    layout.dead.push(*sign);
                }
            }
        }
    }
    if let Some(code) = keymap.key_by_name("SPCE") {
        layout.strokes.insert(' ', Stroke { code, shift: false, level3: false });
    }
    layout
}

fn weight(stroke: &Stroke) -> u8 {
    u8::from(stroke.shift) + 2 * u8::from(stroke.level3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keymap(layout: &str) -> Keymap {
        Keymap::compile(&Names { rules: "", model: "", layout, variant: "", options: "" })
    }

    fn row(layout: &Layout, row: usize) -> String {
        layout.rows[row].iter().map(|(plain, _)| plain).collect()
    }

    #[test]
    fn rows_are_those_of_the_layouts() {
        let keymap = keymap("us,de,ru");
        let names: Vec<_> = keymap.layouts.iter().map(|layout| layout.name.as_str()).collect();
        assert_eq!(names, ["us", "de", "ru"]);
        let [us, de, ru] = &keymap.layouts[..] else { panic!("three layouts") };
        assert_eq!((row(us, 1), row(us, 2), row(us, 3)), ("qwertyuiop".into(), "asdfghjkl".into(), "zxcvbnm".into()));
        assert_eq!(
            (row(de, 1), row(de, 2), row(de, 3)),
            ("qwertzuiopü".into(), "asdfghjklöä".into(), "yxcvbnm".into())
        );
        assert_eq!(
            (row(ru, 1), row(ru, 2), row(ru, 3)),
            ("йцукенгшщзхъ".into(), "фывапролджэ".into(), "ячсмитьбю".into())
        );
        assert_eq!(row(ru, 0), "ё");
    }

    #[test]
    fn strokes_hold_what_the_character_needs() {
        let keymap = keymap("de");
        let de = &keymap.layouts[0];
        let held = |c| de.stroke(c).map(|stroke| (stroke.code.raw() - 8, stroke.shift, stroke.level3));
        assert_eq!(held('z'), Some((21, false, false)));
        assert_eq!(held('Ü'), Some((26, true, false)));
        assert_eq!(held('€'), Some((18, false, true)));
        assert_eq!(held('é'), None);
        assert!(de.dead.contains(&'´') && de.dead_stroke('´').is_some());
        assert!(keymap.shift.is_some() && keymap.level3.is_some());
    }

    #[test]
    fn a_layout_that_is_none_gives_the_default() {
        assert_eq!(row(&keymap("no-such-layout").layouts[0], 1), "qwertyuiop");
    }
}
