//! Reads what there is to know of an input device, once, when it comes. What follows from it is decided in
//! [`super::classification`].

use smithay::backend::input::DeviceCapability;

use super::classification::{Bus, Facts, bus, port, told_port};
use crate::backend::input_device::InputDevice;

impl Facts {
    /// What this device is.
    pub fn of(device: &impl InputDevice) -> Self {
        let path = device.syspath().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
        let has = |capability| device.has_capability(capability);
        let port = match port(&path) {
            "" => {
                device.address().iter().flatten().map(|told| told_port(told).to_owned()).find(|told| !told.is_empty())
            }
            port => Some(port.to_owned()),
        };
        Self {
            name: device.label(),
            keyboard: has(DeviceCapability::Keyboard),
            pointer: has(DeviceCapability::Pointer),
            touch: has(DeviceCapability::Touch),
            tablet: has(DeviceCapability::TabletTool),
            // smithay gives the product first.
            model: device.usb_id().map(|(product, vendor)| (vendor, product)).filter(|id| *id != (0, 0)),
            port: port.unwrap_or_default(),
            bus: if path.is_empty() { Bus::Unknown } else { bus(&path) },
            size: device.size().filter(|(width, height)| *width > 0.0 && *height > 0.0),
            hint: device.hinted_output().filter(|hint| !hint.is_empty()),
        }
    }
}
