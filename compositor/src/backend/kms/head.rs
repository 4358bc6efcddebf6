//! One connected display of a card: its modes with their timings, the CRTC that drives it, and its way to the plane.

use smithay::reexports::drm::control::{Mode, connector, crtc};

use super::{present::Presenter, timing};
use crate::{
    backend::NOT_LISTED,
    screens::{Head, HeadMode},
};

/// A connected display.
pub struct CardHead {
    pub head: Head,
    pub connector: connector::Handle,
    pub crtc: crtc::Handle,
    pub presenter: Option<Presenter>,
    /// The timings of the listed modes, in the head's order.
    modes: Vec<Mode>,
}

impl CardHead {
    /// Nothing is shown on it yet.
    pub fn new(head: Head, modes: Vec<Mode>, connector: connector::Handle, crtc: crtc::Handle) -> Self {
        Self { head, connector, crtc, presenter: None, modes }
    }

    /// Takes over what a new scan found. The mode in force stays so for as long as the display lists it.
    pub fn refresh(&mut self, found: Head, modes: Vec<Mode>) {
        let before = self.head.modes.get(self.head.mode).copied();
        self.head = found;
        self.modes = modes;
        if let Some(before) = before {
            self.head.switch_to(before);
        }
    }

    /// The timings of one of its modes, or of a custom one.
    pub fn timing_of(&self, mode: HeadMode) -> Option<Mode> {
        if mode.custom.is_some() {
            return timing::custom(mode);
        }
        let index = self.head.modes.iter().position(|listed| *listed == mode)?;
        self.modes.get(index).copied()
    }

    /// The timings that the next frame is shown with.
    pub fn timing(&self) -> Option<Mode> {
        self.timing_of(*self.head.modes.get(self.head.mode)?)
    }

    /// Uses another mode from the next frame on.
    pub fn set_mode(&mut self, mode: HeadMode) -> Result<(), String> {
        let timing = self.timing_of(mode).ok_or(NOT_LISTED)?;
        if let Some(presenter) = &mut self.presenter {
            presenter.use_mode(timing)?;
        }
        self.head.switch_to(mode);
        Ok(())
    }
}
