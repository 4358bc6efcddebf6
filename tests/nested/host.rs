//! The host of kioskd's window: weston or Xvfb, without a screen and a GPU.

use std::{
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use super::process::{Running, program};

/// A directory for one test, and the host that runs in it.
pub struct Host {
    pub running: Running,
    pub directory: tempfile::TempDir,
    environment: Vec<(&'static str, String)>,
}

impl Host {
    /// weston without a screen, with software GL.
    pub fn weston() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new("weston");
        command
            .env("XDG_RUNTIME_DIR", directory.path())
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("DISPLAY")
            .args(["--no-config", "--socket=host", "--width=1280", "--height=800", "--idle-time=0"])
            // Debian 12 has version 10, with other names for both.
            .args(match weston_version() {
                ..12 => ["--backend=headless-backend.so", "--use-gl"],
                _ => ["--backend=headless", "--renderer=gl"],
            });
        let mut running = Running::start(command);
        running.wait_for(&directory.path().join("host"));
        Self { running, directory, environment: vec![("WAYLAND_DISPLAY", "host".into())] }
    }

    /// An X server without a screen.
    pub fn xvfb() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let directory = tempfile::tempdir().unwrap();
        // Display numbers that no other server of this machine uses: from the process id and a counter.
        let number = 1_000 + (std::process::id() % 5_000) * 8 + NEXT.fetch_add(1, Ordering::Relaxed);
        let mut command = Command::new("Xvfb");
        command.arg(format!(":{number}")).args(["-screen", "0", "1280x800x24", "-nolisten", "tcp", "-noreset"]);
        let mut running = Running::start(command);
        running.wait_for(&PathBuf::from(format!("/tmp/.X11-unix/X{number}")));
        Self { running, directory, environment: vec![("DISPLAY", format!(":{number}"))] }
    }

    pub fn display(&self) -> &str {
        &self.environment[0].1
    }

    /// kioskd in this host's window, with its sockets in the test's directory.
    pub fn kioskd(&self, arguments: &[&str]) -> Running {
        let mut command = Command::new(program("kioskd"));
        self.set_environment(&mut command);
        command.args(["--backend=winit", "--runtime-dir"]).arg(self.kiosk_directory()).args(arguments);
        Running::start(command)
    }

    /// kioskd with this configuration, once the page is visible.
    #[track_caller]
    pub fn page(&self, configuration: &str) -> Running {
        let config = self.directory.path().join("config.toml");
        std::fs::write(&config, configuration).unwrap();
        let mut kioskd = self.kioskd(&["--output=1280x800", "--config", config.to_str().unwrap()]);
        kioskd.wait_for(&self.kiosk_directory().join("compositor.sock"));
        let visible = self.kioskctl(&["wait", "page-visible", "--timeout", "90s"]);
        assert!(visible.status.success(), "{}\n{}", String::from_utf8_lossy(&visible.stderr), kioskd.log());
        kioskd
    }

    /// kioskctl for that kioskd.
    pub fn kioskctl(&self, arguments: &[&str]) -> std::process::Output {
        let mut command = Command::new(program("kioskctl"));
        self.set_environment(&mut command);
        command.args(arguments).output().unwrap()
    }

    pub fn kiosk_directory(&self) -> PathBuf {
        self.directory.path().join("kiosk")
    }

    fn set_environment(&self, command: &mut Command) {
        let state = self.directory.path().join("state");
        command
            .env("XDG_RUNTIME_DIR", self.directory.path())
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .env("KIOSK_RUNTIME_DIR", self.kiosk_directory())
            .env("KIOSK_STATE_DIR", state)
            // No bus of this machine: the sockets are tested.
            .env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent")
            .env("NO_COLOR", "1")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("DISPLAY")
            .envs(self.environment.iter().map(|(name, value)| (*name, value.as_str())));
    }
}

fn weston_version() -> u32 {
    let output = Command::new("weston").arg("--version").output();
    let output = output.expect("weston is needed for the nested tests: `apt-get install weston xvfb`");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = text.split_whitespace().nth(1).and_then(|version| version.split('.').next()?.parse().ok());
    number.unwrap_or_else(|| panic!("weston --version said {text:?}"))
}
