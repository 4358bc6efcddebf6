//! kioskd in a runtime directory in which others have been before.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const NAMES: [&str; 5] = ["wayland-0", "wayland-admin", "control.sock", "compositor.sock", "session.sock"];

struct Kiosk(Child);

impl Kiosk {
    /// Starts it without a screen, and waits until it says that clients may come.
    fn start(runtime_dir: &Path) -> Self {
        let config = runtime_dir.with_extension("toml");
        fs::write(&config, "").unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_kioskd"))
            .args(["--backend", "headless", "--session", "external", "--config"])
            .arg(&config)
            .env("KIOSK_RUNTIME_DIR", runtime_dir)
            .env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent")
            .env_remove("RUST_LOG")
            .env_remove("JOURNAL_STREAM")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let ready = lines.by_ref().any(|line| line.contains("ready for clients"));
        std::thread::spawn(move || lines.for_each(drop));
        let kiosk = Self(child);
        assert!(ready, "it ended before clients could come");
        kiosk
    }
}

impl Drop for Kiosk {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits for what is made after kioskd said that it is ready. The test's own limit ends it.
fn connected(path: &Path) -> UnixStream {
    loop {
        match UnixStream::connect(path) {
            Ok(stream) => return stream,
            Err(_not_yet) => std::thread::sleep(std::time::Duration::from_millis(5)),
        }
    }
}

#[test]
fn a_directory_in_place_of_any_runtime_file_does_not_prevent_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let runtime = directory.path().join("kiosk");
    fs::create_dir(&runtime).unwrap();
    fs::set_permissions(&runtime, fs::Permissions::from_mode(0o1777)).unwrap();
    for name in NAMES {
        for name in [name.to_owned(), format!("{name}.new"), format!(".{name}.new"), name.replace(".sock", ".new")] {
            fs::create_dir_all(runtime.join(name).join("not empty")).unwrap();
        }
    }
    for _ in 0..2 {
        let _kiosk = Kiosk::start(&runtime);
        for name in &NAMES[..4] {
            connected(&runtime.join(name));
        }
        assert_eq!(fs::read_link(runtime.join("session.sock")).unwrap(), Path::new("session/session.sock"));
        assert_eq!(fs::metadata(&runtime).unwrap().mode() & 0o022, 0, "other users can make no names there any more");
    }
}

#[test]
fn the_admins_socket_is_its_groups_or_ours_alone() {
    let directory = tempfile::tempdir().unwrap();
    let _kiosk = Kiosk::start(&directory.path().join("kiosk"));
    let mode = |name| fs::metadata(directory.path().join("kiosk").join(name)).unwrap();
    let (shell, admin) = (mode("wayland-0"), mode("wayland-admin"));
    assert_eq!(shell.mode() & 0o777, 0o660);
    match kiosk_core::authority::admin_group() {
        Some(group) if admin.gid() == group => assert_eq!(admin.mode() & 0o777, 0o660),
        _ => assert_eq!(admin.mode() & 0o777, 0o600),
    }
}

/// In cage's place: what the command may beside showing windows is its own socket's, and our own user's alone.
#[test]
fn a_command_has_a_socket_of_its_own_that_no_other_user_can_open() {
    let directory = tempfile::tempdir().unwrap();
    let runtime = directory.path().join("kiosk");
    let config = directory.path().join("config.toml");
    fs::write(&config, "[[shells]]\nurl = \"http://localhost:1\"\n[[shells]]\nurl = \"http://localhost:2\"\n").unwrap();
    let told = Command::new(env!("CARGO_BIN_EXE_kioskd"))
        .args(["--backend", "headless", "--config"])
        .arg(&config)
        .args(["sh", "-c", "echo \"$WAYLAND_DISPLAY\"; stat -c '%n %a' \"$KIOSK_RUNTIME_DIR\"/wayland-*; exit 5"])
        .env("KIOSK_RUNTIME_DIR", &runtime)
        .env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent")
        .output()
        .unwrap();
    assert_eq!(told.status.code(), Some(5));
    let path = |name: &str| runtime.join(name).display().to_string();
    let text = String::from_utf8(told.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], path("wayland-command"), "{text}");
    assert!(lines.contains(&format!("{} 600", path("wayland-command")).as_str()), "{text}");
    assert!(lines.contains(&format!("{} 660", path("wayland-0")).as_str()), "{text}");
    // What is left behind does not stand for a command's socket.
    let _kiosk = Kiosk::start(&runtime);
    assert!(!runtime.join("wayland-command").exists());
}
