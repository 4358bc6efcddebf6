//! Detects suspend to memory or disk by comparing two clocks, of which one stops during suspend (CLOCK_MONOTONIC and
//! CLOCK_BOOTTIME). It needs no service manager.
//!
//! Checked when the alarm fires, which it does right after resume. On machines without a clock that runs during suspend
//! the two clocks agree, and nothing is detected.
//!
//! Logind's `PrepareForSleep` is not listened to: the reasons are in `docs/decisions.md`.

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Upper bound of the suspended time since boot, at the last check.
#[derive(Debug)]
pub struct Sleep {
    at_most: Duration,
}

impl Default for Sleep {
    /// Starts with the suspended time until now.
    fn default() -> Self {
        Self { at_most: measure().1 }
    }
}

impl Sleep {
    /// Whether the machine was suspended since the last call.
    pub fn slept(&mut self) -> bool {
        self.compare(measure())
    }

    fn compare(&mut self, (at_least, at_most): (Duration, Duration)) -> bool {
        let slept = at_least > self.at_most;
        self.at_most = at_most;
        slept
    }
}

/// Bounds of the suspended time since boot: the clocks cannot be read at the same moment.
fn measure() -> (Duration, Duration) {
    let before = read(ClockId::Monotonic);
    let with_sleep = read(ClockId::Boottime);
    let after = read(ClockId::Monotonic);
    (with_sleep.saturating_sub(after), with_sleep.saturating_sub(before))
}

fn read(clock: ClockId) -> Duration {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(clock);
    let (seconds, nanoseconds) = (u64::try_from(tv_sec), u32::try_from(tv_nsec));
    Duration::new(seconds.unwrap_or_default(), nanoseconds.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_stays_awake_has_not_slept() {
        let mut sleep = Sleep::default();
        for _ in 0..10_000 {
            assert!(!sleep.slept());
        }
    }

    #[test]
    fn every_sleep_is_noticed_once_however_long_the_clocks_took_to_read() {
        let ms = Duration::from_millis;
        let mut sleep = Sleep { at_most: ms(100) };
        assert!(!sleep.compare((ms(60), ms(140))), "the same, read slowly");
        assert!(!sleep.compare((ms(99), ms(101))));
        assert!(sleep.compare((ms(1_099), ms(1_101))), "a second");
        assert!(!sleep.compare((ms(1_099), ms(1_101))));
        assert!(sleep.compare((ms(3_600_000), ms(3_600_050))), "an hour");
    }
}
