//! What a package is made of: `make install` into an empty directory, and the manual against the program.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// Where systemd's own units are on this machine, which ours refer to.
const UNITS: &str = "/usr/lib/systemd/system";

/// Everything that `make install` puts under `/`, with stand-ins for the programs.
fn install(directory: &Path) -> PathBuf {
    let (programs, root) = (directory.join("programs"), directory.join("root"));
    std::fs::create_dir_all(&programs).unwrap();
    for program in [
        "kioskd",
        "kiosk-session",
        "kioskctl",
        "kiosk-agent",
        "kiosk-splash",
        "kiosk-xwayland",
        "kiosk-describe-inputs",
        "kiosk-demo-shell",
    ] {
        std::fs::write(programs.join(program), "#!/bin/sh\n").unwrap();
    }
    let made = Command::new("make")
        .args(["-C", ROOT, "--no-print-directory", "install", "PREFIX=/usr", "SYSCONFDIR=/etc", "kioskctl=true"])
        .arg(concat!("kiosk_splash=", env!("CARGO_BIN_EXE_kiosk-splash")))
        .arg(format!("DESTDIR={}", root.display()))
        .arg(format!("programs={}", programs.display()))
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    root
}

#[test]
fn an_installation_is_complete_and_readable_for_all() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    let root = install(directory.path());
    for (file, mode) in [
        ("usr/bin/kioskd", 0o755),
        ("usr/bin/kiosk-session", 0o755),
        ("usr/bin/kioskctl", 0o755),
        ("usr/bin/kiosk-agent", 0o755),
        ("usr/bin/kiosk-splash", 0o755),
        ("usr/bin/kiosk-describe-inputs", 0o755),
        ("usr/bin/kiosk-demo-shell", 0o755),
        ("usr/lib/systemd/system/kiosk.service", 0o644),
        ("usr/lib/systemd/system/kiosk-session.service", 0o644),
        ("usr/lib/systemd/system/kiosk-console.target", 0o644),
        ("usr/lib/systemd/system/kiosk-agent.service", 0o644),
        ("usr/lib/systemd/system/kiosk-agent.socket", 0o644),
        ("usr/lib/systemd/system/kiosk-agent-tls.service", 0o644),
        ("usr/lib/systemd/system/kiosk-agent-loopback.socket", 0o644),
        ("usr/lib/systemd/system/kiosk-xwayland.socket", 0o644),
        ("usr/lib/systemd/system/kiosk-xwayland@.service", 0o644),
        ("usr/lib/systemd/system/kiosk-keyboard.service", 0o644),
        ("usr/lib/kiosk/kiosk-xwayland", 0o755),
        ("usr/share/kiosk/keyboard/glib-2.0/settings/keyfile", 0o644),
        ("usr/lib/systemd/system-generators/kiosk-generator", 0o755),
        ("usr/lib/sysusers.d/kiosk.conf", 0o644),
        ("usr/lib/tmpfiles.d/kiosk.conf", 0o644),
        ("usr/share/dbus-1/system.d/org.kioskd.conf", 0o644),
        ("usr/share/dbus-1/interfaces/org.kioskd.Compositor1.xml", 0o644),
        ("usr/share/polkit-1/actions/org.kioskd.policy", 0o644),
        ("usr/share/kiosk/logo.svg", 0o644),
        ("usr/share/kiosk/kiosk.d.ts", 0o644),
        ("usr/share/man/man1/kioskd.1", 0o644),
        ("usr/share/man/man1/kiosk-splash.1", 0o644),
        ("usr/share/plymouth/themes/kiosk/kiosk.plymouth", 0o644),
        ("usr/share/plymouth/themes/kiosk/kiosk.script", 0o644),
        ("usr/share/plymouth/themes/kiosk/logo.png", 0o644),
        ("etc/pam.d/kiosk", 0o644),
        ("etc/chromium/policies/managed/kiosk.json", 0o644),
    ] {
        let metadata = std::fs::metadata(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(metadata.permissions().mode() & 0o777, mode, "{file}");
    }
}

/// What the generator makes of the user's slice, by the files below its root.
fn slice_of(root: &Path, generated: &str) -> String {
    let normal = root.join(generated);
    std::fs::create_dir_all(&normal).unwrap();
    let made = Command::new("sh")
        .arg(format!("{ROOT}/assets/systemd/kiosk-generator"))
        .args([&normal, &normal, &normal])
        .arg(root)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert_eq!(std::fs::read_link(normal.join("user@977.service")).unwrap(), Path::new("/dev/null"));
    std::fs::read_to_string(normal.join("user-977.slice.d/50-kiosk.conf")).unwrap()
}

#[test]
fn the_slice_has_the_limits_of_the_unit_and_of_its_drop_ins() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    std::fs::create_dir_all(root.join("etc/systemd/system/kiosk.service.d")).unwrap();
    // Without a newline at its end.
    std::fs::write(root.join("etc/passwd"), "root:x:0:0::/:/bin/sh\nkiosk:x:977:977::/:/bin/false").unwrap();
    let unit = std::fs::read_to_string(format!("{ROOT}/assets/systemd/kiosk.service")).unwrap();
    let usual = slice_of(root, "usual");
    for line in usual.lines().filter(|line| line.starts_with("MemoryMax=") || line.starts_with("TasksMax=")) {
        assert!(unit.contains(&format!("\n{line}\n")), "{line} is not what kiosk.service says");
    }
    assert_eq!(usual.matches("Max=").count(), 2, "{usual}");
    let drop_in = |name: &str, text: &str| {
        std::fs::write(root.join("etc/systemd/system/kiosk.service.d").join(name), text).unwrap();
    };
    drop_in("10-first.conf", "[Service]\nMemoryMax=300M\n");
    drop_in("20-second.conf", "[Service]\nMemoryMax=400M");
    let changed = slice_of(root, "changed");
    assert!(changed.contains("\nMemoryMax=400M\nTasksMax=512\n"), "{changed}");
}

#[test]
fn systemd_accepts_the_units() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        eprintln!("not run: there is no systemd-analyze");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let root = install(directory.path());
    std::fs::create_dir_all(root.join("bin")).unwrap();
    for other in ["usr/bin/plymouth", "usr/bin/wayvnc", "usr/bin/dbus-run-session", "bin/kill"] {
        std::fs::copy(root.join("usr/bin/kioskd"), root.join(other)).unwrap();
    }
    let units = root.join("usr/lib/systemd/system");
    for entry in std::fs::read_dir(UNITS).unwrap() {
        let from = entry.unwrap().path();
        if from.is_file() {
            std::fs::copy(&from, units.join(from.file_name().unwrap())).unwrap();
        }
    }
    let ours: Vec<String> = std::fs::read_dir(format!("{ROOT}/assets/systemd"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains('.'))
        .collect();
    assert!(ours.len() >= 6, "{ours:?}");
    let verified = Command::new("systemd-analyze")
        .args(["verify", "--man=no", "--recursive-errors=no"])
        .arg(format!("--root={}", root.display()))
        .args(&ours)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&verified.stderr);
    // Settings that came after the systemd on this machine.
    let newer = ["'RestartSteps'", "'RestartMaxDelaySec'", "'RestartMode'"];
    let complaints: Vec<&str> =
        said.lines().filter(|line| line.contains("kiosk") && !newer.iter().any(|key| line.contains(key))).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

/// What `systemd-analyze security` says of each unit, from 0 (nothing can be got at from it) to 10.
const EXPOSURE: [(&str, f64); 11] = [
    ("kiosk.service", 1.0),
    ("kiosk-session.service", 2.5),
    ("kiosk-plymouth.service", 2.0),
    ("kiosk-plymouth-quit.service", 2.0),
    ("kiosk-health.service", 1.0),
    ("kiosk-agent.service", 1.0),
    ("kiosk-agent-tls.service", 1.5),
    ("kiosk-keyboard.service", 1.0),
    ("kiosk-xwayland@.service", 1.0),
    ("kiosk-vnc.service", 1.5),
    ("kiosk-vnc-socket.service", 1.0),
];

#[test]
fn units_can_do_no_more_than_they_need() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        eprintln!("not run: there is no systemd-analyze");
        return;
    }
    for (unit, most) in EXPOSURE {
        let path = format!("{ROOT}/assets/systemd/{unit}");
        let text = std::fs::read_to_string(&path).unwrap();
        let analysed = Command::new("systemd-analyze")
            .args(["security", "--offline=true", "--no-pager", "--threshold=100", &path])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&analysed.stdout);
        let level = said.lines().find_map(|line| line.split("Overall exposure level for ").nth(1)?.split(": ").nth(1));
        let level: f64 =
            level.and_then(|rest| rest.split(' ').next()?.parse().ok()).unwrap_or_else(|| panic!("{said}"));
        assert!(level <= most, "{unit} has an exposure of {level}, allowed is {most}:\n{said}");
        if unit != "kiosk-health.service" {
            assert!(text.contains("\nMemoryMax=") && text.contains("\nTasksMax="), "{unit} has no limits");
        }
    }
}

/// With what is installed in the system's folder alone, no page but the web's and no certificate of ours is known.
#[test]
fn the_browsers_policy_follows_the_configuration_where_it_is_installed() {
    let directory = tempfile::tempdir().unwrap();
    let root = install(directory.path());
    let unit = std::fs::read_to_string(root.join("usr/lib/systemd/system/kiosk-session.service")).unwrap();
    let folder = "/run/kiosk-session/policies";
    assert!(unit.contains(&format!("\nExecStartPre=-+/usr/bin/kiosk-session --write-policy {folder}\n")), "{unit}");
    assert!(unit.contains(&format!("\nBindReadOnlyPaths=-{folder}:/etc/chromium/policies/managed\n")), "{unit}");
}

#[test]
fn a_terminal_in_public_has_keys_that_do_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let made = Command::new("make")
        .args(["-C", ROOT, "--no-print-directory", "install-public", "PREFIX=/usr", "SYSCONFDIR=/etc"])
        .arg(format!("DESTDIR={}", root.display()))
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let read = |file: &str| std::fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    assert!(read("usr/lib/sysctl.d/60-kiosk-public.conf").contains("\nkernel.sysrq = 0\n"));
    assert!(read("usr/lib/systemd/logind.conf.d/60-kiosk-public.conf").contains("\nHandlePowerKey=ignore\n"));
    assert!(read("usr/lib/systemd/system.conf.d/60-kiosk-public.conf").contains("\nCtrlAltDelBurstAction=none\n"));
    let masked = std::fs::read_link(root.join("etc/systemd/system/ctrl-alt-del.target")).unwrap();
    assert_eq!(masked, Path::new("/dev/null"));
    let loaded = kiosk_core::config::Config::load(&kiosk_core::config::Sources::rooted(root));
    assert_eq!((loaded.errors, loaded.config.input.vt_switching), (Vec::new(), false));
    assert_eq!(loaded.config.input.new_devices, kiosk_core::config::NewDevices::Ask);
}

#[test]
fn every_option_is_in_the_manual() {
    let help = Command::new(env!("CARGO_BIN_EXE_kioskd")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let page = std::fs::read_to_string(format!("{ROOT}/assets/man/kioskd.1")).unwrap().replace("\\-", "-");
    let options: Vec<&str> = help
        .lines()
        .map(str::trim_start)
        .filter(|line| line.starts_with('-'))
        .flat_map(|line| line.split([' ', ',', '=']).filter(|word| word.starts_with('-') && word.len() > 1))
        .collect();
    assert!(options.contains(&"--check-config"), "{options:?}");
    for option in options {
        assert!(page.contains(option), "assets/man/kioskd.1 does not mention {option}");
    }
}
