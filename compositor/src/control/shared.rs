//! What all connections share: the last snapshot, the way to the event loop, and how much is asked at once.

use std::sync::Arc;
use std::time::Duration;

use kiosk_core::authority::Authority;
use kiosk_core::quota::Quota;
use tokio::sync::watch;

use crate::command::Call;
use crate::snapshot::Snapshot;

/// Which message bus the objects are on, besides the socket in the runtime directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bus {
    /// The system bus, as soon as there is one.
    System,
    /// The bus at this D-Bus address.
    Address(String),
    None,
}

/// What every connection needs.
pub(super) struct Shared {
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    pub to_loop: Box<dyn Fn(Call) + Send + Sync>,
    pub calls: Quota<String>,
    pub authority: Authority,
    /// How long the event loop has for an answer.
    pub patience: Duration,
}
