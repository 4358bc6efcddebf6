//! `accessibility`: lists and switches accessibility aids.

use kiosk_client::{Client, screen};
use kiosk_core::config::Aid;
use serde_json::{Value, json};

use super::cli::AidState;
use super::outcome::{Failure, Outcome};
use super::table::table;

/// Switches one, or lists those that are on.
pub async fn run(client: &Client, change: Option<(Aid, AidState)>) -> Result<Outcome, Failure> {
    if let Some((aid, state)) = change {
        let state = match state {
            AidState::On => "on",
            AidState::Off => "off",
            AidState::Auto => "auto",
        };
        return screen::accessibility(client, aid.as_str(), state).await;
    }
    let is_on = screen::aids(client).await?;
    let row = |(aid, on): &(Aid, bool)| vec![aid.as_str().to_owned(), if *on { "on" } else { "off" }.to_owned()];
    let rows: Vec<Vec<String>> = is_on.iter().map(row).collect();
    let json: serde_json::Map<String, Value> =
        is_on.into_iter().map(|(aid, on)| (aid.as_str().to_owned(), json!(on))).collect();
    Ok(Outcome::new(table(&rows), Value::Object(json)))
}
