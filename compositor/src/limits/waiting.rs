//! Counts pending commits. The count is part of the surface's cached state, so that an applied state tells how many
//! commits are no longer pending.

use smithay::{
    reexports::wayland_server::{DisplayHandle, Resource, protocol::wl_surface::WlSurface},
    wayland::compositor::{Cacheable, is_sync_subsurface, with_states},
};

use super::table::{WAITING_COMMITS, WAITING_UPDATES};
use crate::privilege::ClientState;

/// Numbers of commits: all, and those that do not wait for a parent's.
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

/// Counts a commit of the surface. `Err`: the client's limit of pending commits.
pub fn begin(state: &ClientState, surface: &WlSurface) -> Result<(), u32> {
    let own = !is_sync_subsurface(surface);
    state.tallies.add_commit(surface.id(), own, WAITING_COMMITS, WAITING_UPDATES)?;
    with_states(surface, |states| {
        let mut commits = states.cached_state.get::<Commits>();
        let pending = commits.pending();
        *pending = Commits { all: 1, own: own.into() };
    });
    Ok(())
}

/// Uncounts the applied commits of the surface, which is of the client with this state.
pub fn applied(state: &ClientState, surface: &WlSurface) {
    let Commits { all, own } =
        with_states(surface, |states| std::mem::take(states.cached_state.get::<Commits>().current()));
    state.tallies.lower(surface.id(), all, own);
}
