//! Limits of Wayland clients. A client that exceeds one gets a protocol error that names the limit, and is
//! disconnected; others are not affected.
//!
//! Every object of any protocol is counted where requests are dispatched ([`crate::protocols::dispatch`]). Nesting, and
//! lists within one object, are counted where they grow ([`crate::protocols`]), and ids where libwayland makes objects
//! ([`object_ids`]). The numbers are in [`table`] and in `[limits]`.

#![deny(clippy::indexing_slicing)]
#![cfg_attr(not(test), deny(clippy::string_slice))]

pub mod configures;
pub mod counts;
pub mod depth;
pub mod descriptors;
pub mod object_ids;
pub mod refusal;
pub mod table;
pub mod tallies;
pub mod unread;
pub mod waiting;

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, Weak},
};

use kiosk_core::config::Limits as Settings;
use smithay::reexports::wayland_server::{Client, Resource, backend::ClientId};

use crate::{
    kiosk::Kiosk,
    privilege::{ClientState, Privilege, RegistryFlooders},
};
use counts::{Counts, TooMany};
use table::{ADMIN_FACTOR, XWAYLAND_FACTOR};

/// The counts of all users.
pub struct Limits {
    shells: Arc<Counts>,
    admins: Arc<Counts>,
    x_servers: Arc<Counts>,
    /// By privilege and user id. Entries without clients are dropped when new clients connect.
    users: HashMap<(Privilege, u32), Weak<Counts>>,
    pub(crate) registry_flooders: RegistryFlooders,
    /// The connected clients, and some that have gone.
    connected: Vec<(ClientId, Weak<ClientState>)>,
    /// Clients to be disconnected, and why.
    leaving: Vec<(ClientId, &'static str)>,
}

impl Limits {
    /// With the configured limits.
    pub fn new(settings: &Settings) -> Self {
        let settings = Arc::new(settings.clone());
        Self {
            shells: Arc::new(Counts::of_all(settings.clone(), 1)),
            admins: Arc::new(Counts::of_all(settings.clone(), ADMIN_FACTOR)),
            x_servers: Arc::new(Counts::of_all(settings, XWAYLAND_FACTOR)),
            users: HashMap::new(),
            registry_flooders: RegistryFlooders::default(),
            connected: Vec::new(),
            leaving: Vec::new(),
        }
    }

    /// A client is connected.
    pub fn connected(&mut self, client: ClientId, state: &Arc<ClientState>) {
        self.connected.retain(|(_, state)| state.strong_count() > 0);
        self.connected.push((client, Arc::downgrade(state)));
    }

    /// The connected client with the most by this count, if any has one.
    pub fn client_with_most(&self, mut count: impl FnMut(ClientId) -> usize) -> Option<ClientId> {
        let counted = self.connected.iter().map(|(client, _)| (count(client.clone()), client));
        counted.filter(|(count, _)| *count > 0).max_by_key(|(count, _)| *count).map(|(_, client)| client.clone())
    }

    /// A client is to be disconnected at the end of the turn, with this sentence.
    pub fn disconnect_later(&mut self, client: ClientId, why: &'static str) {
        self.leaving.push((client, why));
    }

    /// The counts of one more client of this user.
    pub fn client(&mut self, privilege: Privilege, user: u32) -> Result<Counts, TooMany> {
        // The command counts as a shell, so that its programs share one limit on both sockets.
        let privilege = if privilege == Privilege::Command { Privilege::Shell } else { privilege };
        let known = self.users.get(&(privilege, user)).and_then(Weak::upgrade);
        let counts = known.unwrap_or_else(|| {
            self.users.retain(|_, counts| counts.strong_count() > 0);
            let all = match privilege {
                Privilege::Shell | Privilege::Command => &self.shells,
                // Open when the shells' are full.
                Privilege::Admin | Privilege::Keyboard => &self.admins,
                Privilege::Xwayland => &self.x_servers,
            };
            let counts = Arc::new(Counts::of_user(all));
            self.users.insert((privilege, user), Arc::downgrade(&counts));
            counts
        });
        Counts::of_client(&counts)
    }

    /// Clients that exceeded the limit of registries, to be disconnected.
    pub fn take_endless(&self) -> Vec<ClientId> {
        std::mem::take(&mut *self.registry_flooders.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The number of connections, for tests and the log.
    pub fn clients(&self) -> u32 {
        [&self.shells, &self.admins, &self.x_servers].iter().map(|counts| counts.used(counts::CLIENTS)).sum()
    }
}

/// Counts the object that a request creates. `false`: the limit is reached, the error was sent, and the request must
/// not be dispatched.
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

/// Uncounts a destroyed object.
pub fn released(kiosk: &Kiosk, client: &ClientId, object: &impl Resource) {
    // The counts of a disconnected client are gone already.
    if let Ok(data) = kiosk.main_loop.display.backend_handle().get_client_data(client.clone())
        && let Ok(state) = data.downcast_arc::<ClientState>()
    {
        state.counts.give_back(interface_of(object).name);
        state.tallies.clear(&object.id());
    }
}
