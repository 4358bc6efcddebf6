//! Tests of [`super`].

use super::*;
use proptest::prelude::*;

#[test]
fn durations_are_parsed() {
    let seconds = |s| Some(Some(Duration::from_secs(s)));
    assert_eq!(parse_duration("60s"), seconds(60));
    assert_eq!(parse_duration("10m"), seconds(600));
    assert_eq!(parse_duration("1h30m"), seconds(5400));
    assert_eq!(parse_duration("never"), Some(None));
    for wrong in ["", "0s", "10", "m", "-5s", "30m1h", "1h1h", "1 h", "99999999999999999999s", "99999999d", "10M"] {
        assert_eq!(parse_duration(wrong), None, "{wrong}");
    }
}

#[test]
fn modes_are_parsed() {
    let exact = |width, height, refresh| Some(ModeChoice::Exact { width, height, refresh });
    assert_eq!(parse_mode("1920x1080@60"), exact(1920, 1080, Some(60_000)));
    assert_eq!(parse_mode("1920x1080@59.94"), exact(1920, 1080, Some(59_940)));
    assert_eq!(parse_mode("1280x720"), exact(1280, 720, None));
    let custom = ModeChoice::Custom { width: 1280, height: 720, refresh: Some(60_000) };
    assert_eq!(parse_mode("custom 1280x720@60"), Some(custom));
    for wrong in ["", "1080p", "0x1", "1920x", "1920x1080@", "1920x1080@nan", "1920x1080@-1", "99999x1", "+1x+1"] {
        assert_eq!(parse_mode(wrong), None, "{wrong}");
    }
}

#[test]
fn status_ranges_are_parsed() {
    let ranges = |text| parse_status(text).map(|r| r.0);
    assert_eq!(ranges("2xx-4xx"), Some(vec![(200, 499)]));
    assert_eq!(ranges("200"), Some(vec![(200, 200)]));
    assert_eq!(ranges("200-399, 401"), Some(vec![(200, 399), (401, 401)]));
    for wrong in ["", "xx", "4xx-2xx", "99", "600", "20x", "200-", "655xx"] {
        assert_eq!(ranges(wrong), None, "{wrong}");
    }
}

#[test]
fn days_may_pass_over_sunday() {
    assert_eq!(parse_days("fri-mon"), Some(Days([true, false, false, false, true, true, true])));
    assert_eq!(parse_days("mon-fri").map(days_text).as_deref(), Some("mon,tue,wed,thu,fri"));
    assert_eq!(parse_days("everyday"), None);
}

#[test]
fn colours_are_parsed() {
    assert_eq!(parse_colour("#1a2b3c"), Some([0x1a, 0x2b, 0x3c]));
    assert_eq!(parse_colour("#f0a"), Some([255, 0, 170]));
    for wrong in ["", "#", "black", "#12345", "#+12345", "#ééé"] {
        assert_eq!(parse_colour(wrong), None, "{wrong}");
    }
}

proptest! {
    #[test]
    fn arbitrary_text_is_parsed_without_panic(text in "\\PC*") {
        let _ = (parse_duration(&text), parse_mode(&text), parse_colour(&text));
        let _ = (parse_status(&text), parse_time(&text), parse_days(&text));
    }

    #[test]
    fn what_is_written_is_read_back(
        millis in 1u64..3_000_000_000_000, width in 1..=MAX_SIZE, height in 1..=MAX_SIZE,
        refresh in proptest::option::of(1000u32..=1_000_000), custom: bool, rgb: [u8; 3],
        first in 100u16..=599, more in 0u16..500, hour in 0u8..24, minute in 0u8..60, days: [bool; 7],
    ) {
        let duration = Some(Duration::from_millis(millis));
        prop_assert_eq!(parse_duration(&duration_text(duration)), Some(duration));
        let mode = if custom {
            ModeChoice::Custom { width, height, refresh }
        } else {
            ModeChoice::Exact { width, height, refresh }
        };
        prop_assert_eq!(parse_mode(&mode_text(mode)), Some(mode));
        prop_assert_eq!(parse_colour(&colour_text(rgb)), Some(rgb));
        let ranges = StatusRanges(vec![(first, (first + more).min(599))]);
        prop_assert_eq!(parse_status(&status_text(&ranges)), Some(ranges));
        let time = TimeOfDay { hour, minute };
        prop_assert_eq!(parse_time(&time_text(time)), Some(time));
        prop_assume!(days.contains(&true));
        prop_assert_eq!(parse_days(&days_text(Days(days))), Some(Days(days)));
    }
}
