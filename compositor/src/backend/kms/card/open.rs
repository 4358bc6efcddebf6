//! Opening a card: through the seat, if it has connectors, with what draws for it and its page flips watched.

use std::{collections::HashMap, os::fd::AsFd, path::Path, rc::Rc, time::Duration};

use rustix::fs::{major, minor, stat};
use smithay::{
    backend::{
        drm::{DrmDevice, DrmDeviceFd, DrmDeviceNotifier, DrmError},
        renderer::pixman::{PixmanError, PixmanRenderer},
    },
    reexports::{
        calloop,
        drm::{
            Device as _, DriverCapability,
            control::{Device as _, Event},
        },
    },
    utils::DeviceFd,
};

use super::{Card, Driven, leases::Leases};
use crate::{
    backend::{
        FlipTime, Host,
        kms::{
            gles::GlesError,
            quirks::Quirks,
            renderer::CardRenderer,
            seat::{Seat, SeatDevice, SeatError},
        },
    },
    event_loop::{Handle, WatchToken},
    options::RendererChoice,
    screens::hotplug::Hotplug,
};

/// Why a card is not used.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    /// seatd or logind did not open it.
    #[error("it could not be opened through the seat: {0}")]
    Open(#[source] SeatError),
    /// Another program is DRM master: frames would be refused until it ends.
    #[error("another program is in control of it (DRM master is taken)")]
    Busy,
    /// A GPU that only renders, or a card whose displays are another's.
    #[error("it has no connectors")]
    NoConnectors,
    /// The device file speaks no KMS.
    #[error("it is no display device: {0}")]
    NotDisplay(#[source] DrmError),
    /// A GPU was asked for by name, so drawing in memory is not tried.
    #[error("--renderer gles: {0}")]
    NoGpu(#[source] GlesError),
    /// Neither a GPU nor drawing in memory works.
    #[error("{0}")]
    Renderer(#[source] PixmanError),
    /// The event loop did not take its page flips' source.
    #[error("its events could not be watched: {0}")]
    Watch(#[source] calloop::Error),
}

impl Card {
    /// Opens the card, if it has connectors. Its GPU is started by [`Card::start_gpu`].
    pub fn open<H: Host>(
        session: &Seat,
        path: &Path,
        handle: &Handle<H>,
        choice: RendererChoice,
        leasable: &Rc<[String]>,
    ) -> Result<Self, CardError> {
        let (seat, owned) = SeatDevice::open(session, path).map_err(CardError::Open)?;
        let fd = DrmDeviceFd::new(DeviceFd::from(owned));
        // `false`: connectors stay as they are. Switching them off would flash.
        let (drm, notifier) = DrmDevice::new(fd.clone(), false).map_err(|error| match error {
            DrmError::DeviceInactive => CardError::Busy,
            other => CardError::NotDisplay(other),
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
        let renderer = PixmanRenderer::new().map(CardRenderer::Pixman).map_err(CardError::Renderer)?;
        let gpu_to_start = choice == RendererChoice::Gles || (choice == RendererChoice::Auto && quirks.may_have_gpu);
        let device = stat(path).map(|stat| stat.st_rdev).unwrap_or_default();
        let number = major(device) << 20 | minor(device);
        let driven = Driven::default();
        let flips = watch_flips(handle, &fd, notifier, driven.clone()).map_err(CardError::Watch)?;
        Ok(Self {
            path: path.to_owned(),
            device,
            quirks,
            renderer,
            flips,
            gpu_to_start,
            number,
            heads: Vec::new(),
            driven,
            known: HashMap::new(),
            hotplug: Hotplug::default(),
            leases: Leases::new(leasable),
            drm,
            fd,
            // The kernel's cached state may be older than the display, and the first modeset should be the right one.
            probe: true,
            _seat: seat,
        })
    }
}

/// Tells the host of the card's page flips. They come once a frame, so they are read from the card and not by smithay's
/// source for calloop: see [`crate::event_loop`].
///
/// The notifier is only kept: when the last part of a device goes, smithay gives the card the state back that it was found
/// in. With the watch, that is when the loop ends, and the card is another program's already.
fn watch_flips<H: Host>(
    handle: &Handle<H>,
    fd: &DrmDeviceFd,
    notifier: DrmDeviceNotifier,
    driven: Driven,
) -> calloop::Result<WatchToken> {
    let monotonic = fd.get_driver_capability(DriverCapability::MonotonicTimestamp).is_ok_and(|is_so| is_so != 0);
    let device = fd.clone();
    handle.watch(fd.as_fd().try_clone_to_owned()?, move |host| {
        let _kept = &notifier;
        let events = match device.receive_events() {
            Ok(events) => events,
            Err(error) => return host.problem(format!("the display device reports: {error}")),
        };
        for event in events {
            let Event::PageFlip(flip) = event else { continue };
            let head = driven.borrow().get(&flip.crtc).copied();
            if let Some(head) = head {
                host.flipped(head, flip_time(monotonic, flip.duration, flip.frame));
            }
        }
    })
}

/// When a flip happened, as the driver tells: a zero time means that it has no clock.
fn flip_time(monotonic: bool, time: Duration, sequence: u32) -> FlipTime {
    if monotonic && !time.is_zero() { FlipTime::Hardware { time, sequence } } else { FlipTime::Now }
}
