//! What a back end tells whoever runs it: page flips, hotplug, session changes, input. The root implements it; a back
//! end calls it from its own event sources and knows nothing else of the root.

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

    /// A display device came, went, or has news of its connectors.
    fn device_changed(&mut self, change: DeviceChange);

    /// The session is not active any more: another virtual terminal gets the devices.
    fn session_paused(&mut self);

    /// The session is active again.
    fn session_resumed(&mut self);

    /// An input device was used, came or went.
    fn input<B: InputBackend>(&mut self, event: InputEvent<B>)
    where
        B::Device: InputDevice;

    /// The window has another size, in pixels.
    fn window_resized(&mut self, width: i32, height: i32);

    /// The window's content is lost: it is to be drawn again.
    fn window_exposed(&mut self);

    /// Somebody closed the window: the program ends in order.
    fn window_closed(&mut self);

    /// What the back end cannot go on without is gone (the seat, the display server). It has said in the log what;
    /// the program ends with a failure, to be started again.
    fn lost(&mut self);

    /// A warning for people, one sentence.
    fn problem(&mut self, text: String);
}
