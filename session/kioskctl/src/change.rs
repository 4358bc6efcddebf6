//! Changes of outputs as one `ApplyOutputs`, so that they are all applied or none; and their messages. For the verbs of
//! single settings and for `apply`.

use std::collections::HashMap;

use kiosk_core::config::{Brightness, ModeChoice, Position, Rotation, Scale, syntax};
use kioskctl::client::{Options, Peer};
use serde_json::{Map, Value, json};
use zbus::Variant;

use super::cli::LastingArgs;
use super::outcome::{Failure, Outcome};

/// The service's default time for temporary changes, for the message only.
const DEFAULT_REVERT_SECONDS: u64 = 15;

/// The changes of one output.
pub struct Change {
    pub output: String,
    pub settings: Vec<Setting>,
}

/// One setting: its D-Bus key and value, and the value as people and machines read it.
pub struct Setting {
    key: &'static str,
    value: Variant<'static>,
    json: Value,
}

/// How long a change lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// It is only tested.
    Verify,
    /// Seconds, unless it is confirmed.
    Temporary(u64),
    Keep,
}

impl Lasting {
    pub fn of(args: &LastingArgs) -> Self {
        match args.revert_after {
            Some(time) => Lasting::Temporary(time.as_secs()),
            None if args.temporary => Lasting::Temporary(DEFAULT_REVERT_SECONDS),
            None => Lasting::Keep,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Lasting::Verify => "verify",
            Lasting::Temporary(_) => "temporary",
            Lasting::Keep => "keep",
        }
    }
}

impl Setting {
    pub fn power(on: bool) -> Self {
        Self { key: "power", value: on.into(), json: json!(if on { "on" } else { "off" }) }
    }

    pub fn rotation(rotation: Rotation) -> Self {
        let degrees = rotation.degrees();
        Self { key: "rotation", value: degrees.into(), json: json!(degrees) }
    }

    pub fn scale(scale: Scale) -> Self {
        match scale {
            Scale::Fixed(factor) => Self { key: "scale", value: factor.get().into(), json: json!(factor.get()) },
            // As the interface has it.
            Scale::Auto => Self { key: "scale", value: 0.0.into(), json: json!("auto") },
        }
    }

    pub fn mode(mode: ModeChoice) -> Self {
        let text = syntax::mode_text(mode);
        let value = match mode {
            ModeChoice::Exact { width, height, refresh } => (width, height, refresh.unwrap_or(0)).into(),
            _ => text.clone().into(),
        };
        Self { key: "mode", value, json: json!(text) }
    }

    pub fn position(position: Position) -> Self {
        let (x, y) = position.into();
        Self { key: "position", value: (x, y).into(), json: json!([x, y]) }
    }

    /// A connector; empty: none.
    pub fn mirror(source: &str) -> Self {
        let told = if source.is_empty() { "none" } else { source };
        Self { key: "mirror", value: source.to_owned().into(), json: json!(told) }
    }

    pub fn brightness(brightness: Brightness) -> Self {
        let percent = i32::from(brightness.percent());
        Self { key: "brightness", value: percent.into(), json: json!(percent) }
    }

    fn text(&self) -> String {
        match &self.json {
            Value::String(text) => text.clone(),
            // A position, as it is typed.
            Value::Array(numbers) => numbers.iter().map(Value::to_string).collect::<Vec<_>>().join(","),
            other => other.to_string(),
        }
    }
}

/// Asks for the changes.
pub async fn carry_out(peer: &Peer, changes: Vec<Change>, lasting: Lasting) -> Result<Outcome, Failure> {
    let told: Vec<Value> = changes
        .iter()
        .map(|change| {
            let mut map = Map::from_iter([("output".to_owned(), json!(change.output))]);
            map.extend(change.settings.iter().map(|setting| (setting.key.to_owned(), setting.json.clone())));
            Value::Object(map)
        })
        .collect();
    let mut lines: Vec<String> = changes
        .iter()
        .flat_map(|change| change.settings.iter().map(move |setting| (change, setting)))
        .map(|(change, setting)| format!("{}: {} {}", change.output, setting.key, setting.text()))
        .collect();
    let mut options = Options::new();
    let mut revert_after = None;
    match lasting {
        Lasting::Temporary(seconds) => {
            options.insert("revert-after", u32::try_from(seconds).unwrap_or(u32::MAX).into());
            lines.push(format!("Undone in {seconds} s unless you say `kioskctl confirm`"));
            revert_after = Some(seconds);
        }
        Lasting::Verify => lines.push("All of this is possible; nothing was changed".into()),
        Lasting::Keep => {}
    }
    let wire: Vec<(String, HashMap<&str, Variant<'_>>)> = changes
        .into_iter()
        .map(|change| {
            let settings = change.settings.into_iter().map(|setting| (setting.key, setting.value));
            (change.output, settings.collect())
        })
        .collect();
    // Serial 0, the current layout: the changed keys do not depend on it.
    let serial: u32 = peer.call("ApplyOutputs", &(0u32, wire, lasting.word(), options)).await?;
    let json = json!({ "serial": serial, "mode": lasting.word(), "changes": told, "revert-after": revert_after });
    Ok(Outcome::new(lines.join("\n"), json))
}
