//! The sentences about what is wrong in a layer: which value is none and what would be, which name was perhaps meant,
//! and how much of it is told. Pure.

#![deny(clippy::indexing_slicing, clippy::string_slice)]

use super::keys::{self, Key, Sectioned};
use super::origin::ConfigError;
use super::raw::{Raw, RawValue, Wrong};
use super::suggest::closest;

/// What is told of one file that has everything wrong in it.
const MAX_ERRORS: usize = 32;

/// Not more of them than anybody reads.
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

/// Why `raw` is no value for `key`, from the key on.
pub fn refusal<T>(key: &Key<T>, full: &str, raw: &Raw, wrong: &Wrong) -> String {
    let found = raw.excerpt();
    let allowed = key.allowed.text();
    let near = match (key.allowed, &raw.value) {
        (keys::Allowed::Words(words), RawValue::Text(text)) => closest(text, words.iter().copied()),
        _ => None,
    };
    match (&wrong.why, near) {
        // It is about one thing in it.
        (Some(why), _) if matches!(raw.value, RawValue::List(_) | RawValue::Table(_)) => {
            format!("{full}: {why}; allowed is {allowed}")
        }
        (Some(why), _) => format!("{full} is {found}: {why}; allowed is {allowed}"),
        (None, Some(near)) => format!("{full} is {found}, did you mean {near:?}? Allowed is {allowed}"),
        (None, None) => format!("{full} is {found}, allowed is {allowed}"),
    }
}

/// Ends the sentence in any case.
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
