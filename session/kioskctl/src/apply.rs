//! `apply FILE`: the `[output."NAME"]` tables of a file, carried out as one change: all or nothing.

use std::path::Path;

use kiosk_client::change::{self, Change, Lasting};
use kiosk_client::outputs::find;
use kiosk_client::state::CompositorState;
use kiosk_client::{Failure, Outcome};
use kiosk_core::config::{ConfigError, OutputTables};

use super::screen::Screens;

pub async fn apply(client: &impl Screens, file: &Path, lasting: Lasting) -> Result<Outcome, Failure> {
    let tables = OutputTables::read(file).map_err(failure)?;
    let state = client.state().await?;
    let changes = changes(&tables, &state).map_err(failure)?;
    if changes.is_empty() {
        return Err(Failure::not_found("no display is connected that the file says anything of"));
    }
    // The service's error names the output; add the file.
    client.carry_out(changes, lasting).await.map_err(|refused| refused.about(&file.display().to_string()))
}

fn failure(errors: Vec<ConfigError>) -> Failure {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    Failure::invalid(lines.join("; "))
}

/// The changes for each output. Errors: unknown outputs, and keys that only the configuration supports.
fn changes(tables: &OutputTables, state: &CompositorState) -> Result<Vec<Change>, Vec<ConfigError>> {
    let mut errors = Vec::new();
    let names: Vec<&str> = state.outputs.iter().map(|output| output.name.as_str()).collect();
    for rule in tables.rules.iter().filter(|rule| rule.matcher != "*") {
        if find(state, &rule.matcher).is_err() {
            let message = format!("is not there, there are: {}", names.join(", "));
            errors.push(tables.error(&[&rule.matcher], "", &message));
        }
    }
    let mut changes = Vec::new();
    for output in &state.outputs {
        let identity = output.identity();
        let named = tables.rules.iter().any(|rule| [&output.name, &identity].contains(&&rule.matcher));
        // `*` means the connected outputs.
        if !named && !output.connected {
            continue;
        }
        let settings = tables.settings(&identity, &output.name);
        match change::settings(&settings, state, output) {
            Ok(settings) if settings.is_empty() => {}
            Ok(settings) => changes.push(Change { output: output.name.clone(), settings }),
            Err((key, message)) => errors.push(tables.error(&["*", &identity, &output.name], key, &message)),
        }
    }
    if errors.is_empty() { Ok(changes) } else { Err(errors) }
}
