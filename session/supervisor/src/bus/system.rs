//! The system bus: takes the name there, and again when the bus is restarted. The session starts and runs without
//! it; a machine that has none is not woken for it after the first minutes.

use std::time::Duration;

use zbus::Connection;
use zbus::connection::Builder;
use zbus::fdo::{RequestNameFlags, RequestNameReply};

use kiosk_core::api::SESSION_INTERFACE;

use super::{Shells, connection};

/// Where the system bus is unless `DBUS_SYSTEM_BUS_ADDRESS` says otherwise.
pub const ADDRESS: &str = "unix:path=/run/dbus/system_bus_socket";
/// Pauses between tries, seconds: a bus that comes with the boot is found, five minutes in all.
const PAUSES: [u64; 14] = [1, 2, 4, 8, 16, 30, 30, 30, 30, 30, 30, 30, 30, 30];

/// Serves on the bus at `address` until there has been none for minutes.
pub(super) async fn serve(address: Option<&str>, shared: &Shells) {
    let Some(address) = address else { return };
    let mut pauses = PAUSES.iter();
    loop {
        match connect(address, shared).await {
            Ok(connection) => {
                tracing::info!(address, "on the message bus");
                connection::announce(&connection, shared).await;
                tracing::warn!(address, "the message bus is gone");
                pauses = PAUSES.iter();
            }
            Err(error) => tracing::debug!(%error, address, "no message bus"),
        }
        let Some(seconds) = pauses.next() else {
            return tracing::info!(address, "there is no message bus: control is by session.sock alone");
        };
        tokio::time::sleep(Duration::from_secs(*seconds)).await;
    }
}

async fn connect(address: &str, shared: &Shells) -> zbus::Result<Connection> {
    let connection = connection::with_object(Builder::address(address), shared).build().await?;
    // The object first, the name second: no call that follows the name is missed.
    match connection.request_name_with_flags(SESSION_INTERFACE, RequestNameFlags::empty()).await {
        Ok(RequestNameReply::InQueue) => {
            tracing::warn!(
                name = SESSION_INTERFACE,
                "another program has the name on the bus; it is ours when that one ends"
            );
        }
        Ok(_) => {}
        // Stays connected, so that a restart of the bus is noticed and tried again.
        Err(error) => {
            tracing::warn!(%error, name = SESSION_INTERFACE, "the bus does not give us the name: is org.kioskd.conf installed?");
        }
    }
    Ok(connection)
}
