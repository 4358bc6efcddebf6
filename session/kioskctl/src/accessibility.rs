//! `accessibility`: lists and switches accessibility aids.

use kiosk_core::config::Aid;
use kioskctl::client::{Client, Options, Service, array};
use serde_json::{Value, json};

use super::cli::AidWish;
use super::outcome::{Failure, Outcome};
use super::table::table;

/// Switches one, or lists those that are on.
pub async fn run(client: &Client, change: Option<(Aid, AidWish)>) -> Result<Outcome, Failure> {
    let peer = client.connect(Service::Compositor).await?;
    if let Some((aid, wish)) = change {
        let wish = match wish {
            AidWish::On => "on",
            AidWish::Off => "off",
            AidWish::Auto => "auto",
        };
        let () = peer.call("SetAccessibility", &(aid.as_str(), wish, Options::new())).await?;
        return Ok(Outcome::done());
    }
    let on = array(&peer.properties().await?, "Accessibility");
    let is_on = |aid: &Aid| on.iter().any(|name| name == aid.as_str());
    let row = |aid: Aid| vec![aid.as_str().to_owned(), if is_on(&aid) { "on" } else { "off" }.to_owned()];
    let rows: Vec<Vec<String>> = Aid::ALL.into_iter().map(row).collect();
    let json: serde_json::Map<String, Value> =
        Aid::ALL.into_iter().map(|aid| (aid.as_str().to_owned(), json!(is_on(&aid)))).collect();
    Ok(Outcome::new(table(&rows), Value::Object(json)))
}
