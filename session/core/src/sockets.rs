//! Listening sockets at well-known paths: `/run/kiosk/wayland-0` and the sockets beside it. Used by both daemons at their
//! start.
//!
//! A name stands for a socket only when the socket's owner, group and mode are right: it is made in a private
//! directory, and moved. Write access to the directory around it is taken from other users first ([`SocketDir::open`]);
//! files of others at our names are removed, or moved aside. Never waits, for no peer and no file.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, FileType, Gid, Mode, OFlags, RenameFlags, Stat, chmodat, chownat, fchmod, fstat, mkdirat, openat,
    readlinkat, renameat, renameat_with, statat, symlinkat, unlinkat,
};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use rustix::process::geteuid;

/// Of a directory that is missing: everybody may look for sockets in it.
const DIRECTORY_MODE: u32 = 0o755;
/// Write permission of all but the owner.
const OTHERS_WRITE: u32 = 0o022;
/// Directories in the sockets' one with the set-group-ID bit, made by tmpfiles.d: what is made in one has its group. The
/// unit's filter of system calls leaves no `chown` to give a socket to another group.
const GROUP_DIRECTORIES: [&str; 2] = ["admin", "keyboard"];
/// Most attempts to find a free name, when something is moved aside.
const ASIDE_TRIES: u32 = 1000;

/// Why a socket could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// It can't be made or opened.
    #[error("the directory {} can't be used: {error}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the kernel said.
        error: io::Error,
    },
    /// It belongs to another user, who could replace our socket.
    #[error(
        "the directory {} belongs to user {owner} and not to {own}, who runs this: give it to that user (systemd-tmpfiles --create does, or chown)",
        path.display()
    )]
    Owner {
        /// The directory.
        path: PathBuf,
        /// The user whose it is.
        owner: u32,
        /// The user that runs this.
        own: u32,
    },
    /// A process listens on it. The socket, and the program that it usually is.
    #[error("{} is in use: another {program} runs here", .0.display(), program = .1)]
    InUse(PathBuf, &'static str),
    /// A file with its name cannot be removed.
    #[error("{} is in the way of a socket and can't be removed: {error}", path.display())]
    InTheWay {
        /// The socket's path.
        path: PathBuf,
        /// What the kernel said.
        error: io::Error,
    },
    /// Binding, listening or renaming failed.
    #[error("the socket {} can't be made: {error}", path.display())]
    Make {
        /// The socket's path.
        path: PathBuf,
        /// What the kernel said.
        error: io::Error,
    },
    /// The socket could not be given to the group: only its members may.
    #[error("the socket {} can't be given to the group {group}: {error}; is its user a member?", path.display())]
    Group {
        /// The socket's path.
        path: PathBuf,
        /// The group's number.
        group: u32,
        /// What the kernel said.
        error: io::Error,
    },
}

/// Who may connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// Permissions of the socket's file, such as `0o660`.
    pub mode: u32,
    /// `None`: our own group.
    pub group: Option<u32>,
}

impl Access {
    /// Everybody: who may do what is decided call by call.
    pub const EVERYBODY: Access = Access { mode: 0o666, group: None };
    /// Our user and our group.
    pub const GROUP: Access = Access { mode: 0o660, group: None };
    /// Our user alone.
    pub const OWNER: Access = Access { mode: 0o600, group: None };

    /// Our user and this group.
    pub fn of_group(group: u32) -> Self {
        Access { mode: 0o660, group: Some(group) }
    }
}

impl From<BindError> for io::Error {
    fn from(error: BindError) -> Self {
        let kind = match &error {
            BindError::InUse(..) => io::ErrorKind::AddrInUse,
            BindError::Owner { .. } => io::ErrorKind::PermissionDenied,
            BindError::Directory { error, .. }
            | BindError::InTheWay { error, .. }
            | BindError::Make { error, .. }
            | BindError::Group { error, .. } => error.kind(),
        };
        io::Error::new(kind, error)
    }
}

/// A directory in which only we make names.
#[derive(Debug)]
pub struct SocketDir {
    path: PathBuf,
    fd: OwnedFd,
    owner: u32,
}

/// The file of a socket that we listen on: says whether it is still ours, and goes with this value if it is.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    inode: (u64, u64),
}

/// Makes the directory of `path` ours alone and listens at `path`: [`SocketDir::open`] and [`SocketDir::bind`].
pub fn bind(path: &Path, access: Access, program: &'static str) -> Result<UnixListener, BindError> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| BindError::Make { path: path.into(), error: io::ErrorKind::InvalidInput.into() })?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    SocketDir::open(parent)?.bind(name, access, program)
}

impl SocketDir {
    /// Makes the directory where it is missing, and takes the right to make names in it from all but its owner, who
    /// must be we. Root may use another user's directory: no link in it leads root elsewhere.
    pub fn open(path: &Path) -> Result<Self, BindError> {
        let wrong = |error: io::Error| BindError::Directory { path: path.into(), error };
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
        let (fd, new) = match openat(CWD, path, flags, Mode::empty()) {
            Err(Errno::NOENT) => {
                std::fs::create_dir_all(path).map_err(wrong)?;
                (openat(CWD, path, flags, Mode::empty()).map_err(|error| wrong(error.into()))?, true)
            }
            other => (other.map_err(|error| wrong(error.into()))?, false),
        };
        let stat = fstat(&fd).map_err(|error| wrong(error.into()))?;
        let own = geteuid();
        if stat.st_uid != own.as_raw() && !own.is_root() {
            return Err(BindError::Owner { path: path.into(), owner: stat.st_uid, own: own.as_raw() });
        }
        // A service's umask leaves a new directory to its owner.
        let mode = if new { DIRECTORY_MODE } else { stat.st_mode & 0o7777 & !OTHERS_WRITE };
        if mode != stat.st_mode & 0o7777 {
            fchmod(&fd, Mode::from_raw_mode(mode)).map_err(|error| wrong(error.into()))?;
            if !new {
                tracing::info!(path = %path.display(), "write access of others to the sockets' directory removed");
            }
        }
        Ok(Self { path: path.into(), fd, owner: stat.st_uid })
    }

    /// As it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Listens at `name`, which does not block. A socket that a dead predecessor left is replaced, that of a living
    /// `program` is not ([`BindError::InUse`]); anything else at that name goes.
    pub fn bind(&self, name: &str, access: Access, program: &'static str) -> Result<UnixListener, BindError> {
        let path = self.path.join(name);
        if self.listened_to(name) {
            return Err(BindError::InUse(path, program));
        }
        let hidden = format!(".{name}.new");
        self.clear(&hidden)?;
        let of_group = access.group.and_then(|group| self.group_directory(group));
        if let Some(of_group) = &of_group {
            of_group.clear(&hidden)?;
        }
        let made = of_group.as_ref().unwrap_or(self).make(&hidden, &path, access);
        let made = made.and_then(|(listener, private)| {
            self.clear(name)?;
            let moved = renameat(&private, SOCKET, &self.fd, name);
            moved.map_err(|error| BindError::Make { path: path.clone(), error: error.into() })?;
            Ok(listener)
        });
        // The private directory is not needed any more, on success or failure.
        let _ = of_group.as_ref().unwrap_or(self).clear(&hidden);
        made
    }

    /// Makes `name` lead to `target`, a path from this directory. Whatever else was at that name goes, except a socket
    /// that has a listener.
    pub fn link(&self, name: &str, target: &str, program: &'static str) -> Result<(), BindError> {
        if readlinkat(&self.fd, name, Vec::new()).is_ok_and(|there| there.as_bytes() == target.as_bytes()) {
            return Ok(());
        }
        let path = self.path.join(name);
        if self.listened_to(name) {
            return Err(BindError::InUse(path, program));
        }
        let hidden = format!(".{name}.new");
        self.clear(&hidden)?;
        symlinkat(target, &self.fd, &hidden)
            .and_then(|()| {
                let _ = self.clear(name);
                renameat(&self.fd, &hidden, &self.fd, name)
            })
            .map_err(|error| BindError::Make { path, error: error.into() })
    }

    /// Removes the socket `name` of an earlier run. Returns whether there was one without a listener.
    pub fn remove_stale(&self, name: &str) -> bool {
        let stat = statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW);
        let socket = stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Socket);
        socket && !self.listened_to(name) && unlinkat(&self.fd, name, AtFlags::empty()).is_ok()
    }

    /// A socket with these rights, named [`SOCKET`], in a directory `hidden` that is ours alone.
    fn make(&self, hidden: &str, path: &Path, access: Access) -> Result<(UnixListener, OwnedFd), BindError> {
        let failed = |error: io::Error| BindError::Make { path: path.into(), error };
        let failed_call = |error: Errno| failed(error.into());
        mkdirat(&self.fd, hidden, Mode::RWXU).map_err(failed_call)?;
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let private = openat(&self.fd, hidden, flags, Mode::empty()).map_err(failed_call)?;
        let stat = fstat(&private).map_err(failed_call)?;
        if stat.st_uid != geteuid().as_raw() {
            return Err(failed(io::Error::other("the directory that it was made in was replaced by another program")));
        }
        // By the descriptor, so that no directory on the path can be exchanged meanwhile.
        let listener = UnixListener::bind(by_descriptor(&private, SOCKET)).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let made = statat(&private, SOCKET, AtFlags::SYMLINK_NOFOLLOW).map_err(failed_call)?;
        if let Some(group) = access.group.filter(|group| *group != made.st_gid) {
            chownat(&private, SOCKET, None, Some(Gid::from_raw(group)), AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|error| BindError::Group { path: path.into(), group, error: error.into() })?;
        }
        chmodat(&private, SOCKET, Mode::from_raw_mode(access.mode), AtFlags::empty()).map_err(failed_call)?;
        Ok((listener, private))
    }

    /// The directory whose files belong to `group`, where there is one that only our user can enter.
    fn group_directory(&self, group: u32) -> Option<Self> {
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY;
        GROUP_DIRECTORIES.into_iter().find_map(|name| {
            let fd = openat(&self.fd, name, flags, Mode::empty()).ok()?;
            let stat = fstat(&fd).ok()?;
            let ours = stat.st_uid == geteuid().as_raw() && stat.st_mode & 0o077 == 0;
            let gives = stat.st_gid == group && stat.st_mode & Mode::SGID.as_raw_mode() != 0;
            (ours && gives).then(|| Self { path: self.path.join(name), fd, owner: stat.st_uid })
        })
    }

    /// Whether a socket of ours, or of the directory's owner, is listened to. A socket of another user does not count.
    /// Never waits: a full queue means a listener too.
    fn listened_to(&self, name: &str) -> bool {
        let Ok(stat) = statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) else { return false };
        let trusted = [geteuid().as_raw(), self.owner].contains(&stat.st_uid);
        if !trusted || FileType::from_raw_mode(stat.st_mode) != FileType::Socket {
            return false;
        }
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let Ok(socket) = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None) else { return false };
        let Ok(address) = SocketAddrUnix::new(by_descriptor(&self.fd, name)) else { return false };
        matches!(connect(&socket, &address), Ok(()) | Err(Errno::AGAIN))
    }

    /// Sees to it that `name` is free. A directory with files of another program in it is moved aside.
    fn clear(&self, name: &str) -> Result<(), BindError> {
        let remove = || match unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(Errno::ISDIR | Errno::PERM) => {
                // Our own leftover of a run that was killed.
                if let Ok(inside) = openat(&self.fd, name, OFlags::DIRECTORY | OFlags::NOFOLLOW, Mode::empty()) {
                    let _ = unlinkat(&inside, SOCKET, AtFlags::empty());
                }
                unlinkat(&self.fd, name, AtFlags::REMOVEDIR).or_else(|_| self.move_aside(name))
            }
            Err(error) => Err(error),
        };
        remove().map_err(|error| BindError::InTheWay { path: self.path.join(name), error: error.into() })
    }

    fn move_aside(&self, name: &str) -> rustix::io::Result<()> {
        let mut last = Errno::EXIST;
        for number in 0..ASIDE_TRIES {
            let aside = format!(".{name}.aside-{number}");
            match renameat_with(&self.fd, name, &self.fd, &aside, RenameFlags::NOREPLACE) {
                Ok(()) => {
                    let path = self.path.join(name);
                    tracing::warn!(path = %path.display(), aside, "obstacle of a socket moved aside");
                    return Ok(());
                }
                Err(Errno::EXIST) => {}
                Err(error) => {
                    last = error;
                    break;
                }
            }
        }
        Err(last)
    }
}

/// The socket's name in its private directory.
const SOCKET: &str = "s";

fn by_descriptor(directory: &impl AsFd, name: &str) -> String {
    format!("/proc/self/fd/{}/{name}", directory.as_fd().as_raw_fd())
}

fn inode(stat: &Stat) -> (u64, u64) {
    (stat.st_dev, stat.st_ino)
}

impl SocketFile {
    /// Of the socket that was just bound at `path`.
    pub fn of(path: &Path) -> io::Result<Self> {
        let stat = statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(SocketFile { path: path.to_owned(), inode: inode(&stat) })
    }

    /// Whether the file at the path is the one that was made.
    pub fn is_ours(&self) -> bool {
        statat(CWD, &self.path, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(|stat| inode(&stat) == self.inode)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.is_ours() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
#[path = "sockets_tests.rs"]
mod tests;
