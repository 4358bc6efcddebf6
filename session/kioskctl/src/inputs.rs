//! `inputs`: the list of input devices, and which of them are trusted; and `touch-map`, which maps one of them to an
//! output.

use kiosk_core::config::OUTPUT_AUTO;
use kioskctl::client::{Client, ClientError, Options, Peer, Properties, Service, boolean, floats, text};
use serde::Serialize;
use serde_json::json;

use super::outcome::{Failure, Outcome};
use super::table::table;

const INTERFACE: &str = "org.kioskd.Input1";

/// `org.kioskd.Input1`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
struct InputState {
    name: String,
    /// Distinguishes devices of one name.
    id: String,
    kind: String,
    /// Of a keyboard.
    layout: String,
    output: String,
    /// Empty: it can't be calibrated.
    calibration: Vec<f64>,
    /// Whether it is trusted; else it waits for `inputs --trust`.
    trusted: bool,
    #[serde(skip)]
    path: String,
}

impl InputState {
    /// Touch panels first.
    async fn read(peer: &Peer) -> Result<Vec<Self>, ClientError> {
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

    fn row(&self) -> Vec<String> {
        let filled = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        let nothing = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
        let calibration = match self.calibration.as_slice() {
            [] => "-".to_owned(),
            matrix if matrix == nothing => "none".to_owned(),
            matrix => matrix.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        };
        let trust = if self.trusted { "trusted" } else { "waiting" };
        vec![
            self.id.clone(),
            self.kind.clone(),
            trust.to_owned(),
            filled(&self.output),
            calibration,
            filled(&self.layout),
        ]
    }
}

pub async fn list(client: &Client) -> Result<Outcome, Failure> {
    let inputs = InputState::read(&client.connect(Service::Compositor).await?).await?;
    let mut rows = vec![["DEVICE", "KIND", "TRUST", "OUTPUT", "CALIBRATION", "LAYOUT"].map(str::to_owned).to_vec()];
    rows.extend(inputs.iter().map(InputState::row));
    Ok(Outcome::new(table(&rows), json!(inputs)))
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
