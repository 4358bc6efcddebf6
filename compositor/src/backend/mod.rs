//! The three ways to reach a screen, behind one small trait: KMS, a window of another compositor, and none.
//!
//! A back end finds displays ([`Backend::heads`]), puts frames on them ([`Backend::present`]), and reports page
//! flips, hotplug, session changes and input to its [`Host`] through event sources of its own. It never looks at the
//! root state.

pub mod capture;
mod dmabuf;
mod error;
pub mod headless;
mod host;
pub mod input_device;
pub mod kms;
pub mod turned;
pub mod watched;
pub mod winit;

use std::path::PathBuf;

use kiosk_core::config::VtNumber;
use smithay::{
    backend::{allocator::dmabuf::Dmabuf, renderer::element::RenderElementStates},
    desktop::utils::OutputPresentationFeedback,
    reexports::wayland_server::protocol::{wl_shm, wl_surface::WlSurface},
    utils::{Buffer, Physical, Rectangle},
};

use crate::{
    screens::{Head, HeadId, HeadMode, Scanout},
    stage::Frame,
};
use capture::{Capture, CaptureError};
pub use dmabuf::DmabufOffer;
pub use error::{BackendError, Cause, PresentError};
pub use host::{FlipTime, Host};
use watched::View;

/// What came of drawing a frame.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Presented {
    /// A page flip follows; `false`: nothing had changed.
    pub queued: bool,
    /// By which way the picture gets there, and why by no better one.
    pub scanout: Scanout,
    /// The same picture may reach the screen by a better way in another frame: this one came when that could not be
    /// found out. Not said twice in a row.
    pub another: bool,
}

/// A display's state as it is to be, for [`Backend::test`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeadState {
    /// Which display.
    pub head: HeadId,
    /// `None`: the one in force.
    pub mode: Option<HeadMode>,
    /// Its CRTC is on.
    pub on: bool,
}

/// News of a display device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceChange {
    /// At this path.
    Added(PathBuf),
    /// Its connectors may have changed; the number is the device's.
    Changed(u64),
    /// The number is the device's.
    Removed(u64),
    /// A connector has said the same for long enough to be believed.
    Settled,
    /// The machine slept: which displays there are has to be asked, and what they show and what a device kept in its
    /// own memory may be lost.
    Slept,
}

/// A way to reach screens.
pub trait Backend {
    /// `kms`, `winit` or `headless`.
    fn name(&self) -> &'static str;

    /// `gles` or `pixman`.
    fn renderer(&self) -> &'static str;

    /// The displays there are now, in a stable order.
    fn heads(&mut self) -> Vec<Head>;

    /// Draws a frame and sends it on its way to the frame's screen, which has a head and is on.
    fn present(&mut self, frame: &Frame<'_>) -> Result<Presented, PresentError>;

    /// A page flip of this head happened: returns what its clients are to be told.
    fn flipped(&mut self, head: HeadId) -> Option<OutputPresentationFeedback>;

    /// Switches a display on or off for good (CRTC off, not black).
    fn set_power(&mut self, _head: HeadId, _on: bool) -> Result<(), BackendError> {
        Ok(())
    }

    /// Uses another mode: one of the head's list, or a custom one, which is in the list from then on.
    fn set_mode(&mut self, _head: HeadId, _mode: HeadMode) -> Result<(), BackendError> {
        Err(BackendError::FixedSize)
    }

    /// Whether the displays could all be in these states at once, beside what those that are not named show. Nothing
    /// changes on any screen. The error says why not.
    fn test(&mut self, states: &[HeadState]) -> Result<(), BackendError> {
        let heads = self.heads();
        states.iter().try_for_each(|state| {
            let head = heads.iter().find(|head| head.id == state.head).ok_or(BackendError::NotConnected)?;
            let possible = state.mode.is_none_or(|mode| mode.custom.is_some() || head.modes.contains(&mode));
            possible.then_some(()).ok_or(BackendError::NotListed)
        })
    }

    /// The frame as an upright picture, for a screenshot.
    fn capture(&mut self, frame: &Frame<'_>) -> Result<Capture, CaptureError>;

    /// The frame as an upright picture with the pointer, and what became of clients' surfaces in it.
    fn picture(&mut self, frame: &Frame<'_>) -> Result<(Capture, RenderElementStates), CaptureError>;

    /// Brings the picture up to date that is kept of this screen for those who watch it, as it lies on the panel.
    /// Returns what of it changed since the last time, in pixels of the panel.
    fn watch(&mut self, frame: &Frame<'_>, pointer: bool) -> Result<Vec<Rectangle<i32, Physical>>, CaptureError>;

    /// Hands out a part of the picture that [`Backend::watch`] keeps: R, G, B and one more byte a pixel, rows without
    /// padding.
    fn read_watched(
        &mut self,
        view: View,
        part: Rectangle<i32, Buffer>,
        take: &mut dyn FnMut(&[u8]),
    ) -> Result<(), CaptureError>;

    /// The picture is not watched any more: it need not be kept.
    fn forget_watched(&mut self, view: View);

    /// Formats of shared memory buffers beyond the two that always work.
    fn shm_formats(&self) -> Vec<wl_shm::Format> {
        Vec::new()
    }

    /// Where the kernel describes the displays' connectors (`/sys`); `None`: the displays are not ours.
    fn sysfs(&self) -> Option<PathBuf> {
        None
    }

    /// What buffers of a GPU are taken, if any.
    fn dmabuf_offer(&self) -> Option<DmabufOffer> {
        None
    }

    /// Whether a buffer of a GPU can be shown.
    fn import_dmabuf(&mut self, _dmabuf: &Dmabuf) -> bool {
        false
    }

    /// A surface has a new buffer: the upload may start before the frame.
    fn early_import(&mut self, _surface: &WlSurface) {}

    /// Opens input devices and starts to look for displays that come later: after the first frame.
    fn start_input(&mut self) {}

    /// Whether input comes from the machine's own devices.
    fn has_console_input(&self) -> bool {
        false
    }

    /// A display device came, went, or has news of its connectors. Returns whether [`Backend::heads`] changed.
    fn device_changed(&mut self, _change: DeviceChange) -> bool {
        false
    }

    /// The window has another size; returns whether [`Backend::heads`] changed. Only a window back end has one.
    fn window_resized(&mut self, _width: i32, _height: i32) -> bool {
        false
    }

    /// Goes to another virtual terminal.
    fn switch_vt(&mut self, _vt: VtNumber) -> Result<(), BackendError> {
        Err(BackendError::NoTerminals)
    }

    /// The virtual terminal that is in front, 0 where there is none.
    fn active_vt(&self) -> u32 {
        0
    }

    /// Whether the display devices do what we say, which they do for one at a time. Where there is none, none refuses.
    fn has_screens(&self) -> bool {
        true
    }

    /// The session was taken away.
    fn pause(&mut self) {}

    /// The session is back. An error means that drawing is not possible yet.
    fn resume(&mut self) -> Result<(), BackendError> {
        Ok(())
    }

    /// The splash with its animation is over: buffers that were drawn into for it are let go.
    fn trim(&mut self, _head: HeadId) {}

    /// An awaited page flip never came: forget it and start from a known state.
    fn recover(&mut self, _head: HeadId) {}
}
