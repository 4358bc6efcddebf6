//! The keys of each `[output."…"]` table, and of the saved state.

use toml_edit::{Array, Value};

use super::{Allowed, Key, Kind};
use crate::config::output::{ModeChoice, OutputRule};
use crate::config::raw::{RawValue, Wrong};
use crate::config::setters::{possible, put, understood};
use crate::config::syntax;
use crate::quantities::{Brightness, Position, Rotation, Scale};

const MIRROR: Allowed = Allowed::Description("another output's name, or \"\" for none");
const POSITION: Allowed = Allowed::Description("[X, Y] in logical pixels, -32768 to 32767");

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
        allowed: Allowed::Description(Rotation::ALLOWED),
        set: |rule, raw| {
            put(&mut rule.settings.rotation, Ok(Some(possible(Rotation::try_from(raw.as_number::<u32>()?))?)))
        },
        get: |rule| rule.settings.rotation.map(|rotation| i64::from(rotation.degrees()).into()),
    },
    Key {
        name: "scale",
        kind: Kind::Toml,
        allowed: Allowed::Description(Scale::ALLOWED),
        set: |rule, raw| {
            let scale = match &raw.value {
                RawValue::Text(text) if text == "auto" => Scale::Auto,
                _ => possible(Scale::fixed(raw.as_float()?))?,
            };
            put(&mut rule.settings.scale, Ok(Some(scale)))
        },
        get: |rule| {
            rule.settings.scale.map(|scale| match scale {
                Scale::Auto => "auto".into(),
                Scale::Fixed(factor) => factor.get().into(),
            })
        },
    },
    Key {
        name: "power",
        kind: Kind::Toml,
        allowed: Allowed::OneOf(&["on", "off"]),
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
            let place: (i32, i32) = (x.as_number()?, y.as_number()?);
            put(&mut rule.settings.position, Ok(Some(possible(Position::try_from(place))?)))
        },
        get: |rule| {
            let place = |at: Position| [i64::from(at.x()), i64::from(at.y())].into_iter().collect::<Array>();
            rule.settings.position.map(|at| place(at).into())
        },
    },
    Key {
        name: "brightness",
        kind: Kind::Toml,
        allowed: Allowed::Description(Brightness::ALLOWED),
        set: |rule, raw| {
            put(&mut rule.settings.brightness, Ok(Some(possible(Brightness::try_from(raw.as_number::<i64>()?))?)))
        },
        get: |rule| rule.settings.brightness.map(|brightness| i64::from(brightness.percent()).into()),
    },
];
