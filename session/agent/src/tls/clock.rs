//! The time that certificates are judged by. A device without a clock battery starts years ago until it has asked a time
//! server: a time before its own authorities and its own program were made is certainly wrong, so the latest of these
//! counts. Certificates of `kioskctl agent ca` begin when their authority does, so none is refused for being of the future.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use kiosk_core::day_clock::alarm;
use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;
use tokio::io::unix::AsyncFd;

/// The system's clock, and no earlier than the floor.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    floor: u64,
}

impl Clock {
    /// `known`: moments that have certainly been, such as the beginning of an authority.
    pub fn new(known: impl Iterator<Item = UnixTime>) -> Self {
        let floor = known.map(|time| time.as_secs()).chain(built()).max().unwrap_or(0);
        Clock { floor }
    }

    /// Now, as far as it can be known.
    pub fn now(self) -> UnixTime {
        let system = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        UnixTime::since_unix_epoch(Duration::from_secs(system.as_secs().max(self.floor)))
    }
}

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(self.now())
    }
}

/// Returns when the system's clock is there, seconds since 1970, or is set: then it may be there, too. A time on a monotonic clock
/// would not do, since a device without a battery learns the year only when the network is up.
pub async fn reaches(second: u64) {
    let at = i64::try_from(second).ok().and_then(|second| Timestamp::from_second(second).ok());
    let timer = || -> std::io::Result<AsyncFd<std::os::fd::OwnedFd>> {
        let timer = alarm::open()?;
        alarm::set(&timer, at)?;
        watched(timer)
    };
    match timer() {
        Ok(timer) => drop(timer.readable().await),
        // No descriptor is left: looked at again soon.
        Err(_) => tokio::time::sleep(AGAIN).await,
    }
}

// `new` is deprecated for types whose descriptor may change; an `OwnedFd` keeps it, and the successor is unsafe.
#[allow(deprecated)]
fn watched(timer: std::os::fd::OwnedFd) -> std::io::Result<AsyncFd<std::os::fd::OwnedFd>> {
    AsyncFd::new(timer)
}

/// Until the clock is looked at again, where no timer can be had.
const AGAIN: Duration = Duration::from_secs(60);

/// When this program was made: packages and images keep the time of its file, or have it at the epoch. A file that was copied
/// under a right clock is as good; one that claims the future is one from a clock that went wrong, and counts for nothing.
fn built() -> Option<u64> {
    let made = std::env::current_exe().and_then(|file| file.metadata()?.modified()).ok()?;
    let made = made.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    (made < LATEST).then_some(made)
}

/// 2100-01-01: no program of this project is from then.
const LATEST: u64 = 4_102_444_800;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_never_set_counts_from_what_has_certainly_been() {
        let far = UnixTime::since_unix_epoch(Duration::from_secs(LATEST + 5));
        assert_eq!(Clock::new([far].into_iter()).now(), far);
        let early = UnixTime::since_unix_epoch(Duration::from_secs(5));
        let system = UnixTime::now().as_secs();
        assert!(Clock::new([early].into_iter()).now().as_secs() >= system.min(LATEST));
    }
}
