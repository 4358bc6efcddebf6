//! Input devices: which there are, which of them are trusted, and on which output a touch panel lies.

use kiosk_core::config::OUTPUT_AUTO;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::values::{boolean, floats, text};
use super::{Client, ClientError, Failure, Options, Outcome, Peer, Properties, Service};

const INTERFACE: &str = "org.kioskd.Input1";

/// `org.kioskd.Input1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct InputState {
    /// Of the device.
    pub name: String,
    /// Distinguishes devices of one name.
    pub id: String,
    /// `touch`, `tablet`, `pointer`, `keyboard` or `switch`.
    pub kind: String,
    /// Of a keyboard.
    pub layout: String,
    /// The one that it lies on; empty: none.
    pub output: String,
    /// Empty: it can't be calibrated.
    pub calibration: Vec<f64>,
    /// Whether it is trusted; else it waits for `inputs --trust`.
    pub trusted: bool,
    #[serde(skip)]
    path: String,
}

impl InputState {
    /// Touch panels first.
    pub async fn read(peer: &Peer) -> Result<Vec<Self>, ClientError> {
        let objects = peer.objects().await?;
        let input = |(path, interfaces): (&String, &std::collections::BTreeMap<String, Properties>)| {
            let all = interfaces.get(INTERFACE)?;
            let name = text(all, "Name");
            let id = Some(text(all, "Id")).filter(|id| !id.is_empty()).unwrap_or_else(|| name.clone());
            let (kind, output) = (text(all, "Kind"), text(all, "Output"));
            // An older kioskd without the property trusts every device.
            let trusted = boolean(all, "Trusted") || !all.contains_key("Trusted");
            let calibration = floats(all, "Calibration");
            let layout = text(all, "Layout");
            Some(InputState { name, id, kind, layout, output, calibration, trusted, path: path.clone() })
        };
        let mut inputs: Vec<InputState> = objects.iter().filter_map(input).collect();
        inputs.sort_by(|a, b| (a.rank(), &a.id, &a.path).cmp(&(b.rank(), &b.id, &b.path)));
        Ok(inputs)
    }

    fn rank(&self) -> usize {
        ["touch", "tablet", "pointer", "keyboard"].iter().position(|kind| *kind == self.kind).unwrap_or(usize::MAX)
    }
}

/// Sets whether devices are trusted; changes none if one is unknown.
pub async fn trust(client: &Client, trusted: &[String], untrusted: &[String]) -> Result<Outcome, Failure> {
    let peer = client.connect(Service::Compositor).await?;
    let inputs = InputState::read(&peer).await?;
    let answers = trusted.iter().map(|device| (device, true)).chain(untrusted.iter().map(|device| (device, false)));
    let answers = answers.map(|(device, trusted)| find(&inputs, device).map(|input| (&input.id, trusted)));
    let answers = answers.collect::<Result<Vec<(&String, bool)>, Failure>>()?;
    for (id, trusted) in &answers {
        let () = peer.call("TrustInput", &(id, trusted, Options::new())).await?;
    }
    let line = |(id, trusted): &(&String, bool)| format!("{id}: {}", if *trusted { "trusted" } else { "not trusted" });
    let lines: Vec<String> = answers.iter().map(line).collect();
    let changed: Vec<_> = answers.iter().map(|(id, trusted)| json!({ "device": id, "trusted": trusted })).collect();
    Ok(Outcome::new(lines.join("\n"), json!(changed)))
}

/// Lays a device on an output: a connector, "Make Model Serial" or `auto`.
pub async fn touch_map(client: &Client, device: &str, output: &str) -> Result<Outcome, Failure> {
    let peer = client.connect(Service::Compositor).await?;
    let inputs = InputState::read(&peer).await?;
    let input = find(&inputs, device)?;
    peer.set(&input.path, INTERFACE, "Output", output.into()).await?;
    let told = if output == OUTPUT_AUTO { "found by itself" } else { output };
    Ok(Outcome::new(format!("{}: output {told}", input.id), json!({ "device": input.id, "output": output })))
}

/// The device with this id, or the only one with this name.
fn find<'a>(inputs: &'a [InputState], device: &str) -> Result<&'a InputState, Failure> {
    if let Some(input) = inputs.iter().find(|input| input.id == device) {
        return Ok(input);
    }
    let mut ids: Vec<&str> =
        inputs.iter().filter(|input| input.name == device).map(|input| input.id.as_str()).collect();
    ids.dedup();
    match ids[..] {
        [] => {
            let ids: Vec<&str> = inputs.iter().map(|input| input.id.as_str()).collect();
            let there = if ids.is_empty() { "there is none".into() } else { format!("there are {}", ids.join(", ")) };
            Err(Failure::not_found(format!("there is no input device {device:?}; {there}")))
        }
        [id] => inputs.iter().find(|input| input.id == id).ok_or_else(|| Failure::not_found("the device has gone")),
        _ => Err(Failure::not_found(format!("several devices are called {device:?}; say which: {}", ids.join(", ")))),
    }
}
