//! `session.sock`: D-Bus without a bus. Everybody may connect and read; what more they may do follows from the
//! socket's credentials.

use std::io;
use std::os::unix::net::UnixStream as StdStream;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::Interest;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;
use zbus::connection::Builder;
use zbus::{Connection, Guid, OwnedGuid};

use super::{Shells, connection};
use kiosk_core::api::{SESSION_DIR, SESSION_SOCKET, session_socket_target};
use kiosk_core::quota::{Place, Quota};
use kiosk_core::sockets::{Access, BindError, SocketDir, SocketFile};

/// In messages about a socket that somebody else listens to.
const PROGRAM: &str = "kiosk-session";
/// Connections of all users, and of one: nobody can lock root out.
const MOST: usize = 64;
const MOST_EACH: usize = 16;
/// A client that has not authenticated by then is none.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(5);
/// How long a peer that asks may leave its socket full.
const READ_LIMIT: Duration = Duration::from_secs(2);
/// Without free file descriptors a connection can't be accepted, and nothing tells when one is free again.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Serves clients for ever, and makes the socket anew when it is found missing at a notification of `look`.
pub(super) async fn serve(runtime_dir: &Path, shared: &Shells, look: &Notify) {
    let link = runtime_dir.join(SESSION_SOCKET);
    let guid = OwnedGuid::from(Guid::generate());
    let quota = Quota::new(MOST, MOST_EACH);
    loop {
        match bind(runtime_dir) {
            Ok(socket) => {
                tokio::select! {
                    () = accept(&socket.listener, shared, &guid, &quota) => {}
                    () = gone(&socket, &link, look) => tracing::info!(path = %link.display(), "the socket is made anew"),
                }
            }
            Err(error) => {
                tracing::warn!(%error, "there is no socket of the session's: kioskctl needs the system bus");
                // A directory that is made anew may have other rights.
                look.notified().await;
            }
        }
    }
}

async fn accept(listener: &UnixListener, shared: &Shells, guid: &OwnedGuid, quota: &Quota<u32>) {
    loop {
        let accepted = match listener.accept().await {
            Ok((stream, _)) => stream.peer_cred().map(|who| (stream, who.uid())),
            Err(error) => Err(error),
        };
        match accepted {
            Ok((stream, uid)) => match quota.take(&uid) {
                Some(place) => drop(tokio::spawn(client(stream, shared.clone(), guid.clone(), place))),
                None => tracing::warn!(uid, "too many connections to the session's socket: one more is refused"),
            },
            Err(error) => {
                tracing::warn!(%error, "a client of the session's socket was lost");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn client(stream: UnixStream, shared: Shells, guid: OwnedGuid, place: Place<u32>) {
    let handshake = async {
        let stream = stream.into_std()?;
        let socket = stream.try_clone()?;
        let builder = Builder::unix_stream(stream).server(guid).p2p();
        zbus::Result::Ok((connection::with_object(builder, &shared).build().await?, socket))
    };
    match tokio::time::timeout(HANDSHAKE_LIMIT, handshake).await {
        Ok(Ok((connection, socket))) => {
            tokio::select! {
                () = connection::announce(&connection, &shared) => {}
                () = asks_without_reading(&connection, &socket) => tracing::warn!("a D-Bus peer asks and does not read: dropped"),
            }
            // Answers that wait to be written hold the connection open otherwise.
            let _ = socket.shutdown(std::net::Shutdown::Both);
        }
        Ok(Err(error)) => tracing::debug!(%error, "a client did not get through the handshake"),
        Err(_elapsed) => tracing::debug!("a client did not finish the handshake in time"),
    }
    drop(place);
}

/// Returns when the peer has left its socket full for a while and goes on to ask: each call would wait in memory for
/// its answer to be taken.
async fn asks_without_reading(connection: &Connection, socket: &StdStream) {
    let Ok(watched) = socket.try_clone().and_then(UnixStream::from_std) else { return };
    loop {
        connection.monitor_activity().await;
        if tokio::time::timeout(READ_LIMIT, writable(&watched)).await.is_err() {
            return;
        }
    }
}

/// Waits until the socket takes more. Does not write; what the runtime knew of it before is not believed.
async fn writable(socket: &UnixStream) {
    let now = || {
        let mut fds = [PollFd::new(socket, PollFlags::OUT)];
        match poll(&mut fds, Some(&Timespec::default()))? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            _ => Ok(()),
        }
    };
    while socket.writable().await.is_ok() && socket.try_io(Interest::WRITABLE, now).is_err() {}
}

/// Returns when `look` is notified and the socket's file is not ours any more, or nothing leads to it.
async fn gone(socket: &Socket, link: &Path, look: &Notify) {
    loop {
        look.notified().await;
        if !socket.file.is_ours() || !link.exists() {
            return;
        }
    }
}

/// The listener and its file, which goes with it.
struct Socket {
    listener: UnixListener,
    file: SocketFile,
}

/// In a directory of our own: only kioskd's user makes names in the runtime directory. Where that is our user too, or
/// was so kind, the name that people know leads there.
fn bind(runtime_dir: &Path) -> Result<Socket, BindError> {
    let directory = SocketDir::open(&runtime_dir.join(SESSION_DIR))?;
    let listener = directory.bind(SESSION_SOCKET, Access::EVERYBODY, PROGRAM)?;
    let path = directory.path().join(SESSION_SOCKET);
    let made = UnixListener::from_std(listener).and_then(|listener| Ok((listener, SocketFile::of(&path)?)));
    let (listener, file) = made.map_err(|error| BindError::Make { path: path.clone(), error })?;
    let (link, target) = (runtime_dir.join(SESSION_SOCKET), session_socket_target());
    let leads = std::fs::read_link(&link).is_ok_and(|there| there == Path::new(&target));
    if !leads
        && let Err(error) =
            SocketDir::open(runtime_dir).and_then(|directory| directory.link(SESSION_SOCKET, &target, PROGRAM))
    {
        tracing::debug!(%error, "the link can't be made");
        let (link, path) = (link.display(), path.display());
        tracing::warn!(
            "{link} does not lead to {path}: kioskctl needs the system bus, or that link (systemd-tmpfiles --create makes it)"
        );
    }
    Ok(Socket { listener, file })
}
