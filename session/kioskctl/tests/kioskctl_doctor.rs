//! `kioskctl doctor` as a process where it has little to go by: without rights, without a bus, where nothing runs. It ends,
//! and each of its findings that is not good is one line with a remedy.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod kioskctl_fake;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use kioskctl_fake::{Fake, kioskctl, output, said};
use serde_json::Value;
use tempfile::tempdir;

/// Debian's user nobody.
const NOBODY: u32 = 65534;

/// Its findings as `topic: says -> cure`, those that are good left out, and whether it is content.
#[track_caller]
fn found(command: &mut Command, root: &Path) -> (bool, Vec<String>) {
    command.arg("--json").env("KIOSK_ROOT", root).env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent");
    let (code, out, error) = said(&output(command));
    let json: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{error}"));
    assert_eq!(json["ok"], code == 0, "{json}");
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let bad = json["findings"].as_array().unwrap().iter().filter(|finding| finding["level"] != "good");
    let bad = bad.map(|finding| {
        let (says, cure) = (text(finding, "says"), text(finding, "cure"));
        assert!(!says.is_empty() && !cure.is_empty(), "no sentence or no remedy: {finding}");
        assert!(!says.contains('\n') && !cure.contains('\n'), "more than a line: {finding}");
        format!("{}: {says} -> {cure}", text(finding, "topic"))
    });
    (code == 0, bad.collect())
}

#[track_caller]
fn has(found: &[String], wanted: &str) {
    assert!(found.iter().any(|line| line.contains(wanted)), "{wanted:?} is not in {found:#?}");
}

#[test]
fn where_nothing_runs_and_nothing_is_installed_each_thing_is_said_with_its_remedy() {
    let (dir, root) = (tempdir().unwrap(), tempdir().unwrap());
    let (content, found) = found(&mut kioskctl(dir.path(), &["doctor"]), root.path());
    assert!(!content);
    has(&found, "screen: kioskd is not running");
    has(&found, "page: kiosk-session is not running");
    for topic in ["program", "library", "users", "graphics", "seat", "bus", "fonts", "certificates"] {
        has(&found, &format!("{topic}: "));
    }
}

#[test]
fn without_a_bus_the_sockets_are_asked() {
    let (dir, root) = (tempdir().unwrap(), tempdir().unwrap());
    let (_session, _compositor) = (Fake::session(dir.path()), Fake::compositor(dir.path()));
    let (_, asked) = found(&mut kioskctl(dir.path(), &["doctor"]), root.path());
    has(&asked, "bus: there is no system bus; kioskctl uses the sockets in /run/kiosk -> start dbus");
    assert!(!asked.iter().any(|line| line.contains("is not running")), "{asked:#?}");
    has(&asked, "page: http://localhost:3000 is loading");
    // Not told where the sockets are, it looks for a bus first.
    let mut command = kioskctl(dir.path(), &["doctor"]);
    command.env_remove("KIOSK_RUNTIME_DIR");
    has(&found(&mut command, root.path()).1, "bus: there is no system bus");
}

#[test]
fn without_rights_it_says_what_it_may_not_see_and_who_may() {
    let (dir, root) = (tempdir().unwrap(), tempdir().unwrap());
    for open in [dir.path(), root.path()] {
        fs::set_permissions(open, Permissions::from_mode(0o755)).unwrap();
    }
    // Whoever runs the tests, it is run by somebody who may open none of this.
    let shut = Permissions::from_mode(0o000);
    let sockets = ["compositor.sock", "session.sock"].map(|name| {
        let socket = UnixListener::bind(dir.path().join(name)).unwrap();
        fs::set_permissions(dir.path().join(name), shut.clone()).unwrap();
        socket
    });
    let file = root.path().join("etc/kiosk/config.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "[shell]\nurl = \"http://localhost:3000\"\n").unwrap();
    fs::set_permissions(&file, shut).unwrap();
    let program = dir.path().join("kioskctl");
    fs::copy(env!("CARGO_BIN_EXE_kioskctl"), &program).unwrap();
    let mut command = Command::new(program);
    command.arg("doctor").env("KIOSK_RUNTIME_DIR", dir.path());
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let (content, found) = found(&mut command, root.path());
    drop(sockets);
    assert!(!content);
    for topic in ["screen", "page"] {
        let line = found.iter().find(|line| line.starts_with(&format!("{topic}: "))).unwrap();
        assert!(line.ends_with(" -> run it as root, or as a member of the group kiosk-admin"), "{line}");
    }
    let line = found.iter().find(|line| line.starts_with("configuration: ")).unwrap();
    assert!(line.contains("config.toml: this can't be read: Permission denied"), "{line}");
    assert!(line.ends_with(" -> run it as root, who may read that"), "{line}");
}
