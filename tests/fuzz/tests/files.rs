//! Every kind of file that is read from the disk against every fault that a file can have: huge, deep, a FIFO, a device,
//! a directory, a socket, a circle of links, or changing while it is read. Each is refused, with a bounded allocation,
//! and without waiting: a reader that waits for a FIFO's writer would never end.

#![allow(clippy::unwrap_used, clippy::panic)]

mod heap;

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use kiosk_core::chromium;
use kiosk_core::config::{BrowserSettings, Config, SavedState, Shell, Sources, Url};
use kiosk_core::moments::Moments;
use kiosk_core::{container, files, input_database};
use kiosk_session::{certificate, profile, sign_in::SignIn};
use kiosk_splash::{Fonts, Logo, MAX_LOGO_FILE};

/// How often a file is exchanged while it is read.
const CHANGES: u64 = 400;
/// What may be allocated at once, bytes.
const MOST: usize = 10 << 20;

/// A kind of file.
struct Kind {
    name: &'static str,
    /// Its name in the directory that it is read from.
    file: &'static str,
    /// Reads it as the programs do: whether it was refused.
    refused: fn(&Path) -> bool,
    /// One that is taken, where no other program is needed for it.
    good: &'static [u8],
    /// What nests.
    open: &'static str,
    /// The largest that is read, bytes.
    largest: usize,
}

const KINDS: &[Kind] = &[
    Kind {
        name: "configuration",
        file: "kiosk.toml",
        refused: |file| !Config::load(&Sources::file(file)).errors.is_empty(),
        good: b"[shell]\nurl = \"http://localhost\"\n",
        open: "a = [",
        largest: 64 << 10,
    },
    Kind {
        name: "a file of config.d",
        file: "etc/kiosk/config.d/50-x.toml",
        refused: |file| !Config::load(&Sources::rooted(file.ancestors().nth(4).unwrap())).errors.is_empty(),
        good: b"",
        open: "[[a.a",
        largest: 64 << 10,
    },
    Kind {
        name: "state",
        file: "state.toml",
        refused: |file| SavedState::load(file.parent().unwrap()).1.is_some(),
        good: b"version = 1\n",
        open: "version = 1\n[output.A]\nscale = {a=",
        largest: 64 << 10,
    },
    Kind {
        name: "measures",
        file: "measures.json",
        refused: |file| Moments::read(file, std::time::Duration::ZERO).is_err(),
        good: b"{\"at\":0,\"moments\":{}}",
        open: "[",
        largest: 16 << 10,
    },
    Kind {
        name: "logo",
        file: "logo.svg",
        refused: |file| {
            let bytes = files::read_regular(file, MAX_LOGO_FILE as u64);
            !bytes.is_ok_and(|bytes| Logo::with_installed_fonts(&bytes).is_ok())
        },
        good: include_bytes!("../../../assets/logo/logo.svg"),
        open: "<svg xmlns=\"http://www.w3.org/2000/svg\">",
        largest: 4 << 20,
    },
    Kind {
        name: "font",
        file: "font.ttf",
        refused: |file| Fonts::new(Some(file.to_str().unwrap().into())).find("", "").1.is_some(),
        good: include_bytes!("../../../assets/font/kiosk-sans.ttf"),
        open: "true",
        largest: 4 << 20,
    },
    Kind {
        name: "policy",
        file: "policy.json",
        refused: |file| chromium::read(file.parent().unwrap()).is_empty(),
        good: b"{}",
        open: "{\"a\":",
        largest: 4 << 20,
    },
    Kind {
        name: "the browser's preferences",
        file: "Default/Preferences",
        // Set aside, so that the browser makes new ones.
        refused: |file| {
            let prepared = profile::prepare(file.ancestors().nth(2).unwrap(), 1.0);
            prepared.is_err() || file.with_file_name("Preferences.damaged").symlink_metadata().is_ok()
        },
        good: b"{}",
        open: "{\"a\":",
        largest: 2 << 20,
    },
    Kind {
        name: "udev's description of a device",
        file: "run/udev/data/c13:64",
        refused: |file| {
            let root = file.ancestors().nth(4).unwrap();
            let device = root.join("sys/class/input/event0");
            fs::create_dir_all(&device).unwrap();
            fs::write(device.join("dev"), "13:64").unwrap();
            input_database::properties(root, "13:64");
            !input_database::unheard(root).is_empty()
        },
        good: b"E:ID_INPUT=1\n",
        open: "E:",
        largest: 64 << 10,
    },
    Kind {
        name: "certificate that is trusted",
        file: "trust.pem",
        refused: |file| {
            let settings = BrowserSettings { trust: vec![file.to_owned()], ..BrowserSettings::default() };
            let url = Url::parse("http://localhost").unwrap();
            let shell = Shell { url, browser_settings: settings, ..Shell::default() };
            !chromium::policy(&Config { shells: vec![shell], ..Config::default() }).1.is_empty()
        },
        good: b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        open: "-----BEGIN CERTIFICATE-----",
        largest: 1 << 20,
    },
    Kind {
        name: "certificate of the device",
        file: "device.p12",
        refused: |file| certificate::import(file, None, &file.with_file_name("home")).is_err(),
        good: b"",
        open: "[",
        largest: 1 << 20,
    },
    Kind {
        name: "sign-in",
        file: "sign-in.toml",
        refused: |file| {
            // What others may read is refused for that.
            let _ = fs::metadata(file)
                .map(|data| data.is_file().then(|| fs::set_permissions(file, PermissionsExt::from_mode(0o600))));
            SignIn::load(Some(file), file.parent(), &Url::parse("http://localhost").unwrap()).problem().is_some()
        },
        good: b"[proxy]\nuser = \"a\"\n",
        open: "a = [",
        largest: 128 << 10,
    },
    Kind {
        name: "container",
        file: "container.json",
        refused: |file| container::read(file).is_err(),
        good: b"{\"name\": \"a\", \"image\": \"b\"}",
        open: "{\"name\":",
        largest: 64 << 10,
    },
];

struct Place(tempfile::TempDir);

impl Place {
    fn of(kind: &Kind) -> (Self, PathBuf) {
        let place = Self(tempfile::tempdir().unwrap());
        let path = place.0.path().join(kind.file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        (place, path)
    }
}

fn huge(path: &Path, begin: &[u8], length: u64) {
    fs::write(path, begin).unwrap();
    File::options().write(true).open(path).unwrap().set_len(length).unwrap();
}

type Fault = (&'static str, fn(&Kind, &Path));

const FAULTS: &[Fault] = &[
    ("a terabyte", |_, path| huge(path, b"", 1 << 40)),
    ("a terabyte that begins as it should", |kind, path| huge(path, kind.good, 1 << 40)),
    ("a directory", |_, path| fs::create_dir(path).unwrap()),
    ("a FIFO", |_, path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success())),
    ("a link to a FIFO", |_, path| {
        let fifo = path.with_file_name("fifo");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        symlink(fifo, path).unwrap();
    }),
    ("a device without end", |_, path| symlink("/dev/zero", path).unwrap()),
    ("a terminal", |_, path| symlink("/dev/tty", path).unwrap()),
    ("a socket", |_, path| drop(UnixListener::bind(path).unwrap())),
    ("a circle of links", |_, path| {
        let other = path.with_file_name("other");
        symlink(&other, path).unwrap();
        symlink(path, other).unwrap();
    }),
    ("deep", |kind, path| {
        let depth = kind.largest.min(1 << 20) / kind.open.len();
        fs::write(path, kind.open.repeat(depth)).unwrap();
    }),
    ("as large as may be, of brackets", |kind, path| fs::write(path, vec![b'['; kind.largest]).unwrap()),
    ("as large as may be, of lists", |kind, path| fs::write(path, list(kind.largest, "[],")).unwrap()),
    ("as large as may be, of objects", |kind, path| fs::write(path, list(kind.largest, "{\"\":0},")).unwrap()),
    ("as large as may be, of zeros", |kind, path| huge(path, b"", kind.largest as u64)),
];

fn list(length: usize, part: &str) -> String {
    format!("{{\"a\":[{}0]}}", part.repeat((length - 9) / part.len()))
}

#[test]
fn a_file_with_any_fault_is_refused_and_costs_less_than_ten_mebibytes() {
    let mut wrong = Vec::new();
    for kind in KINDS {
        for (fault, make) in FAULTS {
            let (_place, path) = Place::of(kind);
            make(kind, &path);
            let (refused, most) = heap::most_in(|| (kind.refused)(&path));
            if !refused {
                wrong.push(format!("{}, {fault}: taken", kind.name));
            }
            if most > MOST {
                wrong.push(format!("{}, {fault}: {} KiB", kind.name, most >> 10));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn what_is_right_is_taken() {
    for kind in KINDS.iter().filter(|kind| kind.name != "certificate of the device") {
        let (_place, path) = Place::of(kind);
        fs::write(&path, kind.good).unwrap();
        assert!(!(kind.refused)(&path), "{}", kind.name);
    }
}

/// Ends the other thread however this one ends.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The file grows, shrinks and is replaced by a FIFO and by a device while it is read again and again: no reader waits,
/// is killed (as who maps a file that is cut off), or reads without end.
#[test]
fn a_file_that_changes_while_it_is_read_costs_no_more() {
    for kind in KINDS {
        let (place, path) = Place::of(kind);
        let spare = place.0.path().join("spare");
        let fifo = place.0.path().join("fifo");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let (end, done) = (AtomicBool::new(false), AtomicU64::new(0));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for number in 0u64.. {
                    done.store(number, Ordering::Relaxed);
                    if end.load(Ordering::Relaxed) {
                        break;
                    }
                    let _ = fs::remove_file(&spare);
                    match number % 4 {
                        0 => symlink(&fifo, &spare).unwrap(),
                        1 => symlink("/dev/zero", &spare).unwrap(),
                        _ => fs::write(&spare, kind.good).unwrap(),
                    }
                    let file = (number % 4 > 1).then(|| File::options().write(true).open(&spare).unwrap());
                    // The reader may have renamed the one that was there.
                    let _ = fs::rename(&spare, &path);
                    for length in [1, 1 << 40, 0, kind.largest as u64] {
                        let _ = file.as_ref().map(|file| file.set_len(length));
                    }
                }
            });
            let _end = End(&end);
            let read = || {
                while done.load(Ordering::Relaxed) < CHANGES {
                    (kind.refused)(&path);
                }
            };
            let ((), most) = heap::most_in(read);
            assert!(most <= MOST, "{}: {} KiB", kind.name, most >> 10);
        });
    }
}
