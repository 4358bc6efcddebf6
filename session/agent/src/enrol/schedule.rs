//! When a device asks for its next certificate: once a day, later and later while nobody answers, and no two devices at one
//! moment. Whether the certificate is due is the authority's to say, whose clock is right; so nothing here goes by a time of
//! day. No clock and no I/O: random numbers go in, pauses come out.

use std::time::Duration;

use crate::jitter;

/// After the start, at most: a fleet whose power is back does not come in one moment.
const START: Duration = Duration::from_secs(600);
/// Between two questions that were answered, at most.
const DAILY: Duration = Duration::from_secs(24 * 3600);
/// After one that was not, at most; then twice as much each time.
const AGAIN: Duration = Duration::from_secs(300);
/// And no more than this: a third of a certificate's time is left, months as a rule.
const LONGEST: Duration = Duration::from_secs(6 * 3600);

/// Of one device.
#[derive(Debug, Default)]
pub struct Schedule {
    failures: u32,
}

impl Schedule {
    /// Until the first question.
    pub fn first(random: u64) -> Duration {
        jitter::part(START, random)
    }

    /// Until the next one.
    pub fn next(&mut self, answered: bool, random: u64) -> Duration {
        let most = if answered {
            self.failures = 0;
            DAILY
        } else {
            self.failures = self.failures.saturating_add(1);
            AGAIN.saturating_mul(1 << (self.failures - 1).min(16)).min(LONGEST)
        };
        jitter::spread(most, random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_asks_daily_and_more_and_more_rarely_while_nobody_answers() {
        assert_eq!(Schedule::first(0), Duration::ZERO);
        assert!(Schedule::first(u64::MAX) <= START && Schedule::first(u64::MAX / 2) < START);
        let mut schedule = Schedule::default();
        let pauses: Vec<Duration> = (0..40).map(|_| schedule.next(false, 0)).collect();
        assert_eq!(pauses[0], AGAIN / 2);
        assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1]), "{pauses:?}");
        assert_eq!(pauses[39], LONGEST / 2);
        assert_eq!(schedule.next(true, 0), DAILY / 2);
        assert_eq!(schedule.next(false, 0), AGAIN / 2, "a good answer ends the row of failures");
        assert!(schedule.next(true, u64::MAX) <= DAILY);
    }
}
