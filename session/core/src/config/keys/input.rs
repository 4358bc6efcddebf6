//! The keys of `[input]`.

use toml_edit::Value;

use super::{Allowed, Key, Kind, TRUTH};
use crate::config::model::{CursorPolicy, Input, NewDevices};
use crate::config::raw::Wrong;
use crate::config::setters::{filled, in_range, named, no_control, put, spelled};

const NEW_DEVICES: &[(&str, NewDevices)] = &[("allow", NewDevices::Allow), ("ask", NewDevices::Ask)];

/// A key of `[input.keyboard]` that is an XKB name.
macro_rules! xkb_key {
    ($name:literal, $field:ident, $allowed:literal) => {
        Key {
            name: concat!("keyboard.", $name),
            kind: Kind::Text,
            allowed: Allowed::Description($allowed),
            set: |input, raw| put(&mut input.keyboard.$field, no_control(raw)),
            get: |input| Some(input.keyboard.$field.as_str().into()),
        }
    };
}

pub static INPUT: &[Key<Input>] = &[
    Key {
        name: "cursor",
        kind: Kind::Text,
        allowed: Allowed::OneOf(&["auto", "always", "never"]),
        set: |input, raw| {
            input.cursor = match raw.as_text()? {
                "auto" => CursorPolicy::Auto,
                "always" => CursorPolicy::Always,
                "never" => CursorPolicy::Never,
                _ => return Err(Wrong::default()),
            };
            Ok(())
        },
        get: |input| {
            Some(Value::from(match input.cursor {
                CursorPolicy::Auto => "auto",
                CursorPolicy::Always => "always",
                CursorPolicy::Never => "never",
            }))
        },
    },
    xkb_key!("layout", layout, "XKB layouts such as \"us\" or \"de,us\""),
    xkb_key!("variant", variant, "an XKB variant such as \"nodeadkeys\""),
    xkb_key!("model", model, "an XKB model such as \"pc105\""),
    xkb_key!("options", options, "XKB options such as \"caps:none\""),
    xkb_key!("rules", rules, "XKB rules such as \"evdev\""),
    Key {
        name: "keyboard.repeat-rate",
        kind: Kind::Toml,
        allowed: Allowed::Description("0 (none) to 1000 repeats a second"),
        set: |input, raw| put(&mut input.keyboard.repeat_rate, in_range(raw, 0, 1000)),
        get: |input| Some(i64::from(input.keyboard.repeat_rate).into()),
    },
    Key {
        name: "keyboard.repeat-delay",
        kind: Kind::Toml,
        allowed: Allowed::Description("50 to 10000 milliseconds"),
        set: |input, raw| put(&mut input.keyboard.repeat_delay, in_range(raw, 50, 10_000)),
        get: |input| Some(i64::from(input.keyboard.repeat_delay).into()),
    },
    Key {
        name: "touch-output",
        kind: Kind::Text,
        allowed: Allowed::Description("\"auto\" or an output's name"),
        set: |input, raw| {
            let output = filled(raw)?;
            put(&mut input.touch_output, Ok((output != "auto").then_some(output)))
        },
        get: |input| Some(input.touch_output.as_deref().unwrap_or("auto").into()),
    },
    Key {
        name: "vt-switching",
        kind: Kind::Toml,
        allowed: TRUTH,
        set: |input, raw| put(&mut input.vt_switching, raw.as_bool()),
        get: |input| Some(input.vt_switching.into()),
    },
    Key {
        name: "new-devices",
        kind: Kind::Text,
        allowed: Allowed::OneOf(&["allow", "ask"]),
        set: |input, raw| put(&mut input.new_devices, named(raw, NEW_DEVICES)),
        get: |input| Some(spelled(&input.new_devices, NEW_DEVICES).into()),
    },
];
