//! Ignores input devices that are not trusted yet or exceed the event rate: the back end disables them, and events that
//! arrive nevertheless are dropped here, before they light a screen, switch a virtual terminal or reach a client.
//! [`super::trust`] and [`super::rate`] decide about devices.

use smithay::backend::input::{Device, Event as _, InputBackend, InputEvent};

use super::{
    devices::{Devices, Known},
    swallow::Act,
    trust, wake,
};
use crate::{command::CommandError, kiosk::Kiosk};

impl Devices {
    /// Whether the event is of a device that is ignored.
    pub(super) fn keeps_out<B: InputBackend>(&self, event: &InputEvent<B>) -> bool {
        if !self.list.iter().any(Known::is_silent) {
            return false;
        }
        let Some(handle) = source(event) else { return false };
        self.list.iter().any(|known| known.is(&handle) && known.is_silent())
    }
}

/// The event's device; `None`: the event is about a device as a whole, or has no effect.
pub(super) fn source<B: InputBackend>(event: &InputEvent<B>) -> Option<String> {
    match event {
        InputEvent::Keyboard { event } => Some(event.device().id()),
        InputEvent::PointerMotion { event } => Some(event.device().id()),
        InputEvent::PointerMotionAbsolute { event } => Some(event.device().id()),
        InputEvent::PointerAxis { event } => Some(event.device().id()),
        other => match wake::act(other) {
            Act::Begins((device, _)) | Act::GoesOn((device, _)) | Act::Ends((device, _)) => Some(device),
            Act::PenLeaves(device) | Act::FingersCancelled(device) => Some(device),
            Act::Once | Act::DeviceGone(_) | Act::Free => None,
        },
    }
}

impl Kiosk {
    /// Sets and saves whether the device is trusted.
    pub(crate) fn trust_input(&mut self, id: &str, trusted: bool) -> Result<(), CommandError> {
        let parts: Vec<_> = self.parts(id)?.into_iter().map(|known| trust::identity(&known.facts)).collect();
        for identity in parts {
            if trusted {
                self.settings.saved.state.trust.say(identity, true);
            } else {
                self.settings.saved.state.trust.forget(&identity);
            }
        }
        self.devices_changed();
        if !trusted {
            // The configuration trusts it, or it is of a kind that needs no decision.
            let heard = self.parts(id)?.into_iter().filter(|known| !known.waits());
            let heard: Vec<_> = heard.map(|known| trust::identity(&known.facts)).collect();
            for identity in heard {
                self.settings.saved.state.trust.say(identity, false);
            }
            self.devices_changed();
        }
        self.status.publisher.mark_changed();
        self.save()
            .map_err(|error| CommandError::Failed(format!("the change is in force but could not be saved: {error}")))
    }
}
