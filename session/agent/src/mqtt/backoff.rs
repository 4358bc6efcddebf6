//! How long to wait before the next try to reach the broker: twice as long each time, and not the same for all devices, so that
//! a fleet does not come back in one moment. No clock and no I/O.

use std::time::Duration;

use crate::jitter;

/// Before the second try.
const FIRST: Duration = Duration::from_secs(1);
/// At most: a broker that is back after a night is found within it.
const LONGEST: Duration = Duration::from_secs(300);
/// A connection that held so long was a good one.
const GOOD: Duration = Duration::from_secs(60);

/// Of one broker.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// A connection ended that had held for so long; zero: there was none. The next pause, from a random number.
    pub fn after(&mut self, held: Duration, random: u64) -> Duration {
        self.failures = if held >= GOOD { 0 } else { self.failures.saturating_add(1).min(32) };
        let doubled = FIRST.saturating_mul(1 << self.failures.min(16));
        let most = doubled.min(LONGEST);
        jitter::spread(most, random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_five_minutes_differ_and_start_anew_after_a_good_connection() {
        let mut backoff = Backoff::default();
        let pauses: Vec<Duration> = (0..12).map(|_| backoff.after(Duration::ZERO, u64::MAX)).collect();
        assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1]), "{pauses:?}");
        assert!(pauses[0] <= Duration::from_secs(2) && pauses[11] > Duration::from_secs(299), "{pauses:?}");
        assert_eq!(backoff.after(Duration::ZERO, 0), Duration::from_secs(150));
        assert!(backoff.after(GOOD, u64::MAX) <= Duration::from_secs(1));
        for _ in 0..100 {
            assert!(backoff.after(Duration::from_secs(1), 7) >= Duration::from_millis(500));
        }
    }
}
