//! The connections of those who have not proven yet who they are: so many and no more, and when there are more, one of the
//! address that has the most of them goes. Whoever opens thousands pushes out their own; a client from elsewhere keeps its
//! place. No I/O.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

/// At a time. A handshake takes some milliseconds and two ways over the network.
const MAX_WAITING: usize = 64;

/// The list of one socket.
#[derive(Clone, Default)]
pub struct Waiting(Arc<Mutex<List>>);

impl Waiting {
    /// Takes one in; the other thing tells when it has to go.
    pub fn enter(&self, from: IpAddr) -> (Seat, oneshot::Receiver<()>) {
        let (number, gone) = self.0.lock().unwrap_or_else(PoisonError::into_inner).enter(from);
        (Seat { list: self.0.clone(), number }, gone)
    }
}

/// A place in it, until it is dropped.
pub struct Seat {
    list: Arc<Mutex<List>>,
    number: u64,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.list.lock().unwrap_or_else(PoisonError::into_inner).leave(self.number);
    }
}

#[derive(Debug, Default)]
struct List {
    next: u64,
    /// By number: the oldest first.
    all: BTreeMap<u64, (IpAddr, oneshot::Sender<()>)>,
}

impl List {
    /// Its number, and what tells when it has to go.
    fn enter(&mut self, from: IpAddr) -> (u64, oneshot::Receiver<()>) {
        if self.all.len() >= MAX_WAITING
            && let Some(number) = self.surplus()
        {
            // Dropping the sender tells.
            self.all.remove(&number);
        }
        let (sender, gone) = oneshot::channel();
        let number = self.next;
        self.next += 1;
        self.all.insert(number, (network(from), sender));
        (number, gone)
    }

    /// It has proven who it is, or is gone.
    fn leave(&mut self, number: u64) {
        self.all.remove(&number);
    }

    /// The oldest of the network that has the most.
    fn surplus(&self) -> Option<u64> {
        let mut counts: BTreeMap<IpAddr, (usize, u64)> = BTreeMap::new();
        for (number, (from, _)) in &self.all {
            counts.entry(*from).or_insert((0, *number)).0 += 1;
        }
        counts.into_values().max_by_key(|(count, oldest)| (*count, u64::MAX - oldest)).map(|(_, oldest)| oldest)
    }
}

/// An IPv6 host has a whole /64 to call from.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_from_one_place_pushes_out_its_own_and_nobody_else() {
        let mut waiting = List::default();
        let (_, mut good) = waiting.enter([192, 168, 1, 9].into());
        let crowd = |n: u128| IpAddr::V6((0x2001_0db8_u128 << 96 | n).into());
        let (_, mut first) = waiting.enter(crowd(0));
        let mut others: Vec<_> = (1..1000).map(|n| waiting.enter(crowd(n)).1).collect();
        assert!(waiting.all.len() <= MAX_WAITING);
        assert!(first.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Closed), "the oldest goes");
        assert!(good.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty), "it has its place");
        let left = others.iter_mut().filter_map(|other| other.try_recv().err());
        let left = left.filter(|error| *error == oneshot::error::TryRecvError::Empty).count();
        assert_eq!(left, MAX_WAITING - 1);
    }

    #[test]
    fn who_is_done_makes_room() {
        let mut waiting = List::default();
        let (number, mut first) = waiting.enter([10, 0, 0, 1].into());
        waiting.leave(number);
        assert!(waiting.all.is_empty() && first.try_recv().is_err());
    }
}
