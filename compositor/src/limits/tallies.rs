//! Counts within one object: rectangles of a region, MIME types of a data source, pending commits of a surface.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use smithay::reexports::wayland_server::backend::ObjectId;

/// The tallies of one client.
#[derive(Debug, Default)]
pub struct Tallies {
    counts: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    of: HashMap<ObjectId, Tally>,
    /// Pending updates of all surfaces.
    updates: u32,
}

/// The counts of one object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tally {
    all: u32,
    /// Of a surface: pending commits that do not wait for a parent's.
    updates: u32,
}

impl Tallies {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one more for this object. `false`: it has `limit` already.
    pub fn add(&self, object: ObjectId, limit: u32) -> bool {
        let mut inner = self.inner();
        let count = &mut inner.of.entry(object).or_default().all;
        *count = count.saturating_add(1);
        *count <= limit
    }

    /// Marks a counted commit of this surface as waiting on its own. `false`: the client has `limit` of them already.
    pub fn add_update(&self, surface: &ObjectId, limit: u32) -> bool {
        let mut inner = self.inner();
        if inner.updates >= limit {
            return false;
        }
        if let Some(tally) = inner.of.get_mut(surface) {
            tally.updates += 1;
            inner.updates += 1;
        }
        true
    }

    /// Subtracts `all` commits, of which `updates` waited on their own.
    pub fn lower(&self, object: &ObjectId, all: u32, updates: u32) {
        let mut inner = self.inner();
        let Some(tally) = inner.of.get_mut(object) else { return };
        tally.all = tally.all.saturating_sub(all);
        let fewer = updates.min(tally.updates);
        tally.updates -= fewer;
        if *tally == Tally::default() {
            inner.of.remove(object);
        }
        inner.updates -= fewer;
    }

    /// Removes the object's counts: it is destroyed or reset.
    pub fn clear(&self, object: &ObjectId) {
        let mut inner = self.inner();
        let updates = inner.of.remove(object).map_or(0, |tally| tally.updates);
        inner.updates -= updates;
    }
}
