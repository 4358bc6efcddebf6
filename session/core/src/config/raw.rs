//! A configuration value before its key has given it a meaning: what stood in a TOML file (with its place) or
//! in an environment variable. Used by the keys' setters and by the saved state.

use std::ops::Range;

use toml_edit::{Item, TableLike, Value};

use super::masked;

/// Most elements of a list that a message shows: a little more than a position or a calibration has.
const LIST_EXCERPT: usize = 8;

/// A value and the bytes of the file that it was written in (empty for the environment).
#[derive(Debug, Clone, PartialEq)]
pub struct Raw {
    pub span: Range<usize>,
    pub value: RawValue,
}

#[derive(Debug, Clone, PartialEq)]
pub enum RawValue {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    List(Vec<Raw>),
    Table(Vec<RawEntry>),
    Date(String),
}

/// A key of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct RawEntry {
    pub key: String,
    pub key_span: Range<usize>,
    pub value: Raw,
}

/// A setter's refusal.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wrong {
    /// The part of the value that is meant, where not the whole.
    pub span: Option<Range<usize>>,
    /// Why, where "not one of the allowed" does not say enough.
    pub why: Option<String>,
}

impl Wrong {
    pub fn because(why: impl ToString) -> Self {
        Wrong { span: None, why: Some(why.to_string()) }
    }
}

impl Raw {
    pub fn from_item(item: &Item) -> Option<Raw> {
        let span = item.span().unwrap_or_default();
        match item {
            Item::None => None,
            Item::Value(value) => Some(Raw::from_value(value)),
            Item::Table(table) => Some(Raw { span, value: RawValue::Table(entries(table)) }),
            Item::ArrayOfTables(tables) => {
                let list = tables.iter().map(|table| Raw {
                    span: table.span().unwrap_or_default(),
                    value: RawValue::Table(entries(table)),
                });
                Some(Raw { span, value: RawValue::List(list.collect()) })
            }
        }
    }

    pub fn from_value(value: &Value) -> Raw {
        let span = value.span().unwrap_or_default();
        let value = match value {
            Value::String(text) => RawValue::Text(text.value().clone()),
            Value::Integer(number) => RawValue::Integer(*number.value()),
            Value::Float(number) => RawValue::Float(*number.value()),
            Value::Boolean(truth) => RawValue::Boolean(*truth.value()),
            Value::Datetime(date) => RawValue::Date(date.value().to_string()),
            Value::Array(array) => RawValue::List(array.iter().map(Raw::from_value).collect()),
            Value::InlineTable(table) => RawValue::Table(entries(table)),
        };
        Raw { span, value }
    }

    /// A value with no place.
    pub fn text(text: impl Into<String>) -> Raw {
        Raw { span: 0..0, value: RawValue::Text(text.into()) }
    }

    pub fn as_text(&self) -> Result<&str, Wrong> {
        match &self.value {
            RawValue::Text(text) => Ok(text),
            _ => Err(Wrong::default()),
        }
    }

    pub fn as_bool(&self) -> Result<bool, Wrong> {
        match self.value {
            RawValue::Boolean(truth) => Ok(truth),
            _ => Err(Wrong::default()),
        }
    }

    pub fn as_number<T: TryFrom<i64>>(&self) -> Result<T, Wrong> {
        match self.value {
            RawValue::Integer(number) => T::try_from(number).map_err(|_| Wrong::default()),
            _ => Err(Wrong::default()),
        }
    }

    /// A number with or without a fraction; TOML's `nan` and `inf` are none.
    pub fn as_float(&self) -> Result<f64, Wrong> {
        match self.value {
            RawValue::Integer(number) => i32::try_from(number).map(f64::from).map_err(|_| Wrong::default()),
            RawValue::Float(number) if number.is_finite() => Ok(number),
            _ => Err(Wrong::default()),
        }
    }

    pub fn as_list(&self) -> Result<&[Raw], Wrong> {
        match &self.value {
            RawValue::List(list) => Ok(list),
            _ => Err(Wrong::default()),
        }
    }

    /// The value as a message shows it: short, on one line.
    pub fn excerpt(&self) -> String {
        match &self.value {
            RawValue::Text(text) => {
                // Masked before it is cut: in half an address the end of the password cannot be found.
                let text = masked(text);
                let short: String = text.chars().take(60).collect();
                let more = if short.len() < text.len() { "…" } else { "" };
                format!("{short:?}{more}")
            }
            RawValue::Integer(number) => number.to_string(),
            RawValue::Float(number) => format!("{number:?}"),
            RawValue::Boolean(truth) => truth.to_string(),
            RawValue::Date(date) => date.clone(),
            RawValue::List(list) => {
                let simple = list.iter().all(|raw| !matches!(raw.value, RawValue::List(_) | RawValue::Table(_)));
                let text: Vec<String> = list.iter().take(LIST_EXCERPT + 1).map(Raw::excerpt).collect();
                if simple && list.len() <= LIST_EXCERPT { format!("[{}]", text.join(", ")) } else { "a list".into() }
            }
            RawValue::Table(_) => "a table".into(),
        }
    }
}

fn entries(table: &dyn TableLike) -> Vec<RawEntry> {
    let mut entries = Vec::new();
    for (name, item) in table.iter() {
        let key_span = table.key(name).and_then(|key| key.span());
        if let Some(value) = Raw::from_item(item) {
            // Tables made by dotted keys or headers have no span of their own: their name has.
            let key_span = key_span.unwrap_or_else(|| value.span.clone());
            entries.push(RawEntry { key: name.to_owned(), key_span, value });
        }
    }
    entries
}
