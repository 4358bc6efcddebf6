//! The device's own values as topics, in steps: a value that trembles is told once. No I/O: what is measured comes in.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::net::IpAddr;

use kiosk_core::slots::Slots;

use super::told::Board;
use super::topics::set;
use crate::device::{Device, Make};

/// From where on a value is another one: per cent of memory and disk, of the processors, degrees.
const SHARE_STEP: f64 = 2.0;
const PROCESSOR_STEP: f64 = 10.0;
const DEGREES_STEP: f64 = 2.0;
/// A start is told anew when the clock was set, seconds.
const START_STEP: f64 = 60.0;

/// What was told last.
#[derive(Debug, Default)]
pub struct Facts {
    last: BTreeMap<&'static str, f64>,
    processor: Option<(u64, u64)>,
}

impl Facts {
    /// The topics as of now; `slots`: the versions of the image, where it has any.
    pub fn board(&mut self, device: &Device, make: &Make, address: Option<IpAddr>, slots: Option<&Slots>) -> Board {
        let mut board = Board::new();
        for (topic, text) in [
            ("device/host", &make.host),
            ("device/model", &make.model),
            ("device/system", &make.system),
            ("device/kernel", &make.kernel),
        ] {
            set(&mut board, topic, text);
        }
        if let Some(address) = address {
            set(&mut board, "device/address", &address.to_string());
        }
        if let Some((installed, latest)) = slots.and_then(versions) {
            set(&mut board, "update/installed", installed);
            set(&mut board, "update/latest", latest);
        }
        let share = |free: Option<u64>, all: Option<u64>| {
            let (free, all) = (free?, all.filter(|all| *all > 0)?);
            Some(100.0 - free as f64 / all as f64 * 100.0)
        };
        let busy = self.busy(device.processor);
        let started = device.clock.saturating_sub(device.uptime) as f64;
        for (topic, value, step) in [
            ("device/memory", share(device.memory_available, device.memory_total), SHARE_STEP),
            ("device/disk", share(device.disk_free, device.disk_total), SHARE_STEP),
            ("device/processor", busy, PROCESSOR_STEP),
            ("device/temperature", device.temperature, DEGREES_STEP),
            ("device/started", Some(started), START_STEP),
        ] {
            let Some(value) = value else { continue };
            let last = self.last.entry(topic).or_insert(value);
            if (value - *last).abs() >= step {
                *last = value;
            }
            set(&mut board, topic, &format!("{:.0}", *last));
        }
        board
    }

    /// Since the last look, per cent; none at the first.
    fn busy(&mut self, now: Option<(u64, u64)>) -> Option<f64> {
        let before = std::mem::replace(&mut self.processor, now);
        let ((busy, all), (busy_before, all_before)) = (now?, before?);
        let passed = all.checked_sub(all_before).filter(|passed| *passed > 0)?;
        Some(busy.saturating_sub(busy_before) as f64 / passed as f64 * 100.0)
    }
}

/// The version that runs, and the newest that the device has and that is not known to be bad: one that an update has put
/// beside it counts from the next start. `None`: which one runs is not known.
fn versions(slots: &Slots) -> Option<(&str, &str)> {
    let all = slots.all();
    let running = all.iter().find(|slot| slot.running)?;
    let newest = all.iter().rfind(|slot| slot.state() != "bad").unwrap_or(running);
    // A running version that is on its last trial is bad by its name until its page is seen.
    let newest = if newest.compare(running) == Ordering::Less { running } else { newest };
    Some((version(&running.name), version(&newest.name)))
}

/// `2` of `kiosk_2`.
fn version(name: &str) -> &str {
    name.rsplit_once('_').map_or(name, |(_, version)| version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_of_an_image_are_told_and_a_bad_one_is_no_update() {
        let root = tempfile::tempdir().unwrap();
        let told = |kernels: &[&str], running: &str| {
            let folder = root.path().join("efi/EFI/Linux");
            let _ = std::fs::remove_dir_all(&folder);
            for (file, text) in kernels
                .iter()
                .map(|kernel| (folder.join(kernel), ""))
                .chain([(root.path().join("proc/cmdline"), format!("root=PARTLABEL={running} ro").as_str())])
            {
                std::fs::create_dir_all(file.parent().unwrap()).unwrap();
                std::fs::write(file, text).unwrap();
            }
            let slots = kiosk_core::slots::read(root.path());
            let board = Facts::default().board(&Device::default(), &Make::default(), None, slots.as_ref());
            let topic = |name: &str| board.get(name).cloned().unwrap_or_default();
            [topic("update/installed"), topic("update/latest")]
        };
        assert_eq!(told(&["kiosk_1.efi"], "kiosk_1"), ["1", "1"]);
        assert_eq!(told(&["kiosk_1.efi", "kiosk_2+3.efi"], "kiosk_1"), ["1", "2"]);
        assert_eq!(told(&["kiosk_1.efi", "kiosk_2+0-3.efi"], "kiosk_1"), ["1", "1"]);
        assert_eq!(told(&["kiosk_1.efi", "kiosk_2+0-3.efi"], "kiosk_2"), ["2", "2"]);
        assert_eq!(told(&["kiosk_9.efi", "kiosk_10+3.efi"], "kiosk_9"), ["9", "10"]);
        assert_eq!(told(&["kiosk_9.efi", "kiosk_10+0-3.efi"], "kiosk_10"), ["10", "10"]);
        assert_eq!(told(&["kiosk_1.efi"], "elsewhere"), ["", ""]);
        assert_eq!(told(&[], "kiosk_1"), ["", ""]);
    }

    #[test]
    fn values_that_tremble_are_told_once() {
        let make = Make { host: "hall".into(), ..Make::default() };
        let device = |free, temperature, processor| Device {
            memory_total: Some(1000),
            memory_available: Some(free),
            temperature: Some(temperature),
            processor: Some(processor),
            clock: 1000,
            uptime: 100,
            ..Device::default()
        };
        let mut facts = Facts::default();
        let one = facts.board(&device(500, 50.2, (0, 0)), &make, None, None);
        assert_eq!((one["device/memory"].as_str(), one["device/temperature"].as_str()), ("50", "50"));
        assert_eq!((one["device/host"].as_str(), one["device/started"].as_str()), ("hall", "900"));
        assert!(!one.contains_key("device/processor") && !one.contains_key("device/disk"));
        let two = facts.board(&device(510, 51.9, (40, 100)), &make, None, None);
        assert_eq!((two["device/memory"].as_str(), two["device/temperature"].as_str()), ("50", "50"));
        assert_eq!(two["device/processor"], "40");
        let three = facts.board(&device(400, 52.3, (85, 200)), &make, None, None);
        assert_eq!((three["device/memory"].as_str(), three["device/temperature"].as_str()), ("60", "52"));
        assert_eq!(three["device/processor"], "40");
    }
}
