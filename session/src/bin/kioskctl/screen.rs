//! The verbs that change outputs: `rotate`, `mode`, `scale`, `position`, `screen` and `confirm`. All go through
//! `ApplyOutputs`, so that several outputs change together or not at all.

use std::collections::HashMap;

use kiosk_session::client::{Client, Options, Peer, Service};
use kiosk_session::config::{ModeChoice, words};
use serde_json::{Value, json};
use zbus::Variant;

use super::cli::{ChangeArgs, Power, Turn};
use super::outcome::{Failure, Outcome};
use super::outputs::select;
use super::state::{CompositorState, OutputState};

/// What the service undoes a temporary change after, unless told otherwise; for the text only.
const DEFAULT_REVERT_SECONDS: u64 = 15;

/// One output's change: its D-Bus key and value, and the value as people and machines read it.
struct Change {
    output: String,
    key: &'static str,
    value: Variant<'static>,
    json: Value,
}

pub async fn rotate(client: &Client, to: Turn, args: &ChangeArgs) -> Result<Outcome, Failure> {
    change(client, args, |output| {
        let degrees = match to {
            Turn::To(degrees) => degrees,
            Turn::Next => (u32::try_from(output.rotation).unwrap_or(0) + 90) % 360,
        };
        ("rotation", degrees.into(), json!(degrees))
    })
    .await
}

pub async fn mode(client: &Client, mode: ModeChoice, args: &ChangeArgs) -> Result<Outcome, Failure> {
    let text = words::mode_text(mode);
    change(client, args, |_| {
        let value = match mode {
            ModeChoice::Exact { width, height, refresh } => (width, height, refresh.unwrap_or(0)).into(),
            _ => text.clone().into(),
        };
        ("mode", value, json!(text))
    })
    .await
}

pub async fn scale(client: &Client, scale: f64, args: &ChangeArgs) -> Result<Outcome, Failure> {
    change(client, args, |_| ("scale", scale.into(), json!(scale))).await
}

pub async fn position(client: &Client, (x, y): (i32, i32), args: &ChangeArgs) -> Result<Outcome, Failure> {
    change(client, args, |_| ("position", (x, y).into(), json!([x, y]))).await
}

/// Without `-o` all screens: one that stays on is not what "off" means.
pub async fn power(client: &Client, power: Power, outputs: &[String]) -> Result<Outcome, Failure> {
    let peer = client.connect(Service::Compositor).await?;
    let state = CompositorState::read(&peer).await?;
    let all = ["*".to_owned()];
    let chosen = select(&state, if outputs.is_empty() { &all } else { outputs })?;
    let on = match power {
        Power::On => true,
        Power::Off => false,
        Power::Toggle => !chosen.iter().any(|output| output.power),
    };
    let changes = chosen
        .iter()
        .map(|output| Change {
            output: output.name.clone(),
            key: "power",
            value: on.into(),
            json: json!(if on { "on" } else { "off" }),
        })
        .collect();
    apply(&peer, changes, None).await
}

pub async fn confirm(client: &Client) -> Result<Outcome, Failure> {
    let peer = client.connect(Service::Compositor).await?;
    let serial = kiosk_session::client::integer(&peer.properties().await?, "Serial");
    let serial = u32::try_from(serial).unwrap_or(0);
    let () = peer.call("Confirm", &serial).await?;
    Ok(Outcome::done())
}

async fn change(
    client: &Client,
    args: &ChangeArgs,
    value: impl Fn(&OutputState) -> (&'static str, Variant<'static>, Value),
) -> Result<Outcome, Failure> {
    let peer = client.connect(Service::Compositor).await?;
    let state = CompositorState::read(&peer).await?;
    let changes = select(&state, &args.outputs)?
        .into_iter()
        .map(|output| {
            let (key, value, json) = value(output);
            Change { output: output.name.clone(), key, value, json }
        })
        .collect();
    let temporary = args.temporary || args.revert_after.is_some();
    let seconds = args.revert_after.map_or(DEFAULT_REVERT_SECONDS, |time| time.as_secs());
    apply(&peer, changes, temporary.then_some(seconds)).await
}

/// `revert_after` seconds, `None`: kept.
async fn apply(peer: &Peer, changes: Vec<Change>, revert_after: Option<u64>) -> Result<Outcome, Failure> {
    let mut options = Options::new();
    if let Some(seconds) = revert_after {
        options.insert("revert-after", u32::try_from(seconds).unwrap_or(u32::MAX).into());
    }
    let told: Vec<Value> =
        changes.iter().map(|change| json!({ "output": change.output, (change.key): change.json })).collect();
    let lines: Vec<String> = changes
        .iter()
        .map(|change| {
            let value = match &change.json {
                Value::String(text) => text.clone(),
                // A position, as it is typed.
                Value::Array(numbers) => numbers.iter().map(Value::to_string).collect::<Vec<_>>().join(","),
                other => other.to_string(),
            };
            format!("{}: {} {value}", change.output, change.key)
        })
        .collect();
    let wire: Vec<(String, HashMap<&str, Variant<'_>>)> =
        changes.into_iter().map(|change| (change.output, HashMap::from([(change.key, change.value)]))).collect();
    let mode = if revert_after.is_some() { "temporary" } else { "keep" };
    // Serial 0: whatever the layout is now. It was read a moment ago, and the keys changed stand alone.
    let serial: u32 = peer.call("ApplyOutputs", &(0u32, wire, mode, options)).await?;
    let mut text = lines.join("\n");
    if let Some(seconds) = revert_after {
        text += &format!("\nUndone in {seconds} s unless you say `kioskctl confirm`");
    }
    Ok(Outcome::new(text, json!({ "serial": serial, "changes": told, "revert-after": revert_after })))
}
