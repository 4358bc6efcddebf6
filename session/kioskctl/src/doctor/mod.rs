//! `doctor`: reports what is used, missing or in conflict, one sentence and a remedy each. It works without running
//! services and without rights; it says what it could not check.

mod appearance;
mod bundle;
mod container;
mod finding;
mod running;
mod system;
mod uploads;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use kiosk_client::{Client, Exit, Service, ServiceManager};
use kiosk_core::config::{Config, ROOT_ENV, Sources};
use serde_json::json;

use self::bundle::Text;
pub use self::finding::{Finding, Level};
pub use self::system::System;
use super::outcome::{Failure, Outcome, path_text, printable};
use super::table::table;
use kiosk_client::state::{CompositorState, SessionState};

pub async fn examine(client: &Client, report: Option<&Path>) -> Result<Outcome, Failure> {
    let loaded = Config::load(&Sources::system());
    let compositor = async { CompositorState::read(&client.connect(Service::Compositor).await?).await };
    let session = async { SessionState::read_all(&client.connect(Service::Session).await?).await };
    let (compositor, session) = tokio::join!(compositor, session);

    let system = system();
    let manager = ServiceManager::of(&system.root);
    let mut found = running::compositor(&compositor, manager);
    found.extend(running::session(&session, manager));
    found.extend(system.look(&loaded));
    // The most severe first; otherwise in the order of the checks.
    found.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    let text = text(&found);
    let exit = if found.iter().any(|finding| finding.level == Level::Wrong) { Exit::Failed } else { Exit::Done };
    let mut json = json!({ "ok": exit == Exit::Done, "findings": found });
    let mut says = text.clone();
    if let Some(file) = report {
        let status = json!({ "compositor": compositor.ok(), "shells": session.ok() });
        let texts = [
            Text { name: "doctor.txt", content: text },
            Text { name: "status.json", content: format!("{status:#}") },
            Text { name: "config.txt", content: loaded.toml() },
            Text { name: "versions.txt", content: versions() },
            bundle::journal(),
        ];
        bundle::write(file, &texts)
            .map_err(|error| Failure::new(Exit::Failed, format!("{} could not be written: {error}", file.display())))?;
        says += &format!(
            "\n\n{} holds this, the status, the configuration and the journal, secrets removed",
            file.display()
        );
        if let Some(members) = json.as_object_mut() {
            members.insert("bundle".into(), json!(path_text(file)));
        }
    }
    Ok(Outcome { exit, ..Outcome::new(says, json) })
}

fn text(found: &[Finding]) -> String {
    let rows: Vec<Vec<String>> = found.iter().flat_map(Finding::rows).collect();
    table(&rows.iter().map(|row| row.iter().map(|cell| printable(cell)).collect()).collect::<Vec<_>>())
}

/// The system to check, with `KIOSK_ROOT` for `/`.
pub fn system() -> System {
    let root = std::env::var_os(ROOT_ENV).filter(|root| !root.is_empty()).unwrap_or_else(|| "/".into());
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
    System { root: PathBuf::from(root), path, now: SystemTime::now() }
}

fn versions() -> String {
    let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    format!("kioskctl {}\n{}\n{}", env!("CARGO_PKG_VERSION"), read("/proc/version").trim(), read("/etc/os-release"))
}

#[cfg(test)]
mod tests;
