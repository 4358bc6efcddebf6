//! Night light by schedule: the panel's colours, by the device's gamma table or drawn, and what is told of them.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use kiosk_core::config::{Days, ScheduleEntry, TimeOfDay};
use kioskd::{backend::FlipTime, command::OutputChange, privilege::Privilege, screens::HeadId};

use super::gamma::{control, divide};
use crate::fixture::{ClientId, Fixture, Setup, client::Toplevel, picture::Picture};

const WHITE: [u8; 3] = [255, 255, 255];
const HEAD: HeadId = HeadId(1);

/// From 20:00 to 07:00, in the system's zone.
fn nightly() -> (Fixture, ClientId, Toplevel) {
    let mut setup = Setup::bare(&["320x200"]);
    let time = |hour| TimeOfDay { hour, minute: 0 };
    setup.config.night_light.schedule = vec![ScheduleEntry { on: time(20), off: time(7), days: Days::ALL }];
    let mut fixture = setup.start();
    let page = fixture.client();
    let window = fixture.map(page, Picture::Solid(WHITE));
    (fixture, page, window)
}

fn at(hour: i8, minute: i8) -> Timestamp {
    let day = jiff::civil::date(2027, 6, 9).at(hour, minute, 0, 0);
    day.to_zoned(TimeZone::try_system().unwrap_or(TimeZone::UTC)).unwrap().timestamp()
}

impl Fixture {
    /// The panel's white at this time of day.
    fn white_at(&mut self, hour: i8, minute: i8) -> [u8; 3] {
        self.kiosk.follow_night_light(at(hour, minute));
        self.kiosk.settle();
        self.still();
        self.panel().pixel(5, 5)
    }

    fn colours(&self) -> String {
        self.kiosk.snapshot().outputs[0].colours.clone()
    }

    /// The page flip of the gamma table's change.
    fn table_flips(&mut self) {
        self.kiosk.settle();
        assert!(self.kiosk.screens.iter().all(|screen| screen.redraw.awaits_flip()));
        self.kiosk.flipped(HEAD, FlipTime::Now);
        self.kiosk.settle();
        self.still();
    }
}

#[test]
fn the_screen_gets_warmer_in_the_evening_and_is_itself_again_in_the_morning() {
    let (mut fixture, page, window) = nightly();
    assert_eq!(fixture.white_at(19, 59), WHITE);
    assert_eq!(fixture.colours(), "");
    let half = fixture.white_at(20, 10);
    let night = fixture.white_at(20, 30);
    assert!(night[0] == 255 && night[1] < half[1] && night[2] < half[2] && half[2] < 255, "{half:?} {night:?}");
    let told = fixture.colours();
    assert!(told.starts_with("night light until ") && told.ends_with(" 07:00, drawn"), "{told}");
    // New frames too; a still page in the night causes none, and nothing is waited for on the monotonic clock.
    fixture.fill(page, &window, Picture::Solid([0, 0, 200]));
    fixture.roundtrip(page);
    fixture.still();
    let blue = fixture.panel().pixel(5, 5);
    assert!(blue[2] < 140 && blue[2] > 110, "{blue:?}");
    assert_eq!(fixture.screenshot().pixel(5, 5), [0, 0, 200]);
    fixture.nothing_left_to_do();
    assert_eq!(fixture.wakeups(Duration::from_millis(300)), 0);
    let told = fixture.white_at(7, 5);
    assert!(told[2] < 200, "half of the fade: {told:?}");
    assert!(fixture.colours().starts_with("night light fading until "), "{}", fixture.colours());
    assert_eq!(fixture.white_at(7, 30), [0, 0, 200]);
    assert_eq!(fixture.colours(), "");
}

#[test]
fn a_clock_that_jumps_has_the_colours_of_where_it_comes_to() {
    let (mut fixture, ..) = nightly();
    let night = fixture.white_at(23, 0);
    fixture.kiosk.follow_night_light(Timestamp::UNIX_EPOCH);
    fixture.kiosk.settle();
    fixture.still();
    assert_eq!(fixture.panel().pixel(5, 5), WHITE, "a clock that is not set knows no night");
    assert_eq!(fixture.white_at(3, 0), night);
    let later = at(3, 0) + SignedDuration::from_hours(24 * 400 + 9);
    fixture.kiosk.follow_night_light(later);
    fixture.kiosk.settle();
    fixture.still();
    assert_eq!(fixture.panel().pixel(5, 5), WHITE);
}

#[test]
fn a_tool_counts_instead_of_the_schedule_until_it_goes() {
    let (mut fixture, ..) = nightly();
    let night = fixture.white_at(22, 0);
    let tool = fixture.client_of(Privilege::Admin);
    let control = control(&mut fixture, tool);
    assert_eq!(fixture.white_at(22, 1), night, "it has set nothing yet");
    divide(&control, [2, 1, 1]);
    fixture.roundtrip(tool);
    assert_eq!(fixture.white_at(22, 2), [127, 255, 255]);
    assert_eq!(fixture.colours(), "colours set by a tool, drawn");
    divide(&control, [1, 1, 1]);
    fixture.roundtrip(tool);
    assert_eq!(fixture.white_at(22, 3), WHITE, "by day it says so");
    assert_eq!(fixture.colours(), "");
    fixture.disconnect(tool);
    fixture.until("the night", |fixture| fixture.panel().pixel(5, 5) == night);
}

#[test]
fn a_device_with_a_gamma_table_is_told_and_the_picture_is_not_copied() {
    let (mut fixture, ..) = nightly();
    fixture.panels.add_table(0);
    assert_eq!(fixture.white_at(12, 0), WHITE);
    assert_eq!(fixture.panels.table(), (0, WHITE));
    fixture.kiosk.follow_night_light(at(23, 0));
    fixture.table_flips();
    let (changes, white) = fixture.panels.table();
    assert!(changes == 1 && white[2] < 200, "{changes} {white:?}");
    assert_eq!(fixture.panel().pixel(5, 5), WHITE, "drawn as well");
    assert!(fixture.colours().ends_with("07:00, by the display device"), "{}", fixture.colours());
    fixture.nothing_left_to_do();
    assert_eq!(fixture.wakeups(Duration::from_millis(300)), 0);
    // A tool's ramps go there too.
    let tool = fixture.client_of(Privilege::Admin);
    let control = control(&mut fixture, tool);
    divide(&control, [2, 1, 1]);
    fixture.roundtrip(tool);
    fixture.table_flips();
    assert_eq!(fixture.panels.table(), (2, [127, 255, 255]));
    fixture.disconnect(tool);
    fixture.until("its end", |fixture| fixture.panels.table().0 == 3);
    assert_eq!(fixture.panels.table().1, white);
}

#[test]
fn a_gamma_table_that_is_busy_is_set_a_little_later_and_frames_go_on() {
    let (mut fixture, page, window) = nightly();
    fixture.panels.add_table(3);
    fixture.kiosk.follow_night_light(at(23, 0));
    fixture.until("the table to be set", |fixture| fixture.panels.table().0 == 1);
    fixture.table_flips();
    fixture.fill(page, &window, Picture::Solid([9, 9, 9]));
    fixture.roundtrip(page);
    fixture.still();
    assert_eq!(fixture.panel().pixel(5, 5), [9, 9, 9]);
}

/// A fade has a step every few seconds.
#[test]
fn a_fade_that_nobody_sees_wakes_nothing_and_counts_again_once_a_screen_is_lit() {
    let zone = TimeZone::try_system().unwrap_or(TimeZone::UTC);
    // It is day by the system's clock, whatever that is.
    let night = (Timestamp::now().to_zoned(zone).hour() + 12) % 24;
    let mut setup = Setup::bare(&["320x200"]);
    let time = |hour: i8| TimeOfDay { hour: hour.unsigned_abs(), minute: 0 };
    let hours = ScheduleEntry { on: time(night), off: time((night + 2) % 24), days: Days::ALL };
    setup.config.night_light.schedule = vec![hours];
    let mut fixture = setup.start();
    let page = fixture.client();
    fixture.map(page, Picture::Solid(WHITE));
    fixture.kiosk.start_clock();
    assert_eq!(fixture.white_at(night, 1)[0], 255);
    let next = fixture.kiosk.follow_night_light(at(night, 5)).expect("the fade goes on");
    assert!(next.duration_since(at(night, 5)) < SignedDuration::from_mins(1), "{next}");

    let power = |on| OutputChange { power: Some(on), ..OutputChange::default() };
    fixture.change(power(false)).unwrap();
    assert_eq!(fixture.kiosk.follow_night_light(at(night, 6)), None);
    fixture.change(power(true)).unwrap();
    fixture.kiosk.settle();
    fixture.still();
    assert_eq!(fixture.panel().pixel(5, 5), WHITE);
    // Another terminal is in front.
    fixture.kiosk.session_paused();
    assert_eq!(fixture.kiosk.follow_night_light(at(night, 6)), None);
}
