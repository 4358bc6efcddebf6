//! kiosk-agent as the helper that writes a device's configuration, as systemd starts it for a connection to its socket.

#![allow(dead_code, reason = "each test program uses a part")]

use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The variable that tells an agent where the socket is.
pub const SOCKET_ENV: &str = "AGENT_CONFIGURE_SOCKET";

/// The socket that systemd would hold.
pub struct Configurer(UnixListener);

impl Configurer {
    pub fn at(socket: &Path) -> Configurer {
        Configurer(UnixListener::bind(socket).unwrap())
    }

    /// For the device whose files are in this folder.
    pub fn start(&self, device: &Path) -> Running {
        // The number of the process is known in it alone.
        let script = "exec 3<&0 0</dev/null && LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" --configure";
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(script).arg(env!("CARGO_BIN_EXE_kiosk-agent"));
        shell.stdin(Stdio::from(self.0.as_fd().try_clone_to_owned().unwrap()));
        shell.env("KIOSK_ROOT", device).env("KIOSK_RUNTIME_DIR", device).env("STATE_DIRECTORY", device.join("state"));
        Running(shell.spawn().unwrap())
    }
}

/// The drop-in that it writes.
pub fn file(device: &Path) -> PathBuf {
    device.join("etc/kiosk/config.d/90-kioskctl.toml")
}

/// Its text; empty: there is none.
pub fn text(device: &Path) -> String {
    std::fs::read_to_string(file(device)).unwrap_or_default()
}

/// Killed with its owner.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
