//! A file replaced as a whole: a power cut at any moment leaves the old content or the new one, and after [`replace`]
//! has returned it is the new one. For the saved state and the browser's preferences; files that may be lost are
//! written without syncing.
//!
//! The order of the steps matters, so they go through a trait: the tests use a disk that loses power between any two of
//! them, and with it everything that was not synced.

use std::fs::{File, Permissions};
use std::io::{ErrorKind, Result, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Writes `content` to `path` by way of `new`, a file beside it. An error leaves the old content, or the new one where
/// only its durability is in doubt, and perhaps `new`.
pub fn replace(path: &Path, new: &Path, content: &[u8]) -> Result<()> {
    replace_on(&mut FileSystem { permissions: None }, path, new, content)
}

/// The same with these permissions, from before there is anything in the file: a private one is never open to others.
pub fn replace_with(path: &Path, new: &Path, content: &[u8], permissions: Permissions) -> Result<()> {
    replace_on(&mut FileSystem { permissions: Some(permissions) }, path, new, content)
}

/// The operations on a file system.
trait Disk {
    type File;

    fn remove(&mut self, path: &Path) -> Result<()>;
    /// There must be no such file.
    fn create(&mut self, path: &Path) -> Result<Self::File>;
    fn write(&mut self, file: &mut Self::File, content: &[u8]) -> Result<()>;
    /// Makes the content durable, not the name.
    fn sync(&mut self, file: &mut Self::File) -> Result<()>;
    fn rename(&mut self, from: &Path, to: &Path) -> Result<()>;
    /// Makes the names in the directory of this file durable.
    fn sync_names(&mut self, path: &Path) -> Result<()>;
}

fn replace_on<D: Disk>(disk: &mut D, path: &Path, new: &Path, content: &[u8]) -> Result<()> {
    // Not overwritten: a leftover may be anything, such as a link.
    match disk.remove(new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = disk.create(new)?;
    disk.write(&mut file, content)?;
    disk.sync(&mut file)?;
    disk.rename(new, path)?;
    disk.sync_names(path)
}

/// The real one.
struct FileSystem {
    /// Of new files; `None`: as the process has it.
    permissions: Option<Permissions>,
}

impl Disk for FileSystem {
    type File = File;

    fn remove(&mut self, path: &Path) -> Result<()> {
        std::fs::remove_file(path)
    }

    fn create(&mut self, path: &Path) -> Result<File> {
        let Some(permissions) = &self.permissions else { return File::create_new(path) };
        let file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
        file.set_permissions(permissions.clone())?;
        Ok(file)
    }

    fn write(&mut self, file: &mut File, content: &[u8]) -> Result<()> {
        file.write_all(content)
    }

    fn sync(&mut self, file: &mut File) -> Result<()> {
        file.sync_all()
    }

    fn rename(&mut self, from: &Path, to: &Path) -> Result<()> {
        std::fs::rename(from, to)
    }

    fn sync_names(&mut self, path: &Path) -> Result<()> {
        path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
    }
}

#[cfg(test)]
#[path = "durable_tests.rs"]
mod tests;
