//! Which input devices a person has declared trusted or not: the part of the saved state behind `kioskctl inputs
//! --trust`. The compositor looks here when a device comes, and decides itself about the others. Pure.

use toml_edit::{ArrayOfTables, Item, Table, value};

use super::raw::{Raw, RawEntry, RawValue};

/// Most decisions kept, more than a terminal meets devices. The oldest trusted device is dropped first; it has to be
/// trusted again.
const MAX_ANSWERS: usize = 256;
const TRUSTED: &str = "trusted";

/// Identifies a device across reboots. All of it is what the device says about itself, so a device can be built that
/// copies another one's identity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceIdentity {
    /// As the kernel has it.
    pub name: String,
    /// Vendor and product, `046d:c31c`; empty: it has none.
    pub hardware: String,
    /// Its serial number or radio address, else the port that it is plugged into. Empty: neither is known.
    pub place: String,
    /// All that it can be used as, such as `keyboard+pointer`: a mouse that was trusted does not come back as a
    /// keyboard.
    pub kinds: String,
}

/// The decisions, oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TrustList {
    answers: Vec<(DeviceIdentity, bool)>,
}

/// What is wrong with an entry, and what it should be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // Each says itself what it is.
pub enum TrustError {
    #[error("its device is no list of [[device]] tables")]
    NoList,
    #[error("a device has the unknown key {0:?}")]
    UnknownKey(String),
    #[error("{key} of a device is {value}, allowed is {allowed}")]
    Value { key: String, value: String, allowed: &'static str },
    #[error("a device does not say whether it is {TRUSTED}")]
    NoAnswer,
}

impl TrustList {
    /// Whether this device is trusted; `None`: no decision was made.
    pub fn answer(&self, device: &DeviceIdentity) -> Option<bool> {
        self.answers.iter().find(|(known, _)| known == device).map(|(_, trusted)| *trusted)
    }

    /// Keeps a decision in place of an older one.
    pub fn say(&mut self, device: DeviceIdentity, trusted: bool) {
        self.forget(&device);
        if self.answers.len() >= MAX_ANSWERS {
            let oldest = self.answers.iter().position(|(_, trusted)| *trusted).unwrap_or(0);
            self.answers.remove(oldest);
        }
        self.answers.push((device, trusted));
    }

    /// Removes the decision about this device.
    pub fn forget(&mut self, device: &DeviceIdentity) {
        self.answers.retain(|(known, _)| known != device);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.answers.clear();
    }

    pub(super) fn item(&self) -> Item {
        let mut tables = ArrayOfTables::new();
        for (device, trusted) in &self.answers {
            let DeviceIdentity { name, hardware, place, kinds } = device;
            let mut table = Table::new();
            for (key, text) in [("name", name), ("hardware", hardware), ("place", place), ("kinds", kinds)] {
                if !text.is_empty() {
                    table.insert(key, value(text.as_str()));
                }
            }
            table.insert(TRUSTED, value(*trusted));
            tables.push(table);
        }
        Item::ArrayOfTables(tables)
    }

    pub(super) fn parse(item: Option<&Item>) -> Result<Self, TrustError> {
        let mut list = Self::default();
        let Some(item) = item else { return Ok(list) };
        let Some(Raw { value: RawValue::List(tables), .. }) = Raw::from_item(item) else {
            return Err(TrustError::NoList);
        };
        for table in tables {
            let RawValue::Table(entries) = table.value else { return Err(TrustError::NoList) };
            let (device, trusted) = device(&entries)?;
            list.say(device, trusted);
        }
        Ok(list)
    }
}

fn device(entries: &[RawEntry]) -> Result<(DeviceIdentity, bool), TrustError> {
    let (mut device, mut trusted) = (DeviceIdentity::default(), None);
    for RawEntry { key, value, .. } in entries {
        let wrong = |allowed| TrustError::Value { key: key.clone(), value: value.excerpt(), allowed };
        let field = match key.as_str() {
            "name" => &mut device.name,
            "hardware" => &mut device.hardware,
            "place" => &mut device.place,
            "kinds" => &mut device.kinds,
            TRUSTED => {
                trusted = Some(value.as_bool().map_err(|_| wrong("true or false"))?);
                continue;
            }
            unknown => return Err(TrustError::UnknownKey(unknown.to_owned())),
        };
        value.as_text().map_err(|_| wrong("a text"))?.clone_into(field);
    }
    Ok((device, trusted.ok_or(TrustError::NoAnswer)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(number: usize) -> DeviceIdentity {
        DeviceIdentity { name: format!("Keyboard {number}"), ..DeviceIdentity::default() }
    }

    #[test]
    fn an_answer_is_of_one_device_alone() {
        let full = DeviceIdentity {
            name: "K".into(),
            hardware: "046d:c31c".into(),
            place: "1-2".into(),
            kinds: "pointer".into(),
        };
        let mut list = TrustList::default();
        list.say(full.clone(), true);
        assert_eq!(list.answer(&full), Some(true));
        for other in [
            DeviceIdentity { name: "K2".into(), ..full.clone() },
            DeviceIdentity { hardware: "046d:c31d".into(), ..full.clone() },
            DeviceIdentity { place: "1-3".into(), ..full.clone() },
            DeviceIdentity { kinds: "keyboard".into(), ..full.clone() },
        ] {
            assert_eq!(list.answer(&other), None, "{other:?}");
        }
        list.say(full.clone(), false);
        assert_eq!(list.answer(&full), Some(false));
        list.forget(&full);
        assert_eq!(list, TrustList::default());
    }

    #[test]
    fn the_list_is_bounded_and_what_is_not_trusted_stays_on_it() {
        let mut list = TrustList::default();
        list.say(device(0), false);
        for number in 1..=MAX_ANSWERS {
            list.say(device(number), true);
        }
        assert_eq!(list.answers.len(), MAX_ANSWERS);
        assert_eq!((list.answer(&device(0)), list.answer(&device(1))), (Some(false), None));
        assert_eq!(list.answer(&device(2)), Some(true));
    }
}
