//! fifo: a commit waits until the one before it was on the screen for a frame, so that each is seen. A barrier is in force
//! from the commit that set it until the screen shows it: the page flip that follows, the timer in its place when nothing
//! changed, and in any case [`LONGEST`], whether the surface is shown or not. What a screen does calls [`Fifo::latch`] and
//! [`Fifo::end_latched`]; nothing waits for ever.
//!
//! Spoken without smithay's help, which leaves the end of barriers that no screen shows to the compositor, and posts errors
//! on the wrong object.

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
    protocols::dispatch::{globals, objects, plain},
    stage::Frame,
};

/// Highest version of the protocol that is spoken.
const VERSION: u32 = 1;
/// A barrier ends so long after its commit, if no screen has shown that: clients may draw so often while no one sees it.
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
    /// A frame with this commit was drawn: it is on its way, or on the screen already.
    latched: bool,
}

/// What a surface with a fifo keeps.
#[derive(Default)]
struct Surface {
    set: bool,
    wait: bool,
    /// Of the last commit that set one, in force or still to come, and whether that was a commit of a subsurface in
    /// synchronised mode.
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

    /// A frame was drawn, or would have been had anything changed. Returns whether a barrier waits for what becomes of it.
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

    /// When the next barrier ends by itself.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.barriers.values().map(|known| known.since + LONGEST).min()
    }

    /// What was drawn for this frame is on the screen, or nothing had changed for as long as a frame. Whose commits may be
    /// ready.
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

    /// Ends this surface's barrier. Whose it was.
    pub(super) fn end(&mut self, surface: &ObjectId) -> Option<Client> {
        let known = self.barriers.remove(surface)?;
        known.barrier.signal();
        known.client
    }
}

impl Kiosk {
    /// A commit of the surface is in force: so is its barrier.
    pub(super) fn fifo_applied(&mut self, surface: &WlSurface) {
        let set = with_states(surface, |states| match states.cached_state.has::<Committed>() {
            true => states.cached_state.get::<Committed>().current().0.take(),
            false => None,
        });
        let Some(barrier) = set else { return };
        let since = self.now();
        let fifo = &mut self.protocols.fifo;
        // One that nobody waited for.
        fifo.end(&surface.id());
        fifo.barriers.insert(surface.id(), InForce { client: surface.client(), barrier, since, latched: false });
        // With others there the timer is armed already, and fires early enough.
        if fifo.barriers.len() == 1 {
            self.arm_fifo();
        }
    }

    /// Barriers that no screen has ended.
    pub(crate) fn end_old_barriers(&mut self) {
        let now = self.now();
        let fifo = &mut self.protocols.fifo;
        let old = fifo.barriers.iter().filter(|(_, known)| known.since + LONGEST <= now).map(|(id, _)| id.clone());
        let clients: Vec<Client> = old.collect::<Vec<_>>().iter().filter_map(|id| fifo.end(id)).collect();
        self.look_for_ready_commits(clients);
    }
}

/// Before each commit of the surface.
fn commit(surface: &WlSurface) {
    // Asked before: it locks what is looked at below.
    let in_sync = is_sync_subsurface(surface);
    let wait = with_states(surface, |states| {
        let own = states.data_map.get::<Mutex<Surface>>()?;
        let mut own = own.lock().unwrap_or_else(PoisonError::into_inner);
        // One that came in synchronised mode is in force with the parent's commit, or with this one if the surface left
        // the mode before: a wait for it would be one for itself.
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
globals! {
    WpFifoManagerV1, () => Fifo;
}
objects! {
    WpFifoManagerV1, () => Fifo;
    WpFifoV1, Weak<WlSurface> => Fifo;
}
