//! A disk for the guest's kept state that outlives the machine, for tests of what is left after the power was cut.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

/// Where the guest has it.
pub const STATE: &str = "/var/lib/kiosk";
/// Small, so that it is copied in a moment.
const SIZE: &str = "32M";
const LABEL: &str = "state";

/// A small disk with a journaling file system. What the guest wrote to it stays for the next machine; what it had only
/// in its memory does not. Removed when dropped.
pub struct Disk {
    directory: TempDir,
}

impl Disk {
    /// An empty one.
    pub fn fresh() -> Result<Self> {
        let disk = Self { directory: tempfile::tempdir()? };
        run(Command::new("mke2fs").args(["-q", "-t", "ext4", "-L", LABEL]).arg(disk.file()).arg(SIZE), 0)?;
        Ok(disk)
    }

    /// What has to be done in the guest's root for it to be there.
    pub fn setup() -> String {
        format!("mkdir -p {STATE} && echo 'LABEL={LABEL} {STATE} ext4 defaults 0 0' >>/etc/fstab")
    }

    /// What a copy of the disk would hold after a power cut at this moment: the files in its root that are in `names`,
    /// as far as there are any, in a directory of the host.
    pub fn after_a_cut(&self, names: &[&str]) -> Result<TempDir> {
        let copy = tempfile::tempdir()?;
        let image = copy.path().join("image");
        fs::copy(self.file(), &image)?;
        // Does what mounting does (replays the journal), and looks at everything: 1 is "corrected".
        run(Command::new("e2fsck").args(["-f", "-y"]).arg(&image), 1)?;
        for name in names {
            let dump = format!("dump /{name} {}", copy.path().join(name).display());
            // It says on standard error that there is no such file, and ends with 0.
            run(Command::new("debugfs").args(["-R", &dump]).arg(&image), 0)?;
        }
        Ok(copy)
    }

    pub(super) fn file(&self) -> PathBuf {
        self.directory.path().join("state.ext4")
    }
}

/// Runs a tool of e2fsprogs, whose status may be up to `most`.
fn run(command: &mut Command, most: i32) -> Result<()> {
    let program = Path::new(command.get_program()).display().to_string();
    let output = command.output().with_context(|| format!("{program} (package e2fsprogs)"))?;
    let text = || format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(
        output.status.code().is_some_and(|code| code <= most),
        "{program} ended with {}: {}",
        output.status,
        text()
    );
    Ok(())
}
