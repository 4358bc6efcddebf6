//! Counts within one object: rectangles of a region, MIME types of a data source, pending commits of a surface.

use std::{
    collections::{HashMap, hash_map::Entry},
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

    /// Counts one more commit of this surface; `own`: it waits on its own, for no parent's. `Err` has the limit that was
    /// reached: `most` commits of a surface, or `most_updates` of all surfaces that wait on their own.
    pub fn add_commit(&self, surface: ObjectId, own: bool, most: u32, most_updates: u32) -> Result<(), u32> {
        let mut inner = self.inner();
        let Inner { of, updates } = &mut *inner;
        let tally = of.entry(surface).or_default();
        tally.all = tally.all.saturating_add(1);
        if tally.all > most {
            return Err(most);
        }
        if own {
            if *updates >= most_updates {
                return Err(most_updates);
            }
            tally.updates += 1;
            *updates += 1;
        }
        Ok(())
    }

    /// Subtracts `all` commits of a surface, of which `updates` waited on their own.
    pub fn lower(&self, surface: ObjectId, all: u32, updates: u32) {
        let mut inner = self.inner();
        let Entry::Occupied(mut entry) = inner.of.entry(surface) else { return };
        let tally = entry.get_mut();
        tally.all = tally.all.saturating_sub(all);
        let fewer = updates.min(tally.updates);
        tally.updates -= fewer;
        if *tally == Tally::default() {
            entry.remove();
        }
        inner.updates -= fewer;
    }

    /// Removes the object's counts: it is destroyed or reset.
    pub fn clear(&self, object: &ObjectId) {
        let mut inner = self.inner();
        // The usual case, for several objects a frame, none of which has any.
        if inner.of.is_empty() {
            return;
        }
        let updates = inner.of.remove(object).map_or(0, |tally| tally.updates);
        inner.updates -= updates;
    }
}
