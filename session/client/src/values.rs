//! Reads D-Bus properties without trusting their types: a missing or wrongly typed one reads as empty, so that kioskctl
//! works with slightly older or newer services.

use std::collections::BTreeMap;

use zbus::{OwnedVariant, Variant};

/// By name.
pub type Properties = BTreeMap<String, OwnedVariant>;

fn get<'a>(properties: &'a Properties, name: &str) -> Option<&'a Variant<'static>> {
    properties.get(name).map(|value| &**value)
}

/// Type `s`.
pub fn text(properties: &Properties, name: &str) -> String {
    match get(properties, name) {
        Some(Variant::Str(text)) => text.to_string(),
        _ => String::new(),
    }
}

/// Type `b`.
pub fn boolean(properties: &Properties, name: &str) -> bool {
    matches!(get(properties, name), Some(Variant::Bool(true)))
}

/// Any integer type.
pub fn integer(properties: &Properties, name: &str) -> i64 {
    get(properties, name).map_or(0, integer_of)
}

fn integer_of(value: &Variant<'_>) -> i64 {
    match value {
        Variant::U8(number) => (*number).into(),
        Variant::I16(number) => (*number).into(),
        Variant::U16(number) => (*number).into(),
        Variant::I32(number) => (*number).into(),
        Variant::U32(number) => (*number).into(),
        Variant::I64(number) => *number,
        Variant::U64(number) => i64::try_from(*number).unwrap_or(i64::MAX),
        _ => 0,
    }
}

/// Type `d`.
pub fn float(properties: &Properties, name: &str) -> f64 {
    match get(properties, name) {
        Some(Variant::F64(number)) => *number,
        _ => 0.0,
    }
}

/// The integers of a structure such as `(uuu)` or `(ii)`; missing ones are 0.
pub fn triple(properties: &Properties, name: &str) -> [i64; 3] {
    get(properties, name).map_or([0; 3], triple_of)
}

fn triple_of(value: &Variant<'_>) -> [i64; 3] {
    let mut numbers = [0; 3];
    if let Variant::Structure(structure) = value {
        for (number, field) in numbers.iter_mut().zip(structure.fields()) {
            *number = integer_of(field);
        }
    }
    numbers
}

/// Type `as`.
pub fn array(properties: &Properties, name: &str) -> Vec<String> {
    let Some(Variant::Array(array)) = get(properties, name) else { return Vec::new() };
    let texts = array.iter().filter_map(|value| match value {
        Variant::Str(text) => Some(text.to_string()),
        _ => None,
    });
    texts.collect()
}

/// Type `a(ss)`.
pub fn pairs(properties: &Properties, name: &str) -> Vec<(String, String)> {
    let Some(Variant::Array(array)) = get(properties, name) else { return Vec::new() };
    let pairs = array.iter().filter_map(|value| match value {
        Variant::Structure(structure) => match structure.fields() {
            [Variant::Str(one), Variant::Str(other)] => Some((one.to_string(), other.to_string())),
            _ => None,
        },
        _ => None,
    });
    pairs.collect()
}

/// Type `a(uuub)`: three numbers and whether it is the preferred one.
pub fn modes(properties: &Properties, name: &str) -> Vec<([i64; 3], bool)> {
    let Some(Variant::Array(array)) = get(properties, name) else { return Vec::new() };
    let modes = array.iter().filter_map(|value| match value {
        Variant::Structure(structure) => match structure.fields() {
            [_, _, _, Variant::Bool(preferred)] => Some((triple_of(value), *preferred)),
            _ => None,
        },
        _ => None,
    });
    modes.collect()
}

/// Type `a{su}`.
pub fn counts(properties: &Properties, name: &str) -> BTreeMap<String, i64> {
    let Some(Variant::Dict(all)) = get(properties, name) else { return BTreeMap::new() };
    let counts = all.iter().filter_map(|(word, count)| match word {
        Variant::Str(word) => Some((word.to_string(), integer_of(count))),
        _ => None,
    });
    counts.collect()
}

/// Type `ab`.
pub fn booleans(properties: &Properties, name: &str) -> Vec<bool> {
    let Some(Variant::Array(array)) = get(properties, name) else { return Vec::new() };
    array.iter().filter_map(|value| if let Variant::Bool(value) = value { Some(*value) } else { None }).collect()
}

/// Type `ad`.
pub fn floats(properties: &Properties, name: &str) -> Vec<f64> {
    let Some(Variant::Array(array)) = get(properties, name) else { return Vec::new() };
    let numbers = array.iter().filter_map(|value| match value {
        Variant::F64(number) => Some(*number),
        _ => None,
    });
    numbers.collect()
}

/// Type `(sst)`: reason, action, microseconds; `None` when both texts are empty.
pub fn failure(properties: &Properties, name: &str) -> Option<(String, String, u64)> {
    let Some(Variant::Structure(structure)) = get(properties, name) else { return None };
    match structure.fields() {
        [Variant::Str(reason), Variant::Str(action), Variant::U64(at)] if !(reason.is_empty() && action.is_empty()) => {
            Some((reason.to_string(), action.to_string(), *at))
        }
        _ => None,
    }
}
