//! One D-Bus connection with the object on it: announces what changed, until the other side is gone.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;
use zbus::connection::Builder;
use zbus::fdo::ObjectManager;
use zbus::object_server::SignalEmitter;
use zbus::{Connection, Variant};

use super::object::SessionSignals;
use kiosk_core::api::{SESSION_INTERFACE, session_path};
use kiosk_core::config::masked;

use super::{Session, Shared, Shells, Status, state_name};

/// A peer that leaves its socket full for longer is dropped.
const WRITE_LIMIT: Duration = Duration::from_secs(10);

/// Puts the objects and their manager on the connection to be built.
pub(super) fn with_object<'a>(builder: Builder<'a>, shells: &Shells) -> Builder<'a> {
    let builder = builder.serve_at("/", ObjectManager);
    (0..shells.len())
        .fold(builder, |builder, number| builder.serve_at(session_path(number), Session::new(shells.clone(), number)))
}

/// Announces changes of all shells until the connection is closed, or is of no use any more.
pub(super) async fn announce(connection: &Connection, shells: &Shells) {
    let mut announcing = JoinSet::new();
    for (number, shared) in shells.iter().enumerate() {
        let (connection, shared) = (connection.clone(), shared.clone());
        announcing.spawn(async move { announce_one(&connection, &session_path(number), &shared).await });
    }
    // The others end with the first that does.
    announcing.join_next().await;
}

/// Announces changes of one shell until the connection is closed.
async fn announce_one(connection: &Connection, path: &str, shared: &Shared) {
    let mut status = shared.status.clone();
    let mut told = status.borrow_and_update().clone();
    loop {
        tokio::select! {
            () = connection.closed() => return,
            changed = status.changed() => if changed.is_err() { return },
        }
        let new = status.borrow_and_update().clone();
        match timeout(WRITE_LIMIT, tell(connection, path, &told, &new)).await {
            Ok(Ok(())) => told = new,
            Ok(Err(error)) => return tracing::debug!(%error, "D-Bus connection dropped"),
            Err(_elapsed) => return tracing::warn!("a D-Bus peer does not read: dropped"),
        }
    }
}

async fn tell(connection: &Connection, path: &str, old: &Status, new: &Status) -> zbus::Result<()> {
    let changes = changes(old, new);
    if !changes.is_empty() {
        let body = (SESSION_INTERFACE, changes, Vec::<&str>::new());
        let properties = "org.freedesktop.DBus.Properties";
        connection.emit_signal(None::<&str>, path, properties, "PropertiesChanged", &body).await?;
    }
    let emitter = SignalEmitter::new(connection, path)?;
    if old.failures != new.failures {
        let (reason, action, _) = &new.last_failure;
        emitter.failed(&masked(reason), &masked(action), Default::default()).await?;
    }
    if old.readies != new.readies {
        emitter.ready().await?;
    }
    Ok(())
}

/// The properties that differ, with their new values.
fn changes(old: &Status, new: &Status) -> BTreeMap<&'static str, Variant<'static>> {
    let mut changes = BTreeMap::new();
    if old.state != new.state {
        changes.insert("State", Variant::from(state_name(new.state)));
    }
    if old.url != new.url {
        changes.insert("Url", Variant::from(masked(&new.url)));
    }
    if old.since != new.since {
        changes.insert("Since", Variant::from(new.since));
    }
    if old.restarts != new.restarts {
        changes.insert("Restarts", Variant::from(new.restarts));
    }
    if old.last_failure != new.last_failure {
        changes.insert(
            "LastFailure",
            Variant::from((masked(&new.last_failure.0), masked(&new.last_failure.1), new.last_failure.2)),
        );
    }
    if old.pid != new.pid {
        changes.insert("BrowserPid", Variant::from(new.pid));
    }
    changes
}
