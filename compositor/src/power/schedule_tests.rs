//! The schedule over whole years, in zones that change their clocks and in one that does not.

use jiff::{
    SignedDuration, Timestamp, Zoned,
    civil::{DateTime, date},
    tz::TimeZone,
};
use kiosk_core::config::{Days, ScheduleEntry, TimeOfDay};
use proptest::prelude::*;

use super::{clock_is_set, level};

/// As in the zone files: Berlin, New York, Lord Howe (half an hour), Santiago (at midnight), Kolkata.
const ZONES: [&str; 5] = [
    "CET-1CEST,M3.5.0,M10.5.0/3",
    "EST5EDT,M3.2.0,M11.1.0",
    "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
    "<-04>4<-03>,M9.1.6/24,M4.1.6/24",
    "IST-5:30",
];

fn zone(name: &str) -> TimeZone {
    TimeZone::posix(name).unwrap()
}

fn time(text: &str) -> TimeOfDay {
    let (hour, minute) = text.split_once(':').unwrap();
    TimeOfDay { hour: hour.parse().unwrap(), minute: minute.parse().unwrap() }
}

fn entry(on: &str, off: &str) -> ScheduleEntry {
    ScheduleEntry { on: time(on), off: time(off), days: Days::ALL }
}

fn at(zone: &TimeZone, moment: DateTime) -> Zoned {
    moment.to_zoned(zone.clone()).unwrap()
}

/// Whether it is on at this local time, and at which local time that changes.
fn told(schedule: &[ScheduleEntry], zone: &TimeZone, moment: DateTime) -> (bool, String) {
    let level = level(schedule, zone, at(zone, moment).timestamp()).unwrap();
    let until = level.until.map(|edge| edge.to_zoned(zone.clone()).strftime("%a %H:%M").to_string());
    (level.on, until.unwrap_or_default())
}

#[test]
fn a_day_is_on_from_its_first_minute_and_off_from_its_last() {
    let (schedule, zone) = ([entry("07:00", "22:00")], zone(ZONES[0]));
    let day = date(2026, 6, 10);
    assert_eq!(told(&schedule, &zone, day.at(6, 59, 59, 0)), (false, "Wed 07:00".into()));
    assert_eq!(told(&schedule, &zone, day.at(7, 0, 0, 0)), (true, "Wed 22:00".into()));
    assert_eq!(told(&schedule, &zone, day.at(21, 59, 59, 0)), (true, "Wed 22:00".into()));
    assert_eq!(told(&schedule, &zone, day.at(22, 0, 0, 0)), (false, "Thu 07:00".into()));
}

#[test]
fn a_night_belongs_to_the_day_it_begins_on() {
    // Friday only.
    let friday = Days([false, false, false, false, true, false, false]);
    let (schedule, zone) = ([ScheduleEntry { days: friday, ..entry("20:00", "02:00") }], zone(ZONES[0]));
    assert_eq!(told(&schedule, &zone, date(2026, 6, 12).at(1, 0, 0, 0)), (false, "Fri 20:00".into()));
    assert_eq!(told(&schedule, &zone, date(2026, 6, 12).at(23, 0, 0, 0)), (true, "Sat 02:00".into()));
    assert_eq!(told(&schedule, &zone, date(2026, 6, 13).at(1, 59, 0, 0)), (true, "Sat 02:00".into()));
    assert_eq!(told(&schedule, &zone, date(2026, 6, 13).at(2, 0, 0, 0)), (false, "Fri 20:00".into()));
}

#[test]
fn spans_that_touch_or_overlap_have_no_edge_between_them() {
    let zone = zone(ZONES[4]);
    let schedule = [entry("07:00", "12:00"), entry("12:00", "15:00"), entry("14:00", "18:00")];
    assert_eq!(told(&schedule, &zone, date(2026, 6, 10).at(8, 0, 0, 0)), (true, "Wed 18:00".into()));
    let always = [entry("00:00", "12:00"), entry("12:00", "00:00")];
    assert_eq!(told(&always, &zone, date(2026, 6, 10).at(8, 0, 0, 0)), (true, String::new()));
}

#[test]
fn a_skipped_time_is_the_moment_of_the_change() {
    // 02:00 becomes 03:00 on 29 March 2026.
    let zone = zone(ZONES[0]);
    let night = date(2026, 3, 29);
    assert_eq!(told(&[entry("02:30", "06:00")], &zone, night.at(1, 59, 0, 0)), (false, "Sun 03:00".into()));
    assert_eq!(told(&[entry("02:30", "03:15")], &zone, night.at(3, 0, 0, 0)), (true, "Sun 03:15".into()));
    assert_eq!(told(&[entry("22:00", "02:30")], &zone, night.at(1, 59, 0, 0)), (true, "Sun 03:00".into()));
    // Nothing is left of it on that day.
    assert_eq!(told(&[entry("02:10", "02:50")], &zone, night.at(1, 59, 0, 0)), (false, "Mon 02:10".into()));
}

#[test]
fn a_time_repeated_by_a_dst_change_switches_once() {
    // 03:00 becomes 02:00 on 25 October 2026.
    let zone = zone(ZONES[0]);
    let schedule = [entry("22:00", "02:30")];
    let first = at(&zone, date(2026, 10, 25).at(2, 0, 0, 0)).timestamp();
    let minutes = |count: i64| level(&schedule, &zone, first + SignedDuration::from_mins(count)).unwrap().on;
    assert!(minutes(29));
    assert!((30..=119).all(|count| !minutes(count)), "on again in the second hour");
}

#[test]
fn an_unset_clock_switches_nothing() {
    let (schedule, zone) = ([entry("07:00", "22:00")], zone(ZONES[0]));
    assert_eq!(level(&schedule, &zone, Timestamp::UNIX_EPOCH), None);
    assert!(!clock_is_set("2019-06-01T00:00:00Z".parse().unwrap()));
    assert!(clock_is_set("2026-01-01T00:00:00Z".parse().unwrap()));
    assert_eq!(level(&[], &zone, at(&zone, date(2026, 6, 10).at(8, 0, 0, 0)).timestamp()), None);
}

/// Without changes of the clock, each minute by itself says whether it is on.
fn on_by_the_clock_on_the_wall(schedule: &[ScheduleEntry], now: &Zoned) -> bool {
    let time = TimeOfDay { hour: now.hour() as u8, minute: now.minute() as u8 };
    let named = |entry: &ScheduleEntry, day: &Zoned| entry.days.0[day.weekday().to_monday_zero_offset() as usize];
    let yesterday = now.yesterday().unwrap();
    schedule.iter().any(|entry| match entry.on < entry.off {
        true => named(entry, now) && (entry.on..entry.off).contains(&time),
        false => (named(entry, now) && time >= entry.on) || (named(entry, &yesterday) && time < entry.off),
    })
}

fn entries() -> impl Strategy<Value = Vec<ScheduleEntry>> {
    let time = || (0u8..24, 0u8..60).prop_map(|(hour, minute)| TimeOfDay { hour, minute });
    let one = (time(), time(), prop::array::uniform7(any::<bool>()))
        .prop_filter("on is not off", |(on, off, _)| on != off)
        .prop_map(|(on, off, days)| ScheduleEntry { on, off, days: Days(days) });
    prop::collection::vec(one, 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// Every hour of a year: the level is what the last edge said, edges are ahead, and none is missed.
    #[test]
    fn hours_of_a_year_agree_with_the_walk_over_its_edges(schedule in entries(), name in 0..ZONES.len()) {
        let zone = zone(ZONES[name]);
        let start = at(&zone, date(2026, 1, 2).at(0, 17, 0, 0)).timestamp();
        let first = level(&schedule, &zone, start).unwrap();
        let (mut on, mut until) = (first.on, first.until);
        for hour in 0..366 * 24 {
            let now = start + SignedDuration::from_hours(hour);
            while let Some(edge) = until.filter(|edge| *edge <= now) {
                let after = level(&schedule, &zone, edge).unwrap();
                prop_assert_eq!(after.on, !on, "nothing changed at {}", edge);
                prop_assert!(after.until.is_none_or(|next| next > edge));
                let before = level(&schedule, &zone, edge - SignedDuration::from_secs(1)).unwrap();
                prop_assert_eq!(before.on, on);
                prop_assert_eq!(before.until, Some(edge));
                (on, until) = (after.on, after.until);
            }
            // As after a jump of the clock to here, from anywhere.
            let told = level(&schedule, &zone, now).unwrap();
            prop_assert_eq!((told.on, told.until), (on, until), "at {}", now);
        }
    }

    #[test]
    fn where_clocks_do_not_change_the_wall_clock_is_right(schedule in entries(), minutes in 0i64..366 * 1440) {
        let zone = zone(ZONES[4]);
        let now = at(&zone, date(2026, 1, 2).at(0, 0, 0, 0)).timestamp() + SignedDuration::from_mins(minutes);
        let wall = now.to_zoned(zone.clone());
        prop_assert_eq!(level(&schedule, &zone, now).unwrap().on, on_by_the_clock_on_the_wall(&schedule, &wall));
    }
}
