//! `session.sock`: D-Bus without a bus. Everybody may connect and read; what more they may do follows from the
//! socket's credentials.

use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::Interest;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;
use zbus::connection::Builder;
use zbus::{Connection, Guid, OwnedGuid};

use super::{Shells, connection};
use kiosk_core::api::SESSION_SOCKET;
use kiosk_core::quota::{Place, Quota};

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
    let path = runtime_dir.join(SESSION_SOCKET);
    let guid = OwnedGuid::from(Guid::generate());
    let quota = Quota::new(MOST, MOST_EACH);
    loop {
        match Socket::bind(&path) {
            Ok(socket) => {
                tokio::select! {
                    () = accept(&socket.listener, shared, &guid, &quota) => {}
                    () = gone(&socket, look) => tracing::info!(path = %path.display(), "the socket is made anew"),
                }
            }
            Err(error) => {
                let path = path.display();
                tracing::warn!(%error, %path, "the session's socket can't be made: kioskctl needs the system bus");
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

/// Returns when `look` is notified and the socket's file is not ours any more.
async fn gone(socket: &Socket, look: &Notify) {
    loop {
        look.notified().await;
        if inode(&socket.path).ok() != Some(socket.inode) {
            return;
        }
    }
}

/// The listener and its file, which goes with it.
struct Socket {
    listener: UnixListener,
    path: PathBuf,
    inode: u64,
}

impl Socket {
    /// One that a killed predecessor left is replaced, one that is listened to is not.
    fn bind(path: &Path) -> io::Result<Socket> {
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "another kiosk-session listens there"));
        }
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        let socket = Socket { listener, path: path.to_owned(), inode: inode(path)? };
        // A service's umask leaves it to the owner; who may do what is decided call by call.
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666))?;
        Ok(socket)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if inode(&self.path).ok() == Some(self.inode) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn inode(path: &Path) -> io::Result<u64> {
    std::fs::metadata(path).map(|data| data.ino())
}
