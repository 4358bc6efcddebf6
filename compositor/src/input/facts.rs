//! Reads the properties of an input device once, when it is added. [`super::classification`] decides what follows from
//! them.

use smithay::backend::input::DeviceCapability;

use super::classification::{Bus, Facts, bus, is_built_in, is_remote_control, port, told_port};
use crate::backend::input_device::InputDevice;

impl Facts {
    /// The properties of this device.
    pub fn of(device: &impl InputDevice) -> Self {
        let path = device.syspath().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
        let has = |capability| device.has_capability(capability);
        let told = device.address().into_iter().flatten().map(|told| told_port(&told).to_owned());
        let told = told.map(|told| plain(&told)).find(|told| !told.is_empty());
        let port = match port(&path) {
            "" => told.clone(),
            port => Some(port.to_owned()),
        };
        let name = plain(&device.label());
        Self {
            built_in: device.is_vouched_for() || is_built_in(&path, &name),
            types: device.has_letters() && !is_remote_control(&name),
            name,
            keyboard: has(DeviceCapability::Keyboard),
            pointer: has(DeviceCapability::Pointer),
            touch: has(DeviceCapability::Touch),
            tablet: has(DeviceCapability::TabletTool),
            // smithay returns the product first.
            model: device.usb_id().map(|(product, vendor)| (vendor, product)).filter(|id| *id != (0, 0)),
            place: told.or_else(|| port.clone()).unwrap_or_default(),
            port: port.unwrap_or_default(),
            bus: if path.is_empty() { Bus::Unknown } else { bus(&path) },
            size: device.size().filter(|(width, height)| *width > 0.0 && *height > 0.0),
            hint: device.hinted_output().filter(|hint| !hint.is_empty()),
        }
    }
}

/// Removes control characters: the names that devices report are arbitrary, and get into logs, terminals and the saved
/// state.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_name_is_one_line_and_no_escape_sequence() {
        assert_eq!(plain("a\u{1b}[2J\nb\u{9b}"), "a\u{fffd}[2J\u{fffd}b\u{fffd}");
        assert_eq!(plain("Tastatur für é "), "Tastatur für é ");
    }
}
