//! What the kernel tells of the device itself: memory, processor, temperature, disk, what it is. Read when somebody asks, from
//! files that anybody may read; what is not there is `None`.

use std::fs;
use std::io::Read;
use std::path::Path;

/// Of a file of the kernel's, bytes.
const MAX_FILE: u64 = 64 << 10;
/// Of zones and sensors that are looked at.
const MAX_SENSORS: usize = 64;
/// Where the kiosk keeps what it keeps; else the root.
const STATE: &str = "/var/lib/kiosk";

/// At one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Device {
    /// Bytes.
    pub memory_total: Option<u64>,
    /// Bytes, that programs could have.
    pub memory_available: Option<u64>,
    /// Of the file system that the kiosk writes to, bytes.
    pub disk_total: Option<u64>,
    /// Of it, that are free for everybody, bytes.
    pub disk_free: Option<u64>,
    /// The warmest that is measured, degrees Celsius.
    pub temperature: Option<f64>,
    /// Time that the processors did something, and all time, in any unit, since the start.
    pub processor: Option<(u64, u64)>,
    /// Since the start, seconds.
    pub uptime: u64,
    /// Seconds since 1970.
    pub clock: u64,
}

/// What stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Make {
    /// As the network knows it.
    pub host: String,
    /// Empty: not told, as with the rest.
    pub manufacturer: String,
    /// Of the device.
    pub model: String,
    /// The distribution with its version.
    pub system: String,
    /// The kernel's release.
    pub kernel: String,
}

impl Device {
    /// Now.
    pub fn read() -> Self {
        let memory = read(Path::new("/proc/meminfo"));
        let line = |name: &str| {
            let rest = memory.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            Some(rest.split_whitespace().next()?.parse::<u64>().ok()? << 10)
        };
        let place = [STATE, "/"].into_iter().find(|place| Path::new(place).exists()).unwrap_or("/");
        let disk = rustix::fs::statvfs(place).ok();
        let now = |clock| u64::try_from(rustix::time::clock_gettime(clock).tv_sec).unwrap_or(0);
        Device {
            memory_total: line("MemTotal"),
            memory_available: line("MemAvailable"),
            disk_total: disk.as_ref().map(|disk| disk.f_blocks.saturating_mul(disk.f_frsize)),
            disk_free: disk.as_ref().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize)),
            temperature: temperature(),
            processor: processor(&read(Path::new("/proc/stat"))),
            uptime: now(rustix::time::ClockId::Boottime),
            clock: now(rustix::time::ClockId::Realtime),
        }
    }
}

impl Make {
    /// Of this device.
    pub fn read() -> Self {
        let names = rustix::system::uname();
        let word = |paths: &[&str]| {
            let found = paths.iter().map(|path| read(Path::new(path)).trim_matches(['\0', '\n', ' ']).to_owned());
            // What makers write who write nothing.
            let empty = ["", "Default string", "To be filled by O.E.M.", "System Product Name", "System manufacturer"];
            found.into_iter().find(|word| !empty.contains(&word.as_str())).unwrap_or_default()
        };
        let release = read(Path::new("/etc/os-release"));
        let system = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).unwrap_or_default();
        Make {
            host: names.nodename().to_string_lossy().into_owned(),
            manufacturer: word(&["/sys/class/dmi/id/sys_vendor"]),
            model: word(&["/sys/class/dmi/id/product_name", "/proc/device-tree/model"]),
            system: system.trim_matches('"').to_owned(),
            kernel: names.release().to_string_lossy().into_owned(),
        }
    }
}

/// Empty: it can't be read, or is no text.
fn read(path: &Path) -> String {
    // The kernel's files have no length that could be asked for.
    let mut text = String::new();
    let file = fs::File::open(path).and_then(|file| file.take(MAX_FILE).read_to_string(&mut text));
    if file.is_ok() { text } else { String::new() }
}

/// Busy and all time of `/proc/stat`'s first line (proc_stat(5)).
fn processor(stat: &str) -> Option<(u64, u64)> {
    let times = stat.lines().next()?.strip_prefix("cpu ")?;
    // The guests' are in the users' already.
    let times: Vec<u64> = times.split_whitespace().take(8).filter_map(|time| time.parse().ok()).collect();
    let idle = times.get(3)?.saturating_add(*times.get(4)?);
    let all = times.iter().fold(0u64, |sum, time| sum.saturating_add(*time));
    Some((all.saturating_sub(idle), all))
}

/// Thermal zones, else sensors of hwmon.
fn temperature() -> Option<f64> {
    let warmest = |folder: &str, file: fn(&Path) -> Vec<std::path::PathBuf>| {
        let entries = fs::read_dir(folder).ok()?.take(MAX_SENSORS).filter_map(Result::ok);
        let values = entries.flat_map(|entry| file(&entry.path())).filter_map(|path| degrees(&read(&path)));
        values.reduce(f64::max)
    };
    warmest("/sys/class/thermal", |zone| vec![zone.join("temp")])
        .or_else(|| warmest("/sys/class/hwmon", |chip| vec![chip.join("temp1_input")]))
}

/// Of thousandths; what no device survives is a sensor that is broken.
fn degrees(text: &str) -> Option<f64> {
    let degrees = text.trim().parse::<f64>().ok()? / 1000.0;
    (-60.0..200.0).contains(&degrees).then_some(degrees)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_memory_a_disk_and_a_name() {
        let device = Device::read();
        assert!(device.memory_total > device.memory_available && device.memory_available > Some(0), "{device:?}");
        assert!(device.disk_total > device.disk_free && device.uptime > 0, "{device:?}");
        let (busy, all) = device.processor.unwrap();
        assert!(busy <= all && all > 0);
        assert!(!Make::read().kernel.is_empty());
    }

    #[test]
    fn files_that_are_not_as_they_should_be_tell_nothing() {
        assert_eq!(processor("cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1"), Some((27, 36)));
        for stat in ["", "cpu", "cpu 1 2 3", "cpux 1 2 3 4 5", "cpu a b c d e"] {
            assert_eq!(processor(stat), None, "{stat}");
        }
        assert_eq!(degrees("48500\n"), Some(48.5));
        for text in ["", "-274000", "999999", "hot", "nan"] {
            assert_eq!(degrees(text), None, "{text}");
        }
    }
}
