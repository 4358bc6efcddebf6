//! Waits for a socket file to appear, by inotify on its directory or, while that is missing, on the nearest
//! one above. No timer. `kioskd` waits so for the message bus, and `kioskctl` for both daemons.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;
use tokio::net::unix::pipe::Receiver;

/// What may make a socket usable: it or its directory was made, moved there, or given other rights.
const EVENTS: WatchFlags = WatchFlags::CREATE.union(WatchFlags::MOVED_TO).union(WatchFlags::ATTRIB);

/// A watch on one path.
#[derive(Debug)]
pub struct SocketWatch {
    /// Not a pipe, but read like one: only the occurrence of events matters, not their content.
    inotify: Receiver,
    socket: PathBuf,
}

impl SocketWatch {
    /// Watches from now on; to be called from within a runtime. Errors: nothing can be watched.
    pub fn new(socket: &Path) -> io::Result<Self> {
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let inotify = Receiver::from_owned_fd_unchecked(inotify)?;
        let watch = Self { inotify, socket: socket.to_owned() };
        watch.aim()?;
        Ok(watch)
    }

    /// Returns when something happened in the socket's directory and the socket is there; at once, if that was since
    /// the last call. May be dropped and called again.
    pub async fn appeared(&mut self) {
        loop {
            let mut events = [0; 4096];
            if let Err(error) = self.inotify.readable().await {
                tracing::warn!(%error, socket = %self.socket.display(), "socket not watched any more");
                return std::future::pending().await;
            }
            while matches!(self.inotify.try_read(&mut events), Ok(1..)) {}
            // The directory may have come, with the socket already in it: go nearer before looking.
            if let Err(error) = self.aim() {
                tracing::debug!(%error, socket = %self.socket.display(), "its directory can't be watched");
            }
            if self.socket.exists() {
                return;
            }
        }
    }

    /// Watches the nearest existing directory, of the name and of where it leads.
    fn aim(&self) -> io::Result<()> {
        self.aim_at(&self.socket)?;
        match std::fs::read_link(&self.socket) {
            Ok(target) => self.aim_at(&self.socket.parent().unwrap_or(Path::new("")).join(target)),
            Err(_not_a_link) => Ok(()),
        }
    }

    /// Adding an existing watch changes nothing; a watch whose directory is removed ends with an event.
    fn aim_at(&self, socket: &Path) -> io::Result<()> {
        let (mut missing, mut last) = (None, Errno::NOENT);
        let mut directories = socket.ancestors().skip(1);
        while let Some(directory) = directories.next() {
            // A relative path begins at the working directory.
            let place = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
            match inotify::add_watch(&self.inotify, place, EVENTS) {
                // It may have come between the two looks, which is before it could be told.
                Ok(_) if missing.is_some_and(Path::exists) => {
                    missing = None;
                    directories = socket.ancestors().skip(1);
                }
                Ok(_) => return Ok(()),
                Err(Errno::NOENT) => missing = Some(directory),
                // No permission to watch it: the directory above reports when that changes.
                Err(error) => last = error,
            }
        }
        Err(last.into())
    }
}

/// What may take a file's name away: it was unlinked (its number of links changed), removed, or moved.
const FILE_EVENTS: WatchFlags = WatchFlags::ATTRIB.union(WatchFlags::DELETE_SELF).union(WatchFlags::MOVE_SELF);

/// A watch on one file that is there.
#[derive(Debug)]
pub struct FileWatch(Receiver);

impl FileWatch {
    /// Watches from now on; to be called from within a runtime. Errors: it can't be watched.
    pub fn new(file: &Path) -> io::Result<Self> {
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let inotify = Receiver::from_owned_fd_unchecked(inotify)?;
        inotify::add_watch(&inotify, file, FILE_EVENTS)?;
        Ok(FileWatch(inotify))
    }

    /// Returns when the file may have lost its name; at once, if that was since the last call. May be dropped and called
    /// again.
    pub async fn changed(&mut self) {
        happened(&self.0).await;
    }
}

/// What changes what a folder's files say: one was written, came under its name, went, or may be read by others.
const FOLDER_EVENTS: WatchFlags = WatchFlags::CLOSE_WRITE
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::ATTRIB);

/// A watch on the files of a folder that is there.
#[derive(Debug)]
pub struct FolderWatch(Receiver);

impl FolderWatch {
    /// Watches from now on; to be called from within a runtime. Errors: it can't be watched.
    pub fn new(folder: &Path) -> io::Result<Self> {
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let inotify = Receiver::from_owned_fd_unchecked(inotify)?;
        inotify::add_watch(&inotify, folder, FOLDER_EVENTS)?;
        Ok(FolderWatch(inotify))
    }

    /// Returns when a file in it was written, came or went; at once, if that was since the last call. May be dropped and
    /// called again.
    pub async fn changed(&mut self) {
        happened(&self.0).await;
    }
}

/// Returns when there were events, and takes them all.
async fn happened(inotify: &Receiver) {
    let mut events = [0; 4096];
    if let Err(error) = inotify.readable().await {
        tracing::warn!(%error, "files not watched any more");
        return std::future::pending().await;
    }
    while matches!(inotify.try_read(&mut events), Ok(1..)) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    #[test]
    fn a_socket_is_seen_even_when_its_directories_come_with_it() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let directory = tempfile::tempdir().unwrap();
            let socket = directory.path().join("run/dbus/socket");
            let mut watch = SocketWatch::new(&socket).unwrap();
            std::fs::write(directory.path().join("other"), "").unwrap();
            let soon = Duration::from_millis(50);
            assert!(tokio::time::timeout(soon, watch.appeared()).await.is_err(), "that was not the socket");
            for _ in 0..2 {
                let (seen, ()) = tokio::join!(tokio::time::timeout(Duration::from_secs(10), watch.appeared()), async {
                    std::fs::create_dir_all(socket.parent().unwrap()).unwrap();
                    tokio::task::yield_now().await;
                    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
                });
                seen.expect("the socket is there");
                // Made before everybody may use it.
                std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o666)).unwrap();
                let seen = tokio::time::timeout(Duration::from_secs(10), watch.appeared()).await;
                seen.expect("the socket has other rights");
                std::fs::remove_file(&socket).unwrap();
            }
            std::fs::remove_dir_all(directory.path().join("run")).unwrap();
            assert!(tokio::time::timeout(soon, watch.appeared()).await.is_err(), "it is gone");
            std::fs::create_dir_all(socket.parent().unwrap()).unwrap();
            assert!(tokio::time::timeout(soon, watch.appeared()).await.is_err(), "only its place");
            let elsewhere = directory.path().join("elsewhere/socket");
            std::os::unix::fs::symlink(&elsewhere, &socket).unwrap();
            assert!(tokio::time::timeout(soon, watch.appeared()).await.is_err(), "a link that leads nowhere");
            std::fs::create_dir(elsewhere.parent().unwrap()).unwrap();
            assert!(tokio::time::timeout(soon, watch.appeared()).await.is_err(), "only the place it leads to");
            drop(std::os::unix::net::UnixListener::bind(&elsewhere).unwrap());
            let seen = tokio::time::timeout(Duration::from_secs(10), watch.appeared()).await;
            seen.expect("the socket is there by the link");
            std::fs::remove_file(&socket).unwrap();
            drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
            let seen = tokio::time::timeout(Duration::from_secs(10), watch.appeared()).await;
            seen.expect("the socket is there again");
        });
    }
    #[test]
    fn a_file_that_loses_its_name_is_noticed() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let directory = tempfile::tempdir().unwrap();
            let socket = directory.path().join("socket");
            for remove in [true, false] {
                let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
                let mut watch = FileWatch::new(&socket).unwrap();
                let soon = Duration::from_millis(50);
                assert!(tokio::time::timeout(soon, watch.changed()).await.is_err(), "nothing happened");
                if remove {
                    std::fs::remove_file(&socket).unwrap();
                } else {
                    std::fs::rename(&socket, directory.path().join("elsewhere")).unwrap();
                }
                let seen = tokio::time::timeout(Duration::from_secs(10), watch.changed()).await;
                seen.unwrap_or_else(|_| panic!("not seen, removed: {remove}"));
            }
        });
    }
}
