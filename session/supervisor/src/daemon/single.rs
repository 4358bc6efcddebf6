//! Allows one session at a time, as two browsers on one profile corrupt it: a lock on the browser's directory, which
//! the kernel releases when the process ends.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use rustix::fs::{FlockOperation, flock};

/// How long to wait for the previous session to end, which a service manager does not always do.
const PATIENCE: Duration = Duration::from_secs(10);
/// Polling interval: there is no event for a released lock.
const PAUSE: Duration = Duration::from_millis(50);

/// Held by the only session.
#[derive(Debug)]
pub(super) struct Lock(#[allow(dead_code, reason = "held, not read")] File);

/// Takes the lock on `directory`, and waits a while for another session to end.
pub(super) async fn lock(directory: &Path) -> anyhow::Result<Lock> {
    lock_within(directory, PATIENCE).await
}

async fn lock_within(directory: &Path, limit: Duration) -> anyhow::Result<Lock> {
    let path = directory.join("session.lock");
    let file = File::options().create(true).append(true).open(&path);
    let file = file.with_context(|| format!("{} can't be made", path.display()))?;
    let waited = tokio::time::timeout(limit, async {
        while flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            tokio::time::sleep(PAUSE).await;
        }
    });
    waited.await.with_context(|| format!("another kiosk-session is running: it holds {}", path.display()))?;
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
}
