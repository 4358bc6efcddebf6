//! udev's database of input devices, where no udev runs. libinput uses only devices that are described in
//! `/run/udev/data`, and ignores all others without a message. kioskd and `kioskctl doctor` ask here which devices are
//! ignored so, and `kiosk-describe-inputs` writes the descriptions from the kernel's files, as udev does.
//!
//! It opens no device. Where udev runs it does nothing.

use std::fs;
use std::io::{Error, ErrorKind, Result};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use crate::files::read_regular;

/// udev's socket. One that the initrd's udev has left may lie there, and nothing listens on it.
const UDEV: &str = "run/udev/control";
/// udev's database, one file for each device.
const DATA: &str = "run/udev/data";
/// The kernel's devices.
const DEVICES: &str = "sys/class/input";
/// Far more than a device has; more is a mistake.
const MAX_DEVICES: usize = 256;
/// Longest description, bytes; udev's have some thousand.
const MAX_DESCRIPTION: u64 = 64 << 10;

/// Input devices without a description, such as `event0`, where udev does not run. `root` is taken for `/`.
pub fn unheard(root: &Path) -> Vec<String> {
    if runs(root) {
        return Vec::new();
    }
    let described = |device: &Device| description(&device.data).lines().any(|line| line == "E:ID_INPUT=1");
    devices(root).into_iter().filter(|device| !described(device)).map(|device| device.name).collect()
}

/// One sentence about them and what helps; `None` where there are none.
pub fn problem(unheard: &[String]) -> Option<String> {
    let (first, more) = (unheard.first()?, unheard.len() - 1);
    let devices = match more {
        0 => format!("the input device {first} is"),
        more => format!("{} input devices ({first} and {more} more) are", unheard.len()),
    };
    Some(format!(
        "{devices} not heard: udev does not run, and they are not described; start udev, or run \
         `kiosk-describe-inputs` as root before kioskd"
    ))
}

/// Describes them, and returns which.
///
/// # Errors
///
/// A file of theirs can't be written; those before it are described.
pub fn describe(root: &Path) -> Result<Vec<String>> {
    let wanted = unheard(root);
    let mut described = Vec::new();
    for device in devices(root).into_iter().filter(|device| wanted.contains(&device.name)) {
        let mut text = String::from("I:1\nE:ID_INPUT=1\n");
        for kind in Capabilities::read(&device.directory).kinds() {
            text.push_str(&format!("E:ID_INPUT_{kind}=1\n"));
        }
        fs::create_dir_all(root.join(DATA))?;
        // Renamed into place: libinput may read it at any time.
        let new = device.data.with_extension("new");
        fs::write(&new, text)?;
        fs::rename(&new, &device.data)?;
        described.push(device.name);
    }
    Ok(described)
}

/// The properties of the device with this number (`MAJOR:MINOR`), such as `ID_INPUT=1`.
pub fn properties(root: &Path, number: &str) -> Vec<String> {
    let text = description(&root.join(DATA).join(format!("c{number}")));
    text.lines().filter_map(|line| line.strip_prefix("E:")).map(str::to_owned).collect()
}

/// Empty where there is none that can be read.
fn description(file: &Path) -> String {
    let read = read_regular(file, MAX_DESCRIPTION).and_then(|bytes| String::from_utf8(bytes).map_err(Error::other));
    read.unwrap_or_else(|error| {
        if error.kind() != ErrorKind::NotFound {
            tracing::warn!(%error, file = %file.display(), "description of an input device not read");
        }
        String::new()
    })
}

/// Removes the description of a device that is gone: another device may get its number.
pub fn forget(root: &Path, number: &str) {
    if !runs(root) {
        let _ = fs::remove_file(root.join(DATA).join(format!("c{number}")));
    }
}

/// Whether udev runs. Only root is let to its socket: to others one that was left behind counts, too.
pub fn runs(root: &Path) -> bool {
    // udev's socket is of another type, so that it hears nothing of this.
    match UnixStream::connect(root.join(UDEV)) {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused),
    }
}

/// One `/dev/input/event*`.
struct Device {
    name: String,
    /// The kernel's directory of it.
    directory: PathBuf,
    /// What udev would write.
    data: PathBuf,
}

/// By number.
fn devices(root: &Path) -> Vec<Device> {
    let mut found: Vec<(u32, Device)> = Vec::new();
    for entry in fs::read_dir(root.join(DEVICES)).into_iter().flatten().flatten().take(MAX_DEVICES) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(number) = name.strip_prefix("event").and_then(|number| number.parse().ok()) else { continue };
        let Ok(device) = fs::read_to_string(entry.path().join("dev")) else { continue };
        let device = device.trim();
        if device.is_empty() || !device.chars().all(|c| c.is_ascii_digit() || c == ':') {
            continue;
        }
        let data = root.join(DATA).join(format!("c{device}"));
        found.push((number, Device { name, directory: entry.path().join("device"), data }));
    }
    found.sort_by_key(|(number, _)| *number);
    found.into_iter().map(|(_, device)| device).collect()
}

/// A set of numbers of `linux/input-event-codes.h`, as the kernel prints it: words of a `long`, the highest first.
#[derive(Debug, Default)]
struct Bits(Vec<usize>);

impl Bits {
    fn read(file: &Path) -> Self {
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) => {
                if error.kind() != ErrorKind::NotFound {
                    tracing::debug!(%error, file = %file.display(), "capabilities of an input device not read");
                }
                String::new()
            }
        };
        Self(text.split_whitespace().rev().map_while(|word| usize::from_str_radix(word, 16).ok()).collect())
    }

    fn has(&self, bit: u32) -> bool {
        let word = self.0.get((bit / usize::BITS) as usize).copied().unwrap_or_default();
        word >> (bit % usize::BITS) & 1 == 1
    }

    fn any(&self, mut bits: std::ops::Range<u32>) -> bool {
        bits.any(|bit| self.has(bit))
    }

    fn all<const N: usize>(&self, bits: [u32; N]) -> bool {
        bits.into_iter().all(|bit| self.has(bit))
    }
}

const EV_KEY: u32 = 0x01;
const EV_REL: u32 = 0x02;
const EV_SW: u32 = 0x05;
const REL_X_Y: [u32; 2] = [0x00, 0x01];
const REL_WHEELS: [u32; 2] = [0x06, 0x08];
const ABS_X_Y: [u32; 2] = [0x00, 0x01];
const ABS_MT_SLOT: u32 = 0x2f;
const ABS_MT_X_Y: [u32; 2] = [0x35, 0x36];
const PROP_DIRECT: u32 = 0x01;
const PROP_POINTING_STICK: u32 = 0x05;
const PROP_ACCELEROMETER: u32 = 0x06;
const BTN_LEFT: u32 = 0x110;
const JOYSTICK_BUTTONS: std::ops::Range<u32> = 0x120..0x140;
const BTN_TOOL_PEN: u32 = 0x140;
const BTN_TOOL_FINGER: u32 = 0x145;
const BTN_TOUCH: u32 = 0x14a;
const BTN_STYLUS: u32 = 0x14b;
/// Escape to D: a device with all of these keys is a keyboard.
const LETTERS: std::ops::Range<u32> = 1..32;
/// Codes of keys, without buttons.
const KEYS: [std::ops::Range<u32>; 3] = [1..0x100, 0x160..0x220, 0x230..0x2c0];

/// What the kernel says that a device can do.
struct Capabilities {
    events: Bits,
    keys: Bits,
    relative: Bits,
    absolute: Bits,
    properties: Bits,
}

impl Capabilities {
    fn read(device: &Path) -> Self {
        let bits = |name: &str| Bits::read(&device.join(name));
        Self {
            events: bits("capabilities/ev"),
            keys: bits("capabilities/key"),
            relative: bits("capabilities/rel"),
            absolute: bits("capabilities/abs"),
            properties: bits("properties"),
        }
    }

    /// The suffixes of `ID_INPUT_`.
    fn kinds(&self) -> Vec<&'static str> {
        if self.properties.has(PROP_ACCELEROMETER) {
            return vec!["ACCELEROMETER"];
        }
        let mut kinds = Vec::new();
        let pointing = self.pointing();
        kinds.extend(pointing);
        if self.properties.has(PROP_POINTING_STICK) {
            kinds.push("POINTINGSTICK");
        }
        let keys = self.events.has(EV_KEY) && KEYS.into_iter().any(|keys| self.keys.any(keys));
        let wheel = self.events.has(EV_REL) && REL_WHEELS.into_iter().any(|wheel| self.relative.has(wheel));
        if keys || pointing.is_none() && wheel {
            kinds.push("KEY");
        }
        if self.events.has(EV_KEY) && LETTERS.clone().all(|key| self.keys.has(key)) {
            kinds.push("KEYBOARD");
        }
        if self.events.has(EV_SW) {
            kinds.push("SWITCH");
        }
        kinds
    }

    fn pointing(&self) -> Option<&'static str> {
        let direct = self.properties.has(PROP_DIRECT);
        let places = self.absolute.all(ABS_X_Y);
        // A device that claims all axes is a joystick, not a touch panel: it has no slots.
        let fingers = self.absolute.all(ABS_MT_X_Y) && !self.absolute.all([ABS_MT_SLOT, ABS_MT_SLOT - 1]);
        let pen = self.keys.has(BTN_STYLUS) || self.keys.has(BTN_TOOL_PEN);
        let pad = self.keys.has(BTN_TOOL_FINGER) && !self.keys.has(BTN_TOOL_PEN) && !direct;
        let touch = self.keys.has(BTN_TOUCH) || direct;
        let mouse = self.keys.has(BTN_LEFT);
        let moves = self.events.has(EV_REL) && self.relative.all(REL_X_Y);
        match () {
            () if (places || fingers) && pen => Some("TABLET"),
            () if (places || fingers) && pad => Some("TOUCHPAD"),
            () if places && mouse && !fingers => Some("MOUSE"),
            () if (places || fingers) && touch => Some("TOUCHSCREEN"),
            () if places && self.keys.any(JOYSTICK_BUTTONS) => Some("JOYSTICK"),
            () if mouse && (moves || !places) => Some("MOUSE"),
            () => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};

    use super::*;

    /// Name, number, and the kernel's words for ev, key, rel, abs and properties of real devices; what udev says.
    const REAL: [(&str, [&str; 5], &[&str]); 7] = [
        (
            "keyboard",
            ["120013", "402000000 3803078f800d001 feffffdfffefffff fffffffffffffffe", "", "", "0"],
            &["KEY", "KEYBOARD"],
        ),
        ("mouse", ["17", "1f0000 0 0 0 0", "903", "", "0"], &["MOUSE"]),
        // QEMU's tablet points at places, and is a mouse to udev.
        ("absolute mouse", ["f", "1f0000 0 0 0 0", "900", "3", "0"], &["MOUSE"]),
        ("touch panel", ["b", "400 0 0 0 0 0", "", "260800000000003", "2"], &["TOUCHSCREEN"]),
        ("touchpad", ["b", "e520 10000 0 0 0 0", "", "660800011000003", "5"], &["TOUCHPAD"]),
        ("power button", ["3", "10000000000000 0", "", "", "0"], &["KEY"]),
        ("lid", ["21", "", "", "", "0"], &["SWITCH"]),
    ];

    fn put(root: &Path, file: &str, content: &str) {
        let file = root.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }

    fn device(root: &Path, number: usize, [events, keys, relative, absolute, properties]: [&str; 5]) {
        let at = format!("sys/class/input/event{number}");
        put(root, &format!("{at}/dev"), &format!("13:{}\n", 64 + number));
        for (name, words) in [
            ("capabilities/ev", events),
            ("capabilities/key", keys),
            ("capabilities/rel", relative),
            ("capabilities/abs", absolute),
            ("properties", properties),
        ] {
            put(root, &format!("{at}/device/{name}"), &format!("{words}\n"));
        }
    }

    #[test]
    fn devices_are_described_as_udev_does() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        for (number, (_, words, _)) in REAL.into_iter().enumerate() {
            device(root, number, words);
        }
        put(root, "sys/class/input/mice/dev", "13:63\n");
        let names: Vec<String> = (0..REAL.len()).map(|number| format!("event{number}")).collect();
        assert_eq!(unheard(root), names);
        assert_eq!(describe(root).unwrap(), names);
        for (number, (name, _, kinds)) in REAL.into_iter().enumerate() {
            let told = fs::read_to_string(root.join(format!("run/udev/data/c13:{}", 64 + number))).unwrap();
            let kinds: String = kinds.iter().map(|kind| format!("E:ID_INPUT_{kind}=1\n")).collect();
            assert_eq!(told, format!("I:1\nE:ID_INPUT=1\n{kinds}"), "{name}");
        }
        assert_eq!(unheard(root), [""; 0]);
        assert!(!root.join("run/udev/data/c13:63").exists());
        // And nothing is written twice.
        assert_eq!(describe(root).unwrap(), [""; 0]);
    }

    #[test]
    fn where_udev_runs_it_is_left_to_it() {
        let directory = tempfile::tempdir().unwrap();
        device(directory.path(), 0, REAL[0].1);
        let udev = listens(directory.path());
        assert_eq!(unheard(directory.path()), [""; 0]);
        assert_eq!(describe(directory.path()).unwrap(), [""; 0]);
        assert!(!directory.path().join(DATA).exists());
        drop(udev);
    }

    #[test]
    fn what_the_udev_of_an_initrd_left_counts_for_nothing() {
        let directory = tempfile::tempdir().unwrap();
        device(directory.path(), 0, REAL[0].1);
        drop(listens(directory.path()));
        assert!(directory.path().join(UDEV).exists());
        put(directory.path(), &format!("{DATA}/c13:64"), "I:1\n");
        assert_eq!(describe(directory.path()).unwrap(), ["event0"]);
        assert_eq!(unheard(directory.path()), [""; 0]);
    }

    /// As udev does.
    fn listens(root: &Path) -> OwnedFd {
        fs::create_dir_all(root.join(UDEV).parent().unwrap()).unwrap();
        let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::SEQPACKET, None).unwrap();
        rustix::net::bind(&socket, &SocketAddrUnix::new(root.join(UDEV)).unwrap()).unwrap();
        rustix::net::listen(&socket, 1).unwrap();
        socket
    }

    #[test]
    fn invalid_files_of_a_device_are_skipped() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        device(root, 0, ["zz", "fffffffffffffffffffffffff", "-1", "", ""]);
        put(root, "sys/class/input/event1/dev", "../../../etc/passwd\n");
        put(root, "sys/class/input/eventx/dev", "13:1\n");
        assert_eq!(describe(root).unwrap(), ["event0"]);
        assert_eq!(fs::read_to_string(root.join("run/udev/data/c13:64")).unwrap(), "I:1\nE:ID_INPUT=1\n");
        assert_eq!(unheard(&root.join("none")), [""; 0]);
    }

    #[test]
    fn missing_input_devices_are_reported_in_one_sentence() {
        assert_eq!(problem(&[]), None);
        let one = problem(&["event3".into()]).unwrap();
        assert!(one.starts_with("the input device event3 is not heard: udev does not run"), "{one}");
        let three = problem(&["event0".into(), "event1".into(), "event2".into()]).unwrap();
        assert!(three.starts_with("3 input devices (event0 and 2 more) are not heard"), "{three}");
    }
}
