//! The system bus: acquires the name when the bus appears, and again after its restart. The daemon starts and runs
//! without it.
//!
//! While there is no bus, a few attempts with growing pauses find one that starts during boot; after that only its
//! socket is watched, so that a system without a bus costs no wake-ups.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream as StdStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kiosk_core::socket_watch::SocketWatch;
use tokio::net::UnixStream;
use zbus::Connection;
use zbus::fdo::{RequestNameFlags, RequestNameReply};

use crate::connection::{self, AcceptedConnection};
use crate::{Service, Shared};

/// Where the system bus is unless `DBUS_SYSTEM_BUS_ADDRESS` says otherwise.
pub const SYSTEM_BUS: &str = "unix:path=/run/dbus/system_bus_socket";
/// Pauses between tries, seconds; about five minutes in all.
const PAUSES: [u64; 14] = [1, 2, 4, 8, 16, 30, 30, 30, 30, 30, 30, 30, 30, 30];
/// The bus daemon's answers take milliseconds; this is for a hung one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves on the bus at `address` for ever; returns at once if no bus is wanted.
pub async fn serve<S: Service>(address: Option<&str>, shared: &Arc<Shared<S>>) {
    let Some(address) = address else { return };
    let mut watch = socket_path(address).and_then(|path| {
        let watch = SocketWatch::new(&path);
        watch.inspect_err(|error| tracing::warn!(%error, "bus socket not watched")).ok()
    });
    let mut pauses = PAUSES.iter();
    loop {
        match tokio::time::timeout(CONNECT_TIMEOUT, connect(address, shared)).await {
            Ok(Ok((connection, calls, name))) => {
                tracing::info!(address, "on the message bus");
                // Calls are served while the name is requested, as calls to our unique name may come before the reply.
                tokio::join!(
                    connection::serve(shared, connection.clone(), calls, &name),
                    request_name::<S>(&connection),
                );
                tracing::warn!(address, "message bus disconnected");
                pauses = PAUSES.iter();
            }
            Ok(Err(error)) => tracing::debug!(%error, address, "no message bus"),
            Err(_elapsed) => tracing::debug!(address, "the message bus does not answer"),
        }
        let pause = pauses.next().map(|seconds| Duration::from_secs(*seconds));
        if pause.is_none() {
            tracing::info!(address, "no message bus yet: waiting for its socket");
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

type Calls = tokio::sync::mpsc::Receiver<crate::reader::Incoming>;

async fn connect<S>(address: &str, shared: &Shared<S>) -> zbus::Result<(Connection, Calls, String)> {
    let socket = open(address)?;
    socket.set_nonblocking(true)?;
    let AcceptedConnection { builder, calls, name } =
        AcceptedConnection::new(shared, UnixStream::from_std(socket)?, "bus".into(), true);
    Ok((builder.build().await?, calls, name))
}

async fn request_name<S: Service>(connection: &Connection) {
    match connection.request_name_with_flags(S::NAME, RequestNameFlags::empty()).await {
        Ok(RequestNameReply::InQueue) => {
            tracing::warn!(name = S::NAME, "bus name owned by another program; queued for it");
        }
        Ok(_) => {}
        // Stays connected, so that a restart of the bus is noticed and the name is requested again.
        Err(error) => {
            tracing::warn!(%error, name = S::NAME, "bus name refused: is org.kioskd.conf installed?");
        }
    }
}

/// Connects to the first address of a list that accepts. Only Unix sockets, as other transports have no peer
/// credentials.
fn open(address: &str) -> io::Result<StdStream> {
    let mut why = io::Error::new(io::ErrorKind::InvalidInput, "the address names no Unix socket (unix:path=…)");
    for one in address.split(';') {
        let opened = if let Some(path) = value(one, "path") {
            StdStream::connect(path)
        } else if let Some(name) = value(one, "abstract") {
            SocketAddr::from_abstract_name(name).and_then(|address| StdStream::connect_addr(&address))
        } else {
            continue;
        };
        match opened {
            Ok(stream) => return Ok(stream),
            Err(error) => why = error,
        }
    }
    Err(why)
}

/// The value of `key` in one `unix:` address, unescaped (D-Bus specification, "Server Addresses").
fn value(address: &str, key: &str) -> Option<String> {
    let mut pairs = address.strip_prefix("unix:")?.split(',').filter_map(|pair| pair.split_once('='));
    let escaped = pairs.find(|(name, _)| *name == key)?.1;
    let mut plain = Vec::with_capacity(escaped.len());
    let mut rest = escaped.bytes();
    while let Some(byte) = rest.next() {
        plain.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(plain).ok()
}

/// The file of a `unix:path=` address, the first of a list.
fn socket_path(address: &str) -> Option<PathBuf> {
    address.split(';').find_map(|one| value(one, "path")).map(|path| Path::new(&path).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_the_specification_has_them() {
        let path = |address: &str| socket_path(address).map(|path| path.display().to_string());
        assert_eq!(path(SYSTEM_BUS).as_deref(), Some("/run/dbus/system_bus_socket"));
        assert_eq!(path("tcp:host=x;unix:guid=7,path=/a%20b").as_deref(), Some("/a b"));
        assert_eq!(path("unix:abstract=x"), None);
        assert_eq!(value("unix:path=/a%2", "path"), None);
        assert_eq!(open("tcp:host=x").unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert_eq!(open("unix:path=/nonexistent/bus").unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
