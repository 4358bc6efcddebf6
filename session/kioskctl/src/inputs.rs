//! `inputs`: the list of input devices.

use kiosk_client::inputs::InputState;
use kiosk_client::{Client, Service};
use serde_json::json;

use super::outcome::{Failure, Outcome};
use super::table::table;

pub async fn list(client: &Client) -> Result<Outcome, Failure> {
    Ok(listed(&InputState::read(&client.connect(Service::Compositor).await?).await?))
}

/// As people and machines read it.
pub fn listed(inputs: &[InputState]) -> Outcome {
    let mut rows = vec![["DEVICE", "KIND", "TRUST", "OUTPUT", "CALIBRATION", "LAYOUT"].map(str::to_owned).to_vec()];
    rows.extend(inputs.iter().map(row));
    Outcome::new(table(&rows), json!(inputs))
}

fn row(input: &InputState) -> Vec<String> {
    let filled = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    let nothing = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
    let calibration = match input.calibration.as_slice() {
        [] => "-".to_owned(),
        matrix if matrix == nothing => "none".to_owned(),
        matrix => matrix.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
    };
    let trust = if input.trusted { "trusted" } else { "waiting" };
    vec![
        input.id.clone(),
        input.kind.clone(),
        trust.to_owned(),
        filled(&input.output),
        calibration,
        filled(&input.layout),
    ]
}
