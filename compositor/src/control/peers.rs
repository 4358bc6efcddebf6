//! D-Bus without a bus: the socket `compositor.sock` in the runtime directory, where every client has a
//! connection of its own. Everybody may connect and read; what more they may do follows from the socket's
//! credentials.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kiosk_core::api::COMPOSITOR_SOCKET;
use kiosk_core::quota::{Place, Quota};
use kiosk_core::sockets::{Access, SocketFile, bind};
use tokio::net::{UnixListener, UnixStream};
use zbus::connection::Builder;
use zbus::{Guid, OwnedGuid};

use super::connection;
use super::shared::Shared;
use crate::sockets::PROGRAM;

/// Connections in all, and of one user: nobody can lock root out.
const MAX_CONNECTIONS: usize = 64;
const MAX_CONNECTIONS_EACH: usize = 16;
/// How long a client may take to authenticate.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause after a connection can't be accepted (no file descriptors left): there is no event for "again".
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Serves clients for ever; returns when the socket can't be made, which is logged.
pub(super) async fn serve(runtime_dir: &Path, shared: &Arc<Shared>) {
    let path = runtime_dir.join(COMPOSITOR_SOCKET);
    let (listener, _file) = match listen(&path) {
        Ok(bound) => bound,
        Err(error) => {
            let path = path.display();
            tracing::error!(%error, %path, "the control socket can't be made: kioskctl needs the system bus");
            return;
        }
    };
    let guid = OwnedGuid::from(Guid::generate());
    let quota = Quota::new(MAX_CONNECTIONS, MAX_CONNECTIONS_EACH);
    let mut count: u64 = 0;
    loop {
        let accepted = match listener.accept().await {
            Ok((stream, _)) => stream.peer_cred().map(|who| (stream, who.uid())),
            Err(error) => Err(error),
        };
        let (stream, uid) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a client of the control socket was lost");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(place) = quota.take(&uid) else {
            tracing::warn!(uid, "too many connections to the control socket: one more is refused");
            continue;
        };
        count += 1;
        tokio::spawn(client(shared.clone(), stream, guid.clone(), format!("peer {count}"), place));
    }
}

async fn client(shared: Arc<Shared>, stream: UnixStream, guid: OwnedGuid, caller: String, place: Place<u32>) {
    let handshake = async {
        let stream = stream.into_std()?;
        Builder::unix_stream(stream).server(guid).p2p().build_message_stream().await
    };
    match tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake).await {
        Ok(Ok(calls)) => connection::serve(shared, calls, caller).await,
        Ok(Err(error)) => tracing::debug!(%error, caller, "a client did not get through the handshake"),
        Err(_elapsed) => tracing::debug!(caller, "a client did not finish the handshake in time"),
    }
    drop(place);
}

fn listen(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    let listener = bind(path, Access::EVERYBODY, PROGRAM)?;
    Ok((UnixListener::from_std(listener)?, SocketFile::of(path)?))
}
