//! Whether an input device is trusted, and how it is identified across restarts. Pure; [`super::devices`] asks when a
//! device is added or its settings change, and [`super::admission`] drops the events of untrusted devices.
//!
//! With `input.new-devices = "ask"` a decision is needed for devices that can be used as a keyboard or mouse and
//! plugged in from outside. Touch panels and pens need none: they can do no more than a person at the screen. Devices
//! that are present at the first start are not trusted for that, as anybody may have plugged them in before.

use kiosk_core::config::{DeviceIdentity, NewDevices};

use super::classification::Facts;

/// The device's identity, the same after a replug or restart.
pub fn identity(facts: &Facts) -> DeviceIdentity {
    let kinds =
        [(facts.keyboard, "keyboard"), (facts.pointer, "pointer"), (facts.touch, "touch"), (facts.tablet, "tablet")];
    let kinds: Vec<&str> = kinds.into_iter().filter_map(|(is, kind)| is.then_some(kind)).collect();
    DeviceIdentity {
        name: facts.name.clone(),
        hardware: facts.model.map(|(vendor, product)| format!("{vendor:04x}:{product:04x}")).unwrap_or_default(),
        place: facts.place.clone(),
        kinds: kinds.join("+"),
    }
}

/// Whether the device is trusted. `saved`: the decision for this device at runtime; `configured`: the setting for
/// devices like it. Either overrides the policy.
pub fn is_trusted(policy: NewDevices, facts: &Facts, saved: Option<bool>, configured: Option<bool>) -> bool {
    let unasked = || policy == NewDevices::Allow || facts.built_in || !(facts.keyboard || facts.pointer);
    saved.or(configured).unwrap_or_else(unasked)
}

/// The command that makes it trusted, quoted for a shell, as the device chooses its own name.
pub fn command(id: &str) -> String {
    format!("kioskctl inputs --trust '{}'", id.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASK: NewDevices = NewDevices::Ask;

    fn keyboard() -> Facts {
        Facts {
            name: "K".into(),
            keyboard: true,
            model: Some((0x46d, 0xc31c)),
            place: "1-2".into(),
            ..Facts::default()
        }
    }

    #[test]
    fn what_types_or_clicks_is_asked_about_unless_it_is_built_in() {
        let pointer = Facts { keyboard: false, pointer: true, ..keyboard() };
        let touch = Facts { keyboard: false, touch: true, ..keyboard() };
        let pen = Facts { keyboard: false, tablet: true, ..keyboard() };
        let glass_with_keys = Facts { touch: true, ..keyboard() };
        for (facts, heard) in
            [(keyboard(), false), (pointer, false), (touch, true), (pen, true), (glass_with_keys, false)]
        {
            assert_eq!(is_trusted(ASK, &facts, None, None), heard, "{facts:?}");
            assert!(is_trusted(NewDevices::Allow, &facts, None, None));
            assert!(is_trusted(ASK, &Facts { built_in: true, ..facts }, None, None));
        }
    }

    #[test]
    fn what_was_said_counts_more_than_the_configuration_and_that_more_than_the_policy() {
        for policy in [ASK, NewDevices::Allow] {
            for said in [true, false] {
                assert_eq!(is_trusted(policy, &keyboard(), None, Some(said)), said);
                assert_eq!(is_trusted(policy, &keyboard(), Some(said), Some(!said)), said);
            }
        }
    }

    #[test]
    fn a_device_that_becomes_something_else_is_another_one() {
        let known = identity(&keyboard());
        assert_eq!((known.hardware.as_str(), known.kinds.as_str()), ("046d:c31c", "keyboard"));
        for other in [
            Facts { pointer: true, ..keyboard() },
            Facts { place: "1-3".into(), ..keyboard() },
            Facts { model: None, ..keyboard() },
            Facts { name: "L".into(), ..keyboard() },
        ] {
            assert_ne!(identity(&other), known);
        }
    }

    #[test]
    fn a_devices_name_is_no_command() {
        assert_eq!(command("A keyboard"), "kioskctl inputs --trust 'A keyboard'");
        assert_eq!(command("'; reboot; '"), r"kioskctl inputs --trust ''\''; reboot; '\'''");
    }
}
