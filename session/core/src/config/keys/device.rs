//! The keys of each `[input.device."…"]` table; the saved state has some of them.

use toml_edit::{Array, Value};

use super::{Allowed, Key, Kind, TRUTH};
use crate::config::devices::{AccelProfile, Calibration, InputRule, calibration_of};
use crate::config::raw::Wrong;
use crate::config::setters::{filled, no_control, put};

/// A key that is true or false.
macro_rules! switch {
    ($name:literal, $field:ident) => {
        Key {
            name: $name,
            kind: Kind::Toml,
            allowed: TRUTH,
            set: |rule, raw| put(&mut rule.settings.$field, raw.as_bool().map(Some)),
            get: |rule| rule.settings.$field.map(Value::from),
        }
    };
}

/// A key that is an XKB name.
macro_rules! xkb_key {
    ($name:ident, $set:expr, $allowed:literal) => {
        Key {
            name: stringify!($name),
            kind: Kind::Text,
            allowed: Allowed::Description($allowed),
            set: |rule, raw| put(&mut rule.settings.$name, $set(raw).map(Some)),
            get: |rule| rule.settings.$name.as_deref().map(Value::from),
        }
    };
}

pub static DEVICES: &[Key<InputRule>] = &[
    Key {
        name: "accel-speed",
        kind: Kind::Toml,
        allowed: Allowed::Description("-1.0 (slow) to 1.0 (fast)"),
        set: |rule, raw| {
            let speed = raw.as_float()?;
            if !(-1.0..=1.0).contains(&speed) {
                return Err(Wrong::default());
            }
            put(&mut rule.settings.accel_speed, Ok(Some(speed)))
        },
        get: |rule| rule.settings.accel_speed.map(Value::from),
    },
    Key {
        name: "accel-profile",
        kind: Kind::Text,
        allowed: Allowed::OneOf(&["flat", "adaptive"]),
        set: |rule, raw| {
            let profile = match raw.as_text()? {
                "flat" => AccelProfile::Flat,
                "adaptive" => AccelProfile::Adaptive,
                _ => return Err(Wrong::default()),
            };
            put(&mut rule.settings.accel_profile, Ok(Some(profile)))
        },
        get: |rule| {
            rule.settings.accel_profile.map(|profile| match profile {
                AccelProfile::Flat => "flat".into(),
                AccelProfile::Adaptive => "adaptive".into(),
            })
        },
    },
    switch!("tap", tap),
    switch!("natural-scroll", natural_scroll),
    switch!("left-handed", left_handed),
    switch!("disable", disable),
    switch!("trust", trust),
    Key {
        name: "output",
        kind: Kind::Text,
        allowed: Allowed::Description("\"auto\", a connector's name or \"Make Model Serial\""),
        set: |rule, raw| put(&mut rule.settings.output, filled(raw).map(Some)),
        get: |rule| rule.settings.output.as_deref().map(Value::from),
    },
    Key {
        name: "calibration",
        kind: Kind::Toml,
        allowed: Allowed::Description(
            "six numbers of -10 to 10 such as [1, 0, 0, 0, 1, 0], or [] for the device's own",
        ),
        set: |rule, raw| {
            let numbers: Result<Vec<f64>, Wrong> = raw.as_list()?.iter().map(|number| number.as_float()).collect();
            let calibration = calibration_of(&numbers?).map_err(|_| Wrong::default())?;
            put(&mut rule.settings.calibration, Ok(Some(calibration)))
        },
        get: |rule| {
            rule.settings.calibration.map(|calibration| match calibration {
                Calibration::Own => Array::new().into(),
                Calibration::Matrix(matrix) => matrix.into_iter().collect::<Array>().into(),
            })
        },
    },
    xkb_key!(layout, filled, "XKB layouts such as \"us\" or \"de,us\", of just this keyboard"),
    xkb_key!(variant, no_control, "an XKB variant such as \"nodeadkeys\""),
    xkb_key!(options, no_control, "XKB options such as \"caps:none\""),
];
