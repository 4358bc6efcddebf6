//! Peer-to-peer D-Bus: the socket in the runtime directory, where every client has a connection of its own. Everybody
//! may connect and read; further rights follow from the socket's credentials.

use std::sync::Arc;
use std::time::Duration;

use kiosk_core::authority::{self, Caller};
use kiosk_core::quota::Permit;
use kiosk_core::socket_watch::FileWatch;
use kiosk_core::sockets::BindError;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;
use zbus::{Guid, OwnedGuid};

use crate::connection::{self, AcceptedConnection};
use crate::{Endpoints, Service, Shared, Socket, caller};

/// How long a client may take to authenticate.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause after a failed accept (no file descriptors left), as there is no event for a free one.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Retry interval for a socket that could not be made, as there is no event for the obstacle's end. Doubled each time,
/// up to the second value.
const MIN_RETRY_INTERVAL: Duration = Duration::from_secs(1);
const MAX_RETRY_INTERVAL: Duration = Duration::from_secs(60);

/// Serves clients for ever, and recreates a lost socket.
pub async fn serve<S: Service>(endpoints: &Endpoints, shared: &Arc<Shared<S>>) {
    let guid = OwnedGuid::from(Guid::generate());
    let mut pause = MIN_RETRY_INTERVAL;
    loop {
        let made = (endpoints.listen)().and_then(|socket| {
            let listener = socket.listener.try_clone().and_then(UnixListener::from_std);
            let listener = listener.map_err(|error| BindError::Make { path: socket.path.clone(), error })?;
            Ok((socket, listener))
        });
        match made {
            Ok((socket, listener)) => {
                pause = MIN_RETRY_INTERVAL;
                tokio::select! {
                    () = accept(&listener, shared, &guid) => {}
                    () = lost(&socket, &endpoints.look) => {
                        tracing::info!(path = %socket.path.display(), "D-Bus socket made again");
                    }
                }
            }
            Err(error) => {
                tracing::error!(%error, "no D-Bus socket: kioskctl needs the system bus");
                // A recreated directory may have other permissions.
                let _ = tokio::time::timeout(pause, endpoints.look.notified()).await;
                pause = (pause * 2).min(MAX_RETRY_INTERVAL);
            }
        }
    }
}

/// Returns when the socket does not exist at its path any more.
async fn lost(socket: &Socket, look: &Notify) {
    let watch = FileWatch::new(&socket.path);
    let mut watch = watch.inspect_err(|error| tracing::debug!(%error, "the D-Bus socket is not watched")).ok();
    while socket.is_there() {
        let changed = async {
            match &mut watch {
                Some(watch) => watch.changed().await,
                None => tokio::time::sleep(MAX_RETRY_INTERVAL).await,
            }
        };
        tokio::select! {
            () = changed => {}
            () = look.notified() => {}
        }
    }
}

async fn accept<S: Service>(listener: &UnixListener, shared: &Arc<Shared<S>>, guid: &OwnedGuid) {
    let mut count: u64 = 0;
    loop {
        let accepted = match listener.accept().await {
            Ok((stream, _)) => stream.peer_cred().map(|who| (stream, who)),
            Err(error) => Err(error),
        };
        let (stream, who) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "D-Bus connection not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(place) = admit(shared, who.uid(), who.gid()).await else {
            shared.limits.refuse(who.uid());
            continue;
        };
        count += 1;
        tokio::spawn(client(shared.clone(), stream, guid.clone(), format!("peer {count}"), place));
    }
}

/// A place for one more connection of this user.
async fn admit<S>(shared: &Shared<S>, uid: u32, gid: u32) -> Option<Permit<u32>> {
    let quota = &shared.limits.connections;
    if let Some(place) = quota.take(&uid) {
        return Some(place);
    }
    let mut caller = Caller { uid, groups: Vec::new() };
    if !authority::is_trusted(&caller) {
        caller.groups = caller::groups(uid, gid).await;
    }
    authority::is_trusted(&caller).then(|| quota.take_kept(&uid)).flatten()
}

async fn client<S: Service>(
    shared: Arc<Shared<S>>,
    stream: UnixStream,
    guid: OwnedGuid,
    name: String,
    place: Permit<u32>,
) {
    let AcceptedConnection { builder, calls, name } = AcceptedConnection::new(&shared, stream, name, false);
    match tokio::time::timeout(HANDSHAKE_TIMEOUT, builder.server(guid).p2p().build()).await {
        Ok(Ok(connection)) => connection::serve(&shared, connection, calls, &name).await,
        Ok(Err(error)) => tracing::debug!(%error, name, "a client did not get through the handshake"),
        Err(_elapsed) => tracing::debug!(name, "a client did not finish the handshake in time"),
    }
    drop(place);
}
