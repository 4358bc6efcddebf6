//! Finds the files below `browser.uploads` that a visitor may choose, and checks them again once chosen. Called by the
//! daemon on a thread, as a drive may be slow. Follows no symbolic link, opens no file and changes nothing; it reads at
//! most [`MAX_ENTRIES`] entries. What it cannot prevent: the browser opens a chosen file by its path, so whoever may write
//! there can still exchange it afterwards.

mod kinds;

use std::collections::VecDeque;
use std::ffi::CStr;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

pub use kinds::Kinds;
use kiosk_core::api::{MAX_NAME, MAX_OFFERED, Nothing, OfferedFile};
use kiosk_core::text::printable;

/// Most directory entries that are read, a second on a slow drive; breadth first.
const MAX_ENTRIES: usize = 10_000;
/// Most levels of directories: a camera's files are two deep.
const MAX_DEPTH: usize = 8;
/// Longest path below the directory, bytes.
const MAX_PATH: usize = 1_024;
/// Directories that operating systems create on drives.
const OF_SYSTEMS: &[&str] = &["System Volume Information", "$RECYCLE.BIN", "lost+found"];

/// What may be chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Newest first, at most [`MAX_OFFERED`].
    pub files: Vec<FoundFile>,
    /// Further ones of the right kind.
    pub unlisted: u32,
    /// Why there are none.
    pub nothing: Nothing,
}

/// A file that may be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// Below the directory.
    pub path: PathBuf,
    /// Its name and size for people.
    pub offered: OfferedFile,
}

impl Found {
    /// The directory is not there, or does not answer.
    pub fn not_there() -> Self {
        Found { nothing: Nothing::NotThere, ..Found::default() }
    }
}

/// Looks for the files of these kinds below `directory`. Files that are hidden, that can't be read or whose names are not
/// UTF-8 are left out.
pub fn find(directory: &Path, kinds: &Kinds) -> Found {
    let Ok(root) = open_root(directory) else { return Found::not_there() };
    let mut seen = Seen::default();
    let mut waiting = VecDeque::from([(PathBuf::new(), 0)]);
    let mut left = MAX_ENTRIES;
    while let Some((path, depth)) = waiting.pop_front() {
        let Ok(directory) = open_below(&root, &path) else { continue };
        let Ok(entries) = Dir::read_from(&directory) else { continue };
        for entry in entries.map_while(Result::ok) {
            if matches!(entry.file_name().to_bytes(), b"." | b"..") {
                continue;
            }
            if left == 0 {
                return seen.sorted();
            }
            // Hidden entries count too: a drive may have millions of them.
            left -= 1;
            let name = entry.file_name();
            let Some(path) = name.to_str().ok().and_then(|name| visible(&path, name)) else { continue };
            let Ok(stat) = rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory if depth < MAX_DEPTH => waiting.push_back((path, depth + 1)),
                FileType::RegularFile if may_read(&directory, name) => seen.take(path, &stat, kinds),
                _ => {}
            }
        }
    }
    seen.sorted()
}

/// The full paths of chosen files, if each is still a regular file below `directory`.
pub fn look_again(directory: &Path, chosen: &[PathBuf]) -> Option<Vec<PathBuf>> {
    let root = open_root(directory).ok()?;
    let whole = |path: &PathBuf| {
        let file = open(&root, path, OFlags::PATH).ok()?;
        let stat = rustix::fs::fstat(&file).ok()?;
        (FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile).then(|| directory.join(path))
    };
    chosen.iter().map(whole).collect()
}

/// The path of an entry; `None`: it is hidden (`.` and `..` included).
fn visible(directory: &Path, name: &str) -> Option<PathBuf> {
    let path = directory.join(name);
    let kept = !name.starts_with('.') && !OF_SYSTEMS.contains(&name) && path.as_os_str().len() <= MAX_PATH;
    kept.then_some(path)
}

fn open_root(directory: &Path) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(CWD, directory, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

fn open_below(root: &OwnedFd, path: &Path) -> Result<OwnedFd, Errno> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    open(root, path, OFlags::RDONLY | OFlags::DIRECTORY)
}

/// No part of the path may be a symbolic link. One part after the other: `RestrictSUIDSGID=` of the unit blocks `openat2`,
/// which would do it at once.
fn open(root: &OwnedFd, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    const THROUGH: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
    let mut directory = rustix::fs::openat(root, ".", THROUGH, Mode::empty())?;
    let mut parts = path.components().peekable();
    while let Some(part) = parts.next() {
        let (Component::Normal(_) | Component::CurDir) = part else { return Err(Errno::XDEV) };
        let flags = if parts.peek().is_none() { flags | OFlags::NOFOLLOW | OFlags::CLOEXEC } else { THROUGH };
        directory = rustix::fs::openat(&directory, part.as_os_str(), flags, Mode::empty())?;
    }
    Ok(directory)
}

fn may_read(directory: &OwnedFd, name: &CStr) -> bool {
    rustix::fs::accessat(directory, name, Access::READ_OK, AtFlags::empty()).is_ok()
}

#[derive(Default)]
struct Seen {
    /// With the time of the last change.
    files: Vec<((i64, i64), FoundFile)>,
    of_other_kinds: bool,
}

impl Seen {
    fn take(&mut self, path: PathBuf, stat: &Stat, kinds: &Kinds) {
        if !kinds.take(&path) {
            self.of_other_kinds = true;
            return;
        }
        let offered = OfferedFile { name: shown(&path), size: u64::try_from(stat.st_size).unwrap_or(0) };
        let changed = (stat.st_mtime, stat.st_mtime_nsec as i64);
        self.files.push((changed, FoundFile { path, offered }));
    }

    fn sorted(mut self) -> Found {
        // Newest first: a visitor has usually just put the file on the drive.
        self.files.sort_by(|(a, first), (b, second)| b.cmp(a).then_with(|| first.path.cmp(&second.path)));
        let unlisted = self.files.len().saturating_sub(MAX_OFFERED);
        self.files.truncate(MAX_OFFERED);
        let nothing = if self.of_other_kinds { Nothing::OfNoKind } else { Nothing::Empty };
        let files = self.files.into_iter().map(|(_, file)| file).collect();
        Found { files, unlisted: u32::try_from(unlisted).unwrap_or(u32::MAX), nothing }
    }
}

/// A path for people: a long one is shortened to its beginning and its end with the extension.
fn shown(path: &Path) -> String {
    const END: usize = MAX_NAME / 2;
    let name = printable(&path.to_string_lossy());
    let count = name.chars().count();
    if count <= MAX_NAME {
        return name;
    }
    let begin = name.chars().take(MAX_NAME - END - 1);
    begin.chain(['…']).chain(name.chars().skip(count - END)).collect()
}

#[cfg(test)]
mod tests;
