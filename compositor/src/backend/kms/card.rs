//! One display device: its connectors and CRTCs, its renderer, and its displays' ways to their planes.

use std::{
    cell::RefCell,
    collections::HashMap,
    path::{Path, PathBuf},
    rc::Rc,
    time::Duration,
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
        drm::{
            Device as _,
            control::{crtc, plane},
        },
    },
    utils::DeviceFd,
};

use super::{
    atomic::{self, Wish},
    connectors::{self, Found, Seen},
    gles::Gles,
    head::CardHead,
    present::{CardRenderer, Presenter, device_error},
    quirks::Quirks,
};
use crate::{
    backend::{DmabufOffer, HeadState, NOT_LISTED, PresentError, Presented},
    kiosk::{FlipTime, Kiosk},
    options::RendererChoice,
    screens::{
        Head, HeadId, HeadMode,
        crtcs::{Need, assign},
        hotplug::{Hotplug, Verdict},
    },
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
    /// The displays as they last said everything of themselves.
    known: HashMap<HeadId, Found>,
    hotplug: Hotplug,
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
            known: HashMap::new(),
            hotplug: Hotplug::default(),
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

    /// The displays that there are, as the last scan found them.
    pub fn heads(&self) -> impl Iterator<Item = &Head> {
        self.heads.iter().map(|own| &own.head)
    }

    /// Looks for displays. Those that went, and are believed to be gone, lose their CRTC. Returns when to look again,
    /// at the latest, for a connector that is not believed yet. `now` is monotonic.
    pub fn scan(&mut self, now: Duration) -> Option<Duration> {
        let seen = connectors::scan(&self.drm, self.number, std::mem::take(&mut self.probe));
        let gone = |own: &CardHead| !seen.iter().any(|connector| connector.id == own.head.id);
        // With a dock go its connectors.
        self.heads.iter().filter(|own| gone(own)).for_each(|own| self.hotplug.forget(own.head.id));
        self.heads.retain(|own| !gone(own));
        let mut due: Option<Duration> = None;
        let mut newcomers = Vec::new();
        for Seen { id, display } in seen {
            let display = display.and_then(|display| display.completed_by(self.known.get(&id)));
            if let Some(display) = &display {
                self.known.insert(id, display.clone());
            }
            let verdict = self.hotplug.observe(id, display.is_some(), now);
            if let Verdict::Held { until, .. } = verdict {
                due = Some(due.map_or(until, |due| due.min(until)));
            }
            match (verdict.present(), display) {
                (false, _) => self.heads.retain(|own| own.head.id != id),
                // It is waited for.
                (true, None) => {}
                (true, Some(display)) => match self.head_mut(id) {
                    Some(own) => own.refresh(display),
                    None => newcomers.push(display),
                },
            }
        }
        self.give_crtcs(newcomers);
        *self.driven.borrow_mut() = self.heads.iter().map(|own| (own.crtc, own.head.id)).collect();
        due
    }

    /// New displays get a CRTC each, if need be one that another display can do without.
    fn give_crtcs(&mut self, newcomers: Vec<Found>) {
        if newcomers.is_empty() {
            return;
        }
        let lit = self.heads.iter().map(|own| Need { now: Some(own.crtc), possible: own.crtcs.clone() });
        let dark = newcomers.iter().map(|display| Need { now: None, possible: display.crtcs.clone() });
        let mut assigned = assign(&lit.chain(dark).collect::<Vec<_>>()).into_iter();
        for (own, crtc) in self.heads.iter_mut().zip(assigned.by_ref()) {
            if let Some(crtc) = crtc.filter(|crtc| *crtc != own.crtc) {
                own.crtc = crtc;
                own.presenter = None;
            }
        }
        for (newcomer, crtc) in newcomers.into_iter().zip(assigned) {
            match crtc {
                Some(crtc) => self.heads.push(CardHead::new(newcomer, crtc)),
                None => {
                    tracing::warn!(connector = newcomer.head.name, "the card can drive no more displays at a time");
                }
            }
        }
    }

    /// Draws a frame on its way to a display.
    pub fn present(&mut self, head: HeadId, frame: &Frame<'_>) -> Result<Presented, PresentError> {
        if !self.drm.is_active() {
            return Err(PresentError::Inactive);
        }
        let Some(index) = self.heads.iter().position(|own| own.head.id == head) else {
            return Err(PresentError::Inactive);
        };
        let presented = self.try_present(index, frame);
        let own = &mut self.heads[index];
        match presented {
            Ok(presented) => {
                if presented.queued {
                    own.accepted();
                }
                Ok(presented)
            }
            Err(PresentError::Device(reason)) => Err(own.failed(reason)),
            Err(error) => Err(error),
        }
    }

    fn try_present(&mut self, index: usize, frame: &Frame<'_>) -> Result<Presented, PresentError> {
        let Self { heads, drm, renderer, fd, quirks, .. } = self;
        let own = &mut heads[index];
        let mode = own.timing().ok_or_else(|| PresentError::Device("the display lists no mode".into()))?;
        let presenter = match &mut own.presenter {
            Some(presenter) => {
                // The display may list other modes than it did, or the last one was refused.
                presenter.use_mode(mode)?;
                presenter
            }
            empty => {
                let surface =
                    drm.create_surface(own.crtc, mode, &[own.connector]).map_err(|error| device_error(&error))?;
                let mut planes = surface.planes().clone();
                quirks.restrict(&mut planes);
                let cursor = quirks.cursor_plane.then(|| drm.cursor_size());
                let presenter = Presenter::new(renderer, &frame.screen.output, surface, planes, fd, cursor)?;
                empty.insert(presenter)
            }
        };
        presenter.present(renderer, frame)
    }

    /// Whether the card's displays could be in these states at once, with those that are not named as they are.
    pub fn test(&self, states: &[HeadState]) -> Result<(), String> {
        if !self.drm.is_active() || !self.drm.is_atomic() {
            // Nothing can be asked; what is refused later is undone then.
            return Ok(());
        }
        let mut wishes: Vec<Wish> = Vec::new();
        for own in &self.heads {
            let state = states.iter().find(|state| state.head == own.head.id);
            let on = state.map_or(own.on, |state| state.on);
            let mode = match state.and_then(|state| state.mode) {
                Some(mode) => Some(own.timing_of(mode).ok_or(NOT_LISTED)?),
                None => own.timing(),
            };
            let plane = match &own.presenter {
                Some(presenter) => Some(presenter.plane()),
                None => {
                    let planes = self.drm.planes(&own.crtc).map_err(|error| error.to_string())?;
                    let free = |plane: &plane::Handle| !wishes.iter().any(|wish| wish.plane == *plane);
                    planes.primary.iter().map(|plane| plane.handle).find(free)
                }
            };
            let plane = plane.ok_or("the display has no plane to show a picture on")?;
            wishes.push(Wish { connector: own.connector, crtc: own.crtc, plane, mode: mode.filter(|_| on) });
        }
        atomic::test(&self.drm, &wishes).map_err(|error| error.to_string())
    }

    pub fn flipped(&mut self, head: HeadId) -> Option<OutputPresentationFeedback> {
        self.head_mut(head)?.presenter.as_mut()?.flipped()
    }

    /// Switches a display off; on again is the next frame's doing.
    pub fn set_power(&mut self, head: HeadId, on: bool) -> Result<(), String> {
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
        let surface = drm.create_surface(own.crtc, mode, &[own.connector]).map_err(|error| error.to_string())?;
        surface.clear().map_err(|error| error.to_string())
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
