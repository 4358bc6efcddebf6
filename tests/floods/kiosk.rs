//! A headless kioskd with one command and nothing else.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::process::{Running, program};

pub struct Kiosk {
    kioskd: Running,
    directory: TempDir,
}

impl Kiosk {
    pub fn start() -> Self {
        Self::start_with(|_| {})
    }

    /// With something more in its command.
    pub fn start_with(more: impl FnOnce(&mut Command)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new(program("kioskd"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KIOSK_")) {
            command.env_remove(name);
        }
        command.args(["--backend", "headless", "--output", "1280x800", "--", "sleep", "infinity"]);
        command.env("KIOSK_RUNTIME_DIR", directory.path()).env("KIOSK_STATE_DIR", directory.path());
        command.env("XDG_RUNTIME_DIR", directory.path()).env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent");
        command.env_remove("WAYLAND_DISPLAY").env_remove("DISPLAY").env_remove("JOURNAL_STREAM");
        more(&mut command);
        let mut kioskd = Running::start(command);
        for socket in ["wayland-0", "control.sock", "compositor.sock"] {
            kioskd.wait_for(&directory.path().join(socket));
        }
        Self { kioskd, directory }
    }

    pub fn socket(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn connect(&self, name: &str) -> UnixStream {
        UnixStream::connect(self.socket(name)).unwrap()
    }

    /// It ends when it is told to: after all of it, too.
    pub fn end(mut self) {
        self.kioskd.signal(Signal::TERM);
        let status = self.kioskd.end();
        assert!(status.success(), "{status}: {}", self.kioskd.log());
    }
}
