//! Broken set-ups, one at a time: each cause is found, and nothing else is.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::{Duration, UNIX_EPOCH};

use super::*;
use kiosk_client::ClientError;
use kiosk_client::state::{LastFailure, OutputState};

type Breakage<'a> = &'a dyn Fn(&mut Healthy);

/// A system in which everything is as it should be.
struct Healthy {
    root: tempfile::TempDir,
    system: System,
}

fn healthy() -> Healthy {
    let root = tempfile::tempdir().unwrap();
    let put = |file: &str, content: &str| {
        let file = root.path().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    };
    put("usr/bin/chromium", "");
    fs::set_permissions(root.path().join("usr/bin/chromium"), fs::Permissions::from_mode(0o755)).unwrap();
    put("usr/lib/x86_64-linux-gnu/libwayland-server.so.0", "");
    put("etc/passwd", "root:x:0:0::/root:/bin/sh\nkiosk:x:900:900::/:/x\nkiosk-web:x:901:901::/:/x\n");
    put("etc/group", "video:x:1:kiosk\ninput:x:2:a,kiosk\nrender:x:3:kiosk\ntty:x:5:kiosk\n");
    put("dev/dri/card0", "");
    put("dev/dri/renderD128", "");
    put("run/systemd/seats/seat0", "");
    put("run/dbus/system_bus_socket", "");
    put("usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "");
    put("etc/ssl/certs/ca-certificates.crt", "x");
    put("proc/meminfo", "MemTotal: 4000000 kB\nMemAvailable:    3000000 kB\n");
    let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let system = System { root: root.path().to_owned(), path: "/usr/bin".into(), now };
    Healthy { root, system }
}

#[test]
fn a_container_is_looked_at_with_podman_its_definition_and_its_mounts() {
    let system = healthy();
    system.put("etc/kiosk/config.toml", "[shell]\ncontainer = \"/etc/kiosk/shell.json\"\n");
    let told = system.wrong();
    assert!(told[0].starts_with("program: podman (shell.container) is not installed"), "{told:?}");
    assert!(told[1].contains("shell.json can't be read: No such file"), "{told:?}");
    system.put("usr/bin/podman", "");
    fs::set_permissions(system.root.path().join("usr/bin/podman"), fs::Permissions::from_mode(0o755)).unwrap();
    let definition = |text: &str| {
        system.put("etc/kiosk/shell.json", text);
        system.wrong()
    };
    let told = definition(r#"{ "name": "a", "image": "b", "mounts": [{ "source": "/srv", "target": "/srv" }] }"#);
    assert!(told.len() == 1 && told[0].contains("mounts[0].source /srv is not there: No such file"), "{told:?}");
    let told = definition(r#"{ "name": "a", "image": "b", "privileged": true }"#);
    assert!(told.len() == 1 && told[0].contains("unknown field `privileged`"), "{told:?}");
    assert_eq!(definition(r#"{ "name": "a", "image": "b" }"#), [""; 0]);
}

impl Healthy {
    fn wrong(&self) -> Vec<String> {
        let loaded = Config::load(&Sources::rooted(self.root.path()));
        let found = self.system.look(&loaded);
        let bad = found.into_iter().filter(|finding| finding.level > Level::Good);
        bad.map(|finding| format!("{}: {} -> {}", finding.topic, finding.says, finding.cure)).collect()
    }

    fn remove(&self, path: &str) {
        let path = self.root.path().join(path);
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }

    fn put(&self, file: &str, content: &str) {
        let file = self.root.path().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }
}

#[test]
fn a_healthy_system_has_nothing_to_say_against_it() {
    assert_eq!(healthy().wrong(), [""; 0]);
}

#[test]
fn each_broken_system_is_found_by_its_cause_alone() {
    let breakages: [(&str, Breakage<'_>, &str); 14] = [
        ("no browser", &|it| it.remove("usr/bin/chromium"), "program: chromium (shell.browser) is not installed"),
        (
            "a browser that is no program",
            &|it| {
                let file = it.root.path().join("usr/bin/chromium");
                fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap();
            },
            "program: chromium",
        ),
        ("no library", &|it| it.remove("usr/lib/x86_64-linux-gnu"), "library: libwayland-server.so.0 is missing"),
        ("no users", &|it| it.put("etc/passwd", "root:x:0:0::/:/x\n"), "users: there is no user kiosk and kiosk-web"),
        (
            "not in a group",
            &|it| it.put("etc/group", "video:x:1:kiosk\ninput:x:2:\nrender:x:3:kiosk\ntty:x:5:kiosk\n"),
            "users: the user kiosk is not in the group input -> `usermod -aG input kiosk`",
        ),
        ("no card", &|it| it.remove("dev/dri"), "graphics: there is no display device"),
        ("no seat", &|it| it.remove("run/systemd"), "seat: neither logind nor seatd"),
        (
            "no udev",
            &|it| it.put("sys/class/input/event0/dev", "13:64\n"),
            "input: not heard by kioskd, since udev does not run: event0 -> start udev, or run `kiosk-describe-inputs`",
        ),
        ("no fonts", &|it| it.remove("usr/share/fonts"), "fonts: no font is installed"),
        ("no authorities", &|it| it.remove("etc/ssl"), "certificates: the list of certificate authorities"),
        ("an unset clock", &|it| it.system.now = UNIX_EPOCH + Duration::from_secs(9), "clock: the clock was never set"),
        ("little memory", &|it| it.put("proc/meminfo", "MemAvailable: 50000 kB\n"), "memory: 48 MiB are available"),
        (
            "a wrong key",
            &|it| it.put("etc/kiosk/config.toml", "[shell]\nulr = 1\n"),
            "config.toml:2:1: unknown key shell.ulr, did you mean url?",
        ),
        (
            "another display manager",
            &|it| {
                it.put("etc/systemd/system/x", "");
                symlink("/lib/gdm.service", it.root.path().join("etc/systemd/system/display-manager.service")).unwrap();
            },
            "units: gdm.service is the display manager",
        ),
    ];
    for (name, break_it, says) in breakages {
        let mut system = healthy();
        break_it(&mut system);
        let wrong = system.wrong();
        assert!(wrong.len() == 1 && wrong[0].contains(says), "{name}: {wrong:#?}");
    }
}

#[test]
fn a_browser_that_needs_a_gpu_is_named_where_there_is_none() {
    let system = healthy();
    system.put("usr/bin/env", "");
    fs::set_permissions(system.root.path().join("usr/bin/env"), fs::Permissions::from_mode(0o755)).unwrap();
    system.put("etc/kiosk/config.toml", "[shell]\ncommand = [\"env\", \"A=1\", \"/usr/bin/cog\", \"{url}\"]\n");
    assert_eq!(system.wrong(), [""; 0]);
    system.remove("dev/dri/renderD128");
    let wrong = system.wrong();
    assert!(wrong.len() == 1 && wrong[0].starts_with("graphics: cog (shell.command) opens no window"), "{wrong:?}");
}

#[test]
fn a_directory_to_upload_from_that_is_not_there_is_a_note_and_nothing_wrong() {
    let system = healthy();
    system.put("etc/kiosk/config.toml", "[browser]\nuploads = \"/media/stick\"\n");
    let loaded = Config::load(&Sources::rooted(system.root.path()));
    let noted = |system: &Healthy| system.system.missing(&loaded);
    let found = noted(&system);
    assert!(found.len() == 1 && found[0].level == Level::Note, "{found:?}");
    assert!(found[0].says.starts_with("browser.uploads: /media/stick is not there now"), "{found:?}");
    system.put("media/stick", "");
    assert!(noted(&system)[0].says.contains("is no directory"));
    system.remove("media/stick");
    system.put("media/stick/file", "");
    assert_eq!(noted(&system), []);
}

#[test]
fn a_drive_to_upload_from_whose_links_are_followed_is_named() {
    let system = healthy();
    system.put("etc/kiosk/config.toml", "[browser]\nuploads = \"/media/kiosk\"\n");
    system.put("media/kiosk/file", "");
    let wrong = |mounts: &str| {
        system.put("proc/self/mountinfo", mounts);
        system.wrong()
    };
    let said = wrong("36 35 8:1 / /media/kiosk/a\\040stick rw,nosuid shared:1 - ext4 /dev/sdb1 rw\n");
    assert!(
        said.len() == 1 && said[0].contains("/media/kiosk/a stick is ext4 and mounted without nosymfollow"),
        "{said:?}"
    );
    let good = "35 1 8:1 / / rw - ext4 /dev/sda1 rw\n36 35 8:1 / /media/kiosk rw,nosymfollow shared:1 - ext4 /dev/b rw\n\
                37 35 8:1 / /media/kiosk/fat rw - vfat /dev/sdc rw\n38 35 8:1 / /media/kiosk2 rw - ext4 /dev/sdd rw\n";
    assert_eq!(wrong(good), [""; 0]);
}

#[test]
fn files_that_the_configuration_names_are_looked_for() {
    let system = healthy();
    system.put("etc/kiosk/config.toml", "[browser]\ntrust = [\"/etc/ca.pem\"]\n[splash]\nlogo = \"/logo.svg\"\n");
    let wrong = system.wrong().join("\n");
    assert!(wrong.contains("browser.trust: /etc/ca.pem can't be read"), "{wrong}");
    assert!(wrong.contains("splash.logo: /logo.svg can't be read"), "{wrong}");
}

#[test]
fn what_the_running_programs_say_is_passed_on_with_a_cure() {
    let gone = ClientError::NotRunning { service: Service::Compositor };
    assert_eq!(
        running::compositor(&Err(gone.clone()), ServiceManager::Systemd)[0].cure,
        "`systemctl enable --now kiosk`, then `systemctl status kiosk`"
    );
    for manager in [ServiceManager::OpenRc, ServiceManager::Other] {
        let cure = &running::compositor(&Err(gone.clone()), manager)[0].cure;
        assert!(cure.contains("kiosk") && !cure.contains("systemctl"), "{cure}");
    }
    let dark = OutputState {
        name: "DP-1".into(),
        connected: true,
        power_reason: "off by schedule until Mon 07:00".into(),
        ..OutputState::default()
    };
    let state = CompositorState { outputs: vec![dark], ..CompositorState::default() };
    let found = running::compositor(&Ok(state), ServiceManager::Systemd);
    assert!(found.iter().any(|finding| finding.says == "DP-1 is dark: off by schedule until Mon 07:00"), "{found:?}");

    let failed = LastFailure { reason: "connection refused".into(), action: String::new(), at: 1 };
    let shell = SessionState {
        state: "waiting".into(),
        url: "http://x".into(),
        last_failure: Some(failed),
        ..SessionState::default()
    };
    let found = running::session(&Ok(vec![shell.clone()]), ServiceManager::Systemd);
    assert_eq!((found[0].level, found[0].says.as_str()), (Level::Wrong, "http://x is waiting: connection refused"));
    let recovered =
        running::session(&Ok(vec![SessionState { state: "ready".into(), ..shell }]), ServiceManager::Systemd);
    assert_eq!(recovered[0].level, Level::Good);
    assert!(recovered[0].says.ends_with("last failure (recovered): connection refused"));
}
