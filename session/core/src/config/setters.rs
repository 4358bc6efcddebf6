//! Helpers for the setters of [`super::keys`]: they turn a [`Raw`] value into a field's type, or give the reason why
//! not. Pure.

use std::path::PathBuf;

use toml_edit::{Array, InlineTable, Value};

use super::model::{Days, ScheduleEntry};
use super::raw::{Raw, RawValue, Wrong};
use super::syntax;
use crate::quantities::QuantityError;

/// Sets a field, or refuses.
pub(super) fn put<T>(field: &mut T, value: Result<T, Wrong>) -> Result<(), Wrong> {
    *field = value?;
    Ok(())
}

pub(super) fn understood<T>(parsed: Option<T>) -> Result<T, Wrong> {
    parsed.ok_or_else(Wrong::default)
}

/// Drops the error's text: the key's own says what is allowed.
pub(super) fn possible<T>(checked: Result<T, QuantityError>) -> Result<T, Wrong> {
    checked.map_err(|_| Wrong::default())
}

/// No NUL and no newline can get into arguments, keymaps or log lines.
pub(super) fn no_control(raw: &Raw) -> Result<String, Wrong> {
    let text = raw.as_text()?;
    if text.chars().any(char::is_control) {
        return Err(Wrong::because("it has a control character"));
    }
    Ok(text.to_owned())
}

pub(super) fn filled(raw: &Raw) -> Result<String, Wrong> {
    let text = no_control(raw)?;
    if text.trim().is_empty() { Err(Wrong::because("it is empty")) } else { Ok(text) }
}

/// `200` is as good as `"200"`.
pub(super) fn text_or_number(raw: &Raw) -> Result<String, Wrong> {
    match raw.value {
        RawValue::Integer(number) => Ok(number.to_string()),
        _ => raw.as_text().map(str::to_owned),
    }
}

pub(super) fn in_range(raw: &Raw, first: u32, last: u32) -> Result<u32, Wrong> {
    let number = raw.as_number()?;
    if (first..=last).contains(&number) { Ok(number) } else { Err(Wrong::default()) }
}

pub(super) fn words_of(raw: &Raw, first_is_program: bool) -> Result<Vec<String>, Wrong> {
    let mut words = Vec::new();
    for (index, word) in raw.as_list()?.iter().enumerate() {
        let at_word = |wrong: Wrong| Wrong { span: Some(word.span.clone()), ..wrong };
        let program = first_is_program && index == 0;
        words.push(if program { filled(word) } else { no_nul(word) }.map_err(at_word)?);
    }
    Ok(words)
}

pub(super) fn no_nul(raw: &Raw) -> Result<String, Wrong> {
    let text = raw.as_text()?;
    if text.contains('\0') { Err(Wrong::because("it has a NUL character")) } else { Ok(text.to_owned()) }
}

/// Reads each element of a list; an error points at its element.
pub(super) fn each<T>(raw: &Raw, of: impl Fn(&Raw) -> Result<T, Wrong>) -> Result<Vec<T>, Wrong> {
    let one = |raw: &Raw| of(raw).map_err(|wrong| Wrong { span: Some(raw.span.clone()), ..wrong });
    raw.as_list()?.iter().map(one).collect()
}

/// `None` for the one word that says so.
pub(super) fn unless<T>(none: &str, raw: &Raw, of: impl Fn(&Raw) -> Result<T, Wrong>) -> Result<Option<T>, Wrong> {
    if raw.as_text()? == none { Ok(None) } else { of(raw).map(Some) }
}

/// An absolute path: it does not depend on the working directory.
pub(super) fn absolute(raw: &Raw) -> Result<PathBuf, Wrong> {
    let path = PathBuf::from(no_control(raw)?);
    if path.is_absolute() { Ok(path) } else { Err(Wrong::because(format!("{} is no absolute path", raw.excerpt()))) }
}

/// An absolute path, or the name of a credential, as systemd has them.
pub(super) fn file_or_credential(raw: &Raw) -> Result<PathBuf, Wrong> {
    let name = raw.as_text()?;
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if is_name && !name.starts_with('.') { Ok(name.into()) } else { absolute(raw) }
}

/// One of a few words.
pub(super) fn named<T: Copy>(raw: &Raw, words: &[(&str, T)]) -> Result<T, Wrong> {
    let found = words.iter().find(|(word, _)| raw.as_text().is_ok_and(|text| text == *word));
    found.map(|(_, value)| *value).ok_or_else(Wrong::default)
}

/// As [`named`] reads it.
pub(super) fn spelled<T: PartialEq>(value: &T, words: &[(&'static str, T)]) -> &'static str {
    words.iter().find(|(_, other)| other == value).map(|(word, _)| *word).unwrap_or_default()
}

pub(super) fn list(words: &[String]) -> Value {
    words.iter().map(String::as_str).collect::<Array>().into()
}

/// Most entries of a schedule: each edge of each entry in the next weeks is compared with all others when it is asked
/// what holds now.
const MAX_ENTRIES: usize = 100;

pub(super) fn schedule(raw: &Raw) -> Result<Vec<ScheduleEntry>, Wrong> {
    let list = raw.as_list()?;
    if list.len() > MAX_ENTRIES {
        return Err(Wrong::because(format!("it has {} entries, and at most {MAX_ENTRIES} are followed", list.len())));
    }
    list.iter().map(schedule_entry).collect()
}

/// As [`schedule`] reads it.
pub(super) fn schedule_array(entries: &[ScheduleEntry]) -> Array {
    entries.iter().map(schedule_value).collect()
}

fn schedule_entry(raw: &Raw) -> Result<ScheduleEntry, Wrong> {
    let wrong = |span: &std::ops::Range<usize>, why: String| Wrong { span: Some(span.clone()), why: Some(why) };
    let RawValue::Table(entries) = &raw.value else {
        return Err(wrong(&raw.span, format!("{} is no table of on, off and days", raw.excerpt())));
    };
    let (mut on, mut off, mut days) = (None, None, Days::ALL);
    for entry in entries {
        let text = entry.value.as_text().unwrap_or_default();
        let bad =
            |allowed| wrong(&entry.value.span, format!("{} is {}, not {allowed}", entry.key, entry.value.excerpt()));
        match entry.key.as_str() {
            "on" => on = Some(syntax::parse_time(text).ok_or_else(|| bad(syntax::TIME))?),
            "off" => off = Some(syntax::parse_time(text).ok_or_else(|| bad(syntax::TIME))?),
            "days" => days = syntax::parse_days(text).ok_or_else(|| bad(syntax::DAYS))?,
            other => return Err(wrong(&entry.key_span, format!("{other:?} is not one of on, off, days"))),
        }
    }
    match (on, off) {
        (Some(on), Some(off)) if on == off => Err(wrong(&raw.span, "on and off are the same time".into())),
        (Some(on), Some(off)) => Ok(ScheduleEntry { on, off, days }),
        _ => Err(wrong(&raw.span, "an entry needs both on and off".into())),
    }
}

fn schedule_value(entry: &ScheduleEntry) -> Value {
    let mut table = InlineTable::new();
    table.insert("on", syntax::time_text(entry.on).into());
    table.insert("off", syntax::time_text(entry.off).into());
    table.insert("days", syntax::days_text(entry.days).into());
    table.into()
}
