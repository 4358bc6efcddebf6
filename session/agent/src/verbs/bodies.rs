//! The bodies of requests, as JSON has them. An unknown key is an error; what is there is not null.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ShellQuery {
    #[serde(deserialize_with = "some")]
    pub shell: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reload {
    pub hard: bool,
    #[serde(deserialize_with = "some")]
    pub shell: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    pub url: String,
    #[serde(default, deserialize_with = "some")]
    pub shell: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Forget {
    pub outputs: Vec<String>,
    #[serde(deserialize_with = "some")]
    pub key: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Input {
    #[serde(deserialize_with = "some")]
    pub trusted: Option<bool>,
    #[serde(deserialize_with = "some")]
    pub output: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    pub text: String,
    #[serde(default, deserialize_with = "some")]
    pub title: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Pairing {
    pub url: String,
    pub code: String,
    #[serde(deserialize_with = "whole")]
    pub expires: Option<u32>,
    #[serde(deserialize_with = "some")]
    pub wifi: Option<String>,
    #[serde(deserialize_with = "some")]
    pub wifi_password: Option<String>,
    #[serde(deserialize_with = "some")]
    pub title: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keyboard {
    pub keyboard: KeyboardMode,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyboardMode {
    Show,
    Hide,
    Auto,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AidChange {
    pub aid: String,
    pub state: AidState,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AidState {
    On,
    Off,
    Auto,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vt {
    #[serde(deserialize_with = "whole")]
    pub vt: Option<u32>,
}

/// As JSON has it: `1.5` or `"auto"`.
pub fn number_or_word<'de, D: Deserializer<'de>>(value: D) -> Result<Option<String>, D::Error> {
    Ok(Some(match Value::deserialize(value)? {
        Value::String(word) => word,
        other => other.to_string(),
    }))
}

/// What is there is not null.
pub fn some<'de, D: Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

/// A whole number, also where it is written as 90.0: JSON has one kind of number.
pub fn whole<'de, D: Deserializer<'de>, T: TryFrom<i64>>(value: D) -> Result<Option<T>, D::Error> {
    let number = f64::deserialize(value)?;
    // Exact up to 2^53, which is far beyond what any of them may be.
    let number = (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64);
    let number = number.and_then(|number| T::try_from(number).ok());
    number.map(Some).ok_or_else(|| serde::de::Error::custom("allowed is a whole number, 0 or more"))
}
