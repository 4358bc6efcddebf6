//! Which input devices and displays come, go and change, found by polling the kernel's files: for systems without udev
//! (`kiosk-describe-inputs --watch`). Only compares; [`crate::input_database`] describes devices,
//! [`crate::device_events`] sends the events.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::device_events::{Action, DeviceEvent};

/// Far more than a device has; more is a mistake.
const MAX_NAMES: usize = 1024;

/// The devices at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Devices {
    /// `event0`: where it is.
    inputs: BTreeMap<String, Node>,
    /// `card0`: where it is, and what its connectors say.
    cards: BTreeMap<String, (Node, BTreeSet<String>)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Node {
    /// Below `/sys`.
    path: String,
    /// `MAJOR:MINOR`.
    number: String,
}

impl Devices {
    /// `root` is taken for `/`.
    pub fn look(root: &Path) -> Self {
        let mut devices = Self::default();
        for name in names(&root.join("sys/class/input")).filter(|name| name.starts_with("event")) {
            if let Some(place) = place(root, "input", &name) {
                devices.inputs.insert(name, place);
            }
        }
        let drm: Vec<String> = names(&root.join("sys/class/drm")).collect();
        for name in drm.iter().filter(|name| name.starts_with("card") && !name.contains('-')) {
            let Some(place) = place(root, "drm", name) else { continue };
            let own = drm.iter().filter(|connector| connector.split('-').next() == Some(name) && *connector != name);
            let says = own.map(|connector| {
                let read = |file: &str| root.join("sys/class/drm").join(connector).join(file);
                let status = fs::read_to_string(read("status")).unwrap_or_default();
                // The EDID shows that the display was exchanged between two looks.
                let edid = fs::read(read("edid")).unwrap_or_default();
                let sum = edid.iter().fold(0u64, |sum, byte| sum.rotate_left(5) ^ u64::from(*byte));
                format!("{connector} {} {sum:x}", status.trim())
            });
            devices.cards.insert(name.clone(), (place, says.collect()));
        }
        devices
    }

    /// The events since `before`, removals first. `properties` gives the properties of an input device.
    pub fn since(&self, before: &Self, properties: impl Fn(&str) -> Vec<String>) -> Vec<DeviceEvent> {
        let input = |action, name: &str, place: &Node| DeviceEvent {
            action,
            subsystem: "input",
            path: place.path.clone(),
            number: place.number.clone(),
            node: format!("input/{name}"),
            properties: properties(&place.number),
        };
        let card = |action, name: &str, place: &Node| DeviceEvent {
            action,
            subsystem: "drm",
            path: place.path.clone(),
            number: place.number.clone(),
            node: format!("dri/{name}"),
            properties: vec!["DEVTYPE=drm_minor".into(), "HOTPLUG=1".into()],
        };
        let mut event = Vec::new();
        for (name, place) in before.inputs.iter().filter(|(name, place)| self.inputs.get(*name) != Some(place)) {
            event.push(input(Action::Remove, name, place));
        }
        for (name, (place, _)) in before.cards.iter().filter(|(name, _)| !self.cards.contains_key(*name)) {
            event.push(card(Action::Remove, name, place));
        }
        for (name, place) in self.inputs.iter().filter(|(name, place)| before.inputs.get(*name) != Some(place)) {
            event.push(input(Action::Add, name, place));
        }
        for (name, (place, says)) in &self.cards {
            match before.cards.get(name) {
                None => event.push(card(Action::Add, name, place)),
                Some((_, said)) if said != says => event.push(card(Action::Change, name, place)),
                Some(_) => {}
            }
        }
        event
    }
}

fn names(folder: &Path) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().take(MAX_NAMES);
    entries.filter_map(|entry| entry.file_name().into_string().ok())
}

fn place(root: &Path, class: &str, name: &str) -> Option<Node> {
    let link = root.join("sys/class").join(class).join(name);
    let number = fs::read_to_string(link.join("dev")).ok()?.trim().to_owned();
    let sys = root.join("sys").canonicalize().ok()?;
    let path = link.canonicalize().ok()?;
    Some(Node { path: format!("/{}", path.strip_prefix(sys).ok()?.display()), number })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn put(root: &Path, class: &str, name: &str, files: &[(&str, &str)]) {
        let at = format!("devices/pci0/{class}/{name}");
        fs::create_dir_all(root.join("sys").join(&at)).unwrap();
        fs::create_dir_all(root.join("sys/class").join(class)).unwrap();
        for (file, text) in files {
            fs::write(root.join("sys").join(&at).join(file), text).unwrap();
        }
        let link = root.join("sys/class").join(class).join(name);
        if !link.exists() {
            symlink(format!("../../{at}"), link).unwrap();
        }
    }

    fn told(root: &Path, before: &Devices) -> (Devices, Vec<(Action, String)>) {
        let now = Devices::look(root);
        let event = now.since(before, |number| vec![format!("OF={number}")]);
        (now, event.into_iter().map(|event| (event.action, event.node)).collect())
    }

    #[test]
    fn what_comes_goes_and_changes_is_told_once() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let none = Devices::look(root);
        put(root, "input", "event3", &[("dev", "13:67\n")]);
        put(root, "input", "mouse0", &[("dev", "13:32\n")]);
        put(root, "drm", "card0", &[("dev", "226:0\n")]);
        put(root, "drm", "card0-HDMI-A-1", &[("status", "disconnected\n")]);
        let (first, event) = told(root, &none);
        assert_eq!(event, [(Action::Add, "input/event3".into()), (Action::Add, "dri/card0".into())]);
        assert_eq!(told(root, &first).1, []);
        put(root, "drm", "card0-HDMI-A-1", &[("status", "connected\n"), ("edid", "one")]);
        let (second, event) = told(root, &first);
        assert_eq!(event, [(Action::Change, "dri/card0".into())]);
        put(root, "drm", "card0-HDMI-A-1", &[("edid", "two")]);
        let (third, event) = told(root, &second);
        assert_eq!(event, [(Action::Change, "dri/card0".into())], "another display in between");
        fs::remove_file(root.join("sys/class/input/event3")).unwrap();
        assert_eq!(told(root, &third).1, [(Action::Remove, "input/event3".into())]);
    }

    #[test]
    fn a_device_is_told_with_its_place_and_what_is_known_of_it() {
        let directory = tempfile::tempdir().unwrap();
        put(directory.path(), "input", "event3", &[("dev", "13:67\n")]);
        let event = Devices::look(directory.path()).since(&Devices::default(), |number| vec![format!("OF={number}")]);
        assert_eq!((event[0].path.as_str(), event[0].number.as_str()), ("/devices/pci0/input/event3", "13:67"));
        assert_eq!(event[0].properties, ["OF=13:67"]);
    }
}
