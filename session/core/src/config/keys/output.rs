//! The keys of each `[output."…"]` table, and of the saved state.

use toml_edit::{Array, Value};

use super::{Allowed, Key, Kind};
use crate::config::output::{ModeChoice, OutputRule, Rotation, Scale};
use crate::config::raw::{RawValue, Wrong};
use crate::config::setters::{put, understood};
use crate::config::syntax;

const MIRROR: Allowed = Allowed::Description("another output's name, or \"\" for none");
const BRIGHTNESS: Allowed = Allowed::Description("0 to 100");
const POSITION: Allowed = Allowed::Description("[X, Y] in logical pixels, -32768 to 32767");
/// As far as KMS and Wayland clients count, logical pixels.
const PLACES: std::ops::RangeInclusive<i32> = -32768..=32767;

pub static OUTPUTS: &[Key<OutputRule>] = &[
    Key {
        name: "mode",
        kind: Kind::Text,
        allowed: Allowed::Description(syntax::MODE),
        set: |rule, raw| put(&mut rule.settings.mode, Ok(Some(understood(syntax::parse_mode(raw.as_text()?))?))),
        get: |rule| rule.settings.mode.map(|mode: ModeChoice| syntax::mode_text(mode).into()),
    },
    Key {
        name: "rotation",
        kind: Kind::Toml,
        allowed: Allowed::Description("0, 90, 180 or 270"),
        set: |rule, raw| {
            put(&mut rule.settings.rotation, Ok(Some(understood(Rotation::from_degrees(raw.as_number()?))?)))
        },
        get: |rule| rule.settings.rotation.map(|rotation| i64::from(rotation.degrees()).into()),
    },
    Key {
        name: "scale",
        kind: Kind::Toml,
        allowed: Allowed::Description(syntax::SCALE),
        set: |rule, raw| {
            let scale = match &raw.value {
                RawValue::Text(text) if text == "auto" => Some(Scale::Auto),
                RawValue::Float(number) => syntax::fixed_scale(*number),
                RawValue::Integer(number) => i32::try_from(*number).ok().and_then(|n| syntax::fixed_scale(n.into())),
                _ => None,
            };
            put(&mut rule.settings.scale, Ok(Some(understood(scale)?)))
        },
        get: |rule| {
            rule.settings.scale.map(|scale| match scale {
                Scale::Auto => "auto".into(),
                Scale::Fixed(number) => number.into(),
            })
        },
    },
    Key {
        name: "power",
        kind: Kind::Toml,
        allowed: Allowed::Words(&["on", "off"]),
        set: |rule, raw| {
            let on = match &raw.value {
                RawValue::Boolean(on) => *on,
                RawValue::Text(text) if text == "on" => true,
                RawValue::Text(text) if text == "off" => false,
                _ => return Err(Wrong::default()),
            };
            put(&mut rule.settings.power, Ok(Some(on)))
        },
        get: |rule| rule.settings.power.map(|on| if on { "on".into() } else { "off".into() }),
    },
    Key {
        name: "mirror",
        kind: Kind::Text,
        allowed: MIRROR,
        set: |rule, raw| {
            let mirror = raw.as_text()?;
            if mirror == rule.matcher {
                return Err(Wrong::because("an output can't mirror itself"));
            }
            put(&mut rule.settings.mirror, Ok(Some(mirror.to_owned())))
        },
        get: |rule| rule.settings.mirror.as_deref().map(Value::from),
    },
    Key {
        name: "position",
        kind: Kind::Toml,
        allowed: POSITION,
        set: |rule, raw| {
            let [x, y] = raw.as_list()? else { return Err(Wrong::default()) };
            let (x, y): (i32, i32) = (x.as_number()?, y.as_number()?);
            if !PLACES.contains(&x) || !PLACES.contains(&y) {
                return Err(Wrong::default());
            }
            put(&mut rule.settings.position, Ok(Some((x, y))))
        },
        get: |rule| {
            rule.settings.position.map(|(x, y)| [i64::from(x), i64::from(y)].into_iter().collect::<Array>().into())
        },
    },
    Key {
        name: "brightness",
        kind: Kind::Toml,
        allowed: BRIGHTNESS,
        set: |rule, raw| {
            let percent: u8 = raw.as_number()?;
            put(&mut rule.settings.brightness, Ok(Some(understood(Some(percent).filter(|percent| *percent <= 100))?)))
        },
        get: |rule| rule.settings.brightness.map(|percent| i64::from(percent).into()),
    },
];
