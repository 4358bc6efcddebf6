//! Keeps devices silent that wait for somebody's word, or said too much: the back end is told to take nothing from them, and what arrives
//! nevertheless is dropped here, before it lights a screen, switches a virtual terminal or reaches a client. Who is heard
//! is decided in [`super::trust`] and [`super::rate`].

use smithay::backend::input::{Device, Event as _, InputBackend, InputEvent};

use super::{
    devices::{Devices, Known},
    swallow::Act,
    trust, wake,
};
use crate::{command::CommandError, kiosk::Kiosk};

impl Devices {
    /// Whether the event is of a device that is not heard.
    pub(super) fn keeps_out<B: InputBackend>(&self, event: &InputEvent<B>) -> bool {
        if !self.list.iter().any(Known::is_silent) {
            return false;
        }
        let Some(handle) = source(event) else { return false };
        self.list.iter().any(|known| known.is(&handle) && known.is_silent())
    }
}

/// Whose event it is; `None`: it is about a device as a whole, or does nothing.
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
    /// Trusts the device from now on, or lets it wait, for good.
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
            // The configuration trusts it, or it is of those that are not asked about.
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
