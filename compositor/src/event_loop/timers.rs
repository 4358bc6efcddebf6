//! The loop's timers, in one queue: the loop sleeps until the first is due. Each fires once.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, time::Duration};

use smithay::utils::{Clock, Monotonic};

/// Names an armed timer: when it fires, and its number, which tells it from others of that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimerToken {
    deadline: Duration,
    number: u64,
}

impl TimerToken {
    /// When it fires, monotonic.
    pub fn deadline(&self) -> Duration {
        self.deadline
    }
}

type Callback<D> = Box<dyn FnOnce(&mut D)>;

/// The timers that have not fired.
struct Queue<D> {
    armed: BTreeMap<TimerToken, Callback<D>>,
    /// How many have been armed.
    count: u64,
}

pub(super) struct Timers<D>(Rc<RefCell<Queue<D>>>);

impl<D> Clone for Timers<D> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<D> Default for Timers<D> {
    fn default() -> Self {
        Self(Rc::new(RefCell::new(Queue { armed: BTreeMap::new(), count: 0 })))
    }
}

impl<D> Timers<D> {
    pub(super) fn arm(&self, deadline: Duration, then: Callback<D>) -> TimerToken {
        let mut queue = self.0.borrow_mut();
        let timer = TimerToken { deadline, number: queue.count };
        queue.count += 1;
        queue.armed.insert(timer, then);
        timer
    }

    pub(super) fn disarm(&self, timer: TimerToken) {
        // Dropped after the queue is free again: what it holds may have timers of its own.
        let _then = self.0.borrow_mut().armed.remove(&timer);
    }

    /// How long until the first one fires; `None`: none is armed.
    pub(super) fn next_in(&self) -> Option<Duration> {
        let first = self.0.borrow().armed.keys().next().map(TimerToken::deadline);
        first.map(|deadline| deadline.saturating_sub(now()))
    }

    /// Fires those that are due at `now`, the earliest first. Those that they arm wait for the next turn.
    pub(super) fn run_due(&self, now: Duration, data: &mut D) {
        let count = self.0.borrow().count;
        while let Some(then) = self.take_due(now, count) {
            then(data);
        }
    }

    /// The first that is due at `now`, of those that were armed when there had been `count`.
    fn take_due(&self, now: Duration, count: u64) -> Option<Callback<D>> {
        let armed = &mut self.0.borrow_mut().armed;
        let due = armed.keys().take_while(|timer| timer.deadline <= now).find(|timer| timer.number < count).copied()?;
        armed.remove(&due)
    }
}

/// The monotonic clock.
pub(super) fn now() -> Duration {
    Clock::<Monotonic>::new().now().into()
}
