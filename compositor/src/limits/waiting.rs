//! Commits that wait until they are applied. Each is a part of the surface's state that is handed on with it, so that what
//! is in force tells how many wait no more.

use smithay::{
    reexports::wayland_server::{DisplayHandle, Resource, protocol::wl_surface::WlSurface},
    wayland::compositor::{Cacheable, is_sync_subsurface, with_states},
};

use super::table::{WAITING_COMMITS, WAITING_UPDATES};
use crate::privilege::ClientState;

/// So many commits: of all, and of those that are no part of a parent's.
#[derive(Debug, Default)]
struct Commits {
    all: u32,
    own: u32,
}

impl Cacheable for Commits {
    fn commit(&mut self, _: &DisplayHandle) -> Self {
        std::mem::take(self)
    }

    fn merge_into(self, into: &mut Self, _: &DisplayHandle) {
        into.all = into.all.saturating_add(self.all);
        into.own = into.own.saturating_add(self.own);
    }
}

/// The surface commits. `Err`: too much of its client's waits already, and how much may.
pub fn begin(state: &ClientState, surface: &WlSurface) -> Result<(), u32> {
    if !state.tallies.add(surface.id(), WAITING_COMMITS) {
        return Err(WAITING_COMMITS);
    }
    let own = !is_sync_subsurface(surface);
    if own && !state.tallies.add_update(&surface.id(), WAITING_UPDATES) {
        return Err(WAITING_UPDATES);
    }
    with_states(surface, |states| {
        let mut commits = states.cached_state.get::<Commits>();
        let pending = commits.pending();
        *pending = Commits { all: 1, own: own.into() };
    });
    Ok(())
}

/// What the surface has committed is in force: that waits no more.
pub fn applied(surface: &WlSurface) {
    let Commits { all, own } =
        with_states(surface, |states| std::mem::take(states.cached_state.get::<Commits>().current()));
    if let Some(client) = surface.client()
        && let Some(state) = client.get_data::<ClientState>()
    {
        state.tallies.lower(&surface.id(), all, own);
    }
}
