//! The verbs that show something other than the page: a message, the keyboard, or another virtual terminal.

use kiosk_core::config::VtNumber;
use kioskctl::client::{Client, Options, Service};
use serde_json::json;

use super::cli::KeyboardWish;
use super::outcome::{Failure, Outcome};

pub async fn show(client: &Client, text: &str, title: Option<&str>) -> Result<Outcome, Failure> {
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

pub async fn keyboard(client: &Client, wish: KeyboardWish) -> Result<Outcome, Failure> {
    let wish = match wish {
        KeyboardWish::Show => "show",
        KeyboardWish::Hide => "hide",
        KeyboardWish::Auto => "auto",
    };
    call(client, "SetKeyboard", &(wish, Options::new())).await
}

pub async fn dismiss(client: &Client) -> Result<Outcome, Failure> {
    call(client, "Dismiss", &()).await
}

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
