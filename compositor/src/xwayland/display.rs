//! An X display of our own: a number that nobody has, its lock and its socket, as every X server of the machine makes them
//! (`/tmp/.X0-lock`, `/tmp/.X11-unix/X0`). The socket is its owner's alone. There is none in the abstract name space, where
//! everybody could connect.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::{
        fd::OwnedFd,
        unix::{
            fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt},
            net::{UnixListener, UnixStream},
        },
    },
    path::{Path, PathBuf},
};

use rustix::{
    io::Errno,
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with},
    process::{Pid, getuid, test_kill_process},
};

/// Where displays are on every machine.
pub const PLACE: &str = "/tmp";
/// So many numbers are tried.
const NUMBERS: u32 = 64;
/// Clients that may wait until the server is there.
const BACKLOG: i32 = 64;
/// A directory that everybody makes names in, and takes away none but the own.
const SHARED: u32 = 0o1777;
/// What is written into a lock: ten digits and a line's end.
const LOCK_LENGTH: u64 = 11;

/// Why there is no display.
#[derive(Debug, thiserror::Error)]
pub enum DisplayError {
    /// The directory is somebody else's.
    #[error("{} is not a directory of root's or of kioskd's own that others take nothing from", .0.display())]
    Directory(PathBuf),
    /// Something could not be made.
    #[error("{}: {error}", path.display())]
    Made {
        /// What.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Each has an X server.
    #[error("X displays 0 to {} are all taken", NUMBERS - 1)]
    AllTaken,
}

fn made(path: &Path) -> impl Fn(io::Error) -> DisplayError {
    move |error| DisplayError::Made { path: path.to_owned(), error }
}

/// A display. Dropped, its socket and its lock go.
#[derive(Debug)]
pub struct Display {
    number: u32,
    /// Where X clients come.
    pub listener: UnixListener,
    socket: PathBuf,
    lock: PathBuf,
}

impl Display {
    /// Takes the first number that is free below `place`.
    pub fn open(place: &Path) -> Result<Self, DisplayError> {
        let directory = place.join(".X11-unix");
        check_directory(&directory)?;
        for number in 0..NUMBERS {
            let lock = place.join(format!(".X{number}-lock"));
            if !take_lock(&lock)? {
                continue;
            }
            let socket = directory.join(format!("X{number}"));
            match listen_to(&socket) {
                Ok(Some(listener)) => return Ok(Self { number, listener, socket, lock }),
                taken => {
                    let _ = fs::remove_file(&lock);
                    taken.map_err(made(&socket))?;
                }
            }
        }
        Err(DisplayError::AllTaken)
    }

    /// What programs find in `DISPLAY`.
    pub fn name(&self) -> String {
        format!(":{}", self.number)
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.socket);
        let _ = fs::remove_file(&self.lock);
    }
}

/// Made where it is missing; trusted where nobody else could have put something into its place.
fn check_directory(directory: &Path) -> Result<(), DisplayError> {
    if DirBuilder::new().mode(SHARED).create(directory).is_ok() {
        fs::set_permissions(directory, Permissions::from_mode(SHARED)).map_err(made(directory))?;
    }
    let found = fs::symlink_metadata(directory).map_err(made(directory))?;
    let ours = found.uid() == 0 || found.uid() == getuid().as_raw();
    let safe = found.mode() & 0o022 == 0 || found.mode() & 0o1000 != 0;
    if found.is_dir() && ours && safe { Ok(()) } else { Err(DisplayError::Directory(directory.to_owned())) }
}

/// Whether the number is ours now. A lock of a process that is gone is nobody's.
fn take_lock(lock: &Path) -> Result<bool, DisplayError> {
    for _ in 0..2 {
        match OpenOptions::new().write(true).create_new(true).mode(0o444).open(lock) {
            Ok(mut file) => {
                let written = writeln!(file, "{:>10}", std::process::id());
                return written.map(|()| true).map_err(made(lock));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if is_held(lock) || fs::remove_file(lock).is_err() {
                    return Ok(false);
                }
            }
            Err(error) => return Err(made(lock)(error)),
        }
    }
    Ok(false)
}

/// Whether the process that wrote the lock is there. What cannot be read is somebody's.
fn is_held(lock: &Path) -> bool {
    let mut text = String::new();
    let read = File::open(lock).and_then(|file| file.take(LOCK_LENGTH).read_to_string(&mut text));
    let holder = text.trim().parse().ok().and_then(Pid::from_raw);
    match (read, holder) {
        (Ok(_), Some(holder)) => test_kill_process(holder) != Err(Errno::SRCH),
        _ => true,
    }
}

/// `None`: somebody listens there, lock or no lock.
fn listen_to(path: &Path) -> io::Result<Option<UnixListener>> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() && UnixStream::connect(path).is_err() => match fs::remove_file(path)
        {
            Ok(()) => {}
            Err(_) => return Ok(None),
        },
        Ok(_) => return Ok(None),
        Err(_) => {}
    }
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket: OwnedFd = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    bind(&socket, &SocketAddrUnix::new(path)?)?;
    // Before anybody can connect.
    fs::set_permissions(path, Permissions::from_mode(0o700))?;
    listen(&socket, BACKLOG)?;
    Ok(Some(socket.into()))
}

#[cfg(test)]
mod tests {
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
    fn what_a_dead_server_left_is_taken_and_what_is_anybodys_is_not() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join(".X11-unix");
        fs::create_dir(&directory).unwrap();
        // Higher than any process.
        fs::write(place.path().join(".X0-lock"), "1073741824\n").unwrap();
        drop(UnixListener::bind(directory.join("X0")).unwrap());
        fs::write(place.path().join(".X1-lock"), "who knows\n").unwrap();
        // No lock, and somebody there all the same.
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
}
