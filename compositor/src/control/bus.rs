//! The system bus: takes the name there when the bus is there, and again when it is restarted. The compositor
//! starts and runs without it.
//!
//! While there is no bus, a few tries with growing pauses find one that comes with the boot; after that only
//! the appearance of its socket counts, so a system that never has one costs no wake-up.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kiosk_core::socket_watch::SocketWatch;
use zbus::connection::Builder;
use zbus::fdo::{RequestNameFlags, RequestNameReply};
use zbus::{Connection, MessageStream};

use super::connection;
use super::names::BUS_NAME;
use super::shared::{Bus, Shared};

/// Where the system bus is unless `DBUS_SYSTEM_BUS_ADDRESS` says otherwise.
const SYSTEM_BUS: &str = "unix:path=/run/dbus/system_bus_socket";
/// Pauses between tries, seconds; about five minutes in all.
const PAUSES: [u64; 14] = [1, 2, 4, 8, 16, 30, 30, 30, 30, 30, 30, 30, 30, 30];

/// Serves on `bus` for ever; returns when there is to be none.
pub(super) async fn serve(bus: &Bus, shared: &Arc<Shared>) {
    let address = match bus {
        Bus::None => return,
        Bus::Address(address) => address.clone(),
        Bus::System => std::env::var("DBUS_SYSTEM_BUS_ADDRESS").unwrap_or_else(|_| SYSTEM_BUS.into()),
    };
    let mut watch = socket_path(&address).and_then(|path| {
        let watch = SocketWatch::new(&path);
        watch.inspect_err(|error| tracing::warn!(%error, "the bus's socket can't be watched")).ok()
    });
    let mut pauses = PAUSES.iter();
    loop {
        match connect(&address).await {
            Ok(calls) => {
                tracing::info!(address, "on the message bus");
                connection::serve(shared.clone(), calls, "bus".into()).await;
                tracing::warn!(address, "the message bus is gone");
                pauses = PAUSES.iter();
            }
            Err(error) => tracing::debug!(%error, address, "no message bus"),
        }
        let pause = pauses.next().map(|seconds| Duration::from_secs(*seconds));
        if pause.is_none() {
            tracing::info!(address, "still no message bus: waiting for its socket");
        }
        if appeared(&mut watch, pause).await {
            pauses = PAUSES.iter();
        }
    }
}

/// Waits for the socket to appear (true), or for `pause` to end.
async fn appeared(watch: &mut Option<SocketWatch>, pause: Option<Duration>) -> bool {
    let socket = async {
        match watch {
            Some(watch) => watch.appeared().await,
            None => std::future::pending().await,
        }
    };
    let pause = async {
        match pause {
            Some(pause) => tokio::time::sleep(pause).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = socket => true,
        () = pause => false,
    }
}

async fn connect(address: &str) -> zbus::Result<MessageStream> {
    // The stream first, the name second: no call that follows the name is missed.
    let calls = Builder::address(address).build_message_stream().await?;
    let connection = Connection::from(&calls);
    match connection.request_name_with_flags(BUS_NAME, RequestNameFlags::empty()).await {
        Ok(RequestNameReply::InQueue) => {
            tracing::warn!(name = BUS_NAME, "another program has the name on the bus; it is ours when that one ends");
        }
        Ok(_) => {}
        // Stays connected, so that a restart of the bus is noticed and tried again.
        Err(error) => {
            tracing::warn!(%error, name = BUS_NAME, "the bus does not give us the name: is org.kioskd.conf installed?");
        }
    }
    Ok(calls)
}

/// The file of a `unix:path=` address, the first of a list.
fn socket_path(address: &str) -> Option<PathBuf> {
    address.split(';').find_map(|one| {
        let keys = one.strip_prefix("unix:")?;
        keys.split(',').find_map(|key| key.strip_prefix("path=")).map(|path| Path::new(path).to_owned())
    })
}
