//! A schedule (`[power]`, `[night-light]`) as instants: whether it says on at a moment, since when, and when that changes
//! next.
//!
//! Pure: the moment and the time zone are given. [`super::Power`] and the night light ask; [`kiosk_core::day_clock::alarm`] waits for the answer.
//!
//! Each entry is a span from one instant to another, for each day it names. A local time that daylight saving skips
//! becomes the moment of the change, one that occurs twice the first of the two, so that each edge occurs exactly once.

use jiff::{SignedDuration, Timestamp, ToSpan, civil::Weekday, tz::TimeZone};
use kiosk_core::{
    config::ScheduleEntry,
    day_clock::{clock_is_set, instant},
};

/// How many days ahead spans are computed.
const AHEAD: i64 = 17;

/// How far ahead an edge is searched: a week, and another one in case a zone skips the named day. The end of the
/// computed spans is not an edge.
const HORIZON: SignedDuration = SignedDuration::from_hours(15 * 24);

/// The schedule's state at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// Whether it says on.
    pub on: bool,
    /// Since when; `None`: for more than a day.
    pub since: Option<Timestamp>,
    /// When that changes; `None`: never.
    pub until: Option<Timestamp>,
}

/// The schedule's state now. `None`: it is empty or the clock is not set; then screens are on, and it is no night.
pub fn level(schedule: &[ScheduleEntry], zone: &TimeZone, now: Timestamp) -> Option<Level> {
    if schedule.is_empty() || !clock_is_set(now) {
        return None;
    }
    let spans = spans(schedule, zone, now);
    let on_at = |moment: Timestamp| spans.iter().any(|(start, end)| (*start..*end).contains(&moment));
    let on = on_at(now);
    let edges = || spans.iter().flat_map(|(start, end)| [*start, *end]);
    let before =
        |edge: Timestamp| edge.checked_sub(SignedDuration::from_nanos(1)).is_ok_and(|moment| on_at(moment) != on);
    let since = edges().filter(|edge| *edge <= now && on_at(*edge) == on && before(*edge)).max();
    let horizon = now.checked_add(HORIZON).unwrap_or(Timestamp::MAX);
    let until = edges().filter(|edge| (now..horizon).contains(edge) && on_at(*edge) != on).min();
    Some(Level { on, since, until })
}

/// The spans in which it says on, from before now to [`AHEAD`] days ahead.
fn spans(schedule: &[ScheduleEntry], zone: &TimeZone, now: Timestamp) -> Vec<(Timestamp, Timestamp)> {
    let today = now.to_zoned(zone.clone()).date();
    // From two days ago on: a span may reach into the next day, and zones may skip one.
    let days = (-2..=AHEAD).filter_map(|offset| today.checked_add(offset.days()).ok());
    let entries = days.flat_map(|day| schedule.iter().map(move |entry| (day, entry)));
    let named = entries.filter(|(day, entry)| entry.days.0[index(day.weekday())]);
    named
        .filter_map(|(day, entry)| {
            // An off time before the on time is on the following day.
            let last = if entry.off > entry.on { day } else { day.tomorrow().ok()? };
            Some((instant(zone, day, entry.on)?, instant(zone, last, entry.off)?))
        })
        .collect()
}

/// Monday is 0.
fn index(day: Weekday) -> usize {
    day.to_monday_zero_offset().unsigned_abs().into()
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
