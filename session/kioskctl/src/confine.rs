//! `kioskctl confine`: makes a Wayland socket whose clients are in a security context, while it runs. Needs the admin
//! socket.

use std::path::{Path, PathBuf};

use kiosk_client::Exit;
use kiosk_core::api::{RUNTIME_DIR, WAYLAND_ADMIN_SOCKET};
use kiosk_core::security_context::{Confined, ContextError};
use serde_json::json;

use super::outcome::{Failure, Outcome};

/// The admin socket: `WAYLAND_DISPLAY` as every Wayland program reads it, else kioskd's own.
fn admin_socket() -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    match (set("WAYLAND_DISPLAY"), set("XDG_RUNTIME_DIR")) {
        (Some(display), Some(directory)) => directory.join(display),
        (Some(display), None) => display,
        (None, _) => Path::new(RUNTIME_DIR).join(WAYLAND_ADMIN_SOCKET),
    }
}

fn failure(error: &ContextError) -> Failure {
    match error {
        ContextError::Unreachable { socket, error } => {
            let exit = match error.kind() {
                std::io::ErrorKind::PermissionDenied => Exit::NotAllowed,
                _ => Exit::NotRunning,
            };
            Failure::new(exit, format!("kioskd's admin socket {} cannot be used: {error}", socket.display()))
        }
        other => Failure::new(Exit::Failed, other.to_string()),
    }
}

/// Serves the socket for clients with the rights of `app_id`, until kioskd exits.
pub fn run(app_id: &str, socket: &Path) -> Result<Outcome, Failure> {
    let mut confined = Confined::make(&admin_socket(), app_id, socket).map_err(|error| failure(&error))?;
    confined.wait();
    drop(confined);
    Ok(Outcome::new("kioskd has ended", json!({ "ended": true })))
}
