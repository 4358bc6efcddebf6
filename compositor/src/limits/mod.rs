//! What a Wayland client may have, and what happens to one that wants more: a protocol error that says in words what
//! and how many, and the end of its connection. Nobody else notices.
//!
//! Every object is counted where requests are handed on ([`crate::protocols::dispatch`] and its like), whatever its
//! protocol, so that no kind can be forgotten. Depths, and lists within one object, are counted where they grow
//! ([`crate::protocols`]). The numbers are in [`table`] and in `[limits]`. Nothing here looks at what a client shows.

pub mod configures;
pub mod counts;
pub mod depth;
pub mod descriptors;
pub mod refusal;
pub mod table;
pub mod tallies;
pub mod waiting;

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, Weak},
};

use kiosk_core::config::Limits as Settings;
use smithay::reexports::wayland_server::{Client, Resource, backend::ClientId};

use crate::{
    kiosk::Kiosk,
    privilege::{ClientState, Endless, Privilege},
};
use counts::{Counts, TooMany};
use table::{ADMIN_FACTOR, XWAYLAND_FACTOR};

/// The counts of all users, for whoever comes in.
pub struct Limits {
    shells: Arc<Counts>,
    admins: Arc<Counts>,
    x_servers: Arc<Counts>,
    /// By user number. Those whose last client has gone are dropped as others come.
    users: HashMap<(Privilege, u32), Weak<Counts>>,
    pub(crate) endless: Endless,
}

impl Limits {
    /// With what is configured.
    pub fn new(settings: &Settings) -> Self {
        let settings = Arc::new(settings.clone());
        Self {
            shells: Arc::new(Counts::of_all(settings.clone(), 1)),
            admins: Arc::new(Counts::of_all(settings.clone(), ADMIN_FACTOR)),
            x_servers: Arc::new(Counts::of_all(settings, XWAYLAND_FACTOR)),
            users: HashMap::new(),
            endless: Endless::default(),
        }
    }

    /// The counts of one more client of this user.
    pub fn client(&mut self, privilege: Privilege, user: u32) -> Result<Counts, TooMany> {
        // What a command may have is a shell's, whichever of both sockets its programs take.
        let privilege = if privilege == Privilege::Command { Privilege::Shell } else { privilege };
        let known = self.users.get(&(privilege, user)).and_then(Weak::upgrade);
        let counts = known.unwrap_or_else(|| {
            self.users.retain(|_, counts| counts.strong_count() > 0);
            let all = match privilege {
                Privilege::Shell | Privilege::Command => &self.shells,
                Privilege::Admin => &self.admins,
                Privilege::Xwayland => &self.x_servers,
            };
            let counts = Arc::new(Counts::of_user(all));
            self.users.insert((privilege, user), Arc::downgrade(&counts));
            counts
        });
        Counts::of_client(&counts)
    }

    /// Clients that ask without end, to be disconnected.
    pub fn take_endless(&self) -> Vec<ClientId> {
        std::mem::take(&mut *self.endless.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Connections there are, for tests and for the log.
    pub fn clients(&self) -> u32 {
        [&self.shells, &self.admins, &self.x_servers].iter().map(|counts| counts.used(counts::CLIENTS)).sum()
    }
}

/// Counts what a request makes. `false`: it is one too many, the client has been told, and the request must not be
/// handed on.
pub fn admits(client: &Client, resource: &impl Resource, opcode: u16) -> bool {
    let description = interface_of(resource).requests.get(usize::from(opcode));
    let Some(made) = description.and_then(|description| description.child_interface) else { return true };
    match take(client, made.name) {
        Ok(()) => true,
        Err(too_many) => {
            refusal::post(resource, refusal::LIMIT, &too_many.to_string());
            false
        }
    }
}

fn interface_of<I: Resource>(_: &I) -> &'static smithay::reexports::wayland_server::backend::protocol::Interface {
    I::interface()
}

/// Counts an object of this interface for the client.
pub fn take(client: &Client, interface: &'static str) -> Result<(), TooMany> {
    client.get_data::<ClientState>().map_or(Ok(()), |state| state.counts.take(interface))
}

/// An object is gone.
pub fn released(kiosk: &Kiosk, client: &ClientId, object: &impl Resource) {
    // A client that has gone needs no count.
    if let Ok(data) = kiosk.main_loop.display.backend_handle().get_client_data(client.clone())
        && let Ok(state) = data.downcast_arc::<ClientState>()
    {
        state.counts.give_back(interface_of(object).name);
        state.tallies.clear(&object.id());
    }
}
