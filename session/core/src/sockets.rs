//! Listening Unix sockets with their permissions, the same for the Wayland, control and D-Bus sockets of both daemons.
//!
//! A socket is made under a hidden name and renamed when its mode and its group are right: whoever waits for it to
//! appear finds it listening, and nobody meets it before. Never waits.

use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Gid, chownat};

/// Who may connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// Permissions of the file, such as `0o660`.
    pub mode: u32,
    /// Group of the file; `None`: our own.
    pub group: Option<u32>,
}

impl Access {
    /// Everybody: who may do what is decided call by call.
    pub const EVERYBODY: Access = Access { mode: 0o666, group: None };
    /// Our user and our group.
    pub const GROUP: Access = Access { mode: 0o660, group: None };
}

/// Why a socket could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error("{path} is in use: another {program} runs here", path = .0.display(), program = .1)]
    InUse(PathBuf, &'static str),
    #[error("{path} is in the way and is not a socket: remove it", path = .0.display())]
    InTheWay(PathBuf),
    #[error("{path} can't be given to the group {group} ({error}): run the service with that group, or as root", path = .path.display())]
    Group { path: PathBuf, group: u32, error: io::Error },
    #[error("{path} can't be made: {error}", path = .path.display())]
    Io { path: PathBuf, error: io::Error },
}

impl From<BindError> for io::Error {
    fn from(error: BindError) -> Self {
        let kind = match &error {
            BindError::InUse(..) => io::ErrorKind::AddrInUse,
            BindError::InTheWay(_) => io::ErrorKind::AlreadyExists,
            BindError::Group { error, .. } | BindError::Io { error, .. } => error.kind(),
        };
        io::Error::new(kind, error)
    }
}

/// A socket that is listened to does not block.
///
/// One that a dead predecessor left at `path` is replaced; a living `program`'s is not.
pub fn bind(path: &Path, access: Access, program: &'static str) -> Result<UnixListener, BindError> {
    let failed = |error: io::Error| BindError::Io { path: path.to_owned(), error };
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory).map_err(failed)?;
    }
    match std::fs::symlink_metadata(path) {
        Ok(_) if UnixStream::connect(path).is_ok() => return Err(BindError::InUse(path.to_owned(), program)),
        Ok(data) if !data.file_type().is_socket() && data.is_dir() => {
            return Err(BindError::InTheWay(path.to_owned()));
        }
        _ => {}
    }
    let hidden = hidden(path);
    let _ = std::fs::remove_file(&hidden);
    let bound = UnixListener::bind(&hidden).map_err(failed).and_then(|listener| {
        listener.set_nonblocking(true).map_err(failed)?;
        // The group first: a mode that lets the group in is never seen with another group.
        if let Some(group) = access.group {
            chownat(CWD, &hidden, None, Some(Gid::from_raw(group)), AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|error| BindError::Group { path: path.to_owned(), group, error: error.into() })?;
        }
        std::fs::set_permissions(&hidden, std::fs::Permissions::from_mode(access.mode)).map_err(failed)?;
        std::fs::rename(&hidden, path).map_err(failed)?;
        Ok(listener)
    });
    bound.inspect_err(|_| drop(std::fs::remove_file(&hidden)))
}

/// The name that the socket has until it is ready: nobody else's, whatever lies about in the directory.
fn hidden(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let candidate = |number: u32| path.with_file_name(format!(".{name}.{}.{number}", std::process::id()));
    (0..MAX_HIDDEN).map(candidate).find(|path| !path.is_dir()).unwrap_or_else(|| candidate(MAX_HIDDEN))
}

/// Hidden names that are tried where directories of those names are in the way.
const MAX_HIDDEN: u32 = 1000;

/// The file of a socket that we listen on: says whether it is still ours, and goes with this value if it is.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    inode: u64,
}

impl SocketFile {
    /// Of the socket that was just bound at `path`.
    pub fn of(path: &Path) -> io::Result<Self> {
        Ok(SocketFile { path: path.to_owned(), inode: std::fs::symlink_metadata(path)?.ino() })
    }

    /// Whether the file at the path is the one that was made.
    pub fn is_ours(&self) -> bool {
        std::fs::symlink_metadata(&self.path).is_ok_and(|data| data.ino() == self.inode)
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
mod tests {
    use super::*;

    #[test]
    fn a_dead_socket_is_replaced_and_a_living_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run/x.sock");
        drop(bind(&path, Access::EVERYBODY, "kioskd").unwrap());
        let _living = bind(&path, Access::GROUP, "kioskd").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o660);
        let error = bind(&path, Access::GROUP, "kioskd").unwrap_err();
        assert!(error.to_string().ends_with("x.sock is in use: another kioskd runs here"), "{error}");
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::AddrInUse);
        let left: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn a_directory_of_the_hidden_name_is_in_nobodys_way_and_one_of_the_name_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.sock");
        std::fs::create_dir(hidden(&path)).unwrap();
        let _listener = bind(&path, Access::EVERYBODY, "kioskd").unwrap();
        let other = directory.path().join("y.sock");
        std::fs::create_dir(&other).unwrap();
        let error = bind(&other, Access::EVERYBODY, "kioskd").unwrap_err().to_string();
        assert!(error.ends_with("y.sock is in the way and is not a socket: remove it"), "{error}");
    }

    #[test]
    fn the_group_is_right_before_the_name_is_there_or_there_is_no_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.sock");
        let own = rustix::process::getegid().as_raw();
        let _listener = bind(&path, Access { mode: 0o660, group: Some(own) }, "kioskd").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().gid(), own);
        if !rustix::process::geteuid().is_root() {
            let other = directory.path().join("y.sock");
            let error = bind(&other, Access { mode: 0o660, group: Some(0) }, "kioskd").unwrap_err();
            assert!(matches!(error, BindError::Group { group: 0, .. }), "{error}");
            assert!(!other.exists());
        }
    }

    #[test]
    fn a_socket_file_goes_with_its_owner_and_a_successors_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.sock");
        let first = bind(&path, Access::GROUP, "kioskd").unwrap();
        let file = SocketFile::of(&path).unwrap();
        assert!(file.is_ours());
        drop(first);
        let _second = bind(&path, Access::GROUP, "kioskd").unwrap();
        assert!(!file.is_ours());
        let successor = SocketFile::of(&path).unwrap();
        drop(file);
        assert!(path.exists());
        drop(successor);
        assert!(!path.exists());
    }
}
