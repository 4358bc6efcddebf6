//! Xwayland as a unit of the service manager: a user of its own, which kioskd cannot give a child.
//!
//! kioskd connects to the socket of `kiosk-xwayland.socket` ([`ask`]) and sends the server's sockets. Each connection
//! starts a `kiosk-xwayland@.service`, whose program `kiosk-xwayland` ([`serve`]) starts Xwayland with them, and says by
//! one byte how it ended. Whoever of the two ends takes the server along: the connection says so.

use std::{
    io::{self, IoSlice, IoSliceMut, Read, Write},
    mem::MaybeUninit,
    net::Shutdown,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::Path,
    thread,
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use rustix::process::{Pid, Signal, kill_process};

use super::process::{self, Inherited};

/// The socket of `kiosk-xwayland.socket`, in the runtime directory.
pub const SOCKET: &str = "start-xwayland";
/// The longest name of a display, bytes: `:0` to `:63`.
const MAX_NAME: usize = 8;
/// What the unit sends when the server has ended: with success, or not.
const WELL: u8 = 1;
const FAILED: u8 = 0;

/// Why the unit could not start a server.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// What came is no order of kioskd.
    #[error("the connection on standard input has no order of kioskd: a display's name and three sockets")]
    NoOrder,
    /// Xwayland is missing.
    #[error("Xwayland is not there (Debian: apt-get install xwayland)")]
    Absent,
    /// Receiving or starting failed.
    #[error("Xwayland could not be started: {0}")]
    Started(#[from] io::Error),
}

/// Has a server started for the display of this name. The connection is readable once it has ended ([`ended`]);
/// shutting it down ends the server.
pub fn ask(socket: &Path, display: &str, inherited: &Inherited) -> io::Result<UnixStream> {
    let connection = UnixStream::connect(socket)?;
    let fds = [inherited.wayland.as_fd(), inherited.manager.as_fd(), inherited.listener.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&fds));
    sendmsg(&connection, &[IoSlice::new(display.as_bytes())], &mut control, SendFlags::NOSIGNAL)?;
    connection.set_nonblocking(true)?;
    Ok(connection)
}

/// Whether the server ended with success; `None`: it has not ended yet.
pub fn ended(mut connection: &UnixStream) -> Option<bool> {
    let mut told = [FAILED];
    match connection.read(&mut told) {
        Ok(0) => Some(false),
        Ok(_) => Some(told == [WELL]),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => None,
        Err(_) => Some(false),
    }
}

/// The unit's program: takes the order from this connection and stays until the server has ended. Returns whether that
/// was with success.
pub fn serve(connection: UnixStream) -> Result<bool, ServeError> {
    let (display, inherited) = receive(&connection)?;
    let program = process::find().ok_or(ServeError::Absent)?;
    let mut child = process::start(&program, &display, inherited)?;
    let process = Pid::from_child(&child);
    let mut kiosk = connection.try_clone()?;
    thread::spawn(move || {
        // kioskd sends nothing more: it ends the connection, or itself.
        let _ = kiosk.read(&mut [0]);
        let _ = kill_process(process, Signal::KILL);
    });
    let well = child.wait()?.success();
    // kioskd may be gone.
    let _ = (&connection).write_all(&[if well { WELL } else { FAILED }]);
    let _ = connection.shutdown(Shutdown::Both);
    Ok(well)
}

/// The display's name and the server's sockets.
fn receive(connection: &UnixStream) -> Result<(String, Inherited), ServeError> {
    let mut name = [0; MAX_NAME];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(connection, &mut [IoSliceMut::new(&mut name)], &mut control, RecvFlags::CMSG_CLOEXEC)
        .map_err(io::Error::from)?;
    let fds = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => Some(fds),
        _ => None,
    });
    let fds: Vec<OwnedFd> = fds.flatten().collect();
    let name = name.get(..received.bytes).and_then(|name| str::from_utf8(name).ok()).unwrap_or_default();
    let number = name.strip_prefix(':').is_some_and(|number| number.parse::<u8>().is_ok());
    match <[OwnedFd; 3]>::try_from(fds) {
        Ok([wayland, manager, listener]) if number => Ok((name.to_owned(), Inherited { wayland, manager, listener })),
        _ => Err(ServeError::NoOrder),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    /// kioskd's connection, and the unit's.
    fn order(display: &str) -> (UnixStream, UnixStream) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("start");
        let listener = UnixListener::bind(&path).unwrap();
        let [wayland, manager, listening] = [(); 3].map(|()| OwnedFd::from(UnixStream::pair().unwrap().0));
        let ours = ask(&path, display, &Inherited { wayland, manager, listener: listening }).unwrap();
        (ours, listener.accept().unwrap().0)
    }

    #[test]
    fn the_unit_gets_the_display_and_the_sockets() {
        let (ours, its) = order(":63");
        let (display, inherited) = receive(&its).unwrap();
        assert_eq!(display, ":63");
        let kind = rustix::net::sockopt::socket_type(&inherited.listener).unwrap();
        assert_eq!(kind, rustix::net::SocketType::STREAM);
        assert_eq!(ended(&ours), None);
        (&its).write_all(&[WELL]).unwrap();
        assert_eq!(ended(&ours), Some(true));
        drop(its);
        assert_eq!(ended(&ours), Some(false), "the unit died");
    }

    #[test]
    fn what_is_no_order_is_refused() {
        let (_ours, its) = order("no display");
        assert!(matches!(receive(&its), Err(ServeError::NoOrder)));
        let (ours, its) = UnixStream::pair().unwrap();
        (&ours).write_all(b":0").unwrap();
        assert!(matches!(receive(&its), Err(ServeError::NoOrder)), "without sockets");
        drop(ours);
        assert!(matches!(receive(&its), Err(ServeError::NoOrder)), "nothing at all");
    }
}
