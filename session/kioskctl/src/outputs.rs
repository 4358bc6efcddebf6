//! `outputs`: the list, with `--modes` the modes.

use kiosk_client::state::{CompositorState, OutputState};
use kiosk_client::{Client, Service};
use serde_json::json;

use super::outcome::{Failure, Outcome, printable};
use super::table::table;

pub async fn list(client: &Client, modes: bool) -> Result<Outcome, Failure> {
    Ok(listed(&CompositorState::read(&client.connect(Service::Compositor).await?).await?, modes))
}

/// As people and machines read it.
pub fn listed(state: &CompositorState, modes: bool) -> Outcome {
    let header = ["OUTPUT", "DISPLAY", "CONNECTED", "POWER", "MODE", "POSITION", "ROTATION", "SCALE", "SCANOUT"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    rows.extend(state.outputs.iter().map(row));
    let mut text = table(&rows);
    if modes {
        text.extend(state.outputs.iter().map(listed_modes));
    }
    Outcome::new(text, json!(state.outputs))
}

/// A headline, then one line for each mode.
fn listed_modes(output: &OutputState) -> String {
    let mut text = format!("\n\n{}:", printable(&output.name));
    if output.modes.is_empty() {
        text += " no modes";
    }
    for listed in &output.modes {
        let interlaced = (listed.interlaced, "interlaced");
        let marks = [(listed.mode == output.mode, "in use"), (listed.preferred, "preferred"), interlaced];
        let marks: Vec<&str> = marks.into_iter().filter(|(is_so, _)| *is_so).map(|(_, mark)| mark).collect();
        let marks = if marks.is_empty() { String::new() } else { format!(" ({})", marks.join(", ")) };
        text += &format!("\n  {}{marks}", listed.mode);
    }
    text
}

fn row(output: &OutputState) -> Vec<String> {
    let identity = output.identity();
    let filled = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    vec![
        output.name.clone(),
        filled(&identity),
        if output.connected { "yes" } else { "no" }.into(),
        if output.power { "on" } else { "off" }.into(),
        output.mode.to_string(),
        match output.mirror.as_str() {
            "" => output.position.map(|place| place.to_string()).join(","),
            source => format!("mirror of {source}"),
        },
        output.rotation.to_string(),
        output.scale.to_string(),
        filled(&output.scanout),
    ]
}
