//! The keys of `[keyboard]`.

use toml_edit::Value;

use super::{Allowed, Key, Kind, TRUTH};
use crate::config::keyboard::{KeyboardSize, KeyboardUse, OnScreenKeyboard};
use crate::config::setters::{named, put, spelled, understood};
use crate::config::syntax;

const USES: &[(&str, KeyboardUse)] = &[
    ("auto", KeyboardUse::Auto),
    ("always", KeyboardUse::Always),
    ("never", KeyboardUse::Never),
    ("external", KeyboardUse::External),
];
const SIZES: &[(&str, KeyboardSize)] =
    &[("small", KeyboardSize::Small), ("medium", KeyboardSize::Medium), ("large", KeyboardSize::Large)];

/// A key that is a colour.
macro_rules! color_key {
    ($name:literal, $field:ident) => {
        Key {
            name: $name,
            kind: Kind::Text,
            allowed: Allowed::Description(syntax::COLOUR),
            set: |keyboard, raw| put(&mut keyboard.$field, understood(syntax::parse_colour(raw.as_text()?))),
            get: |keyboard| Some(Value::from(syntax::colour_text(keyboard.$field))),
        }
    };
}

pub static KEYBOARD: &[Key<OnScreenKeyboard>] = &[
    Key {
        name: "use",
        kind: Kind::Text,
        allowed: Allowed::OneOf(&["auto", "always", "never", "external"]),
        set: |keyboard, raw| put(&mut keyboard.when, named(raw, USES)),
        get: |keyboard| Some(spelled(&keyboard.when, USES).into()),
    },
    Key {
        name: "size",
        kind: Kind::Text,
        allowed: Allowed::OneOf(&["small", "medium", "large"]),
        set: |keyboard, raw| put(&mut keyboard.size, named(raw, SIZES)),
        get: |keyboard| Some(spelled(&keyboard.size, SIZES).into()),
    },
    Key {
        name: "gesture",
        kind: Kind::Toml,
        allowed: TRUTH,
        set: |keyboard, raw| put(&mut keyboard.gesture, raw.as_bool()),
        get: |keyboard| Some(keyboard.gesture.into()),
    },
    color_key!("background", background),
    color_key!("key", key),
    color_key!("text", text),
    color_key!("accent", accent),
];
