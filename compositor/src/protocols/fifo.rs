//! fifo: a commit waits until the one before it was on the screen for a frame, so that each is shown. A barrier is in
//! force from the commit that set it until the screen shows it: until the page flip that follows, the timer in its
//! place without damage, or at most [`LONGEST`], whether the surface is visible or not. The screens' redraw calls
//! [`Fifo::latch`] and [`Fifo::end_latched`]; nothing waits for ever.
//!
//! Implemented without smithay's support, which leaves the end of barriers that no screen shows to the compositor, and
//! posts errors on the wrong object.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use smithay::{
    desktop::utils::with_surfaces_surface_tree,
    reexports::{
        wayland_protocols::wp::fifo::v1::server::{
            wp_fifo_manager_v1::{self, Error, WpFifoManagerV1},
            wp_fifo_v1::{self, Error as FifoError, WpFifoV1},
        },
        wayland_server::{
            Client, DataInit, Dispatch, DisplayHandle, Resource, Weak, backend::ObjectId,
            protocol::wl_surface::WlSurface,
        },
    },
    wayland::compositor::{Barrier, Cacheable, add_pre_commit_hook, is_sync_subsurface, with_states},
};

use super::{attached::attach, blocked};
use crate::{
    deadline_timer::DeadlineTimer,
    kiosk::Kiosk,
    limits::refusal,
    protocols::dispatch::{objects, plain},
    stage::Frame,
};

/// Highest supported version of the protocol.
const VERSION: u32 = 1;
/// A barrier ends this long after its commit was applied, if no screen has shown that: clients that are not visible can
/// draw at this interval.
const LONGEST: Duration = Duration::from_secs(1);

/// The state of the protocol: the barriers in force, at most one a surface.
#[derive(Default)]
pub struct Fifo {
    barriers: HashMap<ObjectId, InForce>,
    pub(crate) timer: DeadlineTimer,
}

struct InForce {
    client: Option<Client>,
    barrier: Barrier,
    since: Duration,
    /// A frame with this commit was drawn: it is queued, or on the screen already.
    latched: bool,
}

/// Stored with a surface that has a fifo.
#[derive(Default)]
struct Surface {
    set: bool,
    wait: bool,
    /// The barrier of the last commit that set one, applied or pending, and whether that was a commit of a subsurface
    /// in synchronised mode.
    last: Option<(Barrier, bool)>,
}

/// The barrier that a commit sets.
#[derive(Default)]
struct Committed(Option<Barrier>);

impl Cacheable for Committed {
    fn commit(&mut self, _: &DisplayHandle) -> Self {
        std::mem::take(self)
    }

    fn merge_into(self, into: &mut Self, _: &DisplayHandle) {
        if let Some(barrier) = self.0
            && let Some(replaced) = into.0.replace(barrier)
        {
            replaced.signal();
        }
    }
}

impl Fifo {
    /// Offers the global.
    pub fn new(display: &DisplayHandle) -> Self {
        display.create_global::<Kiosk, WpFifoManagerV1, ()>(VERSION, ());
        Self::default()
    }

    /// Latches the barriers of a frame that was drawn, or would have been with damage. Returns whether there are any.
    pub fn latch(&mut self, frame: &Frame<'_>) -> bool {
        if self.barriers.is_empty() {
            return false;
        }
        let mut any = false;
        frame.for_each_surface(|root| {
            with_surfaces_surface_tree(root, |surface, _| {
                if let Some(known) = self.barriers.get_mut(&surface.id()) {
                    known.latched = true;
                    any = true;
                }
            });
        });
        any
    }

    /// When the next barrier times out.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.barriers.values().map(|known| known.since + LONGEST).min()
    }

    /// Ends the frame's latched barriers: it is on the screen, or a frame's time has passed without damage. Returns the
    /// clients whose commits may be ready.
    pub fn end_latched(&mut self, frame: &Frame<'_>) -> Vec<Client> {
        let mut clients = Vec::new();
        if !self.barriers.values().any(|known| known.latched) {
            return clients;
        }
        frame.for_each_surface(|root| {
            with_surfaces_surface_tree(root, |surface, _| {
                if self.barriers.get(&surface.id()).is_some_and(|known| known.latched) {
                    clients.extend(self.end(&surface.id()));
                }
            });
        });
        clients
    }

    /// Ends this surface's barrier; returns its client.
    pub(super) fn end(&mut self, surface: &ObjectId) -> Option<Client> {
        let known = self.barriers.remove(surface)?;
        known.barrier.signal();
        known.client
    }
}

impl Kiosk {
    /// Puts the barrier of an applied commit in force.
    pub(super) fn fifo_applied(&mut self, surface: &WlSurface) {
        let set = with_states(surface, |states| match states.cached_state.has::<Committed>() {
            true => states.cached_state.get::<Committed>().current().0.take(),
            false => None,
        });
        let Some(barrier) = set else { return };
        let since = self.now();
        let fifo = &mut self.protocols.fifo;
        // An older barrier that no commit waited for.
        fifo.end(&surface.id());
        fifo.barriers.insert(surface.id(), InForce { client: surface.client(), barrier, since, latched: false });
        // With other barriers the timer is armed already, and fires early enough.
        if fifo.barriers.len() == 1 {
            self.arm_fifo();
        }
    }

    /// Ends barriers that no screen has ended in time.
    pub(crate) fn end_old_barriers(&mut self) {
        let now = self.now();
        let fifo = &mut self.protocols.fifo;
        let old = fifo.barriers.iter().filter(|(_, known)| known.since + LONGEST <= now).map(|(id, _)| id.clone());
        let clients: Vec<Client> = old.collect::<Vec<_>>().iter().filter_map(|id| fifo.end(id)).collect();
        self.look_for_ready_commits(clients);
    }
}

/// Called before each commit of the surface.
fn commit(surface: &WlSurface) {
    // Called outside `with_states`, which holds the lock that this takes.
    let in_sync = is_sync_subsurface(surface);
    let wait = with_states(surface, |states| {
        let own = states.data_map.get::<Mutex<Surface>>()?;
        let mut own = own.lock().unwrap_or_else(PoisonError::into_inner);
        // A barrier set in synchronised mode comes into force with the parent's commit, or with this one if the surface
        // has left that mode: this commit would wait for itself.
        let last = own.last.clone().filter(|(_, in_sync)| !in_sync).map(|(barrier, _)| barrier);
        let wait = std::mem::take(&mut own.wait).then_some(last).flatten();
        if std::mem::take(&mut own.set) {
            let barrier = Barrier::new(false);
            own.last = Some((barrier.clone(), in_sync));
            states.cached_state.get::<Committed>().pending().0 = Some(barrier);
        }
        wait
    });
    if let Some(barrier) = wait.filter(|barrier| !barrier.is_signaled())
        && !in_sync
    {
        blocked::wait_for(surface, barrier);
    }
}

impl Dispatch<WpFifoManagerV1, (), Kiosk> for Fifo {
    fn request(
        _: &mut Kiosk,
        _: &Client,
        manager: &WpFifoManagerV1,
        request: wp_fifo_manager_v1::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Kiosk>,
    ) {
        let wp_fifo_manager_v1::Request::GetFifo { id, surface } = request else { return };
        let fifo = init.init(id, surface.downgrade());
        if !attach(&surface, &fifo) {
            refusal::post(manager, Error::AlreadyExists, "the surface has a wp_fifo_v1 already");
            return;
        }
        let first =
            with_states(&surface, |states| states.data_map.insert_if_missing_threadsafe(Mutex::<Surface>::default));
        if first {
            add_pre_commit_hook::<Kiosk, _>(&surface, |_, _, surface| commit(surface));
        }
    }
}

impl Dispatch<WpFifoV1, Weak<WlSurface>, Kiosk> for Fifo {
    fn request(
        _: &mut Kiosk,
        _: &Client,
        fifo: &WpFifoV1,
        request: wp_fifo_v1::Request,
        surface: &Weak<WlSurface>,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Kiosk>,
    ) {
        if matches!(request, wp_fifo_v1::Request::Destroy) {
            return;
        }
        let Ok(surface) = surface.upgrade() else {
            refusal::post(fifo, FifoError::SurfaceDestroyed, "the surface of the wp_fifo_v1 is gone");
            return;
        };
        with_states(&surface, |states| {
            let Some(own) = states.data_map.get::<Mutex<Surface>>() else { return };
            let mut own = own.lock().unwrap_or_else(PoisonError::into_inner);
            match request {
                wp_fifo_v1::Request::SetBarrier => own.set = true,
                wp_fifo_v1::Request::WaitBarrier => own.wait = true,
                _ => {}
            }
        });
    }
}

plain! {
    WpFifoManagerV1 => Fifo;
}
objects! {
    WpFifoManagerV1, () => Fifo;
    WpFifoV1, Weak<WlSurface> => Fifo;
}
