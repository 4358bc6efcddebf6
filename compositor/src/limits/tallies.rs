//! Counts that belong to one object: rectangles of a region, types of a data source, commits of a surface that wait.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use smithay::reexports::wayland_server::backend::ObjectId;

/// The tallies of one client.
#[derive(Debug, Default)]
pub struct Tallies {
    counts: Mutex<HashMap<ObjectId, u32>>,
}

impl Tallies {
    /// One more for this object. `false`: it has `limit` already.
    pub fn add(&self, object: ObjectId, limit: u32) -> bool {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(object).or_insert(0);
        *count = count.saturating_add(1);
        *count <= limit
    }

    /// The object is gone, or begins anew. Returns what it had.
    pub fn clear(&self, object: &ObjectId) -> u32 {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).remove(object).unwrap_or(0)
    }
}
