//! The socket to the seat's manager: whether it has been closed, and which manager is at its other end.

use std::{
    os::fd::BorrowedFd,
    path::{Path, PathBuf},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    net::{SocketAddrUnix, getpeername},
};

/// Where seatd listens.
const SEATD: &str = "/run/seatd.sock";

/// Who manages the seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manager {
    /// seatd, over its own socket.
    Seatd,
    /// logind, with the message bus between it and us.
    Logind,
    /// libseat's last resort, a process that it forked. It opens what we may open.
    Own,
}

/// Which manager is at the other end: seatd and the message bus have sockets with names.
pub fn manager(connection: BorrowedFd<'_>) -> Manager {
    let seatd = std::env::var_os("SEATD_SOCK").filter(|path| !path.is_empty()).map_or(SEATD.into(), PathBuf::from);
    manager_at(connection, &seatd)
}

fn manager_at(connection: BorrowedFd<'_>, seatd: &Path) -> Manager {
    let peer = getpeername(connection).ok().flatten().and_then(|peer| SocketAddrUnix::try_from(peer).ok());
    let name = peer.as_ref().and_then(|peer| peer.path_bytes().or(peer.abstract_name())).unwrap_or_default();
    match name {
        b"" => Manager::Own,
        path if path == seatd.as_os_str().as_encoded_bytes() => Manager::Seatd,
        _ => Manager::Logind,
    }
}

/// Whether the other end is closed: seatd, or the D-Bus daemon between us and logind, is gone.
pub fn ended(connection: BorrowedFd<'_>) -> bool {
    let mut polled = [PollFd::from_borrowed_fd(connection, PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    // POLLHUP and POLLERR are always reported.
    poll(&mut polled, Some(&at_once)).is_ok() && !polled[0].revents().is_empty()
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        os::{
            fd::AsFd,
            unix::net::{UnixListener, UnixStream},
        },
    };

    use super::*;

    #[test]
    fn a_connection_ends_when_the_other_side_goes_and_not_when_it_says_something() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        assert!(!ended(ours.as_fd()));
        theirs.write_all(b"news").unwrap();
        assert!(!ended(ours.as_fd()));
        drop(theirs);
        assert!(ended(ours.as_fd()));
    }

    #[test]
    fn a_manager_is_known_by_the_name_of_its_socket() {
        let directory = tempfile::tempdir().unwrap();
        let (seatd, bus) = (directory.path().join("seatd.sock"), directory.path().join("system_bus_socket"));
        let _listeners = [&seatd, &bus].map(|path| UnixListener::bind(path).unwrap());
        let known = |socket: UnixStream| manager_at(socket.as_fd(), &seatd);
        assert_eq!(known(UnixStream::connect(&seatd).unwrap()), Manager::Seatd);
        assert_eq!(known(UnixStream::connect(&bus).unwrap()), Manager::Logind);
        assert_eq!(known(UnixStream::pair().unwrap().0), Manager::Own);
    }
}
