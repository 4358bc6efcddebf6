//! The list of input devices with their settings and, for absolute ones, their screens: applies
//! [`super::classification`] (kind), [`super::mapping`] (output) and the configuration.

use std::{collections::HashMap, time::Duration};

use kiosk_core::config::{DeviceNames, InputSettings, input_settings};
use smithay::{
    backend::input::Device,
    utils::{Logical, Physical, Point, Rectangle, Size},
    wayland::tablet_manager::TabletDescriptor,
};

use super::{
    classification::{self, Facts, Kind},
    mapping::{self, OutputInfo, Panel},
    trust,
};
use crate::{
    backend::input_device::{DeviceSettings, InputDevice},
    kiosk::Kiosk,
    policy,
    screens::{
        Screen, ScreenId,
        mirror::{self, Fit},
        rotation::{Rotation, RotationExt},
    },
};

/// A connected device.
pub(super) struct Known {
    /// The back end's own name of it: unique.
    pub(super) handle: String,
    /// Its name, with the port where several have the same name: its id in configuration and saved state.
    pub(super) id: String,
    /// Name and port in any case: a setting of one of two same-named devices still applies when the other is gone.
    pub(super) at_port: String,
    pub(super) facts: Facts,
    pub(super) kind: Kind,
    /// It reports absolute positions. Known of a pointer only after its first event.
    absolute: bool,
    /// A pointer that shows no cursor.
    phantom: bool,
    pub(super) settings: InputSettings,
    /// Whether it is trusted; `None`: not decided yet.
    trusted: Option<bool>,
    /// It exceeded the event rate and is disabled: the number of that pause.
    pub(super) resting: Option<u64>,
    /// Length of its last pause.
    pub(super) rests: Option<Duration>,
    pub(super) mapping: Option<OutputMapping>,
    /// Its descriptor for clients, if it is a tablet.
    tablet: Option<TabletDescriptor>,
    pub(super) device: Box<dyn DeviceSettings>,
}

/// The output that an absolute device is mapped to, with everything that the mapping of positions depends on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct OutputMapping {
    pub(super) screen: ScreenId,
    area: Rectangle<i32, Logical>,
    rotation: Rotation,
    /// On a mirror the area is its source's: how the source's picture fits, and the size of the mirror's own.
    reflects: Option<(Fit, Size<i32, Physical>)>,
}

/// The connected devices.
#[derive(Default)]
pub struct Devices {
    pub(super) list: Vec<Known>,
}

impl Known {
    fn names(&self) -> DeviceNames<'_> {
        DeviceNames { name: &self.facts.name, id: &self.id, kind: self.kind.as_str(), hardware: self.facts.model }
    }

    fn disabled(&self) -> bool {
        self.is_silent() || self.settings.disable == Some(true)
    }

    /// Whether its events are ignored, independent of its settings.
    pub(super) fn is_silent(&self) -> bool {
        self.waits() || self.resting.is_some()
    }

    /// Whether it is ignored until it is trusted.
    pub(super) fn waits(&self) -> bool {
        self.trusted == Some(false)
    }

    /// Whether this is the back end's name of it.
    pub(super) fn is(&self, handle: &str) -> bool {
        self.handle == handle
    }

    /// Applies its settings to the device. `was_silent`: it is disabled in the back end, and has to be enabled
    /// explicitly.
    pub(super) fn bring_into_force(&mut self, was_silent: bool) {
        let disable = match self.settings.disable {
            _ if self.is_silent() => Some(true),
            None if was_silent => Some(false),
            said => said,
        };
        let refused = self.device.apply(&InputSettings { disable, ..self.settings.clone() });
        if !refused.is_empty() {
            let (name, settings) = (&self.facts.name, refused.join(", "));
            tracing::info!(name, settings, "settings not supported by this device");
        }
    }
}

impl Devices {
    /// Whether any pointer shows no cursor.
    pub fn any_phantom(&self) -> bool {
        self.list.iter().any(|known| known.phantom)
    }

    /// Whether the pointer with this handle shows no cursor.
    pub fn is_phantom(&self, handle: &str) -> bool {
        self.get(handle).is_some_and(|known| known.phantom)
    }

    /// The descriptor for clients of the tablet with this handle.
    pub fn tablet(&self, handle: &str) -> Option<&TabletDescriptor> {
        self.get(handle)?.tablet.as_ref()
    }

    /// Whether there is a trusted touch panel, and a trusted keyboard with keys for text.
    pub fn touched_and_typed(&self) -> (bool, bool) {
        let any = |is: fn(&Facts) -> bool| self.list.iter().any(|known| !known.disabled() && is(&known.facts));
        (any(|facts| facts.touch), any(|facts| facts.types))
    }

    fn get(&self, handle: &str) -> Option<&Known> {
        self.list.iter().find(|known| known.handle == handle)
    }

    /// Gives devices of one name different ids, and finds phantom pointers.
    fn compare(&mut self) {
        let mut ports: HashMap<String, Vec<String>> = HashMap::new();
        for known in &self.list {
            let ports = ports.entry(known.facts.name.clone()).or_default();
            if !ports.contains(&known.facts.port) {
                ports.push(known.facts.port.clone());
            }
        }
        for known in &mut self.list {
            let Facts { name, port, .. } = &known.facts;
            let alone = port.is_empty() || ports.get(name).is_none_or(|ports| ports.len() == 1);
            known.id = if alone { name.clone() } else { known.at_port.clone() };
        }
        let enabled: Vec<Facts> =
            self.list.iter().filter(|known| !known.disabled()).map(|known| known.facts.clone()).collect();
        for known in &mut self.list {
            known.phantom = classification::is_phantom(&known.facts, &enabled);
        }
    }
}

impl Kiosk {
    pub(crate) fn device_added(&mut self, device: &impl InputDevice) {
        let facts = Facts::of(device);
        let Some(kind) = classification::kind(&facts) else { return };
        self.status.publisher.mark_changed();
        tracing::debug!(name = facts.name, kind = kind.as_str(), "input device added");
        let tablet = facts.tablet.then(|| TabletDescriptor {
            name: facts.name.clone(),
            usb_id: device.usb_id(),
            syspath: device.syspath(),
        });
        if let Some(tablet) = &tablet {
            self.tablet_seat().add_tablet::<Self>(&self.main_loop.display, tablet);
        }
        self.seat.devices.list.push(Known {
            handle: device.id(),
            id: facts.name.clone(),
            at_port: match facts.port.as_str() {
                "" => facts.name.clone(),
                port => format!("{}@{port}", facts.name),
            },
            kind,
            absolute: matches!(kind, Kind::Touch | Kind::Tablet),
            phantom: false,
            settings: InputSettings::default(),
            trusted: None,
            resting: None,
            rests: None,
            mapping: None,
            tablet,
            device: device.settings(),
            facts,
        });
        if let (Some(keyboard), Some(known)) = (self.seat.seat.get_keyboard(), self.seat.devices.list.last_mut()) {
            known.device.set_leds(keyboard.led_state());
        }
        self.devices_changed();
    }

    pub(crate) fn device_removed(&mut self, device: &impl Device) {
        let handle = device.id();
        let Some(index) = self.seat.devices.list.iter().position(|known| known.handle == handle) else { return };
        if self.in_use(&handle) {
            self.touch_cancel();
        }
        self.seat.pens.remove(&handle);
        self.end_gesture(&handle, self.now().as_millis() as u32, true);
        self.seat.buttons.retain(|(of, _)| *of != handle);
        self.let_go_of_board(&handle);
        let stuck = self.seat.aids.gone(&handle);
        self.release_stuck(stuck);
        self.seat.layouts.forget(&handle);
        let known = self.seat.devices.list.remove(index);
        self.status.publisher.mark_changed();
        tracing::debug!(name = known.facts.name, "input device removed");
        self.devices_changed();
        self.check_seat();
        if let Some(tablet) = &known.tablet {
            let seat = self.tablet_seat();
            seat.remove_tablet(tablet);
            if seat.count_tablets() == 0 {
                seat.clear_tools();
            }
        }
    }

    /// A device was added or removed, or its settings changed.
    pub(crate) fn devices_changed(&mut self) {
        self.text_field_changed();
        self.seat.devices.compare();
        let mut silenced = Vec::new();
        for known in &mut self.seat.devices.list {
            let saved = self.settings.saved.state.input(&known.at_port, &known.facts.name);
            let settings = input_settings(&self.settings.config.input.devices, saved, &known.names());
            let answer = self.settings.saved.state.trust.answer(&trust::identity(&known.facts));
            let trusted =
                trust::is_trusted(self.settings.config.input.new_devices, &known.facts, answer, settings.trust);
            let (was_waiting, trusted_before) = (known.waits(), known.trusted.replace(trusted));
            if !trusted && !was_waiting {
                let command = trust::command(&known.id);
                // The command is part of the message: the journal's short output has no fields.
                tracing::warn!(name = known.id, "input device waits to be trusted: {command}");
            } else if trusted && was_waiting {
                tracing::info!(name = known.id, "input device trusted");
            }
            // A new device has its default settings already.
            if settings == known.settings && trusted == trusted_before.unwrap_or(true) {
                continue;
            }
            known.settings = settings;
            known.bring_into_force(was_waiting);
            if !trusted && trusted_before == Some(true) {
                silenced.push(known.handle.clone());
            }
        }
        silenced.iter().for_each(|handle| self.let_go(handle));
        self.lay_out_keyboards();
        // A device that is disabled now does not make another one a phantom.
        self.seat.devices.compare();
        self.map_devices();
    }

    /// A pointer reports an absolute position: it is mapped to a screen from now on.
    pub(super) fn note_absolute(&mut self, device: &impl Device) {
        let handle = device.id();
        let known = self.seat.devices.list.iter_mut().find(|known| known.handle == handle && !known.absolute);
        if let Some(known) = known {
            known.absolute = true;
            self.map_devices();
        }
    }

    /// Screens were added, removed, moved or rotated.
    pub(crate) fn inputs_follow_screens(&mut self) {
        self.map_devices();
        self.keep_pointer_inside();
    }

    /// Whether a finger or a pen is on the device.
    pub(super) fn in_use(&self, handle: &str) -> bool {
        self.seat.pens.contains_key(handle)
            || self.seat.fingers.keys().any(|(of, _)| of == handle)
            || self.seat.board_fingers.keys().any(|(of, _)| of == handle)
    }

    /// Maps every absolute device to its screen. Touches on a device whose screen changed are cancelled, as their
    /// positions would jump.
    pub(super) fn map_devices(&mut self) {
        let mapping = self.output_mappings();
        let mut moved = Vec::new();
        for (known, mapping) in self.seat.devices.list.iter_mut().zip(mapping) {
            if known.mapping != mapping {
                known.mapping = mapping;
                self.status.publisher.mark_changed();
                moved.push(known.handle.clone());
            }
        }
        if moved.iter().any(|handle| self.in_use(handle)) {
            self.touch_cancel();
        }
    }

    fn output_mappings(&self) -> Vec<Option<OutputMapping>> {
        let any_connected = self.screens.iter().any(|screen| screen.head().is_some());
        let screens: Vec<&Screen> =
            self.screens.iter().filter(|screen| screen.head().is_some() || !any_connected).collect();
        let places: Vec<OutputInfo<'_>> = screens.iter().map(|screen| place(screen)).collect();
        let shell = self.screens.primary().map(|screen| screen.id);
        let primary = screens.iter().position(|screen| Some(screen.id) == shell).unwrap_or(0);
        let devices = &self.seat.devices.list;
        let mapped = || devices.iter().filter(|known| known.absolute && !known.disabled());
        let general = self.settings.config.input.touch_output.as_deref();
        let panels: Vec<Panel<'_>> = mapped()
            .map(|known| Panel {
                name: &known.facts.name,
                kind: known.kind,
                said: [known.settings.named_output(), general, known.facts.hint.as_deref()]
                    .into_iter()
                    .flatten()
                    .collect(),
                size: known.facts.size,
                bus: known.facts.bus,
                port: &known.facts.port,
            })
            .collect();
        let assigned = mapping::assign(&panels, &places, primary);
        let by_handle: HashMap<&str, Option<usize>> =
            mapped().map(|known| known.handle.as_str()).zip(assigned).collect();
        let mapping = |screen: &&Screen| self.mapping_to(screen);
        devices
            .iter()
            .map(|known| by_handle.get(known.handle.as_str()).copied().flatten())
            .map(|place| place.and_then(|place| screens.get(place)).map(mapping))
            .collect()
    }

    /// The layout position of a panel position, given as fractions of width and height. Touch panels and absolute
    /// pointers rotate with their screen.
    pub(crate) fn panel_to_layout(&self, handle: &str, panel: (f64, f64)) -> Point<f64, Logical> {
        let mapping = self.seat.devices.get(handle).and_then(|known| known.mapping);
        let unknown = || self.screens.primary().map(|screen| self.mapping_to(screen));
        let Some(OutputMapping { area, rotation, reflects, .. }) = mapping.or_else(unknown) else {
            return Point::default();
        };
        let place = rotation.panel_to_picture(panel, (1.0, 1.0).into());
        let place = (place.x, place.y);
        let inside = reflects.map_or(place, |(fit, size)| fit.to_source(place, size));
        policy::clamp(mirror::in_layout(inside, area), area)
    }

    /// The mapping of a device to this screen.
    fn mapping_to(&self, screen: &Screen) -> OutputMapping {
        let source = self.screens.mirror_source(screen.id).unwrap_or(screen);
        let reflects = self.screens.fit(screen.id).map(|fit| (fit, screen.picture_size()));
        OutputMapping { screen: screen.id, area: source.geometry(), rotation: screen.rotation, reflects }
    }
}

/// A screen as a candidate for a device's mapping.
fn place(screen: &Screen) -> OutputInfo<'_> {
    OutputInfo {
        name: &screen.name,
        identity: screen.identity().description(),
        make: &screen.identity().make,
        model: &screen.identity().model,
        physical: screen.physical,
    }
}
