//! The keys of `[text]` and of each `[text.LANGUAGE]`: one for each of the kiosk's own texts.

use super::{Allowed, Key, Kind};
use crate::config::raw::{Raw, Wrong};
use crate::texts::{MAX_TEXT, Text, TextRule, for_each_text, unknown_place};

const TEXT: Allowed = Allowed::Description("a text of up to 500 characters; \"\": nothing is shown there");

macro_rules! key {
    ($name:ident, $key:literal) => {
        Key {
            name: $key,
            kind: Kind::Text,
            allowed: TEXT,
            set: |rule: &mut TextRule, raw| put(rule, Text::$name, raw),
            get: |rule| rule.texts.get(&Text::$name).map(|text| text.as_str().into()),
        }
    };
}

pub static TEXTS: &[Key<TextRule>] = &for_each_text!(key);

fn put(rule: &mut TextRule, text: Text, raw: &Raw) -> Result<(), Wrong> {
    let words = raw.as_text()?;
    let length = words.chars().count();
    if length > MAX_TEXT {
        return Err(Wrong::because(format!("it has {length} characters")));
    }
    if words.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Wrong::because("it has a control character"));
    }
    if let Some(unknown) = unknown_place(text, words) {
        let places: Vec<String> = text.places().iter().map(|place| format!("{{{place}}}")).collect();
        let there = if places.is_empty() { "none".into() } else { places.join(", ") };
        return Err(Wrong::because(format!("{{{unknown}}} is not filled in here, of these there are {there}")));
    }
    rule.texts.insert(text, words.to_owned());
    Ok(())
}
