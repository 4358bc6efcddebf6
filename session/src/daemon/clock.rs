//! The daemon's clocks: monotonic for everything that waits, CLOCK_BOOTTIME for what others are told. Never the
//! time of day, which may jump by years at the boot of a machine without a clock battery.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// A monotonic clock that started with the daemon.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    start: Instant,
}

impl Clock {
    pub fn start() -> Self {
        Clock { start: Instant::now() }
    }

    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Microseconds since the boot, suspended time included.
    pub fn boot_micros(&self) -> u64 {
        let time = clock_gettime(ClockId::Boottime);
        let (seconds, nanos) = (time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs());
        seconds.saturating_mul(1_000_000).saturating_add(nanos / 1000)
    }

    /// Waits until `moment`; `None`: for ever.
    pub async fn sleep_until(&self, moment: Option<Duration>) {
        match moment {
            Some(moment) => tokio::time::sleep_until((self.start + moment).into()).await,
            None => std::future::pending().await,
        }
    }
}
