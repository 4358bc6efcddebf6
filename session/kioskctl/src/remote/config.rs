//! `config get`, `set` and `unset` with `--host`, and the `confirm` of what was set with `--revert-after`. The device writes the
//! file and brings it into force in one step, all of it or nothing (kiosk-configure.socket there).

use std::time::Duration;

use kiosk_client::{Exit, Failure, Outcome};
use kiosk_core::config::edit;
use serde_json::{Value, json};

use super::{JSON, Remote};
use crate::config_edit;

/// Where the device's configuration is read and changed.
const PATH: &str = "/v1/config";

/// One key of those in force there.
pub async fn get(remote: &Remote, key: &str) -> Result<Outcome, Failure> {
    let json = remote.json(remote.send("GET", PATH, None, JSON).await?).await?;
    let settings = json.get("settings").and_then(Value::as_array).ok_or_else(|| remote.strange())?;
    let name = |setting: &Value| setting.get("key").and_then(Value::as_str).map(str::to_owned);
    let Some(setting) = settings.iter().find(|setting| name(setting).as_deref() == Some(key)) else {
        return Err(config_edit::unknown(key, settings.iter().filter_map(name)));
    };
    let value = setting.get("value").unwrap_or(&Value::Null);
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Ok(Outcome::new(crate::outcome::printable(&text), setting.clone()))
}

/// As the value was meant: the first reading that the device takes, else what it says of the first.
pub async fn set(remote: &Remote, key: &str, typed: &str, revert: Option<Duration>) -> Result<Outcome, Failure> {
    let mut refused = None;
    for value in edit::json_readings(typed) {
        match change(remote, with_revert(json!({ "set": { key: value } }), revert)).await {
            Err(failure) if failure.exit == Exit::Usage => refused = refused.or(Some(failure)),
            told => return told,
        }
    }
    Err(refused.unwrap_or_else(|| remote.strange()))
}

pub async fn unset(remote: &Remote, key: &str, revert: Option<Duration>) -> Result<Outcome, Failure> {
    change(remote, with_revert(json!({ "unset": [key] }), revert)).await
}

/// Keeps what waits to be confirmed, of the configuration or of the outputs.
pub async fn confirm(remote: &Remote, as_json: bool) -> Result<Outcome, Failure> {
    let configuration = remote.send("POST", "/v1/config/confirm", Some(&json!({})), JSON).await;
    let outputs = remote.order("POST", "/v1/outputs/confirm", Some(json!({})), as_json).await;
    match configuration {
        // Whatever became of the outputs: mostly there is nothing that waits.
        Ok(_) => Ok(Outcome::new("the change of the configuration is kept", json!({ "done": true }))),
        Err(_) => outputs,
    }
}

fn with_revert(mut change: Value, revert: Option<Duration>) -> Value {
    if let (Some(map), Some(time)) = (change.as_object_mut(), revert) {
        map.insert("revert-after".into(), time.as_secs().into());
    }
    change
}

async fn change(remote: &Remote, change: Value) -> Result<Outcome, Failure> {
    let json = remote.json(remote.send("PATCH", PATH, Some(&change), JSON).await?).await?;
    let told = json.get("told").and_then(Value::as_array).ok_or_else(|| remote.strange())?;
    let lines: Vec<String> = told.iter().filter_map(Value::as_str).map(crate::outcome::printable).collect();
    let text = if lines.is_empty() { "in force".to_owned() } else { lines.join("\n") };
    Ok(Outcome::new(text, json))
}
