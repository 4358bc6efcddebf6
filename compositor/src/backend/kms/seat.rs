//! The seat as the rest uses it: smithay's session over libseat, whose failures are told and never fatal, and the
//! devices that it opened.

use std::{os::fd::OwnedFd, path::Path};

use errno::{Errno, set_errno};
use rustix::fs::OFlags;
use smithay::backend::session::{Session, libseat::LibSeatSession};

/// A session that may fail without a reason.
///
/// libseat tells why it failed in `errno`, and does not always set it: logind, asked to release a device that it has
/// released by itself because it was unplugged, answers with an error that is no system call's. smithay 0.7 panics if
/// what it finds there is the 0 of a thread in which nothing has failed yet.
#[derive(Debug, Clone)]
pub struct Seat<S = LibSeatSession>(S);

impl<S: Session> Seat<S> {
    pub fn new(session: S) -> Self {
        Self(session)
    }

    /// The session, with a reason for a failure that has none.
    fn asked(&mut self) -> &mut S {
        set_errno(Errno(rustix::io::Errno::IO.raw_os_error()));
        &mut self.0
    }
}

impl<S: Session> Session for Seat<S> {
    type Error = S::Error;

    fn open(&mut self, path: &Path, flags: OFlags) -> Result<OwnedFd, S::Error> {
        self.asked().open(path, flags)
    }

    fn close(&mut self, fd: OwnedFd) -> Result<(), S::Error> {
        self.asked().close(fd)
    }

    fn change_vt(&mut self, vt: i32) -> Result<(), S::Error> {
        self.asked().change_vt(vt)
    }

    fn is_active(&self) -> bool {
        self.0.is_active()
    }

    fn seat(&self) -> String {
        self.0.seat()
    }
}

/// A device that the seat opened for us, and is told to close when this goes: it would keep what is behind a card that
/// was unplugged for as long as we run, and would not open what comes in its place.
pub struct SeatDevice {
    session: Seat,
    /// The one that the seat knows; `None`: given back.
    fd: Option<OwnedFd>,
}

impl SeatDevice {
    /// Opens a device and makes another descriptor of it, to be used: whoever still has that one does no harm.
    pub fn open(session: &Seat, path: &Path) -> Result<(Self, OwnedFd), String> {
        let mut session = session.clone();
        // The seat chooses the flags by itself.
        let fd = session.open(path, OFlags::empty()).map_err(|error| error.to_string())?;
        let ours = fd.try_clone();
        let device = Self { session, fd: Some(fd) };
        Ok((device, ours.map_err(|error| error.to_string())?))
    }
}

impl Drop for SeatDevice {
    fn drop(&mut self) {
        if let Some(fd) = self.fd.take()
            && let Err(error) = self.session.close(fd)
        {
            tracing::debug!(%error, "the seat could not close a device");
        }
    }
}

#[cfg(test)]
mod tests {
    use smithay::backend::session::AsErrno;

    use super::*;

    /// Fails at everything without a word, and makes of `errno` what smithay makes of it.
    struct Mute;

    #[derive(Debug)]
    struct Why(rustix::io::Errno);

    impl AsErrno for Why {
        fn as_errno(&self) -> Option<i32> {
            Some(self.0.raw_os_error())
        }
    }

    impl Mute {
        fn fail<T>() -> Result<T, Why> {
            Err(Why(rustix::io::Errno::from_raw_os_error(errno::errno().0)))
        }
    }

    impl Session for Mute {
        type Error = Why;

        fn open(&mut self, _: &Path, _: OFlags) -> Result<OwnedFd, Why> {
            Self::fail()
        }

        fn close(&mut self, _: OwnedFd) -> Result<(), Why> {
            Self::fail()
        }

        fn change_vt(&mut self, _: i32) -> Result<(), Why> {
            Self::fail()
        }

        fn is_active(&self) -> bool {
            true
        }

        fn seat(&self) -> String {
            "seat0".into()
        }
    }

    #[test]
    fn a_failure_without_a_reason_is_a_failure_and_no_panic() {
        let mut seat = Seat::new(Mute);
        let fd = std::fs::File::open("/dev/null").unwrap().into();
        set_errno(Errno(0));
        assert!(seat.close(fd).is_err());
        set_errno(Errno(0));
        assert!(seat.open(Path::new("/dev/dri/card0"), OFlags::empty()).is_err());
        set_errno(Errno(0));
        assert!(seat.change_vt(2).is_err());
    }
}
