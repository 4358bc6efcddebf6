//! Keeps devices silent that wait for somebody's word: the back end is told to take nothing from them, and what arrives
//! nevertheless is dropped here, before it lights a screen, switches a virtual terminal or reaches a client. Who is heard
//! is decided in [`super::trust`].

use smithay::backend::input::{Device, Event as _, InputBackend, InputEvent, KeyState, KeyboardKeyEvent};

use super::{
    devices::{Devices, Known},
    swallow::Act,
    trust, wake,
};
use crate::{command::CommandError, kiosk::Kiosk};

impl Devices {
    /// Whether the event is of a device that waits.
    pub(super) fn keeps_out<B: InputBackend>(&self, event: &InputEvent<B>) -> bool {
        if !self.list.iter().any(Known::waits) {
            return false;
        }
        let Some((handle, ends)) = source(event) else { return false };
        self.list.iter().any(|known| known.is(&handle) && known.waits() && !(ends && known.was_heard))
    }
}

/// Whose event it is, and whether it ends something that began before; `None`: it is about a device as a whole, or does
/// nothing.
fn source<B: InputBackend>(event: &InputEvent<B>) -> Option<(String, bool)> {
    let goes_on = |device: String| Some((device, false));
    match event {
        InputEvent::Keyboard { event } => Some((event.device().id(), event.state() == KeyState::Released)),
        InputEvent::PointerMotion { event } => goes_on(event.device().id()),
        InputEvent::PointerMotionAbsolute { event } => goes_on(event.device().id()),
        InputEvent::PointerAxis { event } => goes_on(event.device().id()),
        InputEvent::SwitchToggle { event } => goes_on(event.device().id()),
        other => match wake::act(other) {
            Act::Begins((device, _)) | Act::GoesOn((device, _)) => goes_on(device),
            Act::Ends((device, _)) | Act::PenLeaves(device) | Act::FingersCancelled(device) => Some((device, true)),
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
                self.saved.state.trust.say(identity, true);
            } else {
                self.saved.state.trust.forget(&identity);
            }
        }
        self.devices_changed();
        if !trusted {
            // The configuration trusts it, or it is of those that are not asked about.
            let heard = self.parts(id)?.into_iter().filter(|known| !known.waits());
            let heard: Vec<_> = heard.map(|known| trust::identity(&known.facts)).collect();
            for identity in heard {
                self.saved.state.trust.say(identity, false);
            }
            self.devices_changed();
        }
        self.publisher.mark_changed();
        self.save()
            .map_err(|error| CommandError::Failed(format!("the change is in force but could not be saved: {error}")))
    }
}
