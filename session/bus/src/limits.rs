//! Limits of what callers can use at once, so that none takes all memory or locks others out. By user where it is
//! known, as a user may have many connections; places are reserved for root, our own user and the group kiosk-admin.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use kiosk_core::quota::Quota;
use kiosk_core::repeated::Repeated;

/// Most connections in total, of one user, and reserved for privileged callers.
const MAX_CONNECTIONS: usize = 64;
const MAX_CONNECTIONS_EACH: usize = 16;
const KEPT_CONNECTIONS: usize = 16;
/// Most calls in progress: in total, of one user, and reserved for privileged callers. `kioskctl` makes one at a time.
const MAX_CALLS: usize = 64;
const MAX_CALLS_EACH: usize = 16;
const KEPT_CALLS: usize = 16;
/// Most calls in progress of one connection. Their total may exceed the other limit, as some callers are not identified
/// yet.
const MAX_CALLS_OF_CALLER: usize = 8;
const MAX_CALLS_OF_CALLERS: usize = 512;
/// Most large messages (larger than a complete screen configuration): of one caller, and in total.
const MAX_LARGE: usize = 4;
const MAX_LARGE_EACH: usize = 2;
/// How often the same refusal is written to the log.
const LOG_PAUSE: Duration = Duration::from_secs(60);

/// Counts for all connections of a daemon.
pub struct Limits {
    /// By user.
    pub connections: Quota<u32>,
    /// By user.
    pub calls: Quota<u32>,
    /// By connection; on the bus by the sender's unique name.
    pub callers: Quota<String>,
    /// By connection.
    pub large: Quota<String>,
    refused: Mutex<Repeated>,
    denied: Mutex<Repeated>,
}

impl Limits {
    /// With all places free.
    pub fn new() -> Self {
        Limits {
            connections: Quota::new(MAX_CONNECTIONS, MAX_CONNECTIONS_EACH).keeping(KEPT_CONNECTIONS),
            calls: Quota::new(MAX_CALLS, MAX_CALLS_EACH).keeping(KEPT_CALLS),
            callers: Quota::new(MAX_CALLS_OF_CALLERS, MAX_CALLS_OF_CALLER),
            large: Quota::new(MAX_LARGE, MAX_LARGE_EACH),
            refused: Mutex::new(Repeated::new(LOG_PAUSE)),
            denied: Mutex::new(Repeated::new(LOG_PAUSE)),
        }
    }

    /// Counts a call that was not allowed, and logs it at limited intervals.
    pub fn deny(&self, uid: u32, why: &str) {
        let due = self.denied.lock().unwrap_or_else(PoisonError::into_inner).count(Instant::now());
        if let Some(times) = due {
            tracing::info!(uid, times, why, "a D-Bus call was refused");
        }
    }

    /// Counts a refused connection, and logs it at limited intervals.
    pub fn refuse(&self, uid: u32) {
        let due = self.refused.lock().unwrap_or_else(PoisonError::into_inner).count(Instant::now());
        if let Some(times) = due {
            tracing::warn!(uid, times, "too many connections to the D-Bus socket: refused");
        }
    }
}
