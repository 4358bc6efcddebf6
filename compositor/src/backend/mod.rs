//! The three ways to reach a screen, behind one small trait: KMS, a window of another compositor, and none.
//!
//! A back end finds displays ([`Backend::heads`]), puts frames on them ([`Backend::present`]), and reports page
//! flips, hotplug, session changes and input to its [`Host`] through event sources of its own. It never looks at the
//! root state.

pub mod capture;
pub mod capture_formats;
mod dmabuf;
mod error;
pub mod headless;
mod host;
pub mod input_device;
pub mod kms;
pub mod lease;
pub mod rotated;
pub mod watched;
pub mod winit;

use std::{os::fd::OwnedFd, path::PathBuf, sync::Arc};

use kiosk_core::config::VtNumber;
use smithay::{
    backend::{
        allocator::dmabuf::Dmabuf,
        renderer::{element::RenderElementStates, sync::SyncPoint},
    },
    desktop::utils::OutputPresentationFeedback,
    reexports::wayland_server::protocol::{wl_shm, wl_surface::WlSurface},
    utils::{Buffer, Physical, Point, Rectangle},
};

use crate::{
    screens::{Head, HeadId, HeadMode, Scanout},
    stage::{Frame, ramp::Ramp},
};
use capture::{Capture, CaptureError};
use capture_formats::CaptureFormats;
pub use dmabuf::DmabufOffer;
pub use error::{BackendError, Cause, PresentError};
pub use host::{FlipTime, Host};
use lease::{DeviceNumber, Lease, LeaseOffer};
use watched::View;

/// What came of drawing a frame.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Presented {
    /// A page flip follows; `false`: nothing had changed.
    pub queued: bool,
    /// How the picture reaches the screen, and why not more directly.
    pub scanout: Scanout,
    /// Planes could not be tested with this frame: draw the same picture once more to try. Not set twice in a row.
    pub another: bool,
}

/// How a screen's colours are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    /// The device cannot: the caller changes the picture.
    Drawn,
    /// By the device, as wanted, or nothing is shown at the moment.
    ByDevice,
    /// By the device from the next page flip on, which follows; before it no frame can be presented.
    Queued,
    /// By the device, once a frame is on the screen: the caller asks again after the next one.
    AfterFrame,
    /// The device is busy: the caller asks again, a little later.
    Busy,
}

/// A display's wanted state, for [`Backend::test`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeadState {
    /// Which display.
    pub head: HeadId,
    /// `None`: the one in force.
    pub mode: Option<HeadMode>,
    /// Its CRTC is on.
    pub on: bool,
}

/// A hotplug event of a display device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceChange {
    /// At this path.
    Added(PathBuf),
    /// Its connectors may have changed; the number is the device's.
    Changed(u64),
    /// The number is the device's.
    Removed(u64),
    /// A connector's state has been stable for long enough to be believed.
    Settled,
    /// The machine was suspended: displays have to be probed, and the contents of screens and of device memory may be
    /// lost.
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

    /// Has the display device change the colours of what it shows from now on; `None`: not at all. Called before each
    /// frame, while none is pending.
    fn set_ramp(&mut self, _head: HeadId, _ramp: Option<&Ramp>) -> Colours {
        Colours::Drawn
    }

    /// Switches a display on or off for good (CRTC off, not black).
    fn set_power(&mut self, _head: HeadId, _on: bool) -> Result<(), BackendError> {
        Ok(())
    }

    /// Uses another mode: one of the head's list, or a custom one, which is in the list from then on.
    fn set_mode(&mut self, _head: HeadId, _mode: HeadMode) -> Result<(), BackendError> {
        Err(BackendError::FixedSize)
    }

    /// Whether the displays could all be in these states at once, the others keeping theirs. Nothing changes on any
    /// screen. The error says why not.
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

    /// The frame as an upright picture with the pointer, and the render states of clients' surfaces.
    fn picture(&mut self, frame: &Frame<'_>) -> Result<(Capture, RenderElementStates), CaptureError>;

    /// Updates the copy of this screen's picture that is kept for capture clients, in panel orientation. Returns what
    /// changed since the last call, in panel pixels.
    fn watch(&mut self, frame: &Frame<'_>, pointer: bool) -> Result<Vec<Rectangle<i32, Physical>>, CaptureError>;

    /// Reads a part of the picture that [`Backend::watch`] keeps: R, G, B and a padding byte for each pixel, rows
    /// without padding.
    fn read_watched(
        &mut self,
        view: View,
        part: Rectangle<i32, Buffer>,
        take: &mut dyn FnMut(&[u8]),
    ) -> Result<(), CaptureError>;

    /// The GPU buffers that [`Backend::copy_watched`] takes for the screen on this head; `None`: none.
    fn capture_formats(&self, _head: Option<HeadId>) -> Option<Arc<CaptureFormats>> {
        None
    }

    /// Draws a part of the picture that [`Backend::watch`] keeps into a client's buffer, one of
    /// [`Backend::capture_formats`], at this position. The buffer is complete when the sync point is reached.
    fn copy_watched(
        &mut self,
        _view: View,
        _part: Rectangle<i32, Buffer>,
        _buffer: &mut Dmabuf,
        _at: Point<i32, Physical>,
    ) -> Result<SyncPoint, CaptureError> {
        Err(CaptureError::NoGpu)
    }

    /// The picture is not captured any more and can be dropped.
    fn forget_watched(&mut self, view: View);

    /// Formats of shared memory buffers beyond the two that always work.
    fn shm_formats(&self) -> Vec<wl_shm::Format> {
        Vec::new()
    }

    /// Where the kernel describes the displays' connectors (`/sys`); `None`: the displays are not ours.
    fn sysfs(&self) -> Option<PathBuf> {
        None
    }

    /// The devices with connectors that may be leased, with a display on them or not.
    fn lease_devices(&self) -> Vec<DeviceNumber> {
        Vec::new()
    }

    /// The connectors that a client may lease now.
    fn lease_offers(&self) -> Vec<LeaseOffer> {
        Vec::new()
    }

    /// A file descriptor of a device for clients that look for something to lease: it reads, and drives nothing.
    fn lease_device_fd(&mut self, _device: DeviceNumber) -> Result<OwnedFd, BackendError> {
        Err(BackendError::NotLeasable)
    }

    /// Leases connectors of a device, by the kernel's numbers.
    fn lease(&mut self, _device: DeviceNumber, _connectors: &[u32]) -> Result<Lease, BackendError> {
        Err(BackendError::NotLeasable)
    }

    /// Ends a lease, if it has not ended.
    fn revoke_lease(&mut self, _device: DeviceNumber, _number: u32) {}

    /// The numbers of a device's leases in force.
    fn leases(&mut self, _device: DeviceNumber) -> Vec<u32> {
        Vec::new()
    }

    /// The dmabuf formats that are accepted, if any.
    fn dmabuf_offer(&self) -> Option<DmabufOffer> {
        None
    }

    /// Whether a buffer of a GPU can be shown.
    fn import_dmabuf(&mut self, _dmabuf: &Dmabuf) -> bool {
        false
    }

    /// A surface has a new buffer: the upload may start before the frame.
    fn early_import(&mut self, _surface: &WlSurface) {}

    /// Starts GPUs, which the first frame did not wait for: called once, after it. Returns whether [`Backend::heads`]
    /// changed. The error: no display device is left.
    fn start_gpus(&mut self) -> Result<bool, BackendError> {
        Ok(false)
    }

    /// Opens input devices and starts to watch for hotplug: called after the first frame.
    fn start_input(&mut self) {}

    /// Whether input comes from the machine's own devices.
    fn has_console_input(&self) -> bool {
        false
    }

    /// A display device was added or removed, or its connectors changed. Returns whether [`Backend::heads`] changed.
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

    /// Whether we are DRM master of the display devices; true where there is none.
    fn has_screens(&self) -> bool {
        true
    }

    /// The session was taken away.
    fn pause(&mut self) {}

    /// The session is back. An error means that drawing is not possible yet.
    fn resume(&mut self) -> Result<(), BackendError> {
        Ok(())
    }

    /// The splash and its animation have ended: frees the buffers that they needed.
    fn trim(&mut self, _head: HeadId) {}

    /// A pending page flip never came: drops it and starts from a known state.
    fn recover(&mut self, _head: HeadId) {}
}
