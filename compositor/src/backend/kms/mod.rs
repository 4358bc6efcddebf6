//! KMS: the screens of a console, through libseat. Owns the session, the cards and libinput; the rest of the compositor
//! uses it through the [`Backend`] trait.

#![deny(clippy::indexing_slicing)]
#![cfg_attr(not(test), deny(clippy::string_slice))]

mod atomic;
mod card;
mod cards;
mod connectors;
mod dumb_buffers;
pub mod edid;
mod error;
mod exporter;
mod gamma;
mod gles;
mod gpu_copy;
mod handover;
mod head;
mod plane_fallback;
mod present;
mod properties;
mod queue;
mod quirks;
mod refusal;
mod renderer;
mod seat;
mod session;
mod timing;
mod watched_pictures;

use std::{
    os::fd::OwnedFd,
    path::PathBuf,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use kiosk_core::config::VtNumber;
use smithay::{
    backend::{
        allocator::dmabuf::Dmabuf,
        renderer::{element::RenderElementStates, sync::SyncPoint},
        session::Session,
    },
    desktop::utils::OutputPresentationFeedback,
    reexports::{
        calloop::RegistrationToken,
        input::Libinput,
        wayland_server::protocol::{wl_shm, wl_surface::WlSurface},
    },
    utils::{Buffer, Physical, Point, Rectangle},
};

use super::{
    Backend, BackendError, Colours, DeviceChange, DmabufOffer, HeadState, Host, PresentError, Presented,
    capture::{Capture, CaptureError},
    capture_formats::CaptureFormats,
    lease::{DeviceNumber, Lease, LeaseOffer},
    watched::View,
};
use crate::{
    event_loop::Handle,
    options::RendererChoice,
    screens::{Head, HeadId, HeadMode},
    stage::{Frame, ramp::Ramp},
};
use card::Card;
pub use error::KmsError;
use gpu_copy::GpuPicture;
use renderer::CardRenderer;
use seat::Seat;
use watched_pictures::WatchedPictures;

/// This back end's name, for people.
pub const NAME: &str = "kms";

/// The back end.
pub struct Kms<H: Host> {
    handle: Handle<H>,
    session: Seat,
    renderer: RendererChoice,
    /// The first picture is over: GPUs of cards that come from now on are started at once.
    gpus_started: bool,
    /// Connectors that are no screens, by name: clients may lease them.
    leasable: Rc<[String]>,
    cards: Vec<Card>,
    libinput: Option<Libinput>,
    hotplug: Option<RegistrationToken>,
    /// When connectors are scanned again without a hotplug event, after [`Kms::started`].
    settles: Option<Duration>,
    started: Instant,
    watched: WatchedPictures,
}

impl<H: Host> Kms<H> {
    /// Takes the seat and every card with connectors. `leasable`: connectors that are no screens of ours, by name.
    pub fn new(handle: &Handle<H>, renderer: RendererChoice, leasable: &[String]) -> Result<Self, KmsError> {
        let session = session::open(handle)?;
        let mut kms = Self {
            handle: handle.clone(),
            session,
            renderer,
            gpus_started: false,
            leasable: leasable.into(),
            cards: Vec::new(),
            libinput: None,
            hotplug: None,
            settles: None,
            started: Instant::now(),
            watched: WatchedPictures::default(),
        };
        if kms.session.is_active() {
            kms.open_cards();
            if kms.cards.is_empty() {
                return Err(KmsError::NoCard(kms.why_no_card()));
            }
            kms.scan();
        } else if !session::may_become_active(&kms.session) {
            return Err(KmsError::NoManager);
        } else {
            tracing::info!("seat session not active yet: waiting for its virtual terminal");
        }
        Ok(kms)
    }

    fn known_heads(&self) -> Vec<Head> {
        self.cards.iter().flat_map(Card::heads).cloned().collect()
    }

    fn card_of(&mut self, head: HeadId) -> Option<&mut Card> {
        self.cards.iter_mut().find(|card| card.has(head))
    }

    fn card_numbered(&mut self, device: DeviceNumber) -> Option<&mut Card> {
        self.cards.iter_mut().find(|card| card.device == device)
    }

    /// The card whose GPU clients use: the first one with a GPU.
    fn gpu(&mut self) -> Option<&mut Card> {
        self.cards.iter_mut().find(|card| card.has_gpu())
    }

    /// What draws a frame's screen.
    fn painter_of(&mut self, frame: &Frame<'_>) -> Result<&mut CardRenderer, CaptureError> {
        let index = self.painter_for(frame.screen.head());
        self.cards.get_mut(index).map(|card| &mut card.renderer).ok_or(CaptureError::NoDevice)
    }

    /// The card that draws what this display shows.
    fn painter_for(&self, head: Option<HeadId>) -> usize {
        let index = self.cards.iter().position(|card| head.is_some_and(|head| card.has(head))).unwrap_or(0);
        self.painter(index)
    }

    /// The card that draws for this one: itself, or the one with a GPU where this one has none.
    fn painter(&self, index: usize) -> usize {
        match self.cards.get(index) {
            Some(card) if !card.has_gpu() => self.cards.iter().position(Card::has_gpu).unwrap_or(index),
            _ => index,
        }
    }
}

impl<H: Host> Backend for Kms<H> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn renderer(&self) -> &'static str {
        self.cards.first().map_or("pixman", |card| card.renderer.name())
    }

    fn heads(&mut self) -> Vec<Head> {
        self.known_heads()
    }

    fn present(&mut self, frame: &Frame<'_>) -> Result<Presented, PresentError> {
        let head = frame.screen.head().ok_or(PresentError::Inactive)?;
        let index = self.cards.iter().position(|card| card.has(head)).ok_or(PresentError::Inactive)?;
        let painter = self.painter(index);
        let picture = match self.cards.get_mut(painter).map(|card| &mut card.renderer) {
            Some(CardRenderer::Gles(gles)) if painter != index => GpuPicture::draw(&mut gles.renderer, frame),
            _ => None,
        };
        self.cards.get_mut(index).ok_or(PresentError::Inactive)?.present(head, frame, picture)
    }

    fn flipped(&mut self, head: HeadId) -> Option<OutputPresentationFeedback> {
        self.card_of(head)?.flipped(head)
    }

    fn set_ramp(&mut self, head: HeadId, ramp: Option<&Ramp>) -> Colours {
        self.card_of(head).map_or(Colours::ByDevice, |card| card.set_ramp(head, ramp))
    }

    fn set_power(&mut self, head: HeadId, on: bool) -> Result<(), BackendError> {
        self.card_of(head).map_or(Ok(()), |card| card.set_power(head, on))
    }

    fn set_mode(&mut self, head: HeadId, mode: HeadMode) -> Result<(), BackendError> {
        self.card_of(head).map_or_else(|| Err(BackendError::NotConnected), |card| card.set_mode(head, mode))
    }

    fn test(&mut self, states: &[HeadState]) -> Result<(), BackendError> {
        self.cards
            .iter()
            .filter(|card| states.iter().any(|state| card.has(state.head)))
            .try_for_each(|card| card.test(states))
    }

    fn capture(&mut self, frame: &Frame<'_>) -> Result<Capture, CaptureError> {
        self.painter_of(frame)?.capture(frame)
    }

    fn picture(&mut self, frame: &Frame<'_>) -> Result<(Capture, RenderElementStates), CaptureError> {
        self.painter_of(frame)?.picture(frame)
    }

    fn watch(&mut self, frame: &Frame<'_>, pointer: bool) -> Result<Vec<Rectangle<i32, Physical>>, CaptureError> {
        let index = self.painter_for(frame.screen.head());
        let card = self.cards.get_mut(index).ok_or(CaptureError::NoDevice)?;
        self.watched.draw(index, &mut card.renderer, frame, pointer)
    }

    fn read_watched(
        &mut self,
        view: View,
        part: Rectangle<i32, Buffer>,
        take: &mut dyn FnMut(&[u8]),
    ) -> Result<(), CaptureError> {
        let card = self.cards.get_mut(self.watched.painter(view)?).ok_or(CaptureError::NoDevice)?;
        self.watched.read(&mut card.renderer, view, part, take)
    }

    fn capture_formats(&self, head: Option<HeadId>) -> Option<Arc<CaptureFormats>> {
        self.cards.get(self.painter_for(head))?.renderer.capture_formats()
    }

    fn copy_watched(
        &mut self,
        view: View,
        part: Rectangle<i32, Buffer>,
        buffer: &mut Dmabuf,
        at: Point<i32, Physical>,
    ) -> Result<SyncPoint, CaptureError> {
        let card = self.cards.get_mut(self.watched.painter(view)?).ok_or(CaptureError::NoDevice)?;
        self.watched.copy(&mut card.renderer, view, part, buffer, at)
    }

    fn forget_watched(&mut self, view: View) {
        self.watched.forget(view);
    }

    fn shm_formats(&self) -> Vec<wl_shm::Format> {
        self.cards.first().map(|card| card.renderer.shm_formats()).unwrap_or_default()
    }

    fn sysfs(&self) -> Option<PathBuf> {
        Some("/sys".into())
    }

    fn lease_devices(&self) -> Vec<DeviceNumber> {
        self.cards.iter().filter(|card| card.has_leasable()).map(|card| card.device).collect()
    }

    fn lease_offers(&self) -> Vec<LeaseOffer> {
        self.cards.iter().flat_map(Card::lease_offers).collect()
    }

    fn lease_device_fd(&mut self, device: DeviceNumber) -> Result<OwnedFd, BackendError> {
        self.card_numbered(device).ok_or(BackendError::NotLeasable)?.lease_device_fd()
    }

    fn lease(&mut self, device: DeviceNumber, connectors: &[u32]) -> Result<Lease, BackendError> {
        self.card_numbered(device).ok_or(BackendError::NotLeasable)?.lease(connectors)
    }

    fn revoke_lease(&mut self, device: DeviceNumber, number: u32) {
        if let Some(card) = self.card_numbered(device) {
            card.revoke_lease(number);
        }
    }

    fn leases(&mut self, device: DeviceNumber) -> Vec<u32> {
        self.card_numbered(device).map(Card::leases).unwrap_or_default()
    }

    fn dmabuf_offer(&self) -> Option<DmabufOffer> {
        self.cards.iter().find_map(Card::dmabuf_offer)
    }

    fn import_dmabuf(&mut self, dmabuf: &Dmabuf) -> bool {
        self.gpu().is_some_and(|card| card.renderer.import(dmabuf))
    }

    fn early_import(&mut self, surface: &WlSurface) {
        if let Some(card) = self.gpu() {
            card.renderer.early_import(surface);
        }
    }

    fn start_gpus(&mut self) -> Result<bool, BackendError> {
        self.start_gpus_of_cards().map_err(BackendError::device)
    }

    fn start_input(&mut self) {
        self.libinput = session::start_input(&self.handle, &self.session);
        self.watch_hotplug();
    }

    fn has_console_input(&self) -> bool {
        self.libinput.is_some()
    }

    fn switch_vt(&mut self, vt: VtNumber) -> Result<(), BackendError> {
        let number = i32::try_from(vt.get()).map_err(BackendError::device)?;
        self.session.change_vt(number).map_err(BackendError::device)
    }

    fn active_vt(&self) -> u32 {
        session::front_vt()
    }

    fn has_screens(&self) -> bool {
        self.cards.is_empty() || self.cards.iter().any(Card::is_ours)
    }

    fn pause(&mut self) {
        if let Some(libinput) = &self.libinput {
            libinput.suspend();
        }
        for card in &mut self.cards {
            card.pause();
        }
    }

    fn resume(&mut self) -> Result<(), BackendError> {
        if let Some(libinput) = &mut self.libinput
            && libinput.resume().is_err()
        {
            tracing::warn!("some input devices not reopened");
        }
        if let Some(libinput) = &self.libinput {
            session::announce_devices(&self.handle, libinput);
        }
        self.open_cards();
        let results: Vec<Result<(), BackendError>> = self.cards.iter_mut().map(Card::resume).collect();
        // Displays may have come and gone meanwhile.
        self.scan();
        results.into_iter().collect()
    }

    fn trim(&mut self, head: HeadId) {
        if let Some(card) = self.card_of(head) {
            card.trim(head);
        }
    }

    fn recover(&mut self, head: HeadId) {
        if let Some(card) = self.card_of(head) {
            card.recover(head);
        }
    }

    fn device_changed(&mut self, change: DeviceChange) -> bool {
        let before = self.known_heads();
        match change {
            DeviceChange::Added(path) => self.open_card(&path),
            DeviceChange::Changed(device) => {
                for card in self.cards.iter_mut().filter(|card| card.device == device) {
                    card.probe_next();
                }
            }
            DeviceChange::Removed(device) => {
                for card in self.cards.iter_mut().filter(|card| card.device == device) {
                    card.pause();
                    self.handle.unwatch(card.flips);
                }
                self.cards.retain(|card| card.device != device);
                // Their buffers belong to cards, whose indices have changed.
                self.watched = WatchedPictures::default();
                // The real driver may have replaced a firmware framebuffer meanwhile.
                self.open_cards();
            }
            DeviceChange::Settled => self.settles = None,
            DeviceChange::Slept => self.cards.iter_mut().for_each(Card::slept),
        }
        self.scan();
        self.known_heads() != before
    }
}
