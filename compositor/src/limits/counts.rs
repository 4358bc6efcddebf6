//! Counts the objects of each kind: of one client, of all clients of its user, and of all. A client that disconnects
//! releases its counts.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use kiosk_core::config::Limits;

use super::table::{self, ALL_FACTOR, Kind, USER_FACTOR};

/// Connections are counted like objects.
pub const CLIENTS: &str = "clients";
/// And so are the ids that a client has used; they are never given back.
pub const OBJECT_IDS: &str = "object ids";

/// The scope of a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One connection's.
    Client,
    /// All connections of one user and privilege.
    User,
    /// All connections together.
    All,
}

/// A limit was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooMany {
    what: &'static str,
    key: &'static str,
    limit: u32,
    scope: Scope,
}

impl fmt::Display for TooMany {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, key, limit, .. } = self;
        let scope = match self.scope {
            Scope::Client => "one client",
            Scope::User => "one user",
            Scope::All => "all clients",
        };
        // An id is never given back.
        let span = if *what == OBJECT_IDS { "in all" } else { "at a time" };
        write!(text, "too many {what}: {scope} may have {limit} {span} ([limits] {key})")
    }
}

/// The counts of one client, of one user, or of all.
#[derive(Debug)]
pub struct Counts {
    scope: Scope,
    limits: Arc<Limits>,
    /// The limit, as a multiple of one client's.
    factor: u32,
    used: Mutex<Used>,
    above: Option<Arc<Counts>>,
}

impl Counts {
    /// For all clients; `factor`: their limit as a multiple of a shell's.
    pub fn of_all(limits: Arc<Limits>, factor: u32) -> Self {
        Self {
            scope: Scope::All,
            limits,
            factor: factor.saturating_mul(ALL_FACTOR),
            used: Mutex::default(),
            above: None,
        }
    }

    /// For one more user.
    pub fn of_user(all: &Arc<Counts>) -> Self {
        let factor = all.factor / ALL_FACTOR * USER_FACTOR;
        Self {
            scope: Scope::User,
            limits: all.limits.clone(),
            factor,
            used: Mutex::default(),
            above: Some(all.clone()),
        }
    }

    /// For one more client of a user.
    pub fn of_client(user: &Arc<Counts>) -> Result<Self, TooMany> {
        let factor = user.factor / USER_FACTOR;
        let counts = Self {
            scope: Scope::Client,
            limits: user.limits.clone(),
            factor,
            used: Mutex::default(),
            above: Some(user.clone()),
        };
        counts.take(CLIENTS).map(|()| counts)
    }

    /// The configured limits, for those that are not counts of objects.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// A limit for one client of this kind, for those that are not counts of objects.
    pub fn scaled(&self, limit: u32) -> u32 {
        limit.saturating_mul(self.factor)
    }

    /// Counts one more object of this interface, here and in the outer scopes, or returns the limit that was reached.
    pub fn take(&self, interface: &'static str) -> Result<(), TooMany> {
        self.take_kind(&table::kind(interface))
    }

    fn take_kind(&self, kind: &Kind) -> Result<(), TooMany> {
        let (key, limit) = self.limit(kind);
        {
            let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
            let count = used.of(kind.slot);
            if *count >= limit {
                return Err(TooMany { what: kind.slot, key, limit, scope: self.scope });
            }
            *count += 1;
        }
        let above = self.above.as_ref().map_or(Ok(()), |above| above.take_kind(kind));
        if above.is_err() {
            self.lower(kind.slot, 1);
        }
        above
    }

    /// Removes one object of this interface from the counts. Objects that we created ourselves are never counted.
    pub fn give_back(&self, interface: &'static str) {
        self.give_back_slot(table::kind(interface).slot);
    }

    fn give_back_slot(&self, slot: &'static str) {
        if self.lower(slot, 1)
            && let Some(above) = &self.above
        {
            above.give_back_slot(slot);
        }
    }

    /// How many objects of this interface are counted.
    pub fn used(&self, interface: &'static str) -> u32 {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner).of(table::kind(interface).slot)
    }

    /// The key of the limit, and how many there may be.
    fn limit(&self, kind: &Kind) -> (&'static str, u32) {
        if kind.slot == CLIENTS {
            return match self.scope {
                Scope::Client => (CLIENTS, 1),
                Scope::User => ("clients-per-user", self.limits.clients_per_user),
                Scope::All => (CLIENTS, self.limits.clients),
            };
        }
        (kind.key, kind.limit(&self.limits).saturating_mul(self.factor))
    }

    /// Returns false if there were fewer.
    fn lower(&self, slot: &'static str, by: u32) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let count = used.of(slot);
        let enough = *count >= by;
        *count = count.saturating_sub(by);
        enough
    }

    fn lower_all(&self, slot: &'static str, by: u32) {
        self.lower(slot, by);
        if let Some(above) = &self.above {
            above.lower_all(slot, by);
        }
    }
}

/// The count in each slot. A list, as it is used a dozen times a frame and has few entries, at most one for each
/// interface.
#[derive(Debug, Default)]
struct Used(Vec<(&'static str, u32)>);

impl Used {
    #[allow(clippy::indexing_slicing, reason = "it was found there, or just pushed")]
    fn of(&mut self, slot: &'static str) -> &mut u32 {
        let at = self.0.iter().position(|(name, _)| *name == slot).unwrap_or_else(|| {
            self.0.push((slot, 0));
            self.0.len() - 1
        });
        &mut self.0[at].1
    }
}

impl Drop for Counts {
    fn drop(&mut self) {
        let used = std::mem::take(self.used.get_mut().unwrap_or_else(PoisonError::into_inner));
        if let Some(above) = &self.above {
            used.0.into_iter().for_each(|(slot, count)| above.lower_all(slot, count));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn few() -> Arc<Limits> {
        Arc::new(Limits { clients: 3, clients_per_user: 2, surfaces: 2, objects: 5, ..Limits::default() })
    }

    #[test]
    fn a_client_may_have_so_many_and_has_them_again_when_they_are_gone() {
        let user = Arc::new(Counts::of_user(&Arc::new(Counts::of_all(few(), 1))));
        let client = Counts::of_client(&user).unwrap();
        client.take("wl_surface").unwrap();
        client.take("wl_surface").unwrap();
        let refused = client.take("wl_surface").unwrap_err();
        assert_eq!(refused.to_string(), "too many surfaces: one client may have 2 at a time ([limits] surfaces)");
        client.give_back("wl_surface");
        client.take("wl_surface").unwrap();
        // Each kind has its own count.
        (0..5).for_each(|_| client.take("wl_pointer").unwrap());
        let refused = client.take("wl_pointer").unwrap_err();
        assert_eq!(refused.to_string(), "too many wl_pointer: one client may have 5 at a time ([limits] objects)");
    }

    #[test]
    fn a_user_has_four_times_as_much_and_takes_nothing_from_another() {
        let all = Arc::new(Counts::of_all(Arc::new(Limits { clients: 100, surfaces: 2, ..Limits::default() }), 1));
        let user = Arc::new(Counts::of_user(&all));
        let clients: Vec<Counts> = (0..5).map(|_| Counts::of_client(&user).unwrap()).collect();
        for client in &clients[..4] {
            (0..2).for_each(|_| client.take("wl_surface").unwrap());
        }
        let refused = clients[4].take("wl_surface").unwrap_err();
        assert_eq!(refused.to_string(), "too many surfaces: one user may have 8 at a time ([limits] surfaces)");
        assert_eq!(clients[4].used("wl_surface"), 0, "what is refused does not count");
        let other = Arc::new(Counts::of_user(&all));
        Counts::of_client(&other).unwrap().take("wl_surface").unwrap();
        drop(clients);
        assert_eq!((user.used("wl_surface"), all.used("wl_surface")), (0, 0));
    }

    #[test]
    fn connections_are_limited_by_user_and_in_all() {
        let all = Arc::new(Counts::of_all(few(), 1));
        let users: Vec<Arc<Counts>> = (0..2).map(|_| Arc::new(Counts::of_user(&all))).collect();
        let first = Counts::of_client(&users[0]).unwrap();
        let _second = Counts::of_client(&users[0]).unwrap();
        let refused = Counts::of_client(&users[0]).unwrap_err().to_string();
        assert_eq!(refused, "too many clients: one user may have 2 at a time ([limits] clients-per-user)");
        let _third = Counts::of_client(&users[1]).unwrap();
        let refused = Counts::of_client(&users[1]).unwrap_err().to_string();
        assert_eq!(refused, "too many clients: all clients may have 3 at a time ([limits] clients)");
        drop(first);
        Counts::of_client(&users[1]).unwrap();
    }

    #[test]
    fn what_we_made_ourselves_is_not_given_back() {
        let user = Arc::new(Counts::of_user(&Arc::new(Counts::of_all(few(), 1))));
        let (one, other) = (Counts::of_client(&user).unwrap(), Counts::of_client(&user).unwrap());
        one.take("wl_surface").unwrap();
        other.give_back("wl_surface");
        assert_eq!((one.used("wl_surface"), user.used("wl_surface")), (1, 1));
    }
}
