//! What root on the device asks of its kiosk-agent, over a Unix socket: one JSON value each way.

use serde::{Deserialize, Serialize};

/// Where kiosk-agent-tls.service has its socket.
pub const SOCKET: &str = "/run/kiosk-agent-tls/enrol.sock";
/// Longest order and answer, bytes.
pub const MAX_ORDER: u64 = 4096;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LocalOrder {
    /// Show a code.
    Start,
    /// Take it away.
    Stop,
    /// Ask the fleet's authority for a new certificate now.
    Renew,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LocalAnswer {
    /// The screen shows it.
    Shown {
        /// In its groups.
        code: String,
        /// What the QR code says; empty: the device has no address yet.
        url: String,
        /// How long it lives.
        seconds: u64,
    },
    /// Whether there was one.
    Stopped(bool),
    /// Whether there is a new certificate; without one the present one is good for longer.
    Renewed(bool),
    /// Why not, in a sentence.
    Refused(String),
}
