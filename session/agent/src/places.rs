//! Places of which there are so many, and of which one caller from the network has a part at most: whoever has a certificate,
//! however lowly, keeps no other one out. Pure.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::role::Caller;

/// Of one kind.
#[derive(Clone)]
pub struct Places {
    most: usize,
    of_one: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    /// By the name of the certificate.
    by: BTreeMap<String, usize>,
}

/// One of them, until it is dropped.
pub struct Place {
    taken: Arc<Mutex<Taken>>,
    name: Option<String>,
}

impl Places {
    /// `of_one`: of one certificate. Programs of this machine, who may do everything anyway, may have all.
    pub fn new(most: usize, of_one: usize) -> Self {
        Places { most, of_one, taken: Arc::default() }
    }

    /// `None`: all are taken, or all that this caller may have.
    pub fn take(&self, caller: &Caller) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= self.most {
            return None;
        }
        if let Some(name) = &caller.name {
            let own = taken.by.entry(name.clone()).or_default();
            if *own >= self.of_one {
                return None;
            }
            *own += 1;
        }
        taken.all += 1;
        Some(Place { taken: self.taken.clone(), name: caller.name.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        let Some(name) = &self.name else { return };
        if let Some(own) = taken.by.get_mut(name) {
            *own -= 1;
            if *own == 0 {
                taken.by.remove(name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::role::Role;

    #[test]
    fn one_certificate_has_a_part_and_what_is_given_back_is_there_again() {
        let places = Places::new(5, 2);
        let caller = |name: &str| Caller { role: Some(Role::View), name: Some(name.into()) };
        let mut anna: Vec<Place> = (0..2).map(|_| places.take(&caller("anna")).unwrap()).collect();
        assert!(places.take(&caller("anna")).is_none());
        anna.pop();
        let again = places.take(&caller("anna"));
        assert!(again.is_some() && places.take(&caller("anna")).is_none());
        let local: Vec<Place> = (0..3).map(|_| places.take(&Caller::local()).unwrap()).collect();
        assert!(places.take(&Caller::local()).is_none() && places.take(&caller("bert")).is_none(), "all are taken");
        drop((anna, again, local));
        let taken = places.taken.lock().unwrap();
        assert!(taken.all == 0 && taken.by.is_empty());
    }
}
