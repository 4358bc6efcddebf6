//! D-Bus requests for input devices, and the devices' snapshots. Called by the requests of [`crate::requests`].

use kiosk_core::config::{Calibration, InputSettings};

use super::{
    classification::Kind,
    devices::{Known, OutputMapping},
    layouts,
};
use crate::{command::CommandError, kiosk::Kiosk, screens::Screen, snapshot::InputSnapshot};

impl Kiosk {
    /// Changes and saves a device's output or calibration.
    pub(crate) fn change_input(&mut self, id: &str, change: &InputSettings) -> Result<(), CommandError> {
        let parts = self.parts(id)?;
        let Some(first) = parts.first() else { return Ok(()) };
        if let Some(output) = change.named_output() {
            if parts.iter().all(|known| known.kind == Kind::Keyboard) {
                return Err(CommandError::Unsupported(format!(
                    "{id} is a keyboard; touch panels, tablets and absolute pointers can be laid on an output"
                )));
            }
            let is_it = |screen: &Screen| screen.name == output || screen.identity().description() == output;
            if !self.screens.iter().any(is_it) {
                return Err(CommandError::NotFound(format!(
                    "there is no output {output:?}; there are: {}",
                    self.screens.names()
                )));
            }
        }
        let calibrated = matches!(change.calibration, Some(Calibration::Matrix(_)));
        if calibrated && parts.iter().all(|known| known.device.calibration().is_none()) {
            return Err(CommandError::Unsupported(format!(
                "{id} has no calibration; touch panels and tablets without a screen of their own have one"
            )));
        }
        let name = first.facts.name.clone();
        // The settings for this one device are changed.
        let at_port = &first.at_port;
        let just_this = self.settings.saved.state.input(at_port, at_port).is_some();
        let id = if just_this { at_port.clone() } else { id.to_owned() };
        self.settings.saved.state.change_input(&id, &name, change);
        self.devices_changed();
        self.status.publisher.mark_changed();
        self.save()
            .map_err(|error| CommandError::Failed(format!("the change is in force but could not be saved: {error}")))
    }

    /// The devices with this id, never empty. The parts of one piece of hardware may share a name: settings apply to
    /// all of them.
    pub(super) fn parts(&self, id: &str) -> Result<Vec<&Known>, CommandError> {
        let parts: Vec<&Known> = self.seat.devices.list.iter().filter(|known| known.id == id).collect();
        if !parts.is_empty() {
            return Ok(parts);
        }
        let ids: Vec<&str> = self.seat.devices.list.iter().map(|known| known.id.as_str()).collect();
        let there = if ids.is_empty() { "there are none".into() } else { format!("there are: {}", ids.join(", ")) };
        Err(CommandError::NotFound(format!("there is no input device {id:?}; {there}")))
    }

    fn layout_of(&self, known: &Known) -> String {
        let seat = &self.settings.config.input.keyboard;
        let own = known.settings.own_keyboard(seat).filter(|_| self.seat.layouts.of(&known.handle).is_some());
        layouts::spelled(own.as_ref().unwrap_or(seat))
    }

    /// The devices as D-Bus shows them.
    pub(crate) fn input_snapshots(&self) -> Vec<InputSnapshot> {
        let screen = |mapping: OutputMapping| self.screens.get(mapping.screen);
        let snapshot = |known: &Known| InputSnapshot {
            name: known.facts.name.clone(),
            id: known.id.clone(),
            kind: known.kind.as_str().into(),
            layout: if known.kind == Kind::Keyboard { self.layout_of(known) } else { String::new() },
            output: known.mapping.and_then(screen).map(|screen| screen.name.clone()).unwrap_or_default(),
            trusted: !known.waits(),
            calibration: known.device.calibration().map(Vec::from).unwrap_or_default(),
        };
        self.seat.devices.list.iter().map(snapshot).collect()
    }
}
