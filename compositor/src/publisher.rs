//! Whether anything changed that is seen from outside, and who shows it on D-Bus. A change is only noted while the
//! loop turns; the snapshot is made once, at the end of the turn ([`crate::requests`]).

use crate::{control::ControlHandle, snapshot::Snapshot};

/// What D-Bus is told.
pub struct Publisher {
    /// The D-Bus thread; `None`: not started, or there is none.
    pub control: Option<ControlHandle>,
    changed: bool,
}

impl Default for Publisher {
    fn default() -> Self {
        // The start is a change.
        Self { control: None, changed: true }
    }
}

impl Publisher {
    /// Something that is seen from outside changed.
    pub fn mark_changed(&mut self) {
        self.changed = true;
    }

    /// Whether anything changed since this was last asked.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Shows the state as it is now.
    pub fn publish(&self, snapshot: Snapshot) {
        if let Some(control) = &self.control {
            control.publish(snapshot);
        }
    }
}
