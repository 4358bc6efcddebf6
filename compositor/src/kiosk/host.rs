//! The root's implementation of [`Host`].

use smithay::backend::input::{InputBackend, InputEvent};

use super::Kiosk;
use crate::{
    backend::{DeviceChange, FlipTime, Host, input_device::InputDevice},
    lifecycle::Exit,
    screens::HeadId,
};

impl Host for Kiosk {
    fn flipped(&mut self, head: HeadId, at: FlipTime) {
        Self::flipped(self, head, at);
    }

    fn device_changed(&mut self, change: DeviceChange) {
        self.protocols.drm_leases.displays_changed();
        // Most events change nothing: the monitors are the same.
        if self.hardware.backend.device_changed(change) {
            self.displays_changed();
        }
    }

    fn session_paused(&mut self) {
        Self::session_paused(self);
    }

    fn session_resumed(&mut self) {
        Self::session_resumed(self);
    }

    fn input<B: InputBackend>(&mut self, event: InputEvent<B>)
    where
        B::Device: InputDevice,
    {
        Self::input(self, event);
    }

    fn window_resized(&mut self, width: i32, height: i32) {
        // Handled like a change of mode.
        if self.hardware.backend.window_resized(width, height) {
            self.displays_changed();
        }
        self.screens.request_redraw();
    }

    fn window_exposed(&mut self) {
        self.screens.request_redraw();
    }

    fn window_closed(&mut self) {
        self.stop(Exit(0));
    }

    fn lost(&mut self) {
        self.stop(Exit(1));
    }

    fn problem(&mut self, text: String) {
        Self::problem(self, text);
    }
}
