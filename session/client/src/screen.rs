//! What is asked of kioskd beside changes of outputs: confirming and forgetting these, messages, the keyboard on the screen,
//! virtual terminals, pictures.

use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::fs::FileExt;

use kiosk_core::config::{Aid, VtNumber};
use serde_json::json;

use super::outputs::select;
use super::state::CompositorState;
use super::values::{array, integer};
use super::{Client, Exit, Failure, Options, Outcome, Service};

const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Keeps a temporary change.
pub async fn confirm(client: &Client) -> Result<Outcome, Failure> {
    let peer = client.connect(Service::Compositor).await?;
    let serial = integer(&peer.properties().await?, "Serial");
    let serial = u32::try_from(serial).unwrap_or(0);
    let () = peer.call("Confirm", &serial).await?;
    Ok(Outcome::done())
}

/// Removes what was kept of outputs (none: of all), so that the configuration counts again; only this key of theirs.
pub async fn forget(client: &Client, outputs: &[String], key: Option<&str>) -> Result<Outcome, Failure> {
    let peer = client.connect(Service::Compositor).await?;
    let chosen = match outputs {
        [] => Vec::new(),
        outputs => {
            let state = CompositorState::read(&peer).await?;
            select(&state, outputs)?.into_iter().map(|output| output.name.clone()).collect()
        }
    };
    let mut options = Options::new();
    if let Some(key) = key {
        options.insert("key", key.into());
    }
    let told: Vec<String> = peer.call("Forget", &(chosen, options)).await?;
    Ok(Outcome::new(told.join("\n"), json!({ "told": told })))
}

/// The picture of an output as PNG; an empty name is the primary output's.
pub async fn picture(client: &Client, output: &str) -> Result<Vec<u8>, Failure> {
    let (mut file, _) = picture_file(client, output).await?;
    let mut png = Vec::new();
    file.read_to_end(&mut png).map_err(|error| unread(&error))?;
    Ok(png)
}

/// The same as a file in memory, at its beginning, and its length in bytes.
pub async fn picture_file(client: &Client, output: &str) -> Result<(File, u64), Failure> {
    let peer = client.connect(Service::Compositor).await?;
    let picture: zbus::OwnedFd = peer.call("Screenshot", &(output, Options::new())).await?;
    let mut file = File::from(std::os::fd::OwnedFd::from(picture));
    let begins = || -> std::io::Result<(bool, u64)> {
        let mut begin = [0; PNG_SIGNATURE.len()];
        let is_png = file.read_exact_at(&mut begin, 0).is_ok() && begin == *PNG_SIGNATURE;
        Ok((is_png, file.metadata()?.len()))
    };
    let (is_png, length) = begins().map_err(|error| unread(&error))?;
    if !is_png {
        return Err(Failure::new(Exit::Failed, "kioskd sent something that is no PNG; see `journalctl -t kioskd`"));
    }
    file.rewind().map_err(|error| unread(&error))?;
    Ok((file, length))
}

fn unread(error: &std::io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("reading the picture from kioskd failed: {error}"))
}

/// Shows a text over everything.
pub async fn message(client: &Client, text: &str, title: Option<&str>) -> Result<Outcome, Failure> {
    let mut options = Options::new();
    if let Some(title) = title {
        options.insert("title", title.into());
    }
    let peer = client.connect(Service::Compositor).await?;
    let (whole, characters): (bool, u32) = peer.call("ShowMessage", &(text, options)).await?;
    let json = json!({ "done": true, "whole": whole, "characters": characters });
    let said =
        if whole { String::new() } else { format!("cut to {characters} characters: more do not fit on the screen") };
    Ok(Outcome::new(said, json))
}

/// Shows how to reach or pair the device; an empty address: its own. The options are those of `ShowPairing`.
pub async fn pairing(client: &Client, url: &str, code: &str, options: Options<'_>) -> Result<Outcome, Failure> {
    let peer = client.connect(Service::Compositor).await?;
    let shown: String = peer.call("ShowPairing", &(url, code, options)).await?;
    let said = match (url.is_empty(), shown.is_empty()) {
        (false, _) => String::new(),
        (true, false) => shown.clone(),
        (true, true) => "there is no network yet: the screen says so, and shows the address when there is one".into(),
    };
    Ok(Outcome::new(said, json!({ "done": true, "url": shown })))
}

/// Has the configuration read again.
pub async fn reload_configuration(client: &Client) -> Result<Outcome, Failure> {
    let peer = client.connect(Service::Compositor).await?;
    let told: Vec<String> = peer.call("ReloadConfiguration", &Options::new()).await?;
    let text = if told.is_empty() { "nothing has changed".to_owned() } else { told.join("\n") };
    Ok(Outcome::new(text, json!({ "told": told })))
}

/// The keyboard on the screen: `show`, `hide` or `auto`.
pub async fn keyboard(client: &Client, mode: &str) -> Result<Outcome, Failure> {
    call(client, "SetKeyboard", &(mode, Options::new())).await
}

/// Which aids there are, and whether each is on.
pub async fn aids(client: &Client) -> Result<Vec<(Aid, bool)>, Failure> {
    let peer = client.connect(Service::Compositor).await?;
    let on = array(&peer.properties().await?, "Accessibility");
    Ok(Aid::ALL.into_iter().map(|aid| (aid, on.iter().any(|name| name == aid.as_str()))).collect())
}

/// An aid (`docs/schemas/accessibility.json`): `on`, `off` or `auto`.
pub async fn accessibility(client: &Client, aid: &str, state: &str) -> Result<Outcome, Failure> {
    call(client, "SetAccessibility", &(aid, state, Options::new())).await
}

/// Takes the message or pairing screen away.
pub async fn dismiss(client: &Client) -> Result<Outcome, Failure> {
    call(client, "Dismiss", &()).await
}

/// Switches to a virtual terminal.
pub async fn switch_vt(client: &Client, number: VtNumber) -> Result<Outcome, Failure> {
    call(client, "SwitchVt", &number.get()).await
}

async fn call<B>(client: &Client, method: &str, body: &B) -> Result<Outcome, Failure>
where
    B: serde::Serialize + zbus::DynamicType,
{
    let () = client.connect(Service::Compositor).await?.call(method, body).await?;
    Ok(Outcome::done())
}
