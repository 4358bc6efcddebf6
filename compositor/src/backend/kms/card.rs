//! One display device: its connectors and CRTCs, its renderer, and its displays' presenters.

mod displays;
mod gpu_start;
mod leases;
mod open;

use leases::Leases;
pub use open::CardError;

use std::{cell::RefCell, collections::HashMap, os::fd::AsFd, path::PathBuf, rc::Rc};

use smithay::{
    backend::drm::{DrmDevice, DrmDeviceFd},
    desktop::utils::OutputPresentationFeedback,
    reexports::drm::control::{crtc, plane},
};

use super::{
    atomic::{self, TargetState},
    connectors::Found,
    gpu_copy::GpuPicture,
    head::CardHead,
    present::Presenter,
    quirks::Quirks,
    refusal::device_error,
    renderer::CardRenderer,
    seat::SeatDevice,
};
use crate::{
    backend::{BackendError, Colours, DmabufOffer, HeadState, PresentError, Presented},
    event_loop::WatchToken,
    screens::{Head, HeadId, HeadMode, hotplug::Hotplug},
    stage::{Frame, ramp::Ramp},
};

/// Which display each CRTC drives: shared with the watch for page flips, which knows only CRTCs.
type Driven = Rc<RefCell<HashMap<crtc::Handle, HeadId>>>;

/// An open card.
pub struct Card {
    /// The device file, such as `/dev/dri/card0`.
    pub path: PathBuf,
    /// The number of its device file (`st_rdev`), by which udev names it too.
    pub device: u64,
    /// Its driver's known faults.
    pub quirks: Quirks,
    /// What draws for all of its heads: the CPU until [`Card::start_gpu`].
    pub renderer: CardRenderer,
    /// The watch for its page flips, which ends with the card.
    pub flips: WatchToken,
    /// [`Card::start_gpu`] is still to come, if it is worth a try: the first picture is not to wait for a GPU.
    gpu_to_start: bool,
    number: u32,
    // Presenters go before the device they draw on.
    heads: Vec<CardHead>,
    driven: Driven,
    /// The displays as last seen with complete data.
    known: HashMap<HeadId, Found>,
    hotplug: Hotplug,
    // With their claims on planes of the device.
    leases: Leases,
    drm: DrmDevice,
    fd: DrmDeviceFd,
    /// The next scan asks the hardware.
    probe: bool,
    // Dropped last: the fields above use the device while they are dropped.
    _seat: SeatDevice,
}

impl Card {
    /// Whether frames are drawn by a GPU, and its buffers can be imported.
    pub fn has_gpu(&self) -> bool {
        matches!(self.renderer, CardRenderer::Gles(_))
    }

    /// Whether this head is on one of its connectors.
    pub fn has(&self, head: HeadId) -> bool {
        self.heads.iter().any(|own| own.head.id == head)
    }

    fn head_mut(&mut self, head: HeadId) -> Option<&mut CardHead> {
        self.heads.iter_mut().find(|own| own.head.id == head)
    }

    /// Whether we are the device's DRM master.
    pub fn is_ours(&self) -> bool {
        is_master(&self.fd)
    }

    /// The next scan probes the hardware.
    pub fn probe_next(&mut self) {
        self.probe = true;
    }

    /// The displays that there are, as the last scan found them.
    pub fn heads(&self) -> impl Iterator<Item = &Head> {
        self.heads.iter().map(|own| &own.head)
    }

    /// Draws a frame, unless another card's GPU has drawn it, and queues it on a display.
    pub fn present(
        &mut self,
        head: HeadId,
        frame: &Frame<'_>,
        picture: Option<GpuPicture>,
    ) -> Result<Presented, PresentError> {
        if !self.drm.is_active() {
            return Err(PresentError::Inactive);
        }
        let Some(index) = self.heads.iter().position(|own| own.head.id == head) else {
            return Err(PresentError::Inactive);
        };
        let presented = self.try_present(index, frame, picture);
        let Some(own) = self.heads.get_mut(index) else { return Err(PresentError::Inactive) };
        match presented {
            Ok(presented) => {
                if presented.queued {
                    own.accepted();
                }
                Ok(presented)
            }
            // The library does not say why a driver refuses a modeset.
            Err(error) if error.blames_frame() && !is_master(&self.fd) => Err(PresentError::Inactive),
            Err(error) if error.blames_frame() => Err(own.failed(error)),
            Err(error) => Err(error),
        }
    }

    fn try_present(
        &mut self,
        index: usize,
        frame: &Frame<'_>,
        picture: Option<GpuPicture>,
    ) -> Result<Presented, PresentError> {
        let Self { heads, drm, renderer, fd, quirks, gpu_to_start, .. } = self;
        let own = heads.get_mut(index).ok_or(PresentError::Inactive)?;
        let mode = own.timing().ok_or(PresentError::NoMode)?;
        let replaced = own.presenter.take_if(|presenter| presenter.is_provisional() && !*gpu_to_start);
        if let Some((surface, shown)) = replaced.and_then(Presenter::give_up) {
            own.presenter = Some(Presenter::new(renderer, quirks, drm.cursor_size(), surface, fd)?.after(shown));
        }
        let presenter = match &mut own.presenter {
            Some(presenter) => presenter,
            empty => {
                let surface = drm.create_surface(own.crtc, mode, &[own.connector]).map_err(device_error)?;
                empty.insert(match gpu_to_start {
                    true => Presenter::provisional(quirks, surface, fd),
                    false => Presenter::new(renderer, quirks, drm.cursor_size(), surface, fd)?,
                })
            }
        };
        // The display may list other modes than it did, or the last one was refused.
        presenter.use_mode(mode)?;
        presenter.present(renderer, frame, picture)
    }

    /// Whether the card's displays could be in these states at once; displays that are not named keep theirs.
    pub fn test(&self, states: &[HeadState]) -> Result<(), BackendError> {
        if !self.drm.is_active() || !self.drm.is_atomic() {
            // No test is possible; a later refusal is undone by the transaction.
            return Ok(());
        }
        let mut targets: Vec<TargetState> = Vec::new();
        for own in &self.heads {
            let state = states.iter().find(|state| state.head == own.head.id);
            let on = state.map_or(own.on, |state| state.on);
            let mode = match state.and_then(|state| state.mode) {
                Some(mode) => Some(own.timing_of(mode).ok_or(BackendError::NotListed)?),
                None => own.timing(),
            };
            let plane = match &own.presenter {
                Some(presenter) => Some(presenter.plane()),
                None => {
                    let planes = self.drm.planes(&own.crtc).map_err(BackendError::device)?;
                    let free = |plane: &plane::Handle| !targets.iter().any(|target| target.plane == *plane);
                    planes.primary.iter().map(|plane| plane.handle).find(free)
                }
            };
            let plane = plane.ok_or(BackendError::NoPlane)?;
            targets.push(TargetState { connector: own.connector, crtc: own.crtc, plane, mode: mode.filter(|_| on) });
        }
        atomic::test(&self.drm, &targets).map_err(BackendError::device)
    }

    /// A page flip of this head happened: returns what its clients are to be told.
    pub fn flipped(&mut self, head: HeadId) -> Option<OutputPresentationFeedback> {
        self.head_mut(head)?.presenter.as_mut()?.flipped()
    }

    /// Has a display's gamma table show a ramp. Called before a frame is drawn: none is pending.
    pub fn set_ramp(&mut self, head: HeadId, ramp: Option<&Ramp>) -> Colours {
        let Self { heads, drm, .. } = self;
        let Some(own) = heads.iter_mut().find(|own| own.head.id == head && drm.is_active()) else {
            return Colours::ByDevice;
        };
        let free = own.on && own.presenter.as_ref().is_some_and(Presenter::is_lit);
        own.gamma.show(drm, own.crtc, ramp, free)
    }

    /// Switches a display off; the next frame switches it on.
    pub fn set_power(&mut self, head: HeadId, on: bool) -> Result<(), BackendError> {
        let Self { heads, drm, .. } = self;
        let Some(own) = heads.iter_mut().find(|own| own.head.id == head) else { return Ok(()) };
        own.on = on;
        if on {
            return Ok(());
        }
        if let Some(presenter) = &mut own.presenter {
            return presenter.clear();
        }
        // The firmware or the boot splash lit it.
        let Some(mode) = own.timing() else { return Ok(()) };
        let surface = drm.create_surface(own.crtc, mode, &[own.connector]).map_err(BackendError::device)?;
        surface.clear().map_err(BackendError::device)
    }

    /// Uses another of the display's modes.
    pub fn set_mode(&mut self, head: HeadId, mode: HeadMode) -> Result<(), BackendError> {
        self.head_mut(head).ok_or(BackendError::NotConnected)?.set_mode(mode)
    }

    /// The session is inactive: the device must not be used.
    pub fn pause(&mut self) {
        self.drm.pause();
        self.end_leases();
    }

    /// The session is back: what the CRTCs show is not known.
    pub fn resume(&mut self) -> Result<(), BackendError> {
        self.drm.activate(false).map_err(BackendError::device)?;
        self.revoke_ended_leases();
        self.probe = true;
        self.heads.iter_mut().for_each(|own| own.gamma.forget());
        // One that fails does not keep the others from it.
        let presenters = self.heads.iter_mut().filter_map(|own| own.presenter.as_mut());
        let results: Vec<Result<(), BackendError>> = presenters.map(Presenter::reset).collect();
        results.into_iter().collect()
    }

    /// Called after suspend. The kernel restores the CRTCs, or tries to; but some drivers do not report displays that
    /// were plugged or unplugged meanwhile, and some devices lose buffers with their power (virtio_gpu).
    pub fn slept(&mut self) {
        self.probe = true;
        self.heads.iter_mut().for_each(|own| own.gamma.forget());
        let active = self.drm.is_active();
        for presenter in self.heads.iter_mut().filter_map(|own| own.presenter.as_mut()) {
            presenter.trim();
            // On another terminal that is done when the session comes back.
            if active && let Err(error) = presenter.reset() {
                tracing::warn!(%error, "display not reset after suspend");
            }
        }
    }

    /// Frees buffers that are not on the screen.
    pub fn trim(&mut self, head: HeadId) {
        if let Some(presenter) = self.head_mut(head).and_then(|own| own.presenter.as_mut()) {
            presenter.trim();
        }
    }

    /// A page flip was lost.
    pub fn recover(&mut self, head: HeadId) {
        if let Some(presenter) = self.head_mut(head).and_then(|own| own.presenter.as_mut())
            && let Err(error) = presenter.reset()
        {
            tracing::warn!(%error, "display not reset after a lost page flip");
        }
    }

    /// The dmabuf formats that the card's GPU takes from clients.
    pub fn dmabuf_offer(&self) -> Option<DmabufOffer> {
        let CardRenderer::Gles(gles) = &self.renderer else { return None };
        let formats = gles.import_formats();
        let node = gles.node?;
        // Only what can also be drawn goes into the scanout tranche: composing must always be possible.
        let plane = self.heads.iter().find_map(|own| own.presenter.as_ref()).map(Presenter::plane_formats);
        let scanout: Vec<_> = plane.into_iter().flatten().filter(|format| formats.contains(format)).collect();
        let formats: Vec<_> = formats.into_iter().collect();
        DmabufOffer::new(node.dev_id(), &formats, self.device, &scanout, Some(self.fd.clone()))
            .inspect_err(|error| tracing::warn!(%error, "no dmabuf feedback: clients cannot use GPU buffers"))
            .ok()
    }
}

/// Whether we are the device's DRM master. Only a master may authenticate a magic number; this one was never given out.
fn is_master(fd: &DrmDeviceFd) -> bool {
    match drm_ffi::auth::auth_magic_token(fd.as_fd(), 0) {
        Err(error) => error.kind() != std::io::ErrorKind::PermissionDenied,
        Ok(_) => true,
    }
}
