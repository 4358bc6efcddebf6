//! Which input devices there are, and to which screen an absolute one belongs.

use smithay::{
    backend::input::{Device, DeviceCapability},
    utils::{Logical, Point},
    wayland::tablet_manager::TabletDescriptor,
};

use crate::{kiosk::Kiosk, policy, screens::rotation::Turn};

/// What a device is, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The back end's own name of it: unique.
    pub id: String,
    pub name: String,
    /// `keyboard`, `pointer`, `touch` or `tablet`.
    pub kind: &'static str,
}

/// The devices that are there.
#[derive(Debug, Default)]
pub struct Devices {
    pub list: Vec<Known>,
}

impl Kiosk {
    pub(crate) fn device_added(&mut self, device: &impl Device) {
        let kind = [
            (DeviceCapability::Touch, "touch"),
            (DeviceCapability::TabletTool, "tablet"),
            (DeviceCapability::Pointer, "pointer"),
            (DeviceCapability::Keyboard, "keyboard"),
        ]
        .into_iter()
        .find(|(capability, _)| device.has_capability(*capability));
        let Some((_, kind)) = kind else { return };
        self.changed = true;
        tracing::debug!(name = device.name(), kind, "input device added");
        self.seat.devices.list.push(Known { id: device.id(), name: device.name(), kind });
        if device.has_capability(DeviceCapability::TabletTool) {
            self.tablet_seat().add_tablet::<Self>(&self.display, &TabletDescriptor::from(device));
        }
    }

    pub(crate) fn device_removed(&mut self, device: &impl Device) {
        self.changed = true;
        tracing::debug!(name = device.name(), "input device removed");
        let id = device.id();
        self.seat.devices.list.retain(|known| known.id != id);
        if device.has_capability(DeviceCapability::TabletTool) {
            let seat = self.tablet_seat();
            seat.remove_tablet(&TabletDescriptor::from(device));
            if seat.count_tablets() == 0 {
                seat.clear_tools();
            }
        }
    }

    /// Where in the layout a place on the panel is: `panel` as fractions of its width and height. Touch panels and
    /// absolute pointers are glued to their screen and turn with it.
    pub(crate) fn panel_to_layout(&self, panel: (f64, f64)) -> Point<f64, Logical> {
        let wanted = self.config.input.touch_output.as_deref();
        let screen = wanted
            .and_then(|wanted| {
                self.screens.iter().find(|screen| screen.name == wanted || screen.identity.description() == wanted)
            })
            .or_else(|| self.screens.primary());
        let Some(screen) = screen else { return Point::default() };
        let area = screen.geometry();
        let inside = screen.rotation.panel_to_picture(panel, area.size.to_f64());
        policy::clamp(area.loc.to_f64() + inside, area)
    }
}
