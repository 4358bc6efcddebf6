//! Waits for the time of `browser.restart-at` every day; in between it wakes only when the clock is set or the time
//! zone changes.

use std::io;
use std::os::fd::AsRawFd;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kiosk_core::config::TimeOfDay;
use kiosk_core::day_clock::{ZoneWatch, alarm, next};
use tokio::io::unix::AsyncFd;

/// Calls `tell` at each moment that is `time` in the system's time zone. Errors: there is no timer for it.
pub(super) async fn keep(time: TimeOfDay, mut tell: impl FnMut()) -> io::Result<()> {
    // Watched before the zone is first read, so that no change is missed.
    let zone = ZoneWatch::system().and_then(watched);
    if let Err(error) = &zone {
        tracing::warn!(%error, "time zone not watched: a change is seen after browser.restart-at");
    }
    let timer = watched(alarm::open()?)?;
    loop {
        let moment = next(&system_zone(), Timestamp::now(), time);
        // If the clock was set meanwhile this fails once, and the moment has to be computed again.
        if let Err(error) = alarm::set(timer.get_ref(), moment) {
            tracing::debug!(%error, "the clock was set");
            tokio::task::yield_now().await;
            continue;
        }
        tokio::select! {
            ready = timer.readable() => {
                ready?.clear_ready();
                alarm::acknowledge(timer.get_ref());
                if moment.is_some_and(|moment| Timestamp::now() >= moment) {
                    tell();
                }
            }
            () = changed(zone.as_ref().ok()) => jiff::tz::reset_system_time_zone_cache(),
        }
    }
}

/// Waits for a change of the time zone; for ever without a watch.
async fn changed(watch: Option<&AsyncFd<ZoneWatch>>) {
    let Some(watch) = watch else { return std::future::pending().await };
    loop {
        match watch.readable().await {
            Ok(mut ready) => ready.clear_ready(),
            Err(_) => return std::future::pending().await,
        }
        if watch.get_ref().changed() {
            return;
        }
    }
}

// `new` is deprecated for types whose descriptor may change; these keep theirs.
#[allow(deprecated)]
fn watched<T: AsRawFd>(fd: T) -> io::Result<AsyncFd<T>> {
    AsyncFd::new(fd)
}

fn system_zone() -> TimeZone {
    TimeZone::try_system().unwrap_or_else(|error| {
        tracing::warn!(%error, "system's time zone unknown: browser.restart-at is taken as UTC");
        TimeZone::UTC
    })
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use tokio::sync::mpsc;

    use super::*;

    /// With the clock as it is: the next full minute is at most one away.
    #[test]
    fn the_restart_clock_fires_at_the_configured_minute() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let begin = Timestamp::now();
        let minute = begin.to_zoned(TimeZone::system()).checked_add(1.minute()).unwrap();
        let number = |value: i8| u8::try_from(value).unwrap();
        let time = TimeOfDay { hour: number(minute.hour()), minute: number(minute.minute()) };
        let due = next(&TimeZone::system(), begin, time).unwrap();
        assert!(due.as_second() - begin.as_second() <= 60);
        let (told, mut moments) = mpsc::unbounded_channel();
        runtime.block_on(async {
            tokio::select! {
                ended = keep(time, move || told.send(Timestamp::now()).unwrap()) => panic!("it goes on for ever: {ended:?}"),
                moment = moments.recv() => assert!(moment.unwrap() >= due),
            }
        });
    }
}
