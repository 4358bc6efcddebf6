//! Turns the arguments of a D-Bus method into a [`Command`] for the event loop and the [`Action`] that it needs, or
//! into an error of one sentence. Pure; called by the methods of [`super::interfaces::Compositor`].

use std::time::Duration;

use kiosk_bus::{Failure, quoted};
use kiosk_core::api::PAIRING_EXPIRES;
use kiosk_core::authority::Action;
use kiosk_core::config::{AidError, OutputSettings, Url, VtNumber, masked, syntax};
use kiosk_core::page_calls::MAX_TEXT;
use kiosk_core::text::paintable;
use zbus::Variant;

use super::change::{self, Options};
use super::shared::Request;
use crate::command::{Command, KeyboardMode};
use crate::pairing::{MAX_CODE, MAX_PASSWORD, MAX_SSID, MAX_URL, PairingRequest, Wifi};
use crate::snapshot::Snapshot;

/// Longest title of a message to people, characters: more would not fit on a screen.
const MAX_TITLE: usize = 200;

/// `ApplyOutputs`: output names with what is to change. Errors name the key and what is allowed.
pub fn apply_outputs(
    snapshot: &Snapshot,
    serial: u32,
    requested: Vec<(String, Options)>,
    mode: &str,
    options: &Options,
) -> Result<Request, Failure> {
    let mode = change::apply_mode(mode, options)?;
    let changes = change::changes(requested, snapshot)?;
    Ok((Action::Screen, Command::ApplyOutputs { serial, changes, mode }))
}

/// `Confirm`: the serial that the temporary change was answered with.
pub fn confirm(serial: u32) -> Request {
    (Action::Screen, Command::Confirm { serial })
}

/// `Screenshot`: an empty `output` is the primary one. Options: none.
pub fn screenshot(snapshot: &Snapshot, output: &str, options: &Options) -> Result<Request, Failure> {
    change::only(options, &[])?;
    Ok((Action::Screenshot, Command::Screenshot { output: named(snapshot, output)? }))
}

/// The output of this name; `None`: the name is empty.
fn named(snapshot: &Snapshot, output: &str) -> Result<Option<String>, Failure> {
    if output.is_empty() {
        return Ok(None);
    }
    Ok(Some(change::output(snapshot, output)?.name.clone()))
}

/// `Frames`: an empty `output` is the primary one. Options: none.
pub fn frames(snapshot: &Snapshot, output: &str, options: &Options) -> Result<Request, Failure> {
    change::only(options, &[])?;
    Ok((Action::Status, Command::Frames { output: named(snapshot, output)? }))
}

/// `TrustInput`: `input` is a device's `Id`; false keeps it silent. Options: none.
pub fn trust_input(input: &str, trusted: bool, options: &Options) -> Result<Request, Failure> {
    change::only(options, &[])?;
    Ok((Action::Configure, Command::TrustInput { id: input.to_owned(), trusted }))
}

/// `ReloadConfiguration`. Options: none.
pub fn reload_configuration(options: &Options) -> Result<Request, Failure> {
    change::only(options, &[])?;
    Ok((Action::Configure, Command::ReloadConfiguration))
}

/// `Forget`: names of outputs, none: all. Options: `key`.
pub fn forget(snapshot: &Snapshot, outputs: &[String], options: &Options) -> Result<Request, Failure> {
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
pub fn switch_vt(vt: u32) -> Result<Request, Failure> {
    let vt = VtNumber::try_from(vt).map_err(|error| Failure::invalid(error.to_string()))?;
    Ok((Action::Screen, Command::SwitchVt { vt }))
}

/// `ShowMessage`: title ([`MAX_TITLE`]) and text ([`MAX_TEXT`]) without control characters. Options: `title`.
pub fn show_message(text: &str, options: &Options) -> Result<Request, Failure> {
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

/// `ShowPairing`: an empty `url` is the device's own, and `{address}` in one its own address. Options: `title`, `expires`, `wifi`, `wifi-password`.
pub fn show_pairing(url: &str, code: &str, options: &Options) -> Result<Request, Failure> {
    change::only(options, &["title", "expires", "wifi", "wifi-password"])?;
    let text = |key: &str, most: usize| match options.get(key).map(|value| &**value) {
        None => Ok(String::new()),
        Some(Variant::Str(text)) => one_line(key, text.as_str(), most),
        Some(_) => Err(Failure::invalid(format!("the option {key} must be a text (s)"))),
    };
    let wifi = match (text("wifi", MAX_SSID)?, text("wifi-password", MAX_PASSWORD)?) {
        (name, password) if name.is_empty() && !password.is_empty() => {
            return Err(Failure::invalid("there is a wifi-password and no wifi: name the network too"));
        }
        (name, _) if name.len() > MAX_SSID => {
            return Err(Failure::invalid(format!("wifi has {} bytes, allowed are {MAX_SSID}", name.len())));
        }
        (name, password) => Some(Wifi { name, password }).filter(|wifi| !wifi.name.is_empty()),
    };
    let own = url.contains(OWN_ADDRESS);
    let shown = pairing_url(&url.replace(OWN_ADDRESS, "192.0.2.1"))?;
    let request = PairingRequest {
        title: text("title", MAX_TITLE)?,
        url: shown.filter(|_| !own),
        template: if own { url.to_owned() } else { String::new() },
        code: one_line("code", code, MAX_CODE)?,
        expires: options.get("expires").map(|value| expires(value)).transpose()?,
        wifi,
    };
    Ok((Action::Screen, Command::ShowPairing(request)))
}

/// In a URL: the device's own address, as in `shell.setup-url`.
const OWN_ADDRESS: &str = "{address}";

/// The URL for a telephone: http or https, short enough for a QR code; `None`: the device's own.
fn pairing_url(url: &str) -> Result<Option<String>, Failure> {
    if url.is_empty() {
        return Ok(None);
    }
    let wrong = |why: String| Failure::invalid(format!("url {}: {why}", quoted(&masked(url))));
    if url.len() > MAX_URL {
        return Err(wrong(format!(
            "it has {} bytes, allowed are {MAX_URL}: a QR code has room for no more",
            url.len()
        )));
    }
    let parsed = Url::parse(url).map_err(|error| wrong(format!("{error}; allowed is http:// or https://")))?;
    if parsed.host().is_none() {
        return Err(wrong("a telephone can't open it; allowed is http:// or https://".into()));
    }
    Ok(Some(url.to_owned()))
}

/// How long a pairing screen stays.
fn expires(value: &Variant<'_>) -> Result<Duration, Failure> {
    let parsed = match value {
        Variant::U32(seconds) => Some(Duration::from_secs(u64::from(*seconds))),
        Variant::Str(text) => syntax::parse_duration(text.as_str()).flatten(),
        _ => None,
    };
    parsed.filter(|time| PAIRING_EXPIRES.contains(time)).ok_or_else(|| {
        Failure::invalid("expires must be 1 s to 24 h: seconds (u), or a text such as 90s, 10m or 1h (s)")
    })
}

/// As [`plain`], without line breaks and outer blanks.
fn one_line(what: &str, text: &str, limit: usize) -> Result<String, Failure> {
    let text = plain(what, text, limit)?;
    if text.contains('\n') {
        return Err(Failure::invalid(format!("the {what} has a line break, allowed is one line")));
    }
    Ok(text.trim().to_owned())
}

/// `SetAccessibility`: `state` is on, off or auto. Options: none.
pub fn accessibility(aid: &str, state: &str, options: &Options) -> Result<Request, Failure> {
    change::only(options, &[])?;
    let aid = aid.parse().map_err(|error: AidError| Failure::invalid(error.to_string()))?;
    let on = match state {
        "on" => Some(true),
        "off" => Some(false),
        "auto" => None,
        other => {
            return Err(Failure::invalid(format!("an aid can't be told {other:?}, allowed is on, off or auto")));
        }
    };
    Ok((Action::Screen, Command::Accessibility { aid, on }))
}

/// `Keyboard`: `mode` is show, hide or auto. Options: none.
pub fn keyboard(mode: &str, options: &Options) -> Result<Request, Failure> {
    change::only(options, &[])?;
    let mode = match mode {
        "show" => KeyboardMode::Show,
        "hide" => KeyboardMode::Hide,
        "auto" => KeyboardMode::Auto,
        other => {
            return Err(Failure::invalid(format!(
                "the keyboard can't be told {other:?}, allowed is show, hide or auto"
            )));
        }
    };
    Ok((Action::Screen, Command::Keyboard { mode }))
}

/// `Dismiss`: removes a message or pairing screen; no error if there is none.
pub fn dismiss() -> Request {
    (Action::Screen, Command::Dismiss)
}

/// `text` when it can be painted.
fn plain(what: &str, text: &str, limit: usize) -> Result<String, Failure> {
    paintable(what, text, limit).map_err(|error| Failure::invalid(error.to_string()))
}

#[cfg(test)]
#[path = "tests/requests.rs"]
mod tests;
