//! What callers can have of a daemon at once, so that none of them takes its memory or locks the others out. By user
//! where that is known, for a user may have many connections; root, our own user and the group kiosk-admin have places
//! kept for them.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use kiosk_core::quota::Quota;
use kiosk_core::repeated::Repeated;

/// Connections in all, of one user, and kept for who may do everything.
const MAX_CONNECTIONS: usize = 64;
const MAX_CONNECTIONS_EACH: usize = 16;
const KEPT_CONNECTIONS: usize = 16;
/// Calls that wait for an answer: in all, of one user, and kept for who may do everything. `kioskctl` has one at a time.
const MAX_CALLS: usize = 64;
const MAX_CALLS_EACH: usize = 16;
const KEPT_CALLS: usize = 16;
/// Calls of one connection that wait for an answer. In all they may be more than calls that are carried out: of some
/// it is not yet known whose they are.
const MAX_CALLS_OF_CALLER: usize = 8;
const MAX_CALLS_OF_CALLERS: usize = 512;
/// Messages that are larger than a screen's whole configuration: of one caller at a time, and in all.
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
    /// By connection; on the bus by the sender's name there.
    pub callers: Quota<String>,
    /// By connection.
    pub large: Quota<String>,
    refused: Mutex<Repeated>,
    denied: Mutex<Repeated>,
}

impl Limits {
    /// Nothing is used yet.
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

    /// Counts a call that its caller had no right to, and writes it to the log when that was not done lately.
    pub fn deny(&self, uid: u32, why: &str) {
        let due = self.denied.lock().unwrap_or_else(PoisonError::into_inner).count(Instant::now());
        if let Some(times) = due {
            tracing::info!(uid, times, why, "a D-Bus call was refused");
        }
    }

    /// Counts a peer that is turned away, and writes it to the log when that was not done lately.
    pub fn refuse(&self, uid: u32) {
        let due = self.refused.lock().unwrap_or_else(PoisonError::into_inner).count(Instant::now());
        if let Some(times) = due {
            tracing::warn!(uid, times, "too many connections to the D-Bus socket: refused");
        }
    }
}
