//! Notices that the system was given another time zone (`timedatectl set-timezone`, `/etc/localtime` replaced), by
//! inotify on the directory: nothing is polled. Its users wait on the descriptor and compute their next moment again.

use std::{
    ffi::OsString,
    io,
    mem::MaybeUninit,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
        unix::ffi::OsStringExt,
    },
    path::Path,
};

use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};

/// The system's time zone; a link, or a file.
const LOCALTIME: &str = "/etc/localtime";

/// The link made anew, the file written, or either moved there.
const EVENTS: WatchFlags =
    WatchFlags::CREATE.union(WatchFlags::CLOSE_WRITE).union(WatchFlags::MOVED_TO).union(WatchFlags::DELETE);

/// A watch on one directory entry.
pub struct ZoneWatch {
    inotify: OwnedFd,
    name: OsString,
}

impl ZoneWatch {
    /// Watches the system's own time zone.
    pub fn system() -> io::Result<Self> {
        Self::new(Path::new(LOCALTIME))
    }

    /// Watches the entry at `path`. Errors: its directory is not there.
    fn new(path: &Path) -> io::Result<Self> {
        let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        inotify::add_watch(&inotify, directory, EVENTS | WatchFlags::ONLYDIR)?;
        Ok(Self { inotify, name: name.to_owned() })
    }

    /// Whether the entry has changed since the last call. Events of other entries are read and dropped.
    pub fn changed(&self) -> bool {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = Reader::new(&self.inotify, &mut buffer);
        let mut changed = false;
        while let Ok(event) = events.next() {
            let name = event.file_name().map(|name| OsString::from_vec(name.to_bytes().to_vec()));
            // So many at once that some were lost: it may have been among them.
            let lost = event.events().contains(inotify::ReadFlags::QUEUE_OVERFLOW);
            changed |= lost || name.as_ref() == Some(&self.name);
        }
        changed
    }
}

impl AsFd for ZoneWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}

impl AsRawFd for ZoneWatch {
    fn as_raw_fd(&self) -> RawFd {
        self.inotify.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn another_zone_is_noticed_however_it_comes_and_nothing_else_is() {
        let etc = tempfile::tempdir().unwrap();
        let path = |name: &str| etc.path().join(name);
        let watch = ZoneWatch::new(&path("localtime")).unwrap();
        assert!(!watch.changed());
        std::fs::write(path("hostname"), "kiosk").unwrap();
        assert!(!watch.changed());
        symlink("/usr/share/zoneinfo/Europe/Berlin", path("localtime")).unwrap();
        assert!(watch.changed());
        assert!(!watch.changed(), "once");
        // As timedatectl does it.
        symlink("/usr/share/zoneinfo/Asia/Tokyo", path(".#localtime")).unwrap();
        assert!(!watch.changed());
        std::fs::rename(path(".#localtime"), path("localtime")).unwrap();
        assert!(watch.changed());
        std::fs::remove_file(path("localtime")).unwrap();
        std::fs::write(path("localtime"), "TZif").unwrap();
        assert!(watch.changed());
        assert!(ZoneWatch::new(Path::new("/nowhere/localtime")).is_err());
    }
}
