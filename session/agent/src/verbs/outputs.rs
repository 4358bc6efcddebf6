//! Changes of outputs, one or several at once: all of it or nothing.

use kiosk_client::change::{Change, DEFAULT_REVERT_SECONDS, Lasting, Setting, carry_out};
use kiosk_client::outputs::{find, select};
use kiosk_client::state::{CompositorState, OutputState};
use kiosk_client::{Client, Outcome, Service};
use kiosk_core::api::REVERT_AFTER;
use kiosk_core::config::{Brightness, Position, Rotation, Scale, syntax};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::bodies::{number_or_word, some, whole};
use super::{Problem, bad, within};

/// Outputs that are changed at once; no device has more.
const MAX_CHANGES: usize = 64;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Changes {
    #[serde(deserialize_with = "some")]
    power: Option<Power>,
    #[serde(deserialize_with = "some")]
    mode: Option<String>,
    #[serde(deserialize_with = "whole")]
    rotation: Option<u32>,
    #[serde(deserialize_with = "number_or_word")]
    scale: Option<String>,
    #[serde(deserialize_with = "some")]
    position: Option<(i32, i32)>,
    #[serde(deserialize_with = "some")]
    mirror: Option<String>,
    #[serde(deserialize_with = "whole")]
    brightness: Option<u32>,
    lasting: How,
    #[serde(deserialize_with = "whole")]
    revert_after: Option<u64>,
}

/// Several outputs at once.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct All {
    changes: Vec<OfOne>,
    #[serde(default)]
    lasting: How,
    #[serde(default, deserialize_with = "whole")]
    revert_after: Option<u64>,
}

/// What [`Changes`] has, beside the output.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct OfOne {
    output: String,
    #[serde(flatten)]
    settings: Map<String, Value>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Power {
    On,
    Off,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum How {
    Verify,
    Temporary,
    #[default]
    Keep,
}

/// How long a change lasts.
fn lasting(how: How, revert_after: Option<u64>) -> Result<Lasting, Problem> {
    Ok(match (how, revert_after) {
        (How::Keep, None) => Lasting::Keep,
        (How::Verify, None) => Lasting::Verify,
        (How::Temporary, seconds) => {
            let seconds = seconds.unwrap_or(DEFAULT_REVERT_SECONDS);
            within("revert-after", seconds, &REVERT_AFTER)?;
            Lasting::Temporary(seconds)
        }
        (_, Some(_)) => return Err(bad("revert-after goes with \"lasting\": \"temporary\" only".to_owned())),
    })
}

/// One output, or all that the name stands for.
pub async fn change(client: &Client, output: &str, changes: Changes) -> Result<Outcome, Problem> {
    let lasting = lasting(changes.lasting, changes.revert_after)?;
    carry_all(client, &[(output.to_owned(), changes)], lasting).await
}

/// All of it or nothing.
pub async fn apply(client: &Client, all: All) -> Result<Outcome, Problem> {
    let lasting = lasting(all.lasting, all.revert_after)?;
    if all.changes.len() > MAX_CHANGES {
        return Err(bad(format!("changes: allowed are at most {MAX_CHANGES}")));
    }
    let read = |OfOne { output, settings }| {
        let keys = ["lasting", "revert-after"];
        if let Some(key) = keys.into_iter().find(|key| settings.contains_key(*key)) {
            return Err(bad(format!("{key} is for all changes, beside them")));
        }
        let changes: Result<Changes, _> = serde_json::from_value(Value::Object(settings));
        let changes = changes.map_err(|error| bad(format!("the change of {output:?} can't be used: {error}")))?;
        Ok((output, changes))
    };
    let changes = all.changes.into_iter().map(read).collect::<Result<Vec<_>, Problem>>()?;
    if changes.is_empty() {
        return Err(bad("changes: say at least one".to_owned()));
    }
    carry_all(client, &changes, lasting).await
}

async fn carry_all(client: &Client, wanted: &[(String, Changes)], lasting: Lasting) -> Result<Outcome, Problem> {
    // Checked before anybody is asked.
    for (_, changes) in wanted {
        settings(changes, |_| Ok(String::new()))?;
    }
    let peer = client.connect(Service::Compositor).await.map_err(kiosk_client::Failure::from)?;
    let state = CompositorState::read(&peer).await.map_err(kiosk_client::Failure::from)?;
    let mut all: Vec<Change> = Vec::new();
    for (output, changes) in wanted {
        let chosen: Vec<&OutputState> = select(&state, std::slice::from_ref(output))?;
        for output in chosen {
            if all.iter().any(|change| change.output == output.name) {
                return Err(bad(format!("{} is named twice", output.name)));
            }
            let settings = settings(changes, |source| Ok(find(&state, source)?.name.clone()))?;
            all.push(Change { output: output.name.clone(), settings });
        }
    }
    Ok(carry_out(&peer, all, lasting).await?)
}

/// At least one setting; `named`: the connector of an output's name.
fn settings(
    changes: &Changes,
    named: impl Fn(&str) -> Result<String, kiosk_client::Failure>,
) -> Result<Vec<Setting>, Problem> {
    let mut settings = Vec::new();
    if let Some(power) = changes.power {
        settings.push(Setting::power(matches!(power, Power::On)));
    }
    if let Some(mode) = &changes.mode {
        let mode = syntax::parse_mode(mode).ok_or_else(|| bad(format!("mode: allowed is {}", syntax::MODE)))?;
        settings.push(Setting::mode(mode));
    }
    if let Some(degrees) = changes.rotation {
        let rotation = Rotation::try_from(degrees);
        let rotation = rotation.map_err(|_| bad(format!("rotation: allowed is {}", Rotation::ALLOWED)))?;
        settings.push(Setting::rotation(rotation));
    }
    if let Some(scale) = &changes.scale {
        let scale: Scale = scale.parse().map_err(|error| bad(format!("scale: {error}")))?;
        settings.push(Setting::scale(scale));
    }
    if let Some(place) = changes.position {
        let position = Position::try_from(place).map_err(|error| bad(format!("position: {error}")))?;
        settings.push(Setting::position(position));
    }
    if let Some(source) = &changes.mirror {
        settings.push(Setting::mirror(&if source.is_empty() { String::new() } else { named(source)? }));
    }
    if let Some(percent) = changes.brightness {
        let brightness: Brightness =
            percent.to_string().parse().map_err(|error| bad(format!("brightness: {error}")))?;
        settings.push(Setting::brightness(brightness));
    }
    if settings.is_empty() {
        let keys = "power, mode, rotation, scale, position, mirror, brightness";
        return Err(bad(format!("nothing is to be changed; there are {keys}")));
    }
    Ok(settings)
}
