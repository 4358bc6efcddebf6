//! Checks the system that the kiosk runs on: programs, users, fonts, certificates, disk, clock. Reads files below a
//! root (`/`, or an image's) and changes nothing; files that only root may read are reported as such.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kiosk_client::ServiceManager;
use kiosk_core::chromium;
use kiosk_core::config::Loaded;
use kiosk_core::input_database;

use super::appearance;
use super::container;
use super::finding::{Finding, Level};
use crate::config::complaints;

/// A disk with less than this fraction free is full: profile and settings may not be written.
const LITTLE_SHARE: u64 = 20;
const LITTLE_BYTES: u64 = 64 << 20;
/// With less available memory the kernel may kill the browser.
const LITTLE_MEMORY_KIB: u64 = 150 * 1024;
/// An earlier clock is not set: the program was written after 2026-01-01.
const EARLIEST: Duration = Duration::from_secs(1_767_225_600);
/// Most names checked in a folder of fonts.
const MAX_NAMES: usize = 10_000;

/// The remedy for what the caller may not read.
pub(super) const AS_ROOT: &str = "run it as root, who may read that";

/// The system and the time to check.
pub struct System {
    pub root: PathBuf,
    /// `PATH`.
    pub path: OsString,
    pub now: SystemTime,
}

impl System {
    /// All checks that need no service.
    pub fn look(&self, loaded: &Loaded) -> Vec<Finding> {
        let mut found = vec![self.configuration(loaded), self.program(loaded), self.library()];
        found.extend(self.users());
        found.push(self.graphics(loaded));
        found.push(self.seat());
        found.push(self.inputs());
        found.push(self.bus());
        found.push(self.fonts());
        found.push(self.certificates());
        found.extend(self.named(loaded));
        found.push(self.clock());
        found.extend(self.disks());
        found.extend(self.memory());
        found.extend(self.other_display_manager());
        found
    }

    /// Configured files and layouts that are missing.
    pub fn missing(&self, loaded: &Loaded) -> Vec<Finding> {
        let program = std::iter::once(self.program(loaded)).filter(|finding| finding.level == Level::Wrong);
        let unshown = appearance::without_a_shell(loaded, &self.at("sys/class/drm"));
        let unshown = unshown.and_then(|told| {
            let (says, cure) = told.split_once(" -> ")?;
            Some(Finding::wrong("outputs", says, cure))
        });
        program.chain(self.named(loaded)).chain(unshown).collect()
    }

    /// Configured files that exist but are unusable.
    pub fn unusable(&self, loaded: &Loaded) -> Vec<String> {
        let installed = ["usr/bin/kiosk-splash", "usr/local/bin/kiosk-splash"].map(|path| self.at(path));
        // In the built-in path, or next to this program if they were installed elsewhere.
        let own = std::env::current_exe().ok().map(|own| own.with_file_name("kiosk-splash"));
        let own = own.filter(|_| self.root == Path::new("/"));
        let mut wrong = appearance::unusable(&own.into_iter().chain(installed).collect::<Vec<_>>());
        wrong.extend(container::wrong(loaded, &self.root));
        wrong
    }

    pub(super) fn at(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    fn configuration(&self, loaded: &Loaded) -> Finding {
        let mut wrong = complaints(loaded, &self.at(chromium::MANAGED));
        wrong.extend(self.unusable(loaded));
        match wrong.as_slice() {
            [] => Finding::good("configuration", format!("good; the page is {}", loaded.config.shell.url.masked())),
            wrong => {
                let unreadable = wrong.iter().any(|line| line.contains("Permission denied"));
                let remedy = if unreadable { AS_ROOT } else { "`kioskctl config check` says where" };
                Finding::wrong("configuration", wrong.join("; "), remedy)
            }
        }
    }

    fn program(&self, loaded: &Loaded) -> Finding {
        let shell = &loaded.config.shell;
        let (program, key) = match shell.command.first() {
            _ if shell.is_container() => ("podman".into(), "shell.container"),
            Some(program) => (program.clone(), "shell.command"),
            None => (shell.browser.clone(), "shell.browser"),
        };
        match self.find(Path::new(&program)) {
            Some(at) => Finding::good("program", format!("{program} is {}", at.display())),
            None => Finding::wrong(
                "program",
                format!("{program} ({key}) is not installed, or not executable"),
                match key {
                    "shell.browser" => "install it (Debian: `apt install chromium`), or name another in shell.browser",
                    "shell.container" => "install it (Debian: `apt install podman uidmap slirp4netns crun`)",
                    _ => "install it, or name another in shell.command",
                },
            ),
        }
    }

    /// A program by its path, or by its name in `PATH`.
    fn find(&self, program: &Path) -> Option<PathBuf> {
        use std::os::unix::fs::PermissionsExt;
        let executable = |path: &PathBuf| {
            std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
        };
        if program.components().count() > 1 {
            return Some(self.at(&program.to_string_lossy())).filter(executable);
        }
        let folders = std::env::split_paths(&self.path).collect::<Vec<_>>();
        folders.iter().map(|folder| self.at(&folder.join(program).to_string_lossy())).find(executable)
    }

    fn library(&self) -> Finding {
        let places = ["usr/lib", "usr/lib64", "lib", "usr/local/lib"];
        let named = |folder: &Path| folder.join("libwayland-server.so.0").exists();
        let found = places.iter().any(|place| {
            let place = self.at(place);
            named(&place) || entries(&place).any(|entry| named(&entry))
        });
        match found {
            true => Finding::good("library", "libwayland-server is there"),
            false => Finding::wrong(
                "library",
                "libwayland-server.so.0 is missing; kioskd cannot start without it",
                "install it (Debian: `apt install libwayland-server0`)",
            ),
        }
    }

    fn users(&self) -> Vec<Finding> {
        let names = |file: &str| std::fs::read_to_string(self.at(file)).unwrap_or_default();
        let (users, groups) = (names("etc/passwd"), names("etc/group"));
        let line =
            |text: &str, name: &str| text.lines().find(|line| line.split(':').next() == Some(name)).map(str::to_owned);
        let missing: Vec<&str> =
            ["kiosk", "kiosk-web"].into_iter().filter(|user| line(&users, user).is_none()).collect();
        if !missing.is_empty() {
            return vec![Finding::wrong(
                "users",
                format!("there is no user {}; the units run as them", missing.join(" and ")),
                "`systemd-sysusers` makes them from /usr/lib/sysusers.d/kiosk.conf",
            )];
        }
        let outside: Vec<&str> = ["video", "input", "render", "tty"]
            .into_iter()
            .filter(|group| {
                let line = line(&groups, group).unwrap_or_default();
                !line.rsplit(':').next().unwrap_or_default().split(',').any(|member| member == "kiosk")
            })
            .collect();
        vec![match outside.as_slice() {
            [] => Finding::good("users", "kiosk and kiosk-web are there, with their groups"),
            outside => Finding::wrong(
                "users",
                format!("the user kiosk is not in the group {}", outside.join(", ")),
                format!("`usermod -aG {} kiosk`, then {}", outside.join(","), self.restart()),
            ),
        }]
    }

    fn graphics(&self, loaded: &Loaded) -> Finding {
        let shells = loaded.config.all_shells();
        let mut words = shells.iter().flat_map(|shell| &shell.command);
        let wants_gpu = words.any(|word| Path::new(word).file_name().is_some_and(|name| name == "cog"));
        let names: Vec<String> = entries(&self.at("dev/dri")).filter_map(|path| name(&path)).collect();
        let cards = names.iter().filter(|name| name.starts_with("card")).count();
        let renderers = names.iter().filter(|name| name.starts_with("renderD")).count();
        match (cards, renderers) {
            (0, _) => Finding::wrong(
                "graphics",
                "there is no display device in /dev/dri",
                "look into `dmesg` for the driver of the graphics card, and whether its firmware is installed",
            ),
            (_, 0) if wants_gpu => Finding::wrong(
                "graphics",
                "cog (shell.command) opens no window without a GPU, and there is no device that renders in /dev/dri",
                "use Chromium or Firefox, or install the driver and firmware of the machine's GPU",
            ),
            (cards, 0) => Finding::note(
                "graphics",
                format!("{cards} display device, and none that renders: pictures are composed by the CPU"),
                "where the machine has a GPU, install its driver and firmware",
            ),
            (cards, renderers) => Finding::good("graphics", format!("{cards} display device, {renderers} renderer")),
        }
    }

    fn inputs(&self) -> Finding {
        let unheard = input_database::unheard(&self.root);
        match unheard.as_slice() {
            [] => Finding::good("input", "udev describes the input devices, or kiosk-describe-inputs has"),
            devices => Finding::wrong(
                "input",
                format!("not heard by kioskd, since udev does not run: {}", devices.join(", ")),
                format!("start udev, or run `kiosk-describe-inputs` as root, then {}", self.restart()),
            ),
        }
    }

    /// How kioskd is started again, on this kind of system.
    fn restart(&self) -> String {
        ServiceManager::of(&self.root).restart("kiosk")
    }

    fn seat(&self) -> Finding {
        if self.at("run/systemd/seats").exists() {
            Finding::good("seat", "logind hands out devices")
        } else if self.at("run/seatd.sock").exists() {
            Finding::good("seat", "seatd hands out devices")
        } else {
            Finding::note(
                "seat",
                "neither logind nor seatd runs; only libseat's built-in seat can open devices, as root",
                "start systemd-logind or seatd",
            )
        }
    }

    fn bus(&self) -> Finding {
        match self.at("run/dbus/system_bus_socket").exists() {
            true => Finding::good("bus", "the system bus is there"),
            false => Finding::note(
                "bus",
                "there is no system bus; kioskctl uses the sockets in /run/kiosk",
                "start dbus where other programs are to ask the kiosk",
            ),
        }
    }

    fn fonts(&self) -> Finding {
        let folders = ["usr/share/fonts", "usr/local/share/fonts"];
        match folders.iter().any(|folder| has_font(&self.at(folder))) {
            true => Finding::good("fonts", "there are fonts"),
            false => Finding::wrong(
                "fonts",
                "no font is installed: pages and the kiosk's own screens have no text",
                "install some (Debian: `apt install fonts-dejavu-core`, and `fonts-noto-cjk` for Chinese, Japanese, Korean)",
            ),
        }
    }

    fn certificates(&self) -> Finding {
        match std::fs::metadata(self.at("etc/ssl/certs/ca-certificates.crt")) {
            Ok(meta) if meta.len() > 0 => Finding::good("certificates", "the system's list of authorities is there"),
            _ => Finding::note(
                "certificates",
                "the list of certificate authorities is missing: https pages are refused",
                "install it (Debian: `apt install ca-certificates`)",
            ),
        }
    }

    /// Files and layouts that the configuration names and are not there.
    fn named(&self, loaded: &Loaded) -> Vec<Finding> {
        let containers = container::missing(loaded, &self.root);
        let files = self.files(loaded).into_iter().chain(self.uploads(loaded));
        containers.into_iter().chain(files).chain(self.layouts(loaded)).collect()
    }

    /// Layouts of the keyboard that the system's xkb does not know.
    fn layouts(&self, loaded: &Loaded) -> Option<Finding> {
        let list = std::fs::read_to_string(self.at("usr/share/X11/xkb/rules/base.lst")).ok()?;
        let known = |layout: &str| {
            let section = list.lines().skip_while(|line| line.trim() != "! layout").skip(1);
            let mut names =
                section.take_while(|line| !line.starts_with('!')).filter_map(|line| line.split_whitespace().next());
            names.any(|name| name == layout)
        };
        let layout = &loaded.config.input.keyboard.layout;
        let unknown: Vec<&str> = layout.split(',').map(str::trim).filter(|name| !known(name)).collect();
        (!unknown.is_empty()).then(|| {
            Finding::wrong(
                "keyboard",
                format!("input.keyboard: xkb has no layout {}", unknown.join(", ")),
                "/usr/share/X11/xkb/rules/base.lst lists them",
            )
        })
    }

    /// `browser.trust` and the other files that the configuration names.
    fn files(&self, loaded: &Loaded) -> Vec<Finding> {
        let browser = &loaded.config.browser;
        let mut files: Vec<(&'static str, PathBuf)> =
            browser.trust.iter().map(|file| ("browser.trust", file.clone())).collect();
        let splash = &loaded.config.splash;
        for (key, file) in [("splash.logo", &splash.logo), ("splash.logo-light", &splash.logo_light)] {
            if loaded.origins.contains_key(key) && !file.as_os_str().is_empty() {
                files.push((key, file.clone()));
            }
        }
        let missing = files.into_iter().filter_map(|(key, file)| {
            let at = self.at(&file.to_string_lossy());
            match std::fs::File::open(&at) {
                // Only root may read it; the session gets it from the service manager.
                Err(error) if error.kind() == ErrorKind::PermissionDenied => None,
                Err(error) => Some(Finding::wrong(
                    "files",
                    format!("{key}: {} can't be read: {error}", file.display()),
                    format!("put the file there, or change {key}"),
                )),
                Ok(_) => None,
            }
        });
        missing.collect()
    }

    fn clock(&self) -> Finding {
        let since = self.now.duration_since(UNIX_EPOCH).unwrap_or_default();
        match since >= EARLIEST {
            true if self.at("run/systemd/timesync/synchronized").exists() => {
                Finding::good("clock", "set, and synchronized")
            }
            true => Finding::good("clock", "set"),
            false => Finding::wrong(
                "clock",
                "the clock was never set: certificates seem to be of the future, and the power schedule rests",
                "let it be set by the network (`timedatectl set-ntp true`), or give the device a battery for its clock",
            ),
        }
    }

    fn disks(&self) -> Vec<Finding> {
        let places = ["var/lib/kiosk", "var/lib/kiosk-web", "tmp", "var/log"];
        let mut found = Vec::new();
        for place in places {
            let Ok(stat) = rustix::fs::statvfs(self.at(place)) else { continue };
            let (free, all) = (stat.f_bavail * stat.f_frsize, stat.f_blocks * stat.f_frsize);
            if all > 0 && free < LITTLE_BYTES && free < all / LITTLE_SHARE {
                found.push(Finding::wrong(
                    "disk",
                    format!("/{place} has {} MiB left: nothing can be kept there", free >> 20),
                    "make room: `journalctl --vacuum-size=50M`, `kioskctl clear-data`, or a larger disk",
                ));
            }
        }
        if found.is_empty() { vec![Finding::good("disk", "there is room")] } else { found }
    }

    fn memory(&self) -> Option<Finding> {
        let text = std::fs::read_to_string(self.at("proc/meminfo")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
        let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(match kib < LITTLE_MEMORY_KIB {
            true => Finding::wrong(
                "memory",
                format!("{} MiB are available: the kernel will end the browser", kib / 1024),
                "close what else runs, or give the device more memory",
            ),
            false => Finding::good("memory", format!("{} MiB available", kib / 1024)),
        })
    }

    fn other_display_manager(&self) -> Option<Finding> {
        let link = std::fs::read_link(self.at("etc/systemd/system/display-manager.service")).ok()?;
        let other = name(&link).filter(|unit| unit != "kiosk.service")?;
        Some(Finding::wrong(
            "units",
            format!("{other} is the display manager: it has the screen"),
            format!("`systemctl disable --now {other} && systemctl enable --now kiosk`"),
        ))
    }
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().take(MAX_NAMES);
    entries.filter_map(|entry| Some(entry.ok()?.path()))
}

fn name(path: &Path) -> Option<String> {
    Some(path.file_name()?.to_string_lossy().into_owned())
}

/// Searches two levels of folders, as distributions have them.
fn has_font(folder: &Path) -> bool {
    fn look(folder: &Path, deeper: u32) -> bool {
        entries(folder).any(|path| match path.extension().and_then(|ending| ending.to_str()) {
            Some("ttf" | "otf" | "ttc" | "pfb") => true,
            _ => deeper > 0 && path.is_dir() && look(&path, deeper - 1),
        })
    }
    look(folder, 3)
}
