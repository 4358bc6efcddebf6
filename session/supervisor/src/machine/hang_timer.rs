//! Distinguishes slow from dead: how long to wait for a browser to start or a page to load. The work of its processes
//! is measured periodically; while it grows they are slow, when it stops they are dead. Only until the first paint, as
//! a hung page may use the CPU too.

use std::time::Duration;

/// Interval between measurements, each of which reads some dozens of files.
const INTERVAL: Duration = Duration::from_secs(5);
/// Least work in an interval that counts, 1 % of a CPU: the timers of a hung process use less.
const LEAST_WORK: u64 = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HangTimer {
    /// Deadline in any case.
    end: Duration,
    /// Deadline without work.
    stall: Duration,
    /// The last measured work.
    worked_at: Duration,
    measure_at: Duration,
    work: Option<u64>,
}

/// The next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    Measure,
    /// No work for this long.
    Stalled(Duration),
    /// It worked for this long without a result.
    Endless(Duration),
}

impl HangTimer {
    /// Starts at `now`; ends after `longest`, or after `stall` without work.
    pub fn new(now: Duration, stall: Duration, longest: Duration) -> Self {
        HangTimer { end: now + longest.max(stall), stall, worked_at: now, measure_at: now + INTERVAL, work: None }
    }

    /// When to measure or give up.
    pub fn deadline(&self) -> Duration {
        self.measure_at.min(self.worked_at + self.stall).min(self.end)
    }

    /// The step due at `now`; a measurement is requested once.
    pub fn due(&mut self, now: Duration) -> Due {
        if now >= self.end {
            return Due::Endless(self.end.saturating_sub(self.worked_at).max(self.stall));
        }
        if now >= self.measure_at {
            self.measure_at = now + INTERVAL;
            return Due::Measure;
        }
        if now >= self.worked_at + self.stall { Due::Stalled(self.stall) } else { Due::Nothing }
    }

    /// Adds a measurement of the processes' work since their start, as [`crate::launcher::work`] counts.
    pub fn measured(&mut self, work: u64, now: Duration) {
        // Less than before means that processes have exited, which counts as work.
        let worked = self.work.is_some_and(|before| work < before || work - before >= LEAST_WORK);
        self.work = Some(work);
        if worked {
            self.worked_at = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// For how long one is waited for that works like this.
    fn waited(mut work: impl FnMut(Duration) -> u64) -> (Duration, Due) {
        let mut hang_timer = HangTimer::new(Duration::ZERO, SECOND * 30, SECOND * 480);
        loop {
            let now = hang_timer.deadline();
            match hang_timer.due(now) {
                Due::Measure => hang_timer.measured(work(now), now),
                Due::Nothing => panic!("a deadline at which nothing is due"),
                due => return (now, due),
            }
        }
    }

    #[test]
    fn a_process_that_works_has_more_time_than_one_that_is_idle() {
        assert_eq!(waited(|_| 77).0, SECOND * 30);
        assert_eq!(waited(|now| now.as_secs() * 100).0, SECOND * 480);
        let (ended, due) = waited(|now| now.as_secs().min(100) * 100);
        assert_eq!((ended, due), (SECOND * 130, Due::Stalled(SECOND * 30)));
    }

    #[test]
    fn a_timer_now_and_then_is_no_work_and_the_end_of_a_process_is() {
        assert!(waited(|now| now.as_secs() / 10).0 < SECOND * 100);
        let (ended, _) = waited(|now| if now < SECOND * 60 { 1000 - now.as_secs() } else { 0 });
        assert_eq!(ended, SECOND * 90);
    }
}
