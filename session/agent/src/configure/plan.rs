//! What a change of configuration keys makes of the drop-in file that `kioskctl config set` writes, too: text in, text out. A
//! value that is not allowed makes nothing of any of them. No I/O.

use std::collections::BTreeMap;
use std::path::Path;

use kiosk_core::config::{Config, edit};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use toml_edit::{Array, InlineTable};

use crate::verbs::whole;

/// Keys of one change: more than any configuration has.
const MAX_KEYS: usize = 256;

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Change {
    /// Keys with their sections, and values of the types that they have in TOML.
    pub set: BTreeMap<String, Value>,
    /// Keys that the file is to set no more; one that it does not set is no error.
    pub unset: Vec<String>,
    /// After so many seconds it is undone, unless it is confirmed.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "whole")]
    pub revert_after: Option<u32>,
}

/// The file's text with the change. Errors: a sentence about the first that is wrong.
pub fn changed(file: &Path, text: &str, change: &Change) -> Result<String, String> {
    let count = change.set.len() + change.unset.len();
    if count == 0 {
        return Err("nothing is to be changed: say set, unset or both".into());
    }
    if count > MAX_KEYS {
        return Err(format!("{count} keys are to be changed, and at most {MAX_KEYS} are at once"));
    }
    let mut new = text.to_owned();
    for key in &change.unset {
        if let Some(without) = edit::unset(&new, key).map_err(|error| error.to_string())? {
            new = without;
        }
    }
    for (key, value) in &change.set {
        let value = toml(value).ok_or_else(|| format!("{key}: null is no value of TOML; name the key in unset"))?;
        new = edit::set(&new, key, value).map_err(|error| error.to_string())?;
    }
    let errors = |text: &str| Config::of_file(file, text.as_bytes()).errors;
    let before: Vec<String> = errors(text).into_iter().map(|error| error.message).collect();
    // What is wrong with the file anyway is not about this change.
    match errors(&new).into_iter().find(|error| !before.contains(&error.message)) {
        Some(error) => Err(error.message),
        None => Ok(new),
    }
}

/// `None`: there is a null in it.
fn toml(value: &Value) -> Option<toml_edit::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(is) => (*is).into(),
        Value::String(text) => text.as_str().into(),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.into(),
            None => number.as_f64()?.into(),
        },
        Value::Array(values) => values.iter().map(toml).collect::<Option<Array>>()?.into(),
        Value::Object(map) => {
            let entries = map.iter().map(|(key, value)| Some((key.as_str(), toml(value)?)));
            entries.collect::<Option<InlineTable>>()?.into()
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(text: &str, change: Value) -> Result<String, String> {
        let change: Change = serde_json::from_value(change).unwrap();
        changed(Path::new("90-kioskctl.toml"), text, &change)
    }

    #[test]
    fn a_time_is_a_whole_number_however_it_is_written() {
        let time = |text: &str| serde_json::from_str::<Change>(text).map(|change| change.revert_after);
        for text in [r#"{"revert-after": 60}"#, r#"{"revert-after": 60.0}"#, r#"{"revert-after": 6e1}"#] {
            assert_eq!(time(text).unwrap(), Some(60), "{text}");
        }
        assert_eq!(time("{}").unwrap(), None);
        for text in [r#"{"revert-after": 60.5}"#, r#"{"revert-after": -6}"#, r#"{"revert-after": "60"}"#] {
            assert!(time(text).is_err(), "{text}");
        }
        let change = Change { revert_after: Some(60), ..Change::default() };
        let again: Change = serde_json::from_str(&serde_json::to_string(&change).unwrap()).unwrap();
        assert_eq!(again, change);
    }

    #[test]
    fn keys_are_set_and_unset_together_or_not_at_all() {
        let text = "[shell]\nurl = \"http://a\"\n[splash]\nmessage = false\n";
        let change = json!({
            "set": { "shell.url": "http://b", "output.\"HDMI-A-1\".rotation": 90, "browser.zoom": 1.5,
                "power.schedule": [{ "on": "07:00", "off": "22:00" }] },
            "unset": ["splash.message", "splash.logo"],
        });
        let new = of(text, change).unwrap();
        for line in ["url = \"http://b\"", "rotation = 90", "zoom = 1.5", "on = \"07:00\""] {
            assert!(new.contains(line), "{line}: {new}");
        }
        assert!(!new.contains("message"), "{new}");
        for (change, says) in [
            (json!({}), "nothing is to be changed"),
            (
                json!({ "set": { "shell.url": "http://b", "output.\"*\".rotation": 45 } }),
                "allowed is 0, 90, 180 or 270",
            ),
            (json!({ "set": { "shell.ulr": "http://b" } }), "did you mean url"),
            (json!({ "set": { "shell": 1 } }), "is no key"),
            (json!({ "set": { "shell.url": null } }), "null"),
            (json!({ "unset": ["a b"] }), "is no key"),
        ] {
            let said = of(text, change).unwrap_err();
            assert!(said.contains(says), "{said}");
        }
        // A file that was broken by hand can be mended, and does not hide behind its faults.
        let broken = "[shell]\nulr = 1\n";
        assert!(of(broken, json!({ "unset": ["shell.ulr"], "set": { "shell.url": "http://b" } })).is_ok());
        assert!(of(broken, json!({ "set": { "idle.reset": "soon" } })).is_err());
    }
}
