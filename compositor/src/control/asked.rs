//! What the arguments of a method mean: a [`Command`] for the event loop together with the right that it needs, or one
//! sentence. Pure; the methods of [`super::interfaces::Compositor`] call it.

use kiosk_bus::Failure;
use kiosk_core::authority::Action;
use kiosk_core::config::{OutputSettings, VtNumber};
use zbus::Variant;

use super::change::{self, Options};
use super::shared::Asked;
use crate::command::Command;
use crate::snapshot::Snapshot;

/// Longest title and text of a message to people, characters: more would not fit on a screen.
const MAX_TITLE: usize = 200;
const MAX_TEXT: usize = 2000;

/// `ApplyOutputs`: output names with what is to change. Errors name the key and what is allowed.
pub fn apply_outputs(
    snapshot: &Snapshot,
    serial: u32,
    asked: Vec<(String, Options)>,
    mode: &str,
    options: &Options,
) -> Result<Asked, Failure> {
    let mode = change::apply_mode(mode, options)?;
    let changes = change::changes(asked, snapshot)?;
    Ok((Action::Screen, Command::ApplyOutputs { serial, changes, mode }))
}

/// `Confirm`: the serial that the temporary change was answered with.
pub fn confirm(serial: u32) -> Asked {
    (Action::Screen, Command::Confirm { serial })
}

/// `Screenshot`: an empty `output` is the primary one. Options: none.
pub fn screenshot(snapshot: &Snapshot, output: &str, options: &Options) -> Result<Asked, Failure> {
    change::only(options, &[])?;
    let output = match output {
        "" => None,
        name => Some(change::output(snapshot, name)?.name.clone()),
    };
    Ok((Action::Screenshot, Command::Screenshot { output }))
}

/// `TrustInput`: `input` is a device's `Id`; false keeps it silent. Options: none.
pub fn trust_input(input: &str, trusted: bool, options: &Options) -> Result<Asked, Failure> {
    change::only(options, &[])?;
    Ok((Action::Configure, Command::TrustInput { id: input.to_owned(), trusted }))
}

/// `ReloadConfiguration`. Options: none.
pub fn reload_configuration(options: &Options) -> Result<Asked, Failure> {
    change::only(options, &[])?;
    Ok((Action::Configure, Command::ReloadConfiguration))
}

/// `Forget`: names of outputs, none: all. Options: `key`.
pub fn forget(snapshot: &Snapshot, outputs: &[String], options: &Options) -> Result<Asked, Failure> {
    change::only(options, &["key"])?;
    let key = match options.get("key").map(|value| &**value) {
        None => None,
        Some(Variant::Str(key)) if OutputSettings::KEYS.contains(&key.as_str()) => Some(key.as_str().to_owned()),
        Some(Variant::Str(key)) => {
            let allowed = OutputSettings::KEYS.join(", ");
            return Err(Failure::invalid(format!("the key is {:?}, allowed is one of {allowed}", key.as_str())));
        }
        Some(_) => return Err(Failure::invalid("the option key must be a text (s)")),
    };
    let named = |name: &String| change::output(snapshot, name).map(|output| output.name.clone());
    let outputs = outputs.iter().map(named).collect::<Result<_, _>>()?;
    Ok((Action::Screen, Command::Forget { outputs, key }))
}

/// `SwitchVt`: 1 to 63.
pub fn switch_vt(vt: u32) -> Result<Asked, Failure> {
    let vt = VtNumber::try_from(vt).map_err(|error| Failure::invalid(error.to_string()))?;
    Ok((Action::Screen, Command::SwitchVt { vt }))
}

/// `ShowMessage`: title ([`MAX_TITLE`]) and text ([`MAX_TEXT`]) without control characters. Options: `title`.
pub fn show_message(text: &str, options: &Options) -> Result<Asked, Failure> {
    change::only(options, &["title"])?;
    let title = match options.get("title").map(|value| &**value) {
        None => "",
        Some(Variant::Str(title)) => title.as_str(),
        Some(_) => return Err(Failure::invalid("the option title must be a text (s)")),
    };
    if title.trim().is_empty() && text.trim().is_empty() {
        return Err(Failure::invalid(
            "the message is empty: give it a text, or take the present one away with Dismiss",
        ));
    }
    let request =
        Command::ShowMessage { title: plain("title", title, MAX_TITLE)?, text: plain("text", text, MAX_TEXT)? };
    Ok((Action::Screen, request))
}

/// `Dismiss`: takes away what `show_message` put up; nothing there is no error.
pub fn dismiss() -> Asked {
    (Action::Screen, Command::Dismiss)
}

/// `text` when it can be painted: short, with no control characters but line breaks.
fn plain(what: &str, text: &str, limit: usize) -> Result<String, Failure> {
    let length = text.chars().count();
    if length > limit {
        return Err(Failure::invalid(format!("the {what} has {length} characters, allowed are {limit}")));
    }
    if let Some(bad) = text.chars().find(|c| c.is_control() && *c != '\n') {
        return Err(Failure::invalid(format!("the {what} has the control character {bad:?}, allowed is only \\n")));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
#[path = "tests/asked.rs"]
mod tests;
