//! Starts the shell's process and waits for its exit. Called by [`crate::daemon`] only; [`crate::browser`] or the
//! configuration decides what to start, [`crate::machine`] when.
//!
//! The shell leads a process group of its own, which is killed as a whole and dies with kiosk-session, so that nothing
//! is left to hold the profile or the screen.

pub mod bound;
pub mod leftovers;
pub mod process;
pub mod work;

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

pub use process::{Process, end_group};

/// What to start.
#[derive(Debug)]
pub struct Order {
    /// A path.
    pub program: PathBuf,
    /// Without the program's name.
    pub arguments: Vec<OsString>,
    /// Variables to set or remove (`None`).
    pub environment: Vec<(OsString, Option<OsString>)>,
    /// Become file descriptors 3 and 4 of the child.
    pub pipe: Option<(OwnedFd, OwnedFd)>,
}

/// Why the shell was not started.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The program, and how to install it.
    #[error("{0} is not installed: {1}")]
    Missing(String, &'static str),
    /// The program, and what the kernel said.
    #[error("{0} could not be started: {1}")]
    Spawn(String, std::io::Error),
    /// The script's file, and what the kernel said.
    #[error("browser.proxy names {0}, which can't be read: {1}")]
    Script(PathBuf, std::io::Error),
}

/// The file of `name`, which is a path or a name to be found in the directories of `path` (as in `PATH`).
pub fn find_program(name: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    let executable = |file: &Path| {
        std::fs::metadata(file).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    };
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|file| executable(file));
    }
    std::env::split_paths(path?).map(|directory| directory.join(name)).find(|file| executable(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_an_executable_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("tool");
        std::fs::write(&file, "").unwrap();
        let path = Some(directory.path().as_os_str());
        assert_eq!(find_program("tool", path), None);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(find_program("tool", path), Some(file.clone()));
        assert_eq!(find_program(file.to_str().unwrap(), None), Some(file));
        assert_eq!(find_program("/", path), None);
        assert_eq!(find_program("tool", None), None);
    }
}
