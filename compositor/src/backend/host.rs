//! The back ends' callbacks: page flips, hotplug, session changes, input. The root implements them; a back end calls
//! them from its own event sources and depends on nothing else of the root.

use std::time::Duration;

use smithay::backend::input::{InputBackend, InputEvent};

use super::{DeviceChange, input_device::InputDevice};
use crate::screens::HeadId;

/// When a page flip happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FlipTime {
    /// The hardware has no clock: now.
    Now,
    /// By the display's own clock: monotonic, with the frame counter of its CRTC.
    Hardware {
        /// On the monotonic clock, when the first pixel was sent.
        time: Duration,
        /// Counts the CRTC's refreshes; wraps.
        sequence: u32,
    },
}

/// The event loop's data, as back ends see it.
pub trait Host: Sized + 'static {
    /// A frame of this head is on the screen.
    fn flipped(&mut self, head: HeadId, at: FlipTime);

    /// A display device was added, removed, or reports a change of its connectors.
    fn device_changed(&mut self, change: DeviceChange);

    /// The session is not active any more: another virtual terminal gets the devices.
    fn session_paused(&mut self);

    /// The session is active again.
    fn session_resumed(&mut self);

    /// An event of an input device, or its addition or removal.
    fn input<B: InputBackend>(&mut self, event: InputEvent<B>)
    where
        B::Device: InputDevice;

    /// The window has another size, in pixels.
    fn window_resized(&mut self, width: i32, height: i32);

    /// The window's content is lost: it has to be drawn again.
    fn window_exposed(&mut self);

    /// The window was closed: the program shuts down.
    fn window_closed(&mut self);

    /// The back end lost the seat or the display server, and has logged it. The program exits with a failure, so that
    /// the service manager restarts it.
    fn lost(&mut self);

    /// A warning for people, one sentence.
    fn problem(&mut self, text: String);
}
