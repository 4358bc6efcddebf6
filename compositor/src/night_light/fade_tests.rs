//! Days of a night light: each step when it is due, and the same light whichever way the clock came there.

use jiff::{
    SignedDuration, Timestamp,
    civil::{DateTime, date},
    tz::TimeZone,
};
use kiosk_core::config::{ColourTemperature, Days, NightLight, ScheduleEntry, TimeOfDay};
use proptest::prelude::*;

use super::{Light, STEP, light};

/// Berlin, and a zone without changes of the clock.
const ZONES: [&str; 2] = ["CET-1CEST,M3.5.0,M10.5.0/3", "IST-5:30"];

fn zone(name: &str) -> TimeZone {
    TimeZone::posix(name).unwrap()
}

fn entry((on, on_minute): (u8, u8), (off, off_minute): (u8, u8)) -> ScheduleEntry {
    let time = |hour, minute| TimeOfDay { hour, minute };
    ScheduleEntry { on: time(on, on_minute), off: time(off, off_minute), days: Days::ALL }
}

fn evenings() -> NightLight {
    NightLight { schedule: vec![entry((20, 0), (7, 0))], ..NightLight::default() }
}

fn at(zone: &TimeZone, moment: DateTime) -> Timestamp {
    moment.to_zoned(zone.clone()).unwrap().timestamp()
}

fn time(zone: &TimeZone, moment: Option<Timestamp>) -> String {
    moment.map(|moment| moment.to_zoned(zone.clone()).strftime("%a %H:%M:%S").to_string()).unwrap_or_default()
}

#[test]
fn the_evening_gets_warmer_in_twenty_minutes_and_the_morning_cooler() {
    let (settings, zone) = (evenings(), zone(ZONES[0]));
    let told = |hour, minute| {
        let light = light(&settings, &zone, at(&zone, date(2026, 6, 10).at(hour, minute, 0, 0))).unwrap();
        (light.kelvin, light.night, time(&zone, light.until))
    };
    assert_eq!(told(19, 59), (6500, false, "Wed 20:00:00".into()));
    assert_eq!(told(20, 0), (6500, true, "Wed 20:00:12".into()), "the fade begins at the edge");
    assert_eq!(told(20, 10), (5250, true, "Wed 20:10:12".into()), "half of it");
    assert_eq!(told(20, 20), (4000, true, "Thu 07:00:00".into()));
    assert_eq!(told(3, 0), (4000, true, "Wed 07:00:00".into()));
    assert_eq!(told(7, 10), (5250, false, "Wed 07:10:12".into()));
    assert_eq!(told(7, 20), (6500, false, "Wed 20:00:00".into()));
}

#[test]
fn without_a_fade_a_schedule_or_a_clock_nothing_is_between() {
    let zone = zone(ZONES[0]);
    let ten = |hour| at(&zone, date(2026, 6, 10).at(hour, 0, 0, 0));
    let at_once = NightLight { fade: None, ..evenings() };
    let told = light(&at_once, &zone, ten(20)).unwrap();
    assert_eq!((told.kelvin, told.fades_until, time(&zone, told.until)), (4000, None, "Thu 07:00:00".into()));
    assert_eq!(light(&NightLight::default(), &zone, ten(20)), None);
    assert_eq!(light(&evenings(), &zone, Timestamp::UNIX_EPOCH), None);
    let same = NightLight { temperature: ColourTemperature::NEUTRAL, ..evenings() };
    assert_eq!(time(&zone, light(&same, &zone, ten(20)).unwrap().until), "Thu 07:00:00", "no steps to nowhere");
}

#[test]
fn what_is_shorter_than_a_fade_ends_where_the_next_begins() {
    let (zone, day) = (zone(ZONES[1]), date(2026, 6, 10));
    let short = NightLight { schedule: vec![entry((20, 0), (20, 10))], ..NightLight::default() };
    let told = |minute, second| light(&short, &zone, at(&zone, day.at(20, minute, second, 0))).unwrap().kelvin;
    assert_eq!([told(5, 0), told(10, 0), told(20, 0), told(30, 0)], [5250, 4000, 5250, 6500]);
    assert!(told(9, 59) < 4050);
}

#[test]
fn another_zone_or_a_resume_is_the_light_of_that_moment() {
    let (settings, berlin, kolkata) = (evenings(), zone(ZONES[0]), zone(ZONES[1]));
    // 17:40 in Berlin, 21:10 in Kolkata.
    let now = at(&berlin, date(2026, 6, 10).at(17, 40, 0, 0));
    assert_eq!(light(&settings, &berlin, now).unwrap().kelvin, 6500);
    let moved = light(&settings, &kolkata, now).unwrap();
    assert_eq!((moved.kelvin, time(&kolkata, moved.until)), (4000, "Thu 07:00:00".into()));
    // Suspended in the fade of one evening, resumed in that of another.
    let resumed = light(&settings, &berlin, at(&berlin, date(2026, 6, 12).at(20, 10, 0, 0))).unwrap();
    assert_eq!(resumed.kelvin, 5250);
}

/// Wakes when told to, from this moment for so many hours; each light with the moment from which it holds.
fn walk(settings: &NightLight, zone: &TimeZone, start: Timestamp, hours: i64) -> Vec<(Timestamp, Light)> {
    let (mut now, mut lights) = (start, Vec::new());
    while now < start + SignedDuration::from_hours(hours) {
        let told = light(settings, zone, now).unwrap();
        lights.push((now, told));
        match told.until {
            Some(until) => {
                assert!(until > now, "{until} does not come after {now}");
                now = until;
            }
            None => break,
        }
    }
    lights
}

#[test]
fn a_day_wakes_for_two_fades_and_nothing_else() {
    let (settings, zone) = (evenings(), zone(ZONES[0]));
    let lights = walk(&settings, &zone, at(&zone, date(2026, 6, 10).at(12, 0, 0, 0)), 24);
    // A hundred steps of 25 K each way, and the two edges.
    assert_eq!(lights.len(), 1 + 2 * 101, "{}", lights.len());
    for pair in lights.windows(2) {
        assert!(pair[0].1.kelvin.abs_diff(pair[1].1.kelvin) as u32 <= STEP, "{pair:?}");
    }
}

fn settings() -> impl Strategy<Value = NightLight> {
    let time = || (0u8..24, 0u8..60);
    let entry =
        (time(), time()).prop_filter("on is not off", |(on, off)| on != off).prop_map(|(on, off)| entry(on, off));
    let kelvin = || (2000u32..=10_000).prop_map(|kelvin| ColourTemperature::try_from(kelvin).unwrap());
    let fade = prop::option::of((1u64..21_600_000).prop_map(std::time::Duration::from_millis));
    (prop::collection::vec(entry, 1..3), kelvin(), kelvin(), fade).prop_map(
        |(schedule, temperature, day_temperature, fade)| NightLight { schedule, temperature, day_temperature, fade },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn whichever_way_the_clock_came_the_light_is_that_of_the_moment(
        settings in settings(), name in 0..ZONES.len(), day in 0i64..365, jumps in prop::collection::vec(0i64..48 * 3600, 20)
    ) {
        let zone = zone(ZONES[name]);
        let start = at(&zone, date(2026, 1, 2).at(0, 0, 0, 0)) + SignedDuration::from_hours(24 * day);
        let lights = walk(&settings, &zone, start, 49);
        let ends = [settings.temperature.kelvin(), settings.day_temperature.kelvin()];
        let between = *ends.iter().min().unwrap()..=*ends.iter().max().unwrap();
        for (_, light) in &lights {
            prop_assert!(between.contains(&light.kelvin), "{light:?}");
        }
        for jump in jumps {
            let now = start + SignedDuration::from_secs(jump);
            let walked = lights.iter().rev().find(|(from, _)| *from <= now).unwrap().1;
            prop_assert_eq!(light(&settings, &zone, now).unwrap(), walked, "at {}", now);
        }
    }
}
