//! A timer on the wall clock (`CLOCK_REALTIME`), for what happens at a time of day: it also fires when that clock is
//! set and after suspend, so nothing has to be polled. Everything else uses monotonic time.

use std::{io, os::fd::OwnedFd};

use jiff::Timestamp;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

/// With no next moment the timer waits only for the clock to be set: it is armed for the year 2200.
const NEVER: i64 = 7_258_118_400;

/// A timer that is not set.
pub fn open() -> io::Result<OwnedFd> {
    Ok(timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?)
}

/// Makes it readable at this moment, or as soon as the clock is set; `None`: only that.
pub fn set(timer: &OwnedFd, at: Option<Timestamp>) -> io::Result<()> {
    let (seconds, nanoseconds) = at.map_or((NEVER, 0), |at| (at.as_second(), at.subsec_nanosecond()));
    // A zero would disarm it.
    let value = Timespec { tv_sec: seconds.max(1), tv_nsec: nanoseconds.max(0).into() };
    let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
    timerfd_settime(timer, TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET, &once)?;
    Ok(())
}

/// Reads the timer: the moment was reached (`Ok`), or the clock was set (`ECANCELED`, not a failure).
pub fn acknowledge(timer: &OwnedFd) {
    let mut count = [0; 8];
    if let Err(error) = rustix::io::read(timer, &mut count) {
        tracing::debug!(%error, "the clock was set");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::SignedDuration;
    use rustix::event::{PollFd, PollFlags, poll};

    use super::*;

    fn readable(timer: &OwnedFd, within: Duration) -> bool {
        let mut fds = [PollFd::new(timer, PollFlags::IN)];
        poll(&mut fds, Some(&within.try_into().unwrap())).unwrap() == 1
    }

    #[test]
    fn an_alarm_fires_once_at_its_time() {
        let timer = open().unwrap();
        set(&timer, None).unwrap();
        assert!(!readable(&timer, Duration::ZERO));
        set(&timer, Some(Timestamp::now() + SignedDuration::from_millis(30))).unwrap();
        assert!(readable(&timer, Duration::from_secs(20)));
        acknowledge(&timer);
        assert!(!readable(&timer, Duration::ZERO));
        // A moment that has passed is now.
        set(&timer, Some(Timestamp::UNIX_EPOCH)).unwrap();
        assert!(readable(&timer, Duration::from_secs(20)));
    }
}
