//! Starts the shell's process and sees it to its end. Called by [`crate::daemon`] only; what to start is decided
//! by [`crate::browser`] or by the configuration, when by [`crate::machine`].
//!
//! The shell leads a process group of its own, which is ended as a whole, and dies with kiosk-session: nothing of
//! it is left to hold the profile or the screen.

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
    /// Set, or taken away (`None`).
    pub environment: Vec<(OsString, Option<OsString>)>,
    /// To be file descriptors 3 and 4 of the child.
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
