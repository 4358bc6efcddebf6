//! Blocks commits until a barrier ends ([`super::fifo`], [`super::commit_timing`]) or their surface is destroyed.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use smithay::{
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
    wayland::compositor::{Barrier, Blocker, BlockerState, add_blocker, with_states},
};

use crate::kiosk::Kiosk;

/// Stored with a surface that had blocked commits: whether it is destroyed.
#[derive(Default)]
struct Gone(Arc<AtomicBool>);

struct Wait {
    barrier: Barrier,
    gone: Arc<AtomicBool>,
}

impl Blocker for Wait {
    fn state(&self) -> BlockerState {
        if self.gone.load(Relaxed) { BlockerState::Released } else { self.barrier.state() }
    }
}

/// Blocks the surface's current commit until the barrier ends.
pub(super) fn wait_for(surface: &WlSurface, barrier: Barrier) {
    let gone = with_states(surface, |states| states.data_map.get_or_insert_threadsafe(Gone::default).0.clone());
    add_blocker(surface, Wait { barrier, gone });
}

impl Kiosk {
    /// Ends the waits of a destroyed surface.
    pub(super) fn end_waits_of(&mut self, surface: &WlSurface) {
        self.protocols.fifo.end(&surface.id());
        self.protocols.commit_timing.forget(&surface.id());
        let gone = with_states(surface, |states| states.data_map.get::<Gone>().map(|gone| gone.0.clone()));
        if let Some(gone) = gone {
            gone.store(true, Relaxed);
            self.look_for_ready_commits(surface.client());
        }
    }
}
