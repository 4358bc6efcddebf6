//! The time of day, for settings that name one (`power.schedule`, `browser.restart-at`): which moment a local time is
//! ([`instant`], [`next`]: pure), a timer that also fires when the clock is set ([`alarm`]), and a watch for another
//! time zone ([`ZoneWatch`]). Everything else runs on monotonic clocks.

pub mod alarm;
mod zone;

use jiff::civil::{Date, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};

use crate::config::TimeOfDay;
pub use zone::ZoneWatch;

/// A clock before this year has not been set since power-on: the program is newer. (A board without a battery starts in
/// 1970, or at the time of the last shutdown.)
const CLOCK_IS_SET_FROM: i16 = 2026;

/// Whether this can be the time of day at all.
pub fn clock_is_set(now: Timestamp) -> bool {
    now.to_zoned(TimeZone::UTC).year() >= CLOCK_IS_SET_FROM
}

/// The moment of a local time: for one that daylight saving skips, the change; for one that occurs twice, the first.
/// `None`: out of range.
pub fn instant(zone: &TimeZone, day: Date, time: TimeOfDay) -> Option<Timestamp> {
    let time = Time::new(time.hour.try_into().ok()?, time.minute.try_into().ok()?, 0, 0).ok()?;
    let ambiguous = zone.to_ambiguous_timestamp(day.to_datetime(time));
    match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => {
            // Past the gap by as much as the time lies in it; the change itself is the last one before that.
            let past = ambiguous.later().ok()?;
            zone.preceding(past).next().map(|change| change.timestamp()).or(Some(past))
        }
        AmbiguousOffset::Fold { .. } => ambiguous.earlier().ok(),
        AmbiguousOffset::Unambiguous { .. } => ambiguous.unambiguous().ok(),
    }
}

/// When it is this time of day next, after `now`. `None`: the clock is not set.
pub fn next(zone: &TimeZone, now: Timestamp, time: TimeOfDay) -> Option<Timestamp> {
    if !clock_is_set(now) {
        return None;
    }
    let today = now.to_zoned(zone.clone()).date();
    // Zones have skipped a whole day.
    let days = (0..=3).filter_map(|offset| today.checked_add(offset.days()).ok());
    days.filter_map(|day| instant(zone, day, time)).find(|moment| *moment > now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_next_four_o_clock_is_the_zones_own() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let four = TimeOfDay { hour: 4, minute: 0 };
        let next = |now| next(&berlin, at(now), four).map(|moment| moment.to_string());
        assert_eq!(next("2026-11-28T02:59:59Z").as_deref(), Some("2026-11-28T03:00:00Z"));
        assert_eq!(next("2026-11-28T03:00:00Z").as_deref(), Some("2026-11-29T03:00:00Z"), "once a day");
        // Summer begins.
        assert_eq!(next("2026-03-28T03:00:00Z").as_deref(), Some("2026-03-29T02:00:00Z"));
        // The clock was never set.
        assert_eq!(next("1970-01-01T02:00:00Z"), None);
    }

    #[test]
    fn a_time_that_is_skipped_or_comes_twice_is_one_moment_of_each_day() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let half_past_two = TimeOfDay { hour: 2, minute: 30 };
        let (mut now, end, mut count) = (at("2026-01-01T00:00:00Z"), at("2046-01-01T00:00:00Z"), 0);
        while let Some(moment) = next(&berlin, now, half_past_two).filter(|moment| *moment < end) {
            let hours = (moment.as_second() - now.as_second()) as f64 / 3600.0;
            assert!(count == 0 || (22.5..=25.5).contains(&hours), "{hours} hours from {now} to {moment}");
            (now, count) = (moment, count + 1);
        }
        assert_eq!(count, 20 * 365 + 5, "a day in twenty years has none, or two");
    }

    /// A device without a clock battery hears of the time at last, or of a wrong one.
    #[test]
    fn wherever_a_clock_jumps_to_the_next_moment_is_within_a_day_of_that() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let four = TimeOfDay { hour: 4, minute: 0 };
        let mut now = at("2026-01-01T00:00:00Z");
        for jump in [10, 10, -10, 100, -109, 1000, -500] {
            now = now.to_zoned(berlin.clone()).checked_add(jump.years()).unwrap().timestamp();
            match next(&berlin, now, four) {
                Some(moment) => {
                    assert!((1..=25 * 3600).contains(&(moment.as_second() - now.as_second())), "{now}: {moment}")
                }
                None => assert!(!clock_is_set(now), "{now}"),
            }
        }
        // The ends of what there are dates for.
        for now in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
            assert_eq!(next(&berlin, now, four), None);
        }
    }

    #[test]
    fn a_day_that_a_zone_skips_has_no_moment_of_its_own() {
        // Samoa went over the date line: there was no 30 December 2011. The same rule with years that are not set is
        // asked of the pure part.
        let apia = TimeZone::get("Pacific/Apia").unwrap();
        let noon = TimeOfDay { hour: 12, minute: 0 };
        let skipped = instant(&apia, jiff::civil::date(2011, 12, 30), noon).unwrap();
        assert_eq!(skipped.to_string(), "2011-12-30T10:00:00Z", "the change itself");
    }
}
