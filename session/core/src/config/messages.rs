//! The messages about errors in a layer: the wrong value and what is allowed, the name that was perhaps meant, and how
//! many errors are reported. Pure.

use super::keys::{self, Key, Sectioned};
use super::origin::ConfigError;
use super::raw::{Raw, RawValue, Wrong};
use super::suggest::closest;

/// Most errors reported of one file.
const MAX_ERRORS: usize = 32;

/// The first [`MAX_ERRORS`] of them, and one that counts the rest.
pub fn first_of(mut errors: Vec<ConfigError>) -> Vec<ConfigError> {
    let more = errors.len().saturating_sub(MAX_ERRORS);
    if more > 0
        && let Some(last) = errors.get_mut(MAX_ERRORS)
    {
        last.key = String::new();
        last.message = format!("from here on {more} more things are wrong");
        errors.truncate(MAX_ERRORS + 1);
    }
    errors
}

/// Why `raw` is not a value for `key`: a sentence that begins with the key.
pub fn refusal<T>(key: &Key<T>, full: &str, raw: &Raw, wrong: &Wrong) -> String {
    let found = raw.excerpt();
    let allowed = key.allowed.text();
    let near = match (key.allowed, &raw.value) {
        (keys::Allowed::OneOf(words), RawValue::Text(text)) => closest(text, words.iter().copied()),
        _ => None,
    };
    match (&wrong.why, near) {
        // The error is about one element of the value.
        (Some(why), _) if matches!(raw.value, RawValue::List(_) | RawValue::Table(_)) => {
            format!("{full}: {why}; allowed is {allowed}")
        }
        (Some(why), _) => format!("{full} is {found}: {why}; allowed is {allowed}"),
        (None, Some(near)) => format!("{full} is {found}, did you mean {near:?}? Allowed is {allowed}"),
        (None, None) => format!("{full} is {found}, allowed is {allowed}"),
    }
}

/// Names the nearest candidate, and ends the sentence either way.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    closest(word, candidates).map_or_else(|| ".".into(), |name| format!(", did you mean {name}?"))
}

/// The keys and subtables directly below `prefix`.
pub fn names_in<T: Sectioned>(prefix: &str) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Vec::new();
    for rest in T::keys().iter().filter_map(|key| key.name.strip_prefix(prefix)) {
        let name = rest.split('.').next().unwrap_or(rest);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if prefix.is_empty() {
        names.extend(T::tables());
    }
    names
}
