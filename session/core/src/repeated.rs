//! Limits warnings that outsiders can cause at will, so that they cannot fill the disk: the first is written at once,
//! later ones are counted and written as one after a pause. Pure.

use std::time::{Duration, Instant};

/// Counts one kind of event.
#[derive(Debug)]
pub struct Repeated {
    pause: Duration,
    written: Option<Instant>,
    /// Since then.
    count: u64,
}

impl Repeated {
    /// Written at most once in each `pause`.
    pub fn new(pause: Duration) -> Self {
        Repeated { pause, written: None, count: 0 }
    }

    /// Counts an event at `now`; `Some`: write it, with the number of events that it stands for.
    pub fn count(&mut self, now: Instant) -> Option<u64> {
        self.count += 1;
        if self.written.is_some_and(|written| now.saturating_duration_since(written) < self.pause) {
            return None;
        }
        self.written = Some(now);
        Some(std::mem::take(&mut self.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_written_once_and_counted() {
        let (mut repeated, begin) = (Repeated::new(Duration::from_secs(60)), Instant::now());
        let at = |seconds| begin + Duration::from_secs(seconds);
        assert_eq!(repeated.count(at(0)), Some(1));
        assert!((1..60).all(|second| repeated.count(at(second)).is_none()));
        assert_eq!(repeated.count(at(60)), Some(60));
        assert_eq!(repeated.count(at(61)), None);
    }
}
