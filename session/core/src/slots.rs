//! The versions of an image with two slots, as systemd-boot counts them, for `kioskctl status --slots` and the metrics of
//! kiosk-agent. Read from the names of the kernels on the ESP, which root may read, else from the boot loader's list in an EFI
//! variable, which dates from the boot. Never writes, and uses no service.

use std::cmp::Ordering;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::{Value, json};

use crate::files::read_regular;
use crate::version_order;

/// Where the ESP is mounted, from `/`, with the folder of the kernels.
const KERNELS: [&str; 3] = ["efi/EFI/Linux", "boot/efi/EFI/Linux", "boot/EFI/Linux"];
/// The boot loader's list, by systemd's boot loader interface: UTF-16, each name ended by a zero.
const ENTRIES: &str = "sys/firmware/efi/efivars/LoaderEntries-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
/// What the boot loader has started, by the same interface, for who may not see the kernel's command line.
const SELECTED: &str = "sys/firmware/efi/efivars/LoaderEntrySelected-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
/// Attributes before the content of a variable, bytes.
const ATTRIBUTES: usize = 4;
/// Most kernels in the folder: two slots, an update in progress and some others; a folder with more is not ours.
const MAX_KERNELS: usize = 64;
/// Largest variable and command line that are read, bytes; the kernel's own limits are smaller.
const MAX_FILE: u64 = 64 << 10;

/// All versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slots {
    /// Whether it is current, not from the boot.
    now: bool,
    slots: Vec<Slot>,
}

/// One version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Such as `kiosk_2`: of the kernel, and of the partition with its root.
    pub name: String,
    /// Boots left and done, while it is on trial or after it failed.
    tries: Option<(u32, u32)>,
    /// Whether it is this one that has booted.
    pub running: bool,
}

/// The versions of the system below `root`, newest last; `None`: it has no kernels of ours on an ESP.
pub fn read(root: &Path) -> Option<Slots> {
    let (now, names) = match KERNELS.iter().find_map(|folder| folder_names(&root.join(folder))) {
        Some(names) => (true, names),
        None => (false, entries(&read_regular(&root.join(ENTRIES), MAX_FILE).ok()?)),
    };
    let command_line = command_line(root);
    let running = command_line.split_whitespace().find_map(|word| word.strip_prefix("root=PARTLABEL="));
    let running = match running {
        Some(name) => Some(name.to_owned()),
        None if command_line.is_empty() => selected(root),
        None => None,
    };
    let mut slots: Vec<Slot> = names.iter().filter_map(|name| Slot::of_kernel(name, running.as_deref())).collect();
    // Two names of one version, such as kiosk_7 and kiosk_07, in any order, and always the same.
    slots.sort_by(|a, b| a.compare(b).then_with(|| a.name.cmp(&b.name)));
    (!slots.is_empty()).then_some(Slots { now, slots })
}

/// The version that the boot loader has started.
fn selected(root: &Path) -> Option<String> {
    let names = entries(&read_regular(&root.join(SELECTED), MAX_FILE).ok()?);
    Slot::of_kernel(names.first()?, None).map(|slot| slot.name)
}

/// The kernel's. Files in `/proc` have no length, which [`read_regular`] goes by.
fn command_line(root: &Path) -> String {
    let mut text = Vec::new();
    if let Ok(file) = File::open(root.join("proc/cmdline")) {
        // If it cannot be read, no version is known to run.
        let _ = file.take(MAX_FILE).read_to_end(&mut text);
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn folder_names(folder: &Path) -> Option<Vec<String>> {
    let entries = std::fs::read_dir(folder).ok()?.take(MAX_KERNELS);
    Some(entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect())
}

/// The names in the boot loader's list.
fn entries(variable: &[u8]) -> Vec<String> {
    let content = variable.get(ATTRIBUTES..).unwrap_or_default();
    let units: Vec<u16> =
        content.chunks_exact(2).filter_map(|pair| Some(u16::from_le_bytes([*pair.first()?, *pair.get(1)?]))).collect();
    let names = units.split(|unit| *unit == 0).filter(|name| !name.is_empty());
    names.take(MAX_KERNELS).map(String::from_utf16_lossy).collect()
}

impl Slot {
    /// `NAME.efi`, `NAME+LEFT.efi` or `NAME+LEFT-DONE.efi`; `None`: another kind of entry.
    fn of_kernel(file: &str, running: Option<&str>) -> Option<Self> {
        let stem = file.strip_suffix(".efi")?;
        let (name, tries) = match stem.rsplit_once('+') {
            None => (stem, None),
            Some((name, counter)) => {
                let (left, done) = counter.split_once('-').unwrap_or((counter, "0"));
                match (left.parse().ok(), done.parse().ok()) {
                    (Some(left), Some(done)) => (name, Some((left, done))),
                    _ => (stem, None),
                }
            }
        };
        Some(Self { name: name.to_owned(), tries, running: running == Some(name) })
    }

    /// Whether it is older than (`Less`) or newer than the other, as the boot loader counts.
    pub fn compare(&self, other: &Self) -> Ordering {
        version_order::compare(&self.name, &other.name)
    }

    /// All words of [`Slot::state`].
    pub const STATES: [&str; 3] = ["good", "trial", "bad"];

    /// `good`, `trial` (it has boots left to show a page) or `bad` (it has none left).
    pub fn state(&self) -> &'static str {
        match self.tries {
            None => "good",
            Some((0, _)) => "bad",
            Some(_) => "trial",
        }
    }

    fn text(&self) -> String {
        let running = if self.running { ", running" } else { "" };
        let boots = |count: u32| format!("{count} boot{}", if count == 1 { "" } else { "s" });
        let state = match self.tries {
            None => "good".to_owned(),
            Some((0, done)) => format!("bad: no page in {}", boots(done)),
            Some((left, done)) => format!("on trial: {} left, {done} done", boots(left)),
        };
        format!("{}{running}, {state}", self.name)
    }
}

impl Slots {
    /// Each, the newest last.
    pub fn all(&self) -> &[Slot] {
        &self.slots
    }

    /// A line for each.
    pub fn lines(&self) -> Vec<String> {
        let age = if self.now { "" } else { " (as it was at the boot: only root may look at the ESP)" };
        self.slots.iter().map(|slot| slot.text() + age).collect()
    }

    /// As `docs/schemas/status.json` has it.
    pub fn json(&self) -> Value {
        let slots = self.slots.iter().map(|slot| {
            json!({
                "name": slot.name,
                "state": slot.state(),
                "running": slot.running,
                "tries-left": slot.tries.map(|(left, _)| left),
                "tries-done": slot.tries.map(|(_, done)| done),
            })
        });
        json!({ "as-of": if self.now { "now" } else { "boot" }, "versions": slots.collect::<Vec<_>>() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn write(root: &Path, file: &str, content: &[u8]) {
        let file = root.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }

    fn variable(names: &[&str]) -> Vec<u8> {
        let text: String = names.iter().map(|name| format!("{name}\0")).collect();
        [6, 0, 0, 0].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
    }

    #[test]
    fn kernels_on_the_esp_tell_what_is_so_now() {
        let root = tempfile::tempdir().unwrap();
        for name in ["kiosk_2+0-3.efi", "kiosk_1.efi", "kiosk_3+1-2.efi", "note.txt"] {
            write(root.path(), &format!("efi/EFI/Linux/{name}"), b"");
        }
        write(root.path(), "proc/cmdline", b"root=PARTLABEL=kiosk_1 ro quiet\n");
        write(root.path(), ENTRIES, &variable(&["kiosk_9.efi"]));
        let slots = read(root.path()).unwrap();
        assert_eq!(
            slots.lines(),
            ["kiosk_1, running, good", "kiosk_2, bad: no page in 3 boots", "kiosk_3, on trial: 1 boot left, 2 done"]
        );
        assert_eq!(slots.json()["as-of"], "now");
        assert_eq!(slots.json()["versions"][1]["state"], "bad");
    }

    #[test]
    fn the_newest_version_is_the_last_also_from_the_tenth_on() {
        let root = tempfile::tempdir().unwrap();
        for name in ["kiosk_10+3.efi", "kiosk_9.efi", "kiosk_2026.9.efi", "kiosk_2026.10~rc1.efi"] {
            write(root.path(), &format!("efi/EFI/Linux/{name}"), b"");
        }
        let slots = read(root.path()).unwrap();
        let names: Vec<&str> = slots.all().iter().map(|slot| slot.name.as_str()).collect();
        assert_eq!(names, ["kiosk_9", "kiosk_10", "kiosk_2026.9", "kiosk_2026.10~rc1"]);
    }

    #[test]
    fn the_boot_loaders_list_tells_what_was_so_at_the_boot() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(read(root.path()), None);
        write(root.path(), ENTRIES, &variable(&["kiosk_1.efi", "kiosk_2+2-1.efi", "auto-reboot-to-firmware-setup"]));
        let slots = read(root.path()).unwrap();
        assert_eq!(slots.json()["as-of"], "boot");
        assert_eq!(slots.slots.len(), 2);
        assert!(slots.lines()[1].starts_with("kiosk_2, on trial: 2 boots left, 1 done (as it was at the boot"));
    }

    #[test]
    fn who_may_not_see_the_command_line_goes_by_what_the_boot_loader_has_started() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), ENTRIES, &variable(&["kiosk_1.efi", "kiosk_2+2-1.efi"]));
        write(root.path(), SELECTED, &variable(&["kiosk_2+2-1.efi"]));
        let running = |root: &Path| read(root).unwrap().all().iter().find(|slot| slot.running).map(|slot| slot.state());
        assert_eq!(running(root.path()), Some("trial"));
        write(root.path(), "proc/cmdline", b"root=/dev/sda1 ro\n");
        assert_eq!(running(root.path()), None, "another root than a slot's");
    }

    #[test]
    fn invalid_names_and_lists_are_ignored() {
        let root = tempfile::tempdir().unwrap();
        for content in [&b""[..], &[6, 0], &[6, 0, 0, 0, 0], &[6, 0, 0, 0, 0, 0xd8, 0, 0, 7]] {
            write(root.path(), ENTRIES, content);
            assert_eq!(read(root.path()), None, "{content:?}");
        }
        let name = |file| Slot::of_kernel(file, None).map(|slot| (slot.name, slot.tries));
        assert_eq!(name("kiosk_1+x.efi"), Some(("kiosk_1+x".into(), None)));
        assert_eq!(name("kiosk_1+99999999999.efi"), Some(("kiosk_1+99999999999".into(), None)));
        assert_eq!(name(".efi"), Some((String::new(), None)));
        assert_eq!(name("kiosk_1"), None);
    }
}
