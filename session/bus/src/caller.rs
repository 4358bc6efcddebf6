//! Identifies a call's user, for the quotas: from the socket's credentials or the bus daemon.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use kiosk_core::authority;
use nix::unistd::{Gid, Uid, User, getgrouplist};
use zbus::Connection;
use zbus::message::Header;

/// Cached senders on the bus, whose unique names are never reused.
const MAX_REMEMBERED: usize = 256;
/// Unknown callers share the places of one user.
const UNKNOWN: u32 = u32::MAX;

/// A caller as the quotas see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who {
    /// The user id.
    pub uid: u32,
    /// Root, our own user, or a member of the group kiosk-admin: may use the reserved places.
    pub privileged: bool,
}

/// The callers of one connection.
#[derive(Debug, Default)]
pub struct Callers(Mutex<HashMap<String, Who>>);

impl Callers {
    /// Asks the bus daemon once for each sender. Rights are not decided by this: see [`authority::Authority`].
    pub async fn who(&self, connection: &Connection, header: &Header<'_>) -> Who {
        let sender = header.sender().filter(|_| connection.is_bus()).map_or("", |sender| sender.as_str());
        if let Some(who) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(sender) {
            return *who;
        }
        let Ok(caller) = authority::caller(connection, header).await else {
            return Who { uid: UNKNOWN, privileged: false };
        };
        let who = Who { uid: caller.uid, privileged: authority::is_trusted(&caller) };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_REMEMBERED {
            known.clear();
        }
        known.insert(sender.to_owned(), who);
        who
    }
}

/// The groups of a peer, primary and supplementary: by the system's name service, which may take its time.
pub async fn groups(uid: u32, gid: u32) -> Vec<u32> {
    let look = move || {
        let user = User::from_uid(Uid::from_raw(uid)).ok()??;
        let name = std::ffi::CString::new(user.name).ok()?;
        getgrouplist(&name, Gid::from_raw(gid)).ok()
    };
    let found = tokio::task::spawn_blocking(look).await.ok().flatten();
    found.map_or_else(|| vec![gid], |groups| groups.into_iter().map(Gid::as_raw).collect())
}
