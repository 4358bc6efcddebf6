//! Changes single keys of one drop-in file, for `kioskctl config set` and `unset`: text in, text out; everything else
//! in the file stays as it is. Keys and values are checked by [`super::load`].

use toml_edit::{DocumentMut, Item, Key, Table, TableLike, Value};

pub use super::load::MAX_FILE;

/// The drop-in that the program writes, in [`super::ADMIN_DIR`].
pub const DROP_IN: &str = "90-kioskctl.toml";

const HEADER: &str = "# Written by `kioskctl config set`; a file that comes later in the alphabet counts more.\n";

/// Why a file was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The key's text is no path of keys.
    #[error("{0:?} is no key, allowed is a path such as shell.url or output.\"HDMI-A-1\".rotation")]
    Key(String),
    /// The file is not TOML, perhaps after an edit by hand.
    #[error("it is not TOML: {0}")]
    NotToml(String),
    /// Something on the way to the key is no table.
    #[error("{0} is no table in it")]
    NoTable(String),
    /// Nobody would read it any more, and it could not be mended the same way.
    #[error("the file would have {0} bytes, and at most {MAX_FILE} are read")]
    TooLarge(usize),
}

/// The text with `key` set to `value`.
pub fn set(text: &str, key: &str, value: Value) -> Result<String, EditError> {
    insert(text, key, Item::Value(value))
}

/// The text with `key` as `other` has it: with that value, or without one.
pub fn as_in(text: &str, other: &str, key: &str) -> Result<String, EditError> {
    let (path, last) = path(key)?;
    let other = parse(other)?;
    let mut table: Option<&dyn TableLike> = Some(other.as_table());
    for part in &path {
        table = table.and_then(|table| table.get(part.get())?.as_table_like());
    }
    match table.and_then(|table| table.get(last.get())) {
        Some(item) => insert(text, key, item.clone()),
        None => Ok(unset(text, key)?.unwrap_or_else(|| text.to_owned())),
    }
}

fn insert(text: &str, key: &str, item: Item) -> Result<String, EditError> {
    let mut document = parse(text)?;
    let (path, last) = path(key)?;
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for part in &path {
        let item = table.entry(part.get()).or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        table = item.as_table_like_mut().ok_or_else(|| EditError::NoTable(part.get().to_owned()))?;
    }
    table.insert(last.get(), item);
    let text = document.to_string();
    let text = if text.starts_with('#') { text } else { format!("{HEADER}{text}") };
    if text.len() as u64 > MAX_FILE { Err(EditError::TooLarge(text.len())) } else { Ok(text) }
}

/// The text without `key`; `None`: it does not set it.
pub fn unset(text: &str, key: &str) -> Result<Option<String>, EditError> {
    let mut document = parse(text)?;
    let (path, last) = path(key)?;
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for part in &path {
        let Some(item) = table.get_mut(part.get()) else { return Ok(None) };
        table = item.as_table_like_mut().ok_or_else(|| EditError::NoTable(part.get().to_owned()))?;
    }
    let was_there = table.remove(last.get()).is_some();
    Ok(was_there.then(|| document.to_string()))
}

/// The ways to read a value that a person typed: as TOML where that is possible, and as plain text.
pub fn readings(typed: &str) -> Vec<Value> {
    let text = Value::from(typed);
    match typed.trim().parse::<Value>() {
        Ok(value) if value.as_str().is_none() => vec![value, text],
        Ok(value) => vec![value],
        Err(_) => vec![text],
    }
}

/// [`readings`] as JSON.
pub fn json_readings(typed: &str) -> Vec<serde_json::Value> {
    readings(typed).iter().map(super::show::json).collect()
}

fn parse(text: &str) -> Result<DocumentMut, EditError> {
    text.parse().map_err(|error: toml_edit::TomlError| EditError::NotToml(error.message().to_owned()))
}

fn path(key: &str) -> Result<(Vec<Key>, Key), EditError> {
    let mut keys = Key::parse(key).map_err(|_| EditError::Key(key.to_owned()))?;
    let last = keys.pop().ok_or_else(|| EditError::Key(key.to_owned()))?;
    if keys.is_empty() {
        return Err(EditError::Key(key.to_owned()));
    }
    Ok((keys, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_set_changed_and_taken_away_and_the_rest_stays() {
        let one = set("", "shell.url", Value::from("http://a")).unwrap();
        assert_eq!(one, format!("{HEADER}[shell]\nurl = \"http://a\"\n"));
        let two = set(&one, "output.\"Dell U2720Q\".rotation", Value::from(90)).unwrap();
        assert!(two.ends_with("[output.\"Dell U2720Q\"]\nrotation = 90\n"), "{two}");
        let three = set(&two, "shell.url", Value::from("http://b")).unwrap();
        assert_eq!(three, two.replace("http://a", "http://b"));
        assert_eq!(unset(&three, "shell.browser").unwrap(), None);
        let four = unset(&three, "output.\"Dell U2720Q\".rotation").unwrap().unwrap();
        assert!(four.contains("http://b") && !four.contains("rotation"), "{four}");
        let by_hand = "# mine\n[shell]   # here\nurl = 'x'\n";
        assert_eq!(set(by_hand, "shell.url", Value::from(1)).unwrap(), "# mine\n[shell]   # here\nurl = 1\n");
    }

    #[test]
    fn a_key_gets_the_value_that_another_text_has() {
        let other = "[shell]\nurl = 'http://a' # ours\n[shell.env]\nA = '1'\n";
        let text = "[shell]\nurl = 'http://b'\nbrowser = 'x'\n";
        let url = as_in(text, other, "shell.url").unwrap();
        assert!(url.contains("url = 'http://a'") && url.contains("browser = 'x'"), "{url}");
        let table = as_in(text, other, "shell.env").unwrap();
        assert!(table.contains("[shell.env]\nA = '1'"), "{table}");
        let gone = as_in(text, other, "shell.browser").unwrap();
        assert_eq!(gone, "[shell]\nurl = 'http://b'\n");
        assert_eq!(as_in(text, "", "night-light.temperature").unwrap(), text);
        assert!(matches!(as_in("x = = 1", other, "shell.url"), Err(EditError::NotToml(_))));
        assert!(matches!(as_in(text, "x = = 1", "shell.url"), Err(EditError::NotToml(_))));
    }

    #[test]
    fn what_is_no_key_or_no_toml_is_refused() {
        for bad in ["", "shell", "a..b", "a.b c", "[x].y"] {
            assert_eq!(set("", bad, Value::from(1)), Err(EditError::Key(bad.into())), "{bad}");
        }
        assert!(matches!(set("x = = 1", "a.b", Value::from(1)), Err(EditError::NotToml(_))));
        assert_eq!(set("a = 1\n", "a.b", Value::from(1)), Err(EditError::NoTable("a".into())));
        assert_eq!(unset("a = 1\n", "a.b"), Err(EditError::NoTable("a".into())));
        let half = set("", "a.b", Value::from("x".repeat(40_000))).unwrap();
        assert!(matches!(set(&half, "a.c", Value::from("x".repeat(40_000))), Err(EditError::TooLarge(80_000..))));
    }

    #[test]
    fn what_is_typed_is_toml_or_a_text() {
        let texts = |typed| readings(typed).iter().map(|value| value.to_string()).collect::<Vec<_>>();
        assert_eq!(texts("90"), ["90", "\"90\""]);
        assert_eq!(texts("http://localhost"), ["\"http://localhost\""]);
        assert_eq!(texts("#000000"), ["\"#000000\""]);
        assert_eq!(texts("\"a\""), ["\"a\""]);
        assert_eq!(texts("[\"a\", \"b\"]").first().map(String::as_str), Some("[\"a\", \"b\"]"));
    }
}
