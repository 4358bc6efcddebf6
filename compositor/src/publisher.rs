//! Tracks whether the published state changed, and passes snapshots to D-Bus. Changes only set a flag; the snapshot is
//! made once, at the end of the turn ([`crate::requests`]).

use crate::{control::ControlHandle, snapshot::Snapshot};

/// The D-Bus side of the state.
pub struct Publisher {
    /// The D-Bus thread; `None`: not started, or there is none.
    pub control: Option<ControlHandle>,
    changed: bool,
}

impl Default for Publisher {
    fn default() -> Self {
        // The initial state has to be published.
        Self { control: None, changed: true }
    }
}

impl Publisher {
    /// Marks the published state as changed.
    pub fn mark_changed(&mut self) {
        self.changed = true;
    }

    /// Whether anything changed since the last call.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Publishes the current state.
    pub fn publish(&self, snapshot: Snapshot) {
        if let Some(control) = &self.control {
            control.publish(snapshot);
        }
    }
}
