//! A disk of a machine's own that outlives it, for tests of what is left after the power was cut.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::Guest;

/// A copy of the guest's disk. What the guest wrote to it stays for the next machine; what it had only in its memory
/// does not. Removed when dropped.
pub struct Disk {
    directory: TempDir,
}

impl Disk {
    /// As the guest was built.
    pub fn fresh() -> Result<Self> {
        let guest = Guest::obtain()?;
        // Beside the guest: it is too large for a temporary directory in memory.
        let cache = guest.disk.parent().and_then(Path::parent).context("the guest has no place")?;
        let disk = Self { directory: tempfile::Builder::new().prefix("disk-").tempdir_in(cache)? };
        let copied = Command::new("cp").arg("--sparse=always").arg(&guest.disk).arg(disk.file()).status()?;
        ensure!(copied.success(), "the guest's disk could not be copied");
        // The guest is built without a journal, as nothing of it has to last. Appliances have one.
        let journal = Command::new("tune2fs").args(["-O", "has_journal"]).arg(disk.file()).output()?;
        ensure!(journal.status.success(), "tune2fs: {}", String::from_utf8_lossy(&journal.stderr));
        Ok(disk)
    }

    pub(super) fn file(&self) -> PathBuf {
        self.directory.path().join("root.ext4")
    }
}
