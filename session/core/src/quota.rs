//! Bounds what callers of both daemons can have in progress at once, in total and for each caller. Used for connections
//! and questions to polkit (by user) and for calls that wait for an answer (by caller), so that no caller can take all
//! memory or lock the others out.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts by key. Cloning gives another handle of the same counts.
#[derive(Debug, Clone)]
pub struct Quota<K: Eq + Hash + Clone> {
    counts: Arc<Mutex<HashMap<K, usize>>>,
    total: usize,
    each: usize,
    kept: usize,
}

impl<K: Eq + Hash + Clone> Quota<K> {
    /// At most `total` in all and `each` for one key.
    pub fn new(total: usize, each: usize) -> Self {
        Self { counts: Arc::default(), total, each, kept: 0 }
    }

    /// The same, with `kept` of the places reserved for [`Quota::take_kept`].
    pub fn keeping(self, kept: usize) -> Self {
        Self { kept: kept.min(self.total), ..self }
    }

    /// A place for `key`, given back when dropped; `None`: there is none left.
    pub fn take(&self, key: &K) -> Option<Permit<K>> {
        self.take_below(key, self.total - self.kept)
    }

    /// A place for `key`, from the reserved ones if need be.
    pub fn take_kept(&self, key: &K) -> Option<Permit<K>> {
        self.take_below(key, self.total)
    }

    fn take_below(&self, key: &K, total: usize) -> Option<Permit<K>> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.values().sum::<usize>() >= total {
            return None;
        }
        let count = counts.entry(key.clone()).or_insert(0);
        if *count >= self.each {
            return None;
        }
        *count += 1;
        Some(Permit { counts: self.counts.clone(), key: key.clone() })
    }
}

/// One of the places that a [`Quota`] gives.
#[derive(Debug)]
#[must_use]
pub struct Permit<K: Eq + Hash> {
    counts: Arc<Mutex<HashMap<K, usize>>>,
    key: K,
}

impl<K: Eq + Hash> Drop for Permit<K> {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_caller_can_not_take_every_place_and_gives_its_own_back() {
        let quota = Quota::new(3, 2);
        let a = [quota.take(&"a"), quota.take(&"a")];
        assert!(a.iter().all(Option::is_some));
        assert!(quota.take(&"a").is_none(), "its own limit");
        let b = quota.take(&"b");
        assert!(b.is_some());
        assert!(quota.take(&"c").is_none(), "the limit of all");
        drop(b);
        assert!(quota.take(&"c").is_some());
        drop(a);
        assert!(quota.counts.lock().unwrap().is_empty(), "nothing is kept of callers that are gone");
    }
    #[test]
    fn many_callers_together_leave_the_places_that_are_kept() {
        let quota = Quota::new(8, 2).keeping(2);
        let many: Vec<_> = (0..7).map(|user| (quota.take(&user), quota.take(&user))).collect();
        assert_eq!(many.iter().filter(|(first, second)| first.is_some() && second.is_some()).count(), 3);
        assert!(quota.take(&100).is_none());
        let root = [quota.take_kept(&100), quota.take_kept(&100)];
        assert!(root.iter().all(Option::is_some));
        assert!(quota.take_kept(&101).is_none(), "the limit of all");
    }
}
