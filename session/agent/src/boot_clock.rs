//! CLOCK_BOOTTIME: monotonic, and it goes on while the device sleeps, so that what lives ten minutes lives them by the clock of
//! whoever waits for it. The runtime's own timers stand still meanwhile.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::unix::AsyncFd;

/// Where no timer can be had: until the clock is looked at again.
const AGAIN: Duration = Duration::from_secs(10);

/// Since the device was switched on.
pub fn now() -> Duration {
    Duration::from_micros(kiosk_client::state::now())
}

/// Returns after so long.
pub async fn sleep(pause: Duration) {
    sleep_until(now().saturating_add(pause)).await;
}

/// Returns at a moment as [`now`] has it. May be dropped and called again.
pub async fn sleep_until(at: Duration) {
    while now() < at {
        match timer(at) {
            Ok(timer) => drop(timer.readable().await),
            // No descriptor is left.
            Err(_) => tokio::time::sleep(AGAIN.min(at.saturating_sub(now()))).await,
        }
    }
}

// `new` is deprecated for types whose descriptor may change; an `OwnedFd` keeps it, and the successor is unsafe.
#[allow(deprecated)]
fn timer(at: Duration) -> std::io::Result<AsyncFd<OwnedFd>> {
    let timer = timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
    let at = Timespec { tv_sec: i64::try_from(at.as_secs()).unwrap_or(i64::MAX), tv_nsec: at.subsec_nanos().into() };
    let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: at };
    timerfd_settime(timer.as_fd(), TimerfdTimerFlags::ABSTIME, &once)?;
    AsyncFd::new(timer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_moment_is_waited_for_and_one_that_is_over_is_not() {
        sleep_until(Duration::ZERO).await;
        let begun = now();
        sleep(Duration::from_millis(30)).await;
        assert!(now() >= begun + Duration::from_millis(30));
        let never = sleep_until(Duration::MAX);
        assert!(tokio::time::timeout(Duration::from_millis(30), never).await.is_err());
    }
}
