//! The backlight of an internal panel, as the kernel has it in `/sys/class/backlight`
//! (Documentation/ABI/stable/sysfs-class-backlight). The root of that tree is given, so that tests bring their own.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Connectors for external monitors, which have backlights of their own. All others may be of a built-in panel, also
/// those of unknown type (`Unknown-1` of a firmware framebuffer).
const CABLES: [&str; 11] =
    ["HDMI-", "DP-", "DVI-", "VGA-", "TV-", "Composite-", "SVIDEO-", "Component-", "DIN-", "USB-", "Writeback-"];

/// Types of backlight in order of preference: firmware, platform, raw (graphics chip).
const KINDS: [&str; 3] = ["firmware", "platform", "raw"];

/// One backlight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlight {
    directory: PathBuf,
    /// The value of full brightness, at least 1.
    max: u32,
}

impl Backlight {
    /// The backlight of the panel on this connector: the connector's child device, else, for the first built-in panel
    /// only, the best one that belongs to no connector. Which of several panels such a one lights is unknown, and a
    /// wrong one is worse than none.
    pub fn find(sysfs: &Path, connector: &str) -> Option<Self> {
        let own = super::connector_directory(sysfs, connector);
        let alone = !has_cable(connector) && first_built_in(sysfs).is_none_or(|first| first == connector);
        let mut found: Vec<(usize, Self)> = fs::read_dir(sysfs.join("class/backlight"))
            .ok()?
            .flatten()
            .filter_map(|entry| {
                let rank = rank(&entry.path(), own.as_deref()).filter(|rank| *rank == OWN || alone)?;
                Some((rank, Self::open(entry.path())?))
            })
            .collect();
        found.sort_by(|(a, one), (b, other)| a.cmp(b).then_with(|| one.directory.cmp(&other.directory)));
        found.into_iter().next().map(|(_, backlight)| backlight)
    }

    fn open(directory: PathBuf) -> Option<Self> {
        let max = number(&directory.join("max_brightness")).filter(|max| *max > 0)?;
        Some(Self { directory, max })
    }

    /// Its name, as logind knows it.
    pub fn name(&self) -> String {
        self.directory.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// 0 to 100.
    pub fn percent(&self) -> Option<i32> {
        let value = number(&self.directory.join("brightness"))?.min(self.max);
        Some(((u64::from(value) * 100 + u64::from(self.max) / 2) / u64::from(self.max)) as i32)
    }

    /// The kernel's number for 0 to 100 %.
    pub fn value(&self, percent: i32) -> u32 {
        let percent = u64::from(percent.clamp(0, 100).unsigned_abs());
        ((percent * u64::from(self.max) + 50) / 100) as u32
    }

    /// Writes the kernel's file, which is root's unless a rule says otherwise.
    pub fn write(&self, percent: i32) -> io::Result<()> {
        fs::write(self.directory.join("brightness"), self.value(percent).to_string())
    }
}

/// Of a backlight that is a child of the connector.
const OWN: usize = 0;

fn has_cable(connector: &str) -> bool {
    CABLES.iter().any(|kind| connector.starts_with(kind))
}

/// The first connector of a built-in panel that is there.
fn first_built_in(sysfs: &Path) -> Option<String> {
    let entries = fs::read_dir(sysfs.join("class/drm")).ok()?.flatten();
    let connected = entries.filter(|entry| {
        fs::read_to_string(entry.path().join("status")).is_ok_and(|status| status.trim() == "connected")
    });
    let names = connected.filter_map(|entry| Some(entry.file_name().to_str()?.split_once('-')?.1.to_owned()));
    names.filter(|name| !has_cable(name)).min()
}

/// The backlight's rank for the connector, smaller is better; `None`: it belongs to another connector.
fn rank(backlight: &Path, own: Option<&Path>) -> Option<usize> {
    let device = fs::canonicalize(backlight.join("device")).ok();
    let connector = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with("card") && name.contains('-')
    };
    match device {
        Some(device) if own == Some(device.as_path()) => Some(OWN),
        Some(device) if connector(&device) => None,
        _ => {
            let kind = fs::read_to_string(backlight.join("type")).unwrap_or_default();
            Some(OWN + 1 + KINDS.iter().position(|known| *known == kind.trim()).unwrap_or(KINDS.len()))
        }
    }
}

fn number(file: &Path) -> Option<u32> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn backlight(root: &Path, name: &str, kind: &str, max: &str, now: &str) -> PathBuf {
        let directory = root.join("class/backlight").join(name);
        fs::create_dir_all(&directory).unwrap();
        for (file, text) in [("type", kind), ("max_brightness", max), ("brightness", now)] {
            fs::write(directory.join(file), format!("{text}\n")).unwrap();
        }
        directory
    }

    fn connector(root: &Path, name: &str) -> PathBuf {
        let device = root.join("devices/gpu/drm/card0").join(format!("card0-{name}"));
        fs::create_dir_all(&device).unwrap();
        fs::create_dir_all(root.join("class/drm")).unwrap();
        symlink(&device, root.join("class/drm").join(format!("card0-{name}"))).unwrap();
        device
    }

    #[test]
    fn the_panels_own_backlight_is_found_and_set() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let panel = connector(root, "eDP-1");
        let second = connector(root, "eDP-2");
        let own = backlight(root, "intel_backlight", "raw", "937", "469");
        symlink(panel, own.join("device")).unwrap();
        let other = backlight(root, "another", "raw", "10", "10");
        symlink(second, other.join("device")).unwrap();
        backlight(root, "acpi_video0", "firmware", "15", "15");

        let found = Backlight::find(root, "eDP-1").unwrap();
        assert_eq!(found.name(), "intel_backlight");
        assert_eq!(found.percent(), Some(50));
        found.write(100).unwrap();
        assert_eq!(fs::read_to_string(own.join("brightness")).unwrap(), "937");
        assert_eq!(found.percent(), Some(100));
        assert_eq!(Backlight::find(root, "eDP-2").unwrap().name(), "another");
        assert_eq!(Backlight::find(root, "HDMI-A-1"), None, "a monitor has none");
    }

    #[test]
    fn without_a_child_of_the_connector_the_firmwares_is_best() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        assert_eq!(Backlight::find(root, "DSI-1"), None);
        backlight(root, "a_raw", "raw", "255", "0");
        backlight(root, "z_firmware", "firmware", "100", "0");
        backlight(root, "broken", "firmware", "0", "0");
        assert_eq!(Backlight::find(root, "DSI-1").unwrap().name(), "z_firmware");
    }

    #[test]
    fn a_backlight_of_no_connector_is_the_first_built_in_panels_and_never_a_monitors() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        backlight(root, "acpi_video0", "firmware", "20", "20");
        for name in ["DP-1", "HDMI-A-1", "Virtual-1", "Virtual-2"] {
            fs::write(connector(root, name).join("status"), "connected\n").unwrap();
        }
        for name in ["DP-1", "HDMI-A-1", "DVI-D-1", "VGA-1", "DP-9", "Virtual-2"] {
            assert_eq!(Backlight::find(root, name), None, "{name}");
        }
        assert_eq!(Backlight::find(root, "Virtual-1").unwrap().name(), "acpi_video0");
        // A panel that is pulled out of its socket leaves it to the other one.
        fs::write(root.join("devices/gpu/drm/card0/card0-Virtual-1/status"), "disconnected\n").unwrap();
        assert_eq!(Backlight::find(root, "Virtual-2").unwrap().name(), "acpi_video0");
        for name in ["DPI-1", "SPI-1", "Unknown-1"] {
            fs::write(root.join("devices/gpu/drm/card0/card0-Virtual-2/status"), "disconnected\n").unwrap();
            fs::write(connector(root, name).join("status"), "connected\n").unwrap();
            assert_eq!(Backlight::find(root, name).unwrap().name(), "acpi_video0", "{name}");
            fs::remove_file(root.join("class/drm").join(format!("card0-{name}"))).unwrap();
        }
    }

    #[test]
    fn a_backlight_with_invalid_files_is_ignored_or_has_no_level() {
        let root = tempfile::tempdir().unwrap();
        for max in ["0", "-1", "", "4294967296", "99999999999999999999", "0x10", "1.5", "many", "1\n2"] {
            backlight(root.path(), "panel", "raw", max, "1");
            assert_eq!(Backlight::find(root.path(), "eDP-1"), None, "{max:?}");
        }
        let directory = backlight(root.path(), "panel", "a type of its own", "100", "50");
        for now in ["-1", "", "4294967296", "many"] {
            fs::write(directory.join("brightness"), now).unwrap();
            let panel = Backlight::find(root.path(), "eDP-1").unwrap();
            assert_eq!(panel.percent(), None, "{now:?}");
            panel.write(30).unwrap();
            assert_eq!(panel.percent(), Some(30), "it can be set all the same");
        }
        // No text, no file, and a directory in its place.
        fs::write(directory.join("brightness"), [0xff, 0xfe]).unwrap();
        assert_eq!(Backlight::find(root.path(), "eDP-1").unwrap().percent(), None);
        fs::remove_file(directory.join("brightness")).unwrap();
        fs::create_dir(directory.join("brightness")).unwrap();
        let panel = Backlight::find(root.path(), "eDP-1").unwrap();
        assert_eq!(panel.percent(), None);
        assert!(panel.write(30).is_err());
        fs::write(directory.join("max_brightness"), [0xff, 0xfe]).unwrap();
        assert_eq!(Backlight::find(root.path(), "eDP-1"), None);
    }

    #[test]
    fn every_percentage_comes_back_where_there_are_enough_steps() {
        let root = tempfile::tempdir().unwrap();
        for max in ["100", "255", "937", "4294967295"] {
            backlight(root.path(), "panel", "raw", max, "0");
            let panel = Backlight::find(root.path(), "LVDS-1").unwrap();
            for percent in 0..=100 {
                panel.write(percent).unwrap();
                assert_eq!(panel.percent(), Some(percent), "of {max}");
            }
        }
        backlight(root.path(), "panel", "raw", "7", "9");
        let coarse = Backlight::find(root.path(), "LVDS-1").unwrap();
        assert_eq!(coarse.percent(), Some(100), "more than all is all");
        assert_eq!((coarse.value(-3), coarse.value(500)), (0, 7));
    }
}
