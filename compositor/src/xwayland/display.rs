//! An X display: a free number with its lock and its socket, by the convention of all X servers (`/tmp/.X0-lock`,
//! `/tmp/.X11-unix/X0`). Only our user may connect to the socket. There is none in the abstract namespace, where
//! everybody could connect. Where the session is a service of its own, as another user with another `/tmp`, the display
//! is in a directory beside the Wayland sockets, for the same group ([`Display::for_service`]); the service's unit has that
//! directory in the place of its `/tmp/.X11-unix`.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::{
        fd::OwnedFd,
        unix::{
            fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt},
            net::UnixListener,
        },
    },
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use kiosk_core::{
    api::X_SOCKET,
    sockets::{self, Access, BindError},
};
use rustix::{
    fs::{FlockOperation, OFlags, flock},
    io::Errno,
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with},
    process::{Pid, getuid, test_kill_process},
};

use super::unit;
use crate::sockets::PROGRAM;

/// The directory of X displays' locks and sockets.
pub const PLACE: &str = "/tmp";
/// Most numbers that are tried.
const NUMBERS: u32 = 64;
/// Most clients that wait for the server to start.
const BACKLOG: i32 = 64;
/// Mode of a world-writable directory with the sticky bit.
const SHARED: u32 = 0o1777;
/// Length of a lock file: ten digits and a newline.
const LOCK_LENGTH: u64 = 11;
/// An empty lock older than this is stale: writing one does not take so long.
const WRITING: Duration = Duration::from_secs(60);
/// Attempts to lock the directory against another kioskd, with this pause: about a second. After that it goes on
/// without the lock.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(20);

/// Why there is no display.
#[derive(Debug, thiserror::Error)]
pub enum DisplayError {
    /// The directory has an unsafe owner or mode.
    #[error("{} is not a directory of root's or of kioskd's own that others take nothing from", .0.display())]
    Directory(PathBuf),
    /// A file could not be made.
    #[error("{}: {error}", path.display())]
    Made {
        /// What.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// All numbers are taken.
    #[error("X displays 0 to {} are all taken", NUMBERS - 1)]
    AllTaken,
}

/// Why there is no place for X programs.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// In the shared directory.
    #[error("there is no place for them: {0}")]
    Shared(#[from] DisplayError),
    /// In the runtime directory.
    #[error("{0}")]
    OfService(#[from] BindError),
}

fn made(path: &Path) -> impl Fn(io::Error) -> DisplayError {
    move |error| DisplayError::Made { path: path.to_owned(), error }
}

/// A display. Dropping it removes its socket and its lock.
#[derive(Debug)]
pub struct Display {
    number: u32,
    /// Accepts X clients.
    pub listener: UnixListener,
    socket: PathBuf,
    place: Place,
}

/// The directory of a display.
#[derive(Debug)]
enum Place {
    /// Shared with other X servers: the number is taken by this lock. Our server is our child.
    Shared { lock: PathBuf },
    /// Our own. Its server is a unit's, which is asked for at this socket.
    Own { unit: PathBuf },
}

impl Display {
    /// Takes the first free number below `place`.
    pub fn open(place: &Path) -> Result<Self, DisplayError> {
        let directory = place.join(".X11-unix");
        check_directory(&directory)?;
        // Locked, as two processes that find the same stale lock could remove each other's new one.
        let _alone = hold(&directory);
        for number in 0..NUMBERS {
            let lock = place.join(format!(".X{number}-lock"));
            let socket = directory.join(format!("X{number}"));
            if !take_lock(&lock, &socket)? {
                continue;
            }
            match listen_to(&socket) {
                Ok(Some(listener)) => return Ok(Self { number, listener, socket, place: Place::Shared { lock } }),
                taken => {
                    let _ = fs::remove_file(&lock);
                    taken.map_err(made(&socket))?;
                }
            }
        }
        Err(DisplayError::AllTaken)
    }

    /// Opens number 0 in the directory of its own beside the Wayland sockets, for their group.
    pub fn for_service(runtime_dir: &Path) -> Result<Self, BindError> {
        let socket = runtime_dir.join(X_SOCKET);
        let listener = sockets::bind(&socket, Access::GROUP, PROGRAM)?;
        Ok(Self { number: 0, listener, socket, place: Place::Own { unit: runtime_dir.join(unit::SOCKET) } })
    }

    /// The socket where a unit for its server is asked for; `None`: its server is our child.
    pub fn unit(&self) -> Option<&Path> {
        match &self.place {
            Place::Shared { .. } => None,
            Place::Own { unit } => Some(unit),
        }
    }

    /// The value of `DISPLAY`.
    pub fn name(&self) -> String {
        format!(":{}", self.number)
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.socket);
        if let Place::Shared { lock } = &self.place {
            let _ = fs::remove_file(lock);
        }
    }
}

/// Creates the directory if it is missing; accepts an existing one only if other users cannot replace its files.
fn check_directory(directory: &Path) -> Result<(), DisplayError> {
    if DirBuilder::new().mode(SHARED).create(directory).is_ok() {
        fs::set_permissions(directory, Permissions::from_mode(SHARED)).map_err(made(directory))?;
    }
    let found = fs::symlink_metadata(directory).map_err(made(directory))?;
    let ours = found.uid() == 0 || found.uid() == getuid().as_raw();
    let safe = found.mode() & 0o022 == 0 || found.mode() & 0o1000 != 0;
    if found.is_dir() && ours && safe { Ok(()) } else { Err(DisplayError::Directory(directory.to_owned())) }
}

/// Locks the directory against other kioskds until the file is closed. `None`: it could not be locked.
fn hold(directory: &Path) -> Option<File> {
    let flags = (OFlags::DIRECTORY | OFlags::NOFOLLOW).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(directory).ok()?;
    for _ in 0..TRIES {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Some(file),
            Err(Errno::WOULDBLOCK | Errno::INTR) => thread::sleep(PAUSE),
            Err(_) => break,
        }
    }
    None
}

/// Whether we have taken the number. A lock of a process that is gone is stale.
fn take_lock(lock: &Path, socket: &Path) -> Result<bool, DisplayError> {
    for _ in 0..2 {
        match OpenOptions::new().write(true).create_new(true).mode(0o444).open(lock) {
            Ok(mut file) => {
                let written = file.write_all(format!("{:>10}\n", std::process::id()).as_bytes());
                if written.is_err() {
                    let _ = fs::remove_file(lock);
                }
                return written.map(|()| true).map_err(made(lock));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if is_held(lock, socket) || fs::remove_file(lock).is_err() {
                    return Ok(false);
                }
            }
            Err(error) => return Err(made(lock)(error)),
        }
    }
    Ok(false)
}

/// Whether the process in the lock exists; true if the lock cannot be read. Never waits, as anybody can put a FIFO
/// there.
fn is_held(lock: &Path, socket: &Path) -> bool {
    let flags = (OFlags::NONBLOCK | OFlags::NOFOLLOW).bits().cast_signed();
    let Ok(file) = OpenOptions::new().read(true).custom_flags(flags).open(lock) else { return true };
    let Ok(found) = file.metadata() else { return true };
    let mut text = String::new();
    if !found.is_file() || file.take(LOCK_LENGTH).read_to_string(&mut text).is_err() {
        return true;
    }
    if text.is_empty() {
        return found.modified().map_or(true, |at| at.elapsed().unwrap_or_default() < WRITING);
    }
    match text.trim().parse().ok().and_then(Pid::from_raw) {
        // The lock has our own process id from an earlier run: ids repeat after a start of a machine or a container.
        Some(holder) if holder == rustix::process::getpid() => is_listened_at(socket),
        Some(holder) => test_kill_process(holder) != Err(Errno::SRCH),
        None => true,
    }
}

/// Whether a process listens there, or may do. Never waits, even if the backlog is full.
fn is_listened_at(path: &Path) -> bool {
    let connected = || {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        connect(&socket, &SocketAddrUnix::new(path)?)
    };
    !matches!(connected(), Err(Errno::CONNREFUSED | Errno::NOENT))
}

/// `None`: another process listens there, with or without a lock.
fn listen_to(path: &Path) -> io::Result<Option<UnixListener>> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() && !is_listened_at(path) => match fs::remove_file(path) {
            Ok(()) => {}
            Err(_) => return Ok(None),
        },
        Ok(_) => return Ok(None),
        Err(_) => {}
    }
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket: OwnedFd = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    match bind(&socket, &SocketAddrUnix::new(path)?) {
        // Another process was faster.
        Err(Errno::ADDRINUSE) => return Ok(None),
        bound => bound?,
    }
    // Before anyone can connect.
    let ready = fs::set_permissions(path, Permissions::from_mode(0o700))
        .and_then(|()| listen(&socket, BACKLOG).map_err(io::Error::from));
    if ready.is_err() {
        let _ = fs::remove_file(path);
    }
    ready.map(|()| Some(socket.into()))
}

#[cfg(test)]
mod tests {
    use std::{os::unix::net::UnixStream, time::SystemTime};

    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::*;

    #[test]
    fn each_display_has_a_number_of_its_own_and_gives_it_back() {
        let place = tempfile::tempdir().unwrap();
        let first = Display::open(place.path()).unwrap();
        let second = Display::open(place.path()).unwrap();
        assert_eq!((first.name().as_str(), second.name().as_str()), (":0", ":1"));
        let socket = place.path().join(".X11-unix/X0");
        assert_eq!(fs::metadata(&socket).unwrap().mode() & 0o777, 0o700);
        UnixStream::connect(&socket).unwrap();
        let lock = fs::read_to_string(place.path().join(".X0-lock")).unwrap();
        assert_eq!(lock, format!("{:>10}\n", std::process::id()));
        drop(first);
        assert!(!socket.exists());
        assert_eq!(Display::open(place.path()).unwrap().name(), ":0");
    }

    #[test]
    fn a_service_has_a_display_that_its_group_reaches() {
        let directory = tempfile::tempdir().unwrap();
        let display = Display::for_service(directory.path()).unwrap();
        assert_eq!(display.name(), ":0");
        let socket = directory.path().join(X_SOCKET);
        assert_eq!(fs::metadata(&socket).unwrap().mode() & 0o777, 0o660);
        UnixStream::connect(&socket).unwrap();
        drop(display);
        assert!(!socket.exists());
    }

    #[test]
    fn the_display_of_a_dead_server_is_taken_and_one_whose_owner_is_unknown_is_not() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join(".X11-unix");
        fs::create_dir(&directory).unwrap();
        // Higher than any process.
        fs::write(place.path().join(".X0-lock"), "1073741824\n").unwrap();
        drop(UnixListener::bind(directory.join("X0")).unwrap());
        fs::write(place.path().join(".X1-lock"), "who knows\n").unwrap();
        // A listener without a lock.
        let _alive = UnixListener::bind(directory.join("X2")).unwrap();
        let displays = [(); 2].map(|()| Display::open(place.path()).unwrap());
        assert_eq!(displays.each_ref().map(Display::name), [":0", ":3"]);
        assert!(!place.path().join(".X2-lock").exists());
    }

    #[test]
    fn a_directory_that_others_could_change_is_not_trusted() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join(".X11-unix");
        fs::create_dir(&directory).unwrap();
        fs::set_permissions(&directory, Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(Display::open(place.path()), Err(DisplayError::Directory(_))));
        fs::remove_dir(&directory).unwrap();
        std::os::unix::fs::symlink(place.path(), &directory).unwrap();
        assert!(matches!(Display::open(place.path()), Err(DisplayError::Directory(_))));
    }

    #[test]
    fn a_fifo_and_a_listener_that_never_accepts_are_left_alone_and_not_waited_for() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join(".X11-unix");
        fs::create_dir(&directory).unwrap();
        mkfifoat(CWD, place.path().join(".X0-lock"), Mode::RUSR | Mode::WUSR).unwrap();
        let full: OwnedFd = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None).unwrap();
        let address = SocketAddrUnix::new(directory.join("X1")).unwrap();
        bind(&full, &address).unwrap();
        listen(&full, 0).unwrap();
        let mut waiting = Vec::new();
        loop {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            let client = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).unwrap();
            if connect(&client, &address) == Err(Errno::AGAIN) {
                break;
            }
            waiting.push(client);
        }
        std::os::unix::fs::symlink("/dev/null", place.path().join(".X2-lock")).unwrap();
        assert_eq!(Display::open(place.path()).unwrap().name(), ":3");
    }

    #[test]
    fn a_lock_with_our_own_pid_and_an_old_empty_one_are_taken_over() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join(".X0-lock"), format!("{:>10}\n", std::process::id())).unwrap();
        let empty = File::create(place.path().join(".X1-lock")).unwrap();
        let first = Display::open(place.path()).unwrap();
        let second = Display::open(place.path()).unwrap();
        assert_eq!((first.name().as_str(), second.name().as_str()), (":0", ":2"), "the empty one may be being written");
        empty.set_modified(SystemTime::now() - 2 * WRITING).unwrap();
        assert_eq!(Display::open(place.path()).unwrap().name(), ":1");
    }

    #[test]
    fn two_processes_do_not_look_for_a_number_at_once() {
        let place = tempfile::tempdir().unwrap();
        drop(Display::open(place.path()).unwrap());
        let held = hold(&place.path().join(".X11-unix")).unwrap();
        let place = place.path().to_owned();
        let (said, hears) = std::sync::mpsc::channel();
        let other = thread::spawn(move || said.send(Display::open(&place).unwrap().name()).unwrap());
        hears.recv_timeout(5 * PAUSE).unwrap_err();
        drop(held);
        assert_eq!(hears.recv().unwrap(), ":0");
        other.join().unwrap();
    }
}
