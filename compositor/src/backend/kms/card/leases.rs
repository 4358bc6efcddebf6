//! A card's leases: connectors that are named in `[lease]` are no screens of ours, and are lent with a CRTC and planes to
//! the client that asks. The kernel takes them back when the client's file descriptor is closed, and on another terminal
//! it lets no client use them: the console takes the displays. So a lease ends there, and its client is told to ask again.

use std::{num::NonZeroU32, os::fd::OwnedFd, rc::Rc};

use rustix::fs::{Mode, OFlags, open};
use smithay::{
    backend::drm::PlaneClaim,
    reexports::drm::control::{Device as ControlDevice, RawResourceHandle, crtc},
};

use super::Card;
use crate::backend::{
    BackendError,
    kms::connectors::Found,
    lease::{Lease, LeaseOffer},
};

/// What may be leased of a card, and what is.
#[derive(Default)]
pub struct Leases {
    /// The connectors that may be, by name.
    pub names: Rc<[String]>,
    /// The card has any of them, whether a display is connected or not.
    there: bool,
    /// Displays that are connected to them.
    connected: Vec<Found>,
    held: Vec<Held>,
}

/// A lease that is in force.
struct Held {
    number: NonZeroU32,
    connectors: Vec<u32>,
    crtcs: Vec<crtc::Handle>,
    /// It has ended, and the kernel is told when the session is back: only a master may revoke.
    ended: bool,
    /// Kept from our own screens.
    _planes: Vec<PlaneClaim>,
}

impl Leases {
    /// Of the connectors with these names.
    pub fn new(names: &Rc<[String]>) -> Self {
        Self { names: names.clone(), ..Self::default() }
    }

    /// CRTCs that are lent.
    pub fn crtcs(&self) -> impl Iterator<Item = crtc::Handle> + '_ {
        self.held.iter().flat_map(|held| held.crtcs.iter().copied())
    }

    fn is_free(&self, connector: u32) -> bool {
        !self.held.iter().any(|held| held.connectors.contains(&connector))
    }
}

impl Card {
    /// Takes over which displays are on connectors that may be leased. Leases of others end.
    pub(super) fn leasable_seen(&mut self, there: bool, connected: Vec<Found>) {
        self.leases.there = there;
        self.leases.connected = connected;
        let here = |connector: &u32| self.leases.connected.iter().any(|found| u32::from(found.connector) == *connector);
        let gone = self.leases.held.iter().filter(|held| !held.connectors.iter().all(here)).map(|held| held.number);
        for number in gone.collect::<Vec<_>>() {
            self.revoke_lease(number.get());
        }
    }

    /// The connectors that a client may lease now; none while another terminal is in front.
    pub fn lease_offers(&self) -> impl Iterator<Item = LeaseOffer> + '_ {
        let active = self.drm.is_active();
        let free =
            self.leases.connected.iter().filter(move |found| active && self.leases.is_free(found.connector.into()));
        free.map(|found| LeaseOffer {
            device: self.device,
            connector: found.connector.into(),
            name: found.head.name.clone(),
            description: found.head.identity.description(),
        })
    }

    /// Whether any of its connectors may be leased, with a display or without.
    pub fn has_leasable(&self) -> bool {
        self.leases.there
    }

    /// A file descriptor that reads the card's state and drives nothing.
    pub fn lease_device_fd(&self) -> Result<OwnedFd, BackendError> {
        let opened = open(&self.path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty());
        match opened {
            Ok(fd) => {
                use std::os::fd::AsFd as _;
                // Whoever opens a card that has no master becomes it.
                let _ = drm_ffi::auth::release_master(fd.as_fd());
                Ok(fd)
            }
            // The seat's manager opens the card for us, and only as master. A lease of nothing is a card of its own.
            Err(_) => {
                let lease = self.fd.create_lease(&[], OFlags::CLOEXEC.bits());
                lease.map(|(_, fd)| fd).map_err(BackendError::device)
            }
        }
    }

    /// Lends connectors, each with a CRTC and its planes.
    pub fn lease(&mut self, connectors: &[u32]) -> Result<Lease, BackendError> {
        if !self.drm.is_active() {
            return Err(BackendError::NotLeasable);
        }
        let taken: Vec<crtc::Handle> = self.heads.iter().map(|own| own.crtc).chain(self.leases.crtcs()).collect();
        let (mut crtcs, mut planes): (Vec<crtc::Handle>, Vec<PlaneClaim>) = (Vec::new(), Vec::new());
        let mut objects: Vec<RawResourceHandle> = Vec::new();
        for connector in connectors {
            let wanted = |found: &&Found| u32::from(found.connector) == *connector && self.leases.is_free(*connector);
            let found = self.leases.connected.iter().find(wanted).ok_or(BackendError::NotLeasable)?;
            let free = |crtc: &&crtc::Handle| !taken.contains(crtc) && !crtcs.contains(crtc);
            let crtc = *found.crtcs.iter().find(free).ok_or(BackendError::NoCrtc)?;
            let possible = self.drm.planes(&crtc).map_err(BackendError::device)?;
            let claim = |planes: &[smithay::backend::drm::PlaneInfo]| {
                planes.iter().find_map(|plane| self.drm.claim_plane(plane.handle, crtc))
            };
            let primary = claim(&possible.primary).ok_or(BackendError::NoPlane)?;
            let cursor = claim(&possible.cursor);
            objects.extend([RawResourceHandle::from(found.connector), crtc.into()]);
            for plane in std::iter::once(primary).chain(cursor) {
                objects.push(plane.plane().into());
                planes.push(plane);
            }
            crtcs.push(crtc);
        }
        let (number, fd) = self.fd.create_lease(&objects, OFlags::CLOEXEC.bits()).map_err(BackendError::device)?;
        self.leases.held.push(Held { number, connectors: connectors.to_vec(), crtcs, ended: false, _planes: planes });
        Ok(Lease { number: number.get(), fd })
    }

    /// Takes a lease back. Nothing where it has ended.
    pub fn revoke_lease(&mut self, number: u32) {
        let is_it = |held: &Held| held.number.get() == number;
        if !self.drm.is_active() {
            self.leases.held.iter_mut().filter(|held| is_it(held)).for_each(|held| held.ended = true);
            return;
        }
        let Some(at) = self.leases.held.iter().position(is_it) else { return };
        let held = self.leases.held.swap_remove(at);
        if let Err(error) = self.fd.revoke_lease(held.number) {
            // The client has closed it.
            tracing::debug!(%error, number, "lease not revoked");
        }
    }

    /// The leases in force, without those whose clients have closed them.
    pub fn leases(&mut self) -> Vec<u32> {
        // Only a master is told; on another terminal nothing changes.
        if self.drm.is_active()
            && let Ok(lessees) = self.fd.list_lessees()
        {
            self.leases.held.retain(|held| lessees.contains(&held.number));
        }
        self.leases.held.iter().filter(|held| !held.ended).map(|held| held.number.get()).collect()
    }

    /// Another terminal comes in front: all leases end.
    pub(super) fn end_leases(&mut self) {
        self.leases.held.iter_mut().for_each(|held| held.ended = true);
    }

    /// The session is back: tells the kernel which leases have ended.
    pub(super) fn revoke_ended_leases(&mut self) {
        let ended: Vec<u32> = self.leases.held.iter().filter(|held| held.ended).map(|held| held.number.get()).collect();
        ended.into_iter().for_each(|number| self.revoke_lease(number));
    }
}
