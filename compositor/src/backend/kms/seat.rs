//! The seat, through libseat, which opens devices for us and revokes them. Every failure is an error here and never a
//! panic, so libseat is used directly and not through smithay 0.7's session, which panics when its connection ends,
//! when a request fails without an errno, and at values that are no error numbers.

mod connection;

use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, VecDeque},
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
    path::Path,
    rc::Rc,
};

use errno::{Errno, set_errno};
use libseat::SeatEvent;
use rustix::fs::OFlags;
use smithay::backend::session::{AsErrno, Session};

pub use connection::Manager;
use connection::{ended, manager};

/// Why a request to the seat failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SeatError(rustix::io::Errno);

impl SeatError {
    /// libseat reports errors in `errno`, but not always sets it, nor always to a valid number: logind, asked to
    /// release a device that it has already released, answers with an error without a number.
    fn of(errno: Errno) -> Self {
        let known = u16::try_from(errno.0).is_ok_and(|number| (1..MAX_ERRNO).contains(&number));
        Self(if known { rustix::io::Errno::from_raw_os_error(errno.0) } else { rustix::io::Errno::IO })
    }

    fn of_io(error: std::io::Error) -> Self {
        Self::of(Errno(error.raw_os_error().unwrap_or_default()))
    }
}

/// The kernel's bound: every error number is smaller.
const MAX_ERRNO: u16 = 4095;

impl AsErrno for SeatError {
    fn as_errno(&self) -> Option<i32> {
        Some(self.0.raw_os_error())
    }
}

// WORKAROUND(cosmic-comp#940)
/// The seat; clones share it. The last one releases it.
#[derive(Debug, Clone)]
pub struct Seat(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    seat: RefCell<libseat::Seat>,
    name: String,
    /// Our own duplicate, which stays valid after libseat has closed its own.
    connection: OwnedFd,
    active: Cell<bool>,
    news: Rc<RefCell<VecDeque<SeatEvent>>>,
    /// libseat's handle of each device, by its file descriptor.
    devices: RefCell<HashMap<RawFd, libseat::Device>>,
}

impl Seat {
    /// Opens the seat through seatd, logind, or else libseat's built-in manager.
    pub fn open() -> Result<Self, SeatError> {
        let news = Rc::new(RefCell::new(VecDeque::new()));
        let heard = news.clone();
        let mut seat = call_libseat(|| libseat::Seat::open(move |_, event| heard.borrow_mut().push_back(event)))?;
        // The event is there already when our terminal is in front.
        call_libseat(|| seat.dispatch(0))?;
        let active = matches!(news.borrow_mut().drain(..).next_back(), Some(SeatEvent::Enable));
        let connection = call_libseat(|| seat.get_fd())?.try_clone_to_owned().map_err(SeatError::of_io)?;
        let name = seat.name().to_owned();
        let (seat, active, devices) = (RefCell::new(seat), Cell::new(active), RefCell::default());
        Ok(Self(Rc::new(Inner { seat, name, connection, active, news, devices })))
    }

    /// Who manages it.
    pub fn manager(&self) -> Manager {
        manager(self.connection())
    }

    /// Readable when there are events, and for ever once the connection has ended.
    pub fn connection(&self) -> BorrowedFd<'_> {
        self.0.connection.as_fd()
    }

    /// Reads the seat manager's messages. An error: the connection has ended.
    pub fn dispatch(&self) -> Result<(), SeatError> {
        call_libseat(|| self.0.seat.borrow_mut().dispatch(0))?;
        // WORKAROUND(seatd:logind-hangup)
        // With logind, libseat does not notice.
        if ended(self.connection()) { Err(SeatError(rustix::io::Errno::CONNRESET)) } else { Ok(()) }
    }

    /// The next event of the seat. After handling a disable event, the caller calls [`Self::released`].
    pub fn next_event(&self) -> Option<SeatEvent> {
        let event = self.0.news.borrow_mut().pop_front()?;
        self.0.active.set(matches!(event, SeatEvent::Enable));
        Some(event)
    }

    /// Acknowledges a disable event: nothing of the seat is in use any more.
    pub fn released(&self) {
        if let Err(error) = call_libseat(|| self.0.seat.borrow_mut().disable()) {
            tracing::warn!(%error, "seat release not acknowledged");
        }
    }
}

/// Calls libseat with `errno` cleared before, so that a stale value is not taken for its reason.
fn call_libseat<T>(call: impl FnOnce() -> Result<T, Errno>) -> Result<T, SeatError> {
    set_errno(Errno(0));
    call().map_err(SeatError::of)
}

impl Session for Seat {
    type Error = SeatError;

    #[allow(unsafe_code)]
    fn open(&mut self, path: &Path, _: OFlags) -> Result<OwnedFd, SeatError> {
        // WORKAROUND(libseat-rs:path-utf8)
        // The binding panics at others.
        let path = path.to_str().ok_or(SeatError(rustix::io::Errno::INVAL))?;
        let device = call_libseat(|| self.0.seat.borrow_mut().open_device(&path))?;
        let raw = device.as_fd().as_raw_fd();
        self.0.devices.borrow_mut().insert(raw, device);
        // SAFETY: libseat made the descriptor for us and leaves it to us to close: `libseat_close_device` and the end
        // of a `libseat::Device` do not.
        Ok(unsafe { OwnedFd::from_raw_fd(raw) })
    }

    fn close(&mut self, fd: OwnedFd) -> Result<(), SeatError> {
        let device = self.0.devices.borrow_mut().remove(&fd.as_raw_fd());
        device.map_or(Ok(()), |device| call_libseat(|| self.0.seat.borrow_mut().close_device(device)))
    }

    fn change_vt(&mut self, vt: i32) -> Result<(), SeatError> {
        call_libseat(|| self.0.seat.borrow_mut().switch_session(vt))
    }

    fn is_active(&self) -> bool {
        self.0.active.get()
    }

    fn seat(&self) -> String {
        self.0.name.clone()
    }
}

/// A device opened through the seat, closed there on drop: otherwise the manager would hold an unplugged card open
/// while we run, and would not open its replacement.
pub struct SeatDevice {
    session: Seat,
    /// The seat's descriptor; `None`: closed.
    fd: Option<OwnedFd>,
}

impl SeatDevice {
    /// Opens a device and duplicates its descriptor for use: a copy that is still held does no harm after the device is
    /// closed.
    pub fn open(session: &Seat, path: &Path) -> Result<(Self, OwnedFd), SeatError> {
        let mut session = session.clone();
        // The seat manager chooses the flags.
        let fd = session.open(path, OFlags::empty())?;
        let ours = fd.try_clone();
        let device = Self { session, fd: Some(fd) };
        Ok((device, ours.map_err(SeatError::of_io)?))
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
    use super::*;

    #[test]
    fn a_failure_without_a_reason_or_with_nonsense_for_one_is_a_failure_and_no_panic() {
        for nonsense in [0, -1, -107, 4096, i32::MIN, i32::MAX] {
            assert_eq!(SeatError::of(Errno(nonsense)), SeatError(rustix::io::Errno::IO));
        }
        assert_eq!(SeatError::of(Errno(19)), SeatError(rustix::io::Errno::NODEV));
        set_errno(Errno(19));
        assert_eq!(
            call_libseat(|| Err::<(), _>(errno::errno())),
            Err(SeatError(rustix::io::Errno::IO)),
            "an old reason"
        );
    }
}
