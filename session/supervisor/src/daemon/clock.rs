//! The daemon's clock, CLOCK_BOOTTIME: monotonic, and it counts suspended time, so that budgets and pauses are in real
//! time. The wall clock is not used, as it may jump by years at the boot of a machine without a clock battery.
//!
//! It waits by a timerfd: tokio's timer wheel would wake up several times for one timeout, three times for ten seconds.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use kiosk_core::moments::since_boot;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::unix::AsyncFd;

/// A clock that started with the daemon.
#[derive(Debug)]
pub(super) struct Clock {
    start: Duration,
    alarm: AsyncFd<OwnedFd>,
}

impl Clock {
    /// In a tokio runtime. Fails only where no more files can be opened.
    // `new` is deprecated for types whose descriptor may change; an `OwnedFd` keeps it, and the successor is unsafe.
    /// Counts from now.
    #[allow(deprecated)]
    pub fn start() -> io::Result<Self> {
        let alarm = timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        Ok(Clock { start: since_boot(), alarm: AsyncFd::new(alarm)? })
    }

    /// Time since the start, including suspended time.
    pub fn now(&self) -> Duration {
        since_boot().saturating_sub(self.start)
    }

    /// Microseconds since the boot, suspended time included.
    pub fn boot_micros(&self) -> u64 {
        u64::try_from(since_boot().as_micros()).unwrap_or(u64::MAX)
    }

    /// Waits until `moment`; `None`: for ever. Only one wait at a time: the last one sets the timer.
    pub async fn sleep_until(&self, moment: Option<Duration>) {
        let Some(moment) = moment else { return std::future::pending().await };
        loop {
            let left = moment.saturating_sub(self.now());
            if left.is_zero() {
                return;
            }
            if let Err(error) = self.ring(left).await {
                tracing::warn!(%error, "timer failed");
                return tokio::time::sleep(left).await;
            }
        }
    }

    /// Waits until the timer fires, which may have been set for an earlier wait.
    async fn ring(&self, delay: Duration) -> io::Result<()> {
        let none = Timespec { tv_sec: 0, tv_nsec: 0 };
        let delay = Timespec::try_from(delay).unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 });
        let once = Itimerspec { it_interval: none, it_value: delay };
        timerfd_settime(&self.alarm, TimerfdTimerFlags::empty(), &once)?;
        self.alarm.readable().await?.clear_ready();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeps_of_this_thread() -> u64 {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
        line.trim().parse().unwrap()
    }

    #[test]
    fn a_wait_wakes_up_once_at_its_end() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let clock = Clock::start().unwrap();
            let mut woken = Vec::new();
            for _ in 0..5 {
                let (before, end) = (sleeps_of_this_thread(), clock.now() + Duration::from_millis(300));
                clock.sleep_until(Some(end)).await;
                assert!(clock.now() >= end);
                woken.push(sleeps_of_this_thread() - before);
            }
            // The kernel may have had reasons of its own, but not each time.
            assert_eq!(woken.iter().min(), Some(&1), "{woken:?}");
        });
    }

    #[test]
    fn a_wait_that_was_given_up_does_not_cut_the_next_one_short() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let clock = Clock::start().unwrap();
            let soon = clock.now() + Duration::from_millis(20);
            tokio::select! {
                biased;
                () = clock.sleep_until(Some(soon)) => panic!("the other is there at once"),
                () = std::future::ready(()) => {}
            }
            std::thread::sleep(Duration::from_millis(40));
            let end = clock.now() + Duration::from_millis(30);
            clock.sleep_until(Some(end)).await;
            assert!(clock.now() >= end);
            clock.sleep_until(Some(soon)).await;
        });
    }
}
