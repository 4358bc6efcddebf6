//! Changes of outputs as one `ApplyOutputs`, so that they are all applied or none; and their messages.

use std::collections::HashMap;

use kiosk_core::config::{Brightness, ModeChoice, OutputSettings, Position, Rotation, Scale, syntax};
use serde_json::{Map, Value, json};
use zbus::Variant;

use super::outputs::find;
use super::state::{CompositorState, OutputState};
use super::{Failure, Options, Outcome, Peer};

/// After which time a temporary change is undone, seconds, where no other is given: the service's own default.
pub const DEFAULT_REVERT_SECONDS: u64 = 15;

/// The changes of one output.
#[derive(Debug)]
pub struct Change {
    /// Its connector.
    pub output: String,
    /// At least one.
    pub settings: Vec<Setting>,
}

/// One setting: its D-Bus key and value, and the value as people and machines read it.
#[derive(Debug)]
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
    /// Over restarts.
    Keep,
}

impl Lasting {
    fn as_str(self) -> &'static str {
        match self {
            Lasting::Verify => "verify",
            Lasting::Temporary(_) => "temporary",
            Lasting::Keep => "keep",
        }
    }
}

impl Setting {
    /// Switched on or off.
    pub fn power(on: bool) -> Self {
        Self { key: "power", value: on.into(), json: json!(if on { "on" } else { "off" }) }
    }

    /// Rotated, clockwise as the viewer sees it.
    pub fn rotation(rotation: Rotation) -> Self {
        let degrees = rotation.degrees();
        Self { key: "rotation", value: degrees.into(), json: json!(degrees) }
    }

    /// How much larger things are drawn.
    pub fn scale(scale: Scale) -> Self {
        match scale {
            Scale::Fixed(factor) => Self { key: "scale", value: factor.get().into(), json: json!(factor.get()) },
            // As the interface has it.
            Scale::Auto => Self { key: "scale", value: 0.0.into(), json: json!("auto") },
        }
    }

    /// Resolution and refresh rate.
    pub fn mode(mode: ModeChoice) -> Self {
        let text = syntax::mode_text(mode);
        let value = match mode {
            ModeChoice::Exact { width, height, refresh } => (width, height, refresh.unwrap_or(0)).into(),
            _ => text.clone().into(),
        };
        Self { key: "mode", value, json: json!(text) }
    }

    /// Its place in the layout, logical pixels.
    pub fn position(position: Position) -> Self {
        let (x, y) = position.into();
        Self { key: "position", value: (x, y).into(), json: json!([x, y]) }
    }

    /// A connector; empty: none.
    pub fn mirror(source: &str) -> Self {
        let told = if source.is_empty() { "none" } else { source };
        Self { key: "mirror", value: source.to_owned().into(), json: json!(told) }
    }

    /// Per cent.
    pub fn brightness(brightness: Brightness) -> Self {
        let percent = i32::from(brightness.percent());
        Self { key: "brightness", value: percent.into(), json: json!(percent) }
    }

    /// The key and the value of a request to kiosk-agent.
    fn request(&self) -> (String, Value) {
        let none = self.key == "mirror" && matches!(&self.value, Variant::Str(source) if source.is_empty());
        (self.key.to_owned(), if none { json!("") } else { self.json.clone() })
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

/// What a table of the configuration's says of one output. Errors: the key and why.
pub fn settings(
    settings: &OutputSettings,
    state: &CompositorState,
    output: &OutputState,
) -> Result<Vec<Setting>, (&'static str, String)> {
    let OutputSettings { mode, rotation, scale, power, mirror, position, brightness } = settings;
    let mirror = match mirror.as_deref() {
        None => None,
        Some("") => Some(String::new()),
        Some(source) => {
            let names: Vec<&str> = state.outputs.iter().map(|output| output.name.as_str()).collect();
            let found = find(state, source).ok().filter(|found| found.name != output.name);
            let why = || ("mirror", format!("is {source:?}, allowed is another of {}, or \"\"", names.join(", ")));
            Some(found.ok_or_else(why)?.name.clone())
        }
    };
    let all = [
        power.map(Setting::power),
        mode.map(Setting::mode),
        rotation.map(Setting::rotation),
        scale.map(Setting::scale),
        position.map(Setting::position),
        mirror.map(|source| Setting::mirror(&source)),
        brightness.map(Setting::brightness),
    ];
    Ok(all.into_iter().flatten().collect())
}

/// The changes as a request to another machine's kiosk-agent, `POST /v1/outputs`.
pub fn request(changes: &[Change], lasting: Lasting) -> Value {
    let change = |change: &Change| {
        let mut map = Map::from_iter([("output".to_owned(), json!(change.output))]);
        map.extend(change.settings.iter().map(Setting::request));
        Value::Object(map)
    };
    let changes: Vec<Value> = changes.iter().map(change).collect();
    match lasting {
        Lasting::Temporary(seconds) => {
            json!({ "changes": changes, "lasting": lasting.as_str(), "revert-after": seconds })
        }
        _ => json!({ "changes": changes, "lasting": lasting.as_str() }),
    }
}

/// What a person is told of changes that were made.
pub fn text(changes: &[Change], lasting: Lasting) -> String {
    let mut lines: Vec<String> = changes
        .iter()
        .flat_map(|change| change.settings.iter().map(move |setting| (change, setting)))
        .map(|(change, setting)| format!("{}: {} {}", change.output, setting.key, setting.text()))
        .collect();
    match lasting {
        Lasting::Temporary(seconds) => {
            lines.push(format!("Undone in {seconds} s unless you say `kioskctl confirm`"));
        }
        Lasting::Verify => lines.push("All of this is possible; nothing was changed".into()),
        Lasting::Keep => {}
    }
    lines.join("\n")
}

/// Asks for the changes. JSON: `docs/schemas/change.json`.
pub async fn carry_out(peer: &Peer, changes: Vec<Change>, lasting: Lasting) -> Result<Outcome, Failure> {
    let told: Vec<Value> = changes
        .iter()
        .map(|change| {
            let mut map = Map::from_iter([("output".to_owned(), json!(change.output))]);
            map.extend(change.settings.iter().map(|setting| (setting.key.to_owned(), setting.json.clone())));
            Value::Object(map)
        })
        .collect();
    let text = text(&changes, lasting);
    let mut options = Options::new();
    let mut revert_after = None;
    match lasting {
        Lasting::Temporary(seconds) => {
            options.insert("revert-after", u32::try_from(seconds).unwrap_or(u32::MAX).into());
            revert_after = Some(seconds);
        }
        Lasting::Verify | Lasting::Keep => {}
    }
    let wire: Vec<(String, HashMap<&str, Variant<'_>>)> = changes
        .into_iter()
        .map(|change| {
            let settings = change.settings.into_iter().map(|setting| (setting.key, setting.value));
            (change.output, settings.collect())
        })
        .collect();
    // Serial 0, the current layout: the changed keys do not depend on it.
    let serial: u32 = peer.call("ApplyOutputs", &(0u32, wire, lasting.as_str(), options)).await?;
    let json = json!({ "serial": serial, "mode": lasting.as_str(), "changes": told, "revert-after": revert_after });
    Ok(Outcome::new(text, json))
}
