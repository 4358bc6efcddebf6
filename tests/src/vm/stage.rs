//! What is put onto the guest's disk before systemd starts: the kiosk as `make install` lays it out, the
//! agent, the test's own files, and a script for what a package manager would do.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

const AGENT: &str = "/usr/lib/kiosk-tests/agent";
const SETUP: &str = "/usr/lib/kiosk-tests/setup";
/// The screen is filmed, so what commands say is shown only when one fails.
const SETUP_BEGIN: &str = "#!/bin/sh\nset -e\nexec 3>&1 >/usr/lib/kiosk-tests/setup.log 2>&1\n\
    trap '[ $? = 0 ] || cat /usr/lib/kiosk-tests/setup.log >&3' EXIT\n";
/// Starts as early as there is a file system, so that a test can look even when nothing else came up.
const AGENT_UNIT: &str = "[Unit]\nDescription=Test agent\nDefaultDependencies=no\n\
    [Service]\nExecStart=/usr/lib/kiosk-tests/agent\nOOMScoreAdjust=-1000\nRestart=always\n";

/// Without this the kernel takes the host's end of the agent's port for closed after a sleep, for good: the port's
/// driver starts anew then, and with it the agent. The alarm that is to end the sleep is set at its very beginning.
const SLEEP_HOOK: &str = "#!/bin/sh\ncd /sys/bus/virtio/drivers/virtio_console\ncase $1 in\n\
    pre) ls -d virtio* >/run/agent-port; cat /run/agent-port >unbind\n\
    alarm=/sys/class/rtc/rtc0/wakealarm; echo 0 >$alarm\n\
    if [ -s /run/nap ]; then echo +$(cat /run/nap) >$alarm; rm /run/nap; fi ;;\n\
    post) cat /run/agent-port >bind ;;\nesac\n";

/// A tree that will lie over the guest's root.
pub struct Stage {
    tree: TempDir,
    setup: String,
}

impl Stage {
    /// Nothing but the agent, whose program is `agent`.
    pub fn new(agent: &Path) -> Result<Self> {
        let stage = Self { tree: tempfile::tempdir()?, setup: SETUP_BEGIN.into() };
        stage.program(agent, AGENT)?;
        stage.file("/etc/systemd/system/test-agent.service", AGENT_UNIT)?;
        let hook = "/usr/lib/systemd/system-sleep/agent";
        stage.file(hook, SLEEP_HOOK)?;
        fs::set_permissions(stage.place(hook)?, fs::Permissions::from_mode(0o755))?;
        let wants = stage.place("/etc/systemd/system/sysinit.target.wants/test-agent.service")?;
        symlink("../test-agent.service", wants)?;
        Ok(stage)
    }

    /// The kiosk, installed: `KIOSKD_STAGE` names a tree where `make install DESTDIR=` has put it, otherwise
    /// that is done now. It is not enabled.
    pub fn install_kiosk(&mut self) -> Result<()> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let status = match std::env::var_os("KIOSKD_STAGE") {
            Some(installed) => {
                Command::new("cp").arg("-a").arg(Path::new(&installed).join(".")).arg(self.tree.path()).status()
            }
            None => {
                let destdir = format!("DESTDIR={}", self.tree.path().display());
                Command::new("make").arg("-C").arg(root).args(["--no-print-directory", "install", &destdir]).status()
            }
        };
        ensure!(status.context("make")?.success(), "make install failed: its own message says why");
        self.at_setup("systemd-sysusers");
        Ok(())
    }

    /// Copies a program of the host to `path` in the guest.
    pub fn program(&self, source: &Path, path: &str) -> Result<()> {
        let target = self.place(path)?;
        fs::copy(source, &target).with_context(|| source.display().to_string())?;
        fs::set_permissions(&target, fs::Permissions::from_mode(0o755))?;
        Ok(())
    }

    /// Writes a file that all may read.
    pub fn file(&self, path: &str, content: &str) -> Result<()> {
        let target = self.place(path)?;
        fs::write(&target, content).with_context(|| target.display().to_string())?;
        fs::set_permissions(&target, fs::Permissions::from_mode(0o644))?;
        Ok(())
    }

    /// A shell command to be run in the guest's root before systemd starts.
    pub fn at_setup(&mut self, command: &str) {
        self.setup.push_str(command);
        self.setup.push('\n');
    }

    /// Where it lies on this machine.
    pub(super) fn tree(&self) -> &Path {
        self.tree.path()
    }

    /// Packs it all as a tar file, everything owned by root.
    pub(super) fn pack(&self, tar: &Path) -> Result<()> {
        self.file(SETUP, &self.setup)?;
        fs::set_permissions(self.place(SETUP)?, fs::Permissions::from_mode(0o755))?;
        // mktemp's directories are private; as the guest's root that would shut everybody out.
        fs::set_permissions(self.tree.path(), fs::Permissions::from_mode(0o755))?;
        let status = Command::new("tar")
            .args(["--owner=0", "--group=0", "--numeric-owner", "-c", "-f"])
            .arg(tar)
            .arg("-C")
            .arg(self.tree.path())
            .arg(".")
            .status()
            .context("tar")?;
        ensure!(status.success(), "tar could not pack what is under test");
        Ok(())
    }

    fn place(&self, path: &str) -> Result<PathBuf> {
        let target = self.tree.path().join(path.trim_start_matches('/'));
        let parent = target.parent().context("a file needs a directory")?;
        fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
        Ok(target)
    }
}
