//! One display device: its connectors and CRTCs, its renderer, and its displays' ways to their planes.

use std::{
    cell::RefCell,
    collections::HashMap,
    path::{Path, PathBuf},
    rc::Rc,
};

use rustix::fs::{OFlags, major, minor, stat};
use smithay::{
    backend::{
        drm::{DrmDevice, DrmDeviceFd, DrmError, DrmEvent, DrmEventMetadata, DrmEventTime},
        renderer::pixman::PixmanRenderer,
        session::{Session, libseat::LibSeatSession},
    },
    desktop::utils::OutputPresentationFeedback,
    reexports::{
        calloop::{LoopHandle, RegistrationToken},
        drm::{Device as _, control::crtc},
    },
    utils::DeviceFd,
};

use super::{
    connectors::{self, Found},
    gles::Gles,
    head::CardHead,
    present::{CardRenderer, Presenter},
    quirks::Quirks,
};
use crate::{
    backend::{PresentError, Presented},
    kiosk::{FlipTime, Kiosk},
    options::RendererChoice,
    protocols::DmabufOffer,
    screens::{Head, HeadId, HeadMode},
    stage::Frame,
};

/// Why a card is not used.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    #[error("it could not be opened through the seat: {0}")]
    Open(String),
    #[error("another program is in control of it (DRM master is taken)")]
    Busy,
    #[error("it has no connectors")]
    NoConnectors,
    #[error("it is no display device: {0}")]
    NotDisplay(String),
    #[error("--renderer gles: {0}")]
    NoGpu(String),
    #[error("{0}")]
    Renderer(String),
    #[error("its events could not be watched: {0}")]
    Watch(String),
}

/// Which display each CRTC drives: shared with the card's event source, that knows only CRTCs.
type Driven = Rc<RefCell<HashMap<crtc::Handle, HeadId>>>;

/// An open card.
pub struct Card {
    pub path: PathBuf,
    pub device: u64,
    pub quirks: Quirks,
    pub renderer: CardRenderer,
    pub token: RegistrationToken,
    number: u32,
    // Presenters go before the device they draw on.
    heads: Vec<CardHead>,
    driven: Driven,
    drm: DrmDevice,
    fd: DrmDeviceFd,
    /// The next scan asks the hardware.
    probe: bool,
}

impl Card {
    /// Opens the card, if it has connectors.
    pub fn open(
        session: &mut LibSeatSession,
        path: &Path,
        handle: &LoopHandle<'static, Kiosk>,
        choice: RendererChoice,
    ) -> Result<Self, CardError> {
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
        let owned = session.open(path, flags).map_err(|error| CardError::Open(error.to_string()))?;
        let fd = DrmDeviceFd::new(DeviceFd::from(owned));
        // `false`: connectors stay as they are. Switching them off would flash.
        let (drm, notifier) = DrmDevice::new(fd.clone(), false).map_err(|error| match error {
            DrmError::DeviceInactive => CardError::Busy,
            other => CardError::NotDisplay(other.to_string()),
        })?;
        let connectors = smithay::reexports::drm::control::Device::resource_handles(&drm)
            .map(|resources| resources.connectors().len())
            .unwrap_or(0);
        if connectors == 0 {
            return Err(CardError::NoConnectors);
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let driver = drm.get_driver().map(|driver| driver.name().to_string_lossy().into_owned()).unwrap_or_default();
        let quirks = Quirks::of(&driver, &name);
        let renderer = choose_renderer(&fd, &quirks, choice)?;
        let device = stat(path).map(|stat| stat.st_rdev).unwrap_or_default();
        let number = major(device) << 20 | minor(device);
        let driven = Driven::default();
        let flips = driven.clone();
        let token = handle
            .insert_source(notifier, move |event, metadata, kiosk| match event {
                DrmEvent::VBlank(crtc) => {
                    let head = flips.borrow().get(&crtc).copied();
                    if let Some(head) = head {
                        kiosk.flipped(head, flip_time(metadata.as_ref()));
                    }
                }
                DrmEvent::Error(error) => kiosk.problem(format!("the display device reports: {error}")),
            })
            .map_err(|error| CardError::Watch(error.to_string()))?;
        Ok(Self {
            path: path.to_owned(),
            device,
            quirks,
            renderer,
            token,
            number,
            heads: Vec::new(),
            driven,
            drm,
            fd,
            // The kernel's memory may be older than the display: the first modeset is to be the right one.
            probe: true,
        })
    }

    /// `gles` or `pixman`.
    pub fn renderer_name(&self) -> &'static str {
        match self.renderer {
            CardRenderer::Gles(_) => "gles",
            CardRenderer::Pixman(_) => "pixman",
        }
    }

    pub fn has(&self, head: HeadId) -> bool {
        self.heads.iter().any(|own| own.head.id == head)
    }

    fn head_mut(&mut self, head: HeadId) -> Option<&mut CardHead> {
        self.heads.iter_mut().find(|own| own.head.id == head)
    }

    /// The hardware has news: the next scan asks it.
    pub fn probe_next(&mut self) {
        self.probe = true;
    }

    /// The displays that are connected now. Displays that went lose their CRTC.
    pub fn scan(&mut self) -> Vec<Head> {
        let found = connectors::scan(&self.drm, self.number, std::mem::take(&mut self.probe));
        self.heads.retain(|own| found.iter().any(|display| display.connector == own.connector));
        for display in found {
            self.take(display);
        }
        *self.driven.borrow_mut() = self.heads.iter().map(|own| (own.crtc, own.head.id)).collect();
        self.heads.iter().map(|own| own.head.clone()).collect()
    }

    fn take(&mut self, display: Found) {
        let Found { head, connector, modes, crtcs } = display;
        let taken: Vec<crtc::Handle> =
            self.heads.iter().filter(|own| own.connector != connector).map(|own| own.crtc).collect();
        if let Some(own) = self.heads.iter_mut().find(|own| own.connector == connector) {
            own.refresh(head, modes);
            return;
        }
        let Some(crtc) = crtcs.into_iter().find(|crtc| !taken.contains(crtc)) else {
            tracing::warn!(connector = head.name, "the card can drive no more displays at a time");
            return;
        };
        self.heads.push(CardHead::new(head, modes, connector, crtc));
    }

    /// Draws a frame on its way to a display.
    pub fn present(&mut self, head: HeadId, frame: &Frame<'_>) -> Result<Presented, PresentError> {
        if !self.drm.is_active() {
            return Err(PresentError::Inactive);
        }
        let Self { heads, drm, renderer, fd, quirks, .. } = self;
        let Some(own) = heads.iter_mut().find(|own| own.head.id == head) else { return Err(PresentError::Inactive) };
        let mode = own.timing().ok_or_else(|| PresentError::Device("the display lists no mode".into()))?;
        let presenter = match &mut own.presenter {
            Some(presenter) => {
                // The display may list other modes than it did.
                presenter.use_mode(mode).map_err(PresentError::Device)?;
                presenter
            }
            empty => {
                let surface = drm
                    .create_surface(own.crtc, mode, &[own.connector])
                    .map_err(|error| PresentError::Device(error.to_string()))?;
                let mut planes = surface.planes().clone();
                quirks.restrict(&mut planes);
                let cursor = quirks.cursor_plane.then(|| drm.cursor_size());
                let presenter = Presenter::new(renderer, &frame.screen.output, surface, planes, fd, cursor)?;
                empty.insert(presenter)
            }
        };
        presenter.present(renderer, frame)
    }

    pub fn flipped(&mut self, head: HeadId) -> Option<OutputPresentationFeedback> {
        self.head_mut(head)?.presenter.as_mut()?.flipped()
    }

    /// Switches a display off.
    pub fn clear(&mut self, head: HeadId) -> Result<(), String> {
        match self.head_mut(head).and_then(|own| own.presenter.as_mut()) {
            Some(presenter) => presenter.clear(),
            None => Ok(()),
        }
    }

    /// Uses another of the display's modes.
    pub fn set_mode(&mut self, head: HeadId, mode: HeadMode) -> Result<(), String> {
        self.head_mut(head).ok_or("its display is not connected")?.set_mode(mode)
    }

    /// The session is gone: nothing may be asked of the device any more.
    pub fn pause(&mut self) {
        self.drm.pause();
    }

    /// The session is back: what the CRTCs show is not known.
    pub fn resume(&mut self) -> Result<(), String> {
        self.drm.activate(false).map_err(|error| error.to_string())?;
        self.probe = true;
        for own in &mut self.heads {
            if let Some(presenter) = &mut own.presenter {
                presenter.reset()?;
            }
        }
        Ok(())
    }

    /// Lets go of buffers that are not on the screen.
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
            tracing::warn!(%error, "the display could not be set up again");
        }
    }

    /// What the card's GPU takes from clients.
    pub fn dmabuf_offer(&self) -> Option<DmabufOffer> {
        let CardRenderer::Gles(gles) = &self.renderer else { return None };
        let formats = gles.import_formats();
        let node = gles.node?;
        // Only what can also be drawn goes into the scanout tranche: composing must always be possible.
        let plane = self.heads.iter().find_map(|own| own.presenter.as_ref()).map(Presenter::plane_formats);
        let scanout: Vec<_> = plane.into_iter().flatten().filter(|format| formats.contains(format)).collect();
        let formats: Vec<_> = formats.into_iter().collect();
        DmabufOffer::new(node.dev_id(), &formats, self.device, &scanout, Some(self.fd.clone()))
            .inspect_err(|error| tracing::warn!(%error, "clients are not offered buffers of the GPU"))
            .ok()
    }
}

fn choose_renderer(fd: &DrmDeviceFd, quirks: &Quirks, choice: RendererChoice) -> Result<CardRenderer, CardError> {
    if choice == RendererChoice::Gles || (choice == RendererChoice::Auto && quirks.may_have_gpu) {
        match Gles::new(fd) {
            Ok(gles) => return Ok(CardRenderer::Gles(Box::new(gles))),
            Err(reason) if choice == RendererChoice::Gles => return Err(CardError::NoGpu(reason)),
            Err(reason) => tracing::info!(reason, "drawing without a GPU"),
        }
    }
    PixmanRenderer::new().map(CardRenderer::Pixman).map_err(|error| CardError::Renderer(error.to_string()))
}

/// When a flip happened, as the driver tells: a zero time means that it has no clock.
fn flip_time(told: Option<&DrmEventMetadata>) -> FlipTime {
    match told.map(|flip| (flip.time, flip.sequence)) {
        Some((DrmEventTime::Monotonic(time), sequence)) if !time.is_zero() => FlipTime::Hardware { time, sequence },
        _ => FlipTime::Now,
    }
}
