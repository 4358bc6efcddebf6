//! How long to wait before the next try, and which try comes next: the back-off and the ladder of
//! [`crate::machine`]. Pure; times are monotonic, since any fixed moment.

use std::time::Duration;

/// Before the first new try: at once for a person, and long enough for the reason of a failure (the
/// compositor's end, say) to become known.
const FIRST: Duration = Duration::from_millis(100);
/// Before the second; doubled with each one after it.
const SECOND: Duration = Duration::from_secs(1);
/// Longest wait.
const LONGEST: Duration = Duration::from_secs(30);
/// A page that dies again within this time is not helped by loading it again.
const PAGE_WINDOW: Duration = Duration::from_secs(60);

/// Waits of 0.1, 1, 2, 4, ... 30 seconds, until [`Backoff::reset`].
#[derive(Debug, Clone, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Counts a failure and says how long to wait for the next try.
    pub fn next_delay(&mut self) -> Duration {
        let delay = match self.failures {
            0 => FIRST,
            n => SECOND.saturating_mul(1 << (n - 1).min(8)).min(LONGEST),
        };
        self.failures = self.failures.saturating_add(1);
        delay
    }

    /// It has worked for long enough: the next failure is a first one again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

/// What to do about a page that died while its browser lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rung {
    /// Load it again, in a new renderer.
    LoadAgain,
    RestartBrowser,
}

/// Remembers when a page was last loaded again because it died.
#[derive(Debug, Clone, Default)]
pub struct Ladder {
    last: Option<Duration>,
}

impl Ladder {
    /// The rung for a page that died at `now`.
    pub fn next_rung(&mut self, now: Duration) -> Rung {
        let again = self.last.is_some_and(|last| now.saturating_sub(last) < PAGE_WINDOW);
        self.last = if again { None } else { Some(now) };
        if again { Rung::RestartBrowser } else { Rung::LoadAgain }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_half_a_minute_and_start_over() {
        let mut backoff = Backoff::default();
        let delays: Vec<u128> = (0..9).map(|_| backoff.next_delay().as_millis()).collect();
        assert_eq!(delays, [100, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
        for _ in 0..1000 {
            assert_eq!(backoff.next_delay(), LONGEST);
        }
        backoff.reset();
        assert_eq!(backoff.next_delay(), FIRST);
    }

    #[test]
    fn a_page_that_dies_twice_in_a_minute_takes_the_browser_with_it() {
        let at = Duration::from_secs;
        let mut ladder = Ladder::default();
        assert_eq!(ladder.next_rung(at(100)), Rung::LoadAgain);
        assert_eq!(ladder.next_rung(at(159)), Rung::RestartBrowser);
        assert_eq!(ladder.next_rung(at(160)), Rung::LoadAgain);
        assert_eq!(ladder.next_rung(at(220)), Rung::LoadAgain);
    }
}
