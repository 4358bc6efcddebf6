//! Escapes names for object paths, and quotes callers' texts for messages. Pure.

/// The longest part of a caller's string that an error message repeats, characters.
const QUOTED_LENGTH: usize = 64;

/// `name` as one element of an object path, as `sd_bus_path_encode(3)` does it: what is not an ASCII letter
/// or digit, and a leading digit, becomes `_` and two hexadecimal digits for each byte; empty becomes `_`.
pub fn escape(name: &str) -> String {
    if name.is_empty() {
        return "_".into();
    }
    let mut label = String::with_capacity(name.len());
    for (index, byte) in name.bytes().enumerate() {
        if byte.is_ascii_alphabetic() || (byte.is_ascii_digit() && index > 0) {
            label.push(byte.into());
        } else {
            label.push_str(&format!("_{byte:02x}"));
        }
    }
    label
}

/// The object path of each of `names`, in order. Equal names (two keyboards of one model) get `_n2`, `_n3`
/// and so on behind the second and later: no escape sequence looks like that.
pub fn paths<'a>(parent: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut seen = std::collections::HashMap::new();
    names
        .into_iter()
        .map(|name| {
            let count = seen.entry(name).and_modify(|n| *n += 1).or_insert(1);
            let label = escape(name);
            if *count == 1 { format!("{parent}/{label}") } else { format!("{parent}/{label}_n{count}") }
        })
        .collect()
}

/// A caller's text in quotation marks, made safe and short enough for a message to a person.
pub fn quoted(text: &str) -> String {
    let mut shown: String =
        text.chars().take(QUOTED_LENGTH).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(QUOTED_LENGTH).is_some() {
        shown.push('…');
    }
    format!("\"{shown}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn connectors_are_escaped_as_systemd_does_it() {
        assert_eq!(escape("HDMI-A-1"), "HDMI_2dA_2d1");
        assert_eq!(escape("eDP1"), "eDP1");
        assert_eq!(escape("1st"), "_31st");
        assert_eq!(escape(""), "_");
        assert_eq!(escape("ü_"), "_c3_bc_5f");
    }

    #[test]
    fn two_devices_of_one_name_have_two_paths() {
        assert_eq!(paths("/i", ["a", "b", "a", "a"]), ["/i/a", "/i/b", "/i/a_n2", "/i/a_n3"]);
    }

    #[test]
    fn long_and_odd_texts_are_shown_short_and_printable() {
        assert_eq!(quoted("a\u{1b}b"), "\"a\u{fffd}b\"");
        assert_eq!(quoted(&"x".repeat(1000)).chars().count(), QUOTED_LENGTH + 3);
    }

    proptest! {
        #[test]
        fn every_name_gives_a_valid_path_of_its_own(names in proptest::collection::vec(".{0,8}", 0..8)) {
            let paths = paths("/o", names.iter().map(String::as_str));
            let distinct: std::collections::HashSet<_> = paths.iter().collect();
            prop_assert_eq!(distinct.len(), names.len());
            for path in &paths {
                prop_assert!(zbus::ObjectPath::try_from(path.as_str()).is_ok(), "{}", path);
            }
        }
    }
}
