//! Allows one session at a time, as two browsers on one profile corrupt it: a lock on the browser's directory, which
//! the kernel releases when the process ends.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, Mode, OFlags, flock};

/// How long to wait for the previous session to end, which a service manager does not always do.
const PATIENCE: Duration = Duration::from_secs(10);
/// Polling interval: there is no event for a released lock.
const PAUSE: Duration = Duration::from_millis(50);

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub(super) enum LockError {
    /// It can't be opened.
    #[error("the browser's directory {} can't be used: {error}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the kernel said.
        error: io::Error,
    },
    /// Another process has it, and did not end.
    #[error("another kiosk-session is running: it holds {}", .0.display())]
    Held(PathBuf),
}

/// Held by the only session.
#[derive(Debug)]
pub(super) struct Lock(#[allow(dead_code, reason = "held, not read")] File);

/// Takes the lock on `directory`, and waits a while for another session to end.
pub(super) async fn lock(directory: &Path) -> Result<Lock, LockError> {
    lock_within(directory, PATIENCE).await
}

async fn lock_within(directory: &Path, limit: Duration) -> Result<Lock, LockError> {
    // The directory and no file in it: the browser could put a FIFO there, which a later start would wait for.
    let opened = rustix::fs::open(directory, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    let opened = opened.map_err(|error| LockError::Directory { path: directory.into(), error: error.into() })?;
    let file = File::from(opened);
    let waited = tokio::time::timeout(limit, async {
        while flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            tokio::time::sleep(PAUSE).await;
        }
    });
    waited.await.map_err(|_elapsed| LockError::Held(directory.into()))?;
    Ok(Lock(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_second_instance_waits_for_the_end_of_the_first() {
        let directory = tempfile::tempdir().unwrap();
        let first = lock(directory.path()).await.unwrap();
        let error = lock_within(directory.path(), PAUSE * 3).await.unwrap_err().to_string();
        assert!(error.starts_with("another kiosk-session is running"), "{error}");
        let end = async {
            tokio::time::sleep(PAUSE * 2).await;
            drop(first);
        };
        let (second, ()) = tokio::join!(lock(directory.path()), end);
        second.unwrap();
    }

    #[tokio::test]
    async fn nothing_that_the_browser_puts_into_its_directory_holds_up_a_start() {
        let directory = tempfile::tempdir().unwrap();
        // The file that was locked once.
        let fifo = directory.path().join("session.lock");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        lock(directory.path()).await.unwrap();
        assert!(matches!(lock(&fifo).await, Err(LockError::Directory { .. })));
    }
}
