//! Counts that belong to one object: rectangles of a region, types of a data source, commits of a surface that wait.

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
    /// Updates of all surfaces that wait.
    updates: u32,
}

/// What one object has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tally {
    all: u32,
    /// Of a surface: those of its commits that are no part of a parent's.
    updates: u32,
}

impl Tallies {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more for this object. `false`: it has `limit` already.
    pub fn add(&self, object: ObjectId, limit: u32) -> bool {
        let mut inner = self.inner();
        let count = &mut inner.of.entry(object).or_default().all;
        *count = count.saturating_add(1);
        *count <= limit
    }

    /// One of the commits of this surface, which is counted, waits by itself. `false`: so many of this client's do already.
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

    /// So many fewer, and so many of them that waited by themselves.
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

    /// The object is gone, or begins anew.
    pub fn clear(&self, object: &ObjectId) {
        let mut inner = self.inner();
        let updates = inner.of.remove(object).map_or(0, |tally| tally.updates);
        inner.updates -= updates;
    }
}
