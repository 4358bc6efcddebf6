//! A KMS object's properties by the kernel's names for them.

use std::io;

use smithay::reexports::drm::control::{Device, ResourceHandle, property};

/// The property and its value; `None`: the object has no such property.
pub fn named(
    device: &impl Device,
    object: impl ResourceHandle,
    name: &str,
) -> io::Result<Option<(property::Info, property::RawValue)>> {
    let properties = device.get_properties(object)?;
    Ok(properties.iter().find_map(|(property, value)| {
        let info = device.get_property(*property).ok()?;
        (info.name().to_str() == Ok(name)).then_some((info, *value))
    }))
}
