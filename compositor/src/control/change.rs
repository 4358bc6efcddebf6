//! Turns what callers write about an output (`{"rotation": <uint32 90>}`, or the property `Rotation`) into an
//! [`OutputChange`], or into a sentence that names the output, the key and what is allowed.
//!
//! Form only: whether the hardware can do it is the event loop's question.

use std::collections::HashMap;
use std::time::Duration;

use kiosk_bus::{Failure, quoted};
use kiosk_core::api::REVERT_AFTER;
use kiosk_core::config::{Brightness, ModeChoice, Position, Rotation, Scale, syntax};
use zbus::{OwnedVariant, Variant};

use crate::command::{ApplyMode, OutputChange};
use crate::snapshot::{OutputSnapshot, Snapshot};

/// One dictionary of options or changes as it comes from the wire.
pub type Options = HashMap<String, OwnedVariant>;

/// The value for an automatic scale, by the display's density.
const SCALE_AUTO: f64 = 0.0;
/// Sizes of modes as in the configuration, pixels.
const SIZE: std::ops::RangeInclusive<u32> = 1..=16384;
/// Millihertz.
const REFRESH: std::ops::RangeInclusive<u32> = 0..=1_000_000;
/// How long a temporary change stays unless the caller says otherwise.
const DEFAULT_REVERT: Duration = Duration::from_secs(15);

const KEYS: &str = "power, rotation, scale, mode, position, mirror and brightness";

/// All changes of one `ApplyOutputs`, in the caller's order.
pub fn changes(requested: Vec<(String, Options)>, snapshot: &Snapshot) -> Result<Vec<(String, OutputChange)>, Failure> {
    let mut changes: Vec<(String, OutputChange)> = Vec::with_capacity(requested.len());
    for (name, values) in requested {
        let output = output(snapshot, &name)?;
        if changes.iter().any(|(other, _)| *other == name) {
            return Err(Failure::invalid(format!("output {name} is listed twice, it may be once")));
        }
        let mut change = OutputChange::default();
        for (key, value) in &values {
            set(&mut change, output, snapshot, key, value)?;
        }
        changes.push((name, change));
    }
    Ok(changes)
}

/// The output of that name, or a sentence with those that there are.
pub fn output<'a>(snapshot: &'a Snapshot, name: &str) -> Result<&'a OutputSnapshot, Failure> {
    snapshot.outputs.iter().find(|o| o.name == name).ok_or_else(|| {
        let names: Vec<&str> = snapshot.outputs.iter().map(|o| o.name.as_str()).collect();
        let known = if names.is_empty() { "there are none".into() } else { format!("there are: {}", names.join(", ")) };
        Failure::not_found(format!("there is no output {}; {known}", quoted(name)))
    })
}

/// Writes one value into `change`; `key` as in `ApplyOutputs`.
pub fn set(
    change: &mut OutputChange,
    output: &OutputSnapshot,
    snapshot: &Snapshot,
    key: &str,
    value: &Variant<'_>,
) -> Result<(), Failure> {
    let at = Setting { output: &output.name, key };
    match key {
        "power" => change.power = Some(at.bool(value)?),
        "rotation" => {
            let degrees = at.u32(value, Rotation::ALLOWED)?;
            change.rotation = Some(Rotation::try_from(degrees).map_err(|error| at.impossible(error))?);
        }
        "scale" => match value {
            Variant::F64(scale) if *scale == SCALE_AUTO => change.scale = Some(Scale::Auto),
            Variant::F64(scale) => {
                let fixed = Scale::fixed(*scale);
                change.scale = Some(fixed.map_err(|error| at.impossible(format!("{error}, or 0.0 for auto")))?);
            }
            other => return Err(at.wrong_type(other, "d, 1.0 to 4.0, or 0.0 for auto")),
        },
        "mode" => change.mode = Some(mode(&at, value)?),
        "position" => match pair(value) {
            Some(place) => {
                change.position = Some(Position::try_from(place).map_err(|error| at.impossible(error))?);
            }
            None => return Err(at.wrong_type(value, "(ii), x and y")),
        },
        "mirror" => {
            let source = at.str(value, "s, the name of another output or empty")?;
            if source == output.name {
                return Err(at.refuse(quoted(source), "another output's name, or empty for none"));
            }
            if !source.is_empty() {
                self::output(snapshot, source)?;
            }
            change.mirror = Some(source.to_owned());
        }
        "brightness" => match value {
            Variant::I32(percent) => {
                let brightness = Brightness::try_from(i64::from(*percent)).map_err(|error| at.impossible(error))?;
                if output.brightness < 0 {
                    return Err(Failure::unsupported(format!("output {} has no brightness control", output.name)));
                }
                change.brightness = Some(brightness);
            }
            other => return Err(at.wrong_type(other, "i, 0 to 100")),
        },
        unknown => {
            return Err(Failure::invalid(format!(
                "output {}: there is no {} to change, there are {KEYS}",
                output.name,
                quoted(unknown)
            )));
        }
    }
    Ok(())
}

/// The mode and options of `ApplyOutputs`.
pub fn apply_mode(mode: &str, options: &Options) -> Result<ApplyMode, Failure> {
    only(options, &["revert-after"])?;
    let revert_after = options.get("revert-after").map(|v| seconds(v)).transpose()?;
    match (mode, revert_after) {
        ("temporary", after) => {
            Ok(ApplyMode::Temporary { revert_after: after.map_or(DEFAULT_REVERT, Duration::from_secs) })
        }
        ("verify" | "keep", Some(_)) => {
            Err(Failure::invalid(format!("revert-after goes with mode \"temporary\" only, the mode is \"{mode}\"")))
        }
        ("verify", None) => Ok(ApplyMode::Verify),
        ("keep", None) => Ok(ApplyMode::Keep),
        (other, _) => Err(Failure::invalid(format!(
            "the mode is {}, it must be \"verify\", \"temporary\" or \"keep\"",
            quoted(other)
        ))),
    }
}

/// Refuses options that the method does not have: a misspelt one must not be lost in silence.
pub fn only(options: &Options, known: &[&str]) -> Result<(), Failure> {
    match options.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) if known.is_empty() => {
            Err(Failure::invalid(format!("there is no option {}, this method has none", quoted(key))))
        }
        Some(key) => {
            Err(Failure::invalid(format!("there is no option {}, there is: {}", quoted(key), known.join(", "))))
        }
    }
}

/// `revert-after`: seconds, or a number with the unit s or m.
fn seconds(value: &Variant<'_>) -> Result<u64, Failure> {
    let parsed = match value {
        Variant::U32(seconds) => Some(u64::from(*seconds)),
        Variant::Str(text) => {
            let text = text.as_str();
            let (number, unit) = match (text.strip_suffix('s'), text.strip_suffix('m')) {
                (Some(number), _) => (number, 1),
                (_, Some(number)) => (number, 60),
                _ => (text, 1),
            };
            number.parse::<u64>().ok().and_then(|n| n.checked_mul(unit))
        }
        _ => None,
    };
    parsed.filter(|seconds| REVERT_AFTER.contains(&Duration::from_secs(*seconds))).ok_or_else(|| {
        Failure::invalid("revert-after must be 1 to 3600 seconds (u), or a text such as 15s or 2m (s)".to_owned())
    })
}

/// `(uuu)`, or a text as in the configuration: `1920x1080`, `1920x1080@59.94`, `custom 1280x720@60`, `preferred`.
fn mode(at: &Setting<'_>, value: &Variant<'_>) -> Result<ModeChoice, Failure> {
    const ALLOWED: &str = "WIDTHxHEIGHT, WIDTHxHEIGHT@HERTZ, custom WIDTHxHEIGHT@HERTZ, preferred and max";
    if let Variant::Str(text) = value {
        return syntax::parse_mode(text).ok_or_else(|| at.refuse(quoted(text), ALLOWED));
    }
    let (width, height, refresh) =
        triple(value).ok_or_else(|| at.wrong_type(value, "(uuu), width, height and millihertz, or s"))?;
    if !SIZE.contains(&width) || !SIZE.contains(&height) {
        return Err(at.refuse(format!("{width}x{height}"), "1 to 16384 for width and height"));
    }
    if !REFRESH.contains(&refresh) {
        return Err(at.refuse(format!("{refresh} mHz"), "0 (any) to 1000000 mHz"));
    }
    Ok(ModeChoice::Exact { width, height, refresh: Some(refresh).filter(|rate| *rate != 0) })
}

fn pair(value: &Variant<'_>) -> Option<(i32, i32)> {
    match value {
        Variant::Structure(fields) => match fields.fields() {
            [Variant::I32(x), Variant::I32(y)] => Some((*x, *y)),
            _ => None,
        },
        _ => None,
    }
}

fn triple(value: &Variant<'_>) -> Option<(u32, u32, u32)> {
    match value {
        Variant::Structure(fields) => match fields.fields() {
            [Variant::U32(a), Variant::U32(b), Variant::U32(c)] => Some((*a, *b, *c)),
            _ => None,
        },
        _ => None,
    }
}

/// The output and key of a value, for error messages.
struct Setting<'a> {
    output: &'a str,
    key: &'a str,
}

impl Setting<'_> {
    /// A quantity's error, with the output's name.
    fn impossible(&self, error: impl std::fmt::Display) -> Failure {
        Failure::invalid(format!("output {}: {error}", self.output))
    }

    fn refuse(&self, value: impl std::fmt::Display, allowed: &str) -> Failure {
        Failure::invalid(format!("output {}: {} is {value}, allowed is {allowed}", self.output, self.key))
    }

    fn wrong_type(&self, value: &Variant<'_>, wanted: &str) -> Failure {
        let signature = value.value_signature();
        Failure::invalid(format!(
            "output {}: {} has D-Bus type {signature}, it must have {wanted}",
            self.output, self.key
        ))
    }

    fn bool(&self, value: &Variant<'_>) -> Result<bool, Failure> {
        match value {
            Variant::Bool(value) => Ok(*value),
            other => Err(self.wrong_type(other, "b, true or false")),
        }
    }

    fn u32(&self, value: &Variant<'_>, allowed: &str) -> Result<u32, Failure> {
        match value {
            Variant::U32(value) => Ok(*value),
            other => Err(self.wrong_type(other, &format!("u, {allowed}"))),
        }
    }

    fn str<'v>(&self, value: &'v Variant<'_>, allowed: &str) -> Result<&'v str, Failure> {
        match value {
            Variant::Str(value) => Ok(value.as_str()),
            other => Err(self.wrong_type(other, allowed)),
        }
    }
}

#[cfg(test)]
#[path = "tests/change.rs"]
mod tests;
