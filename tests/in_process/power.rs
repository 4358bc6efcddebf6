//! Screens that switch off automatically and on again: idle time, the schedule, and the touch that only wakes.

use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};
use kiosk_core::config::{Days, ScheduleEntry, Shell, TimeOfDay};
use kioskd::{
    command::OutputChange,
    screens::{Head, HeadId},
};
use wayland_protocols::wp::idle_inhibit::zv1::client::zwp_idle_inhibit_manager_v1::ZwpIdleInhibitManagerV1;

use crate::fixture::{
    ClientId, Fixture, Setup,
    client::Toplevel,
    hands::keys,
    picture::{GREEN, Picture, RED},
    seen::{KeySeen, PointerSeen, TouchSeen},
    tools::{Kind, Spec},
};

const DARK: [u8; 3] = [0, 0, 0];

/// Short enough to wait for, long enough for the steps in between on a busy machine.
const IDLE: Duration = Duration::from_millis(800);

fn idling(after: Option<Duration>) -> (Fixture, ClientId, Toplevel) {
    with(|setup| setup.config.idle.screen_off = after)
}

fn with(configure: impl FnOnce(&mut Setup)) -> (Fixture, ClientId, Toplevel) {
    let mut setup = Setup::bare(&["320x200"]);
    configure(&mut setup);
    let mut fixture = setup.start();
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    (fixture, client, window)
}

impl Fixture {
    fn all_dark(&self) -> bool {
        self.kiosk.screens.iter().all(|screen| !screen.power)
    }

    #[track_caller]
    fn goes_dark(&mut self) {
        self.until("the screens to go off", |fixture| fixture.all_dark());
    }

    #[track_caller]
    fn is_lit(&mut self) {
        assert!(self.kiosk.screens.iter().all(|screen| screen.power), "a screen is off");
        self.still();
        assert_ne!(self.panel().pixel(9, 9), DARK);
    }

    fn switch(&mut self, on: bool) {
        self.change(OutputChange { power: Some(on), ..OutputChange::default() }).unwrap();
        self.kiosk.settle();
    }
}

fn keys_of(fixture: &Fixture, client: ClientId) -> usize {
    fixture[client].seen.keyboard.iter().filter(|seen| matches!(seen, KeySeen::Key { .. })).count()
}

fn buttons_of(fixture: &Fixture, client: ClientId) -> usize {
    fixture[client].seen.pointer.iter().filter(|seen| matches!(seen, PointerSeen::Button { .. })).count()
}

#[test]
fn the_screen_is_blanked_when_idle_and_a_touch_brings_the_page_back() {
    let (mut fixture, client, window) = idling(Some(IDLE));
    let configures = fixture[client].configures(&window).count();
    fixture.is_lit();
    fixture.goes_dark();
    assert_eq!(fixture.panel().pixel(9, 9), DARK, "the panel is lit behind a dark picture");
    fixture.touch_down(0, (9.0, 9.0));
    fixture.touch_up(0);
    fixture.is_lit();
    assert_eq!(fixture.panel().pixel(9, 9), RED);
    fixture.roundtrip(client);
    assert_eq!(fixture[client].configures(&window).count(), configures, "it is no news to the page");
    assert!(fixture[client].seen.removed.is_empty());
}

#[test]
fn with_a_page_on_each_of_two_screens_both_idle_together_and_one_touch_lights_both() {
    let mut setup = Setup::bare(&["320x200", "400x300"]);
    let shell = |output: &str| Shell { output: output.into(), ..Shell::default() };
    setup.config.shells = vec![shell("HEADLESS-1"), shell("HEADLESS-2")];
    setup.config.idle.screen_off = Some(IDLE);
    let mut fixture = setup.start();
    let (first, second) = (fixture.client_of_shell(0), fixture.client_of_shell(1));
    fixture.map(first, Picture::Solid(RED));
    let window = fixture.map(second, Picture::Solid(GREEN));
    // Playback on the second page keeps the first one's screen on too.
    let handle = fixture[second].handle.clone();
    let manager: ZwpIdleInhibitManagerV1 = fixture[second].bind();
    let inhibitor = manager.create_inhibitor(&window.surface, &handle, ());
    fixture.roundtrip(second);
    fixture.pass(IDLE * 2);
    assert!(!fixture.all_dark());
    inhibitor.destroy();
    fixture.roundtrip(second);
    fixture.goes_dark();
    let panel = Spec {
        id: "event7",
        name: "",
        kind: Kind::Touch,
        model: None,
        port: None,
        serial: None,
        size: None,
        hint: Some("HEADLESS-2"),
    };
    let panel = fixture.plug_in(panel);
    fixture.finger_down(&panel, 0, (0.5, 0.5));
    fixture.finger_up(&panel, 0);
    fixture.is_lit();
    assert_eq!((fixture.panel().pixel(9, 9), fixture.panel_of(HeadId(2)).pixel(9, 9)), (RED, GREEN));
    fixture.roundtrip(second);
    assert!(fixture[second].seen.touch.is_empty() && fixture[first].seen.touch.is_empty());
}

#[test]
fn somebody_who_types_keeps_the_screen_on() {
    // Longer, as a busy machine may delay the keys.
    let idle = IDLE * 5;
    let (mut fixture, _, _) = idling(Some(idle));
    for _ in 0..10 {
        fixture.tap_key(keys::A);
        fixture.pass(idle / 8);
        assert!(!fixture.all_dark());
    }
    fixture.goes_dark();
}

#[test]
fn nothing_wakes_the_program_where_the_screen_never_goes_off_nor_when_it_is_off() {
    for after in [None, Some(IDLE)] {
        let (mut fixture, _, _) = idling(after);
        fixture.tap_key(keys::A);
        if after.is_some() {
            fixture.goes_dark();
        }
        fixture.nothing_left_to_do();
        assert_eq!(fixture.wakeups(IDLE * 2), 0, "idle after {after:?}");
    }
}

#[test]
fn a_film_keeps_the_screen_on_until_it_ends() {
    let (mut fixture, client, window) = idling(Some(IDLE));
    let handle = fixture[client].handle.clone();
    let manager: ZwpIdleInhibitManagerV1 = fixture[client].bind();
    let film = manager.create_inhibitor(&window.surface, &handle, ());
    fixture.roundtrip(client);
    fixture.pass(IDLE * 2);
    assert!(!fixture.all_dark(), "the screen went off in the middle of a film");
    film.destroy();
    fixture.goes_dark();
}

#[test]
fn the_touch_that_wakes_does_nothing_else_until_every_finger_is_up() {
    let (mut fixture, client, _) = idling(None);
    fixture.switch(false);
    fixture.touch_down(0, (50.0, 50.0));
    fixture.is_lit();
    fixture.touch_move(0, (60.0, 50.0));
    fixture.touch_down(1, (90.0, 50.0));
    fixture.touch_up(0);
    fixture.touch_move(1, (95.0, 50.0));
    fixture.touch_up(1);
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.touch, []);
    fixture.touch_down(0, (50.0, 50.0));
    fixture.touch_up(0);
    fixture.roundtrip(client);
    assert!(fixture[client].seen.touch.len() >= 2, "{:?}", fixture[client].seen.touch);
}

#[test]
fn the_key_and_the_click_that_wake_do_nothing_else_until_their_release() {
    let (mut fixture, client, _) = idling(None);
    fixture.point((50.0, 50.0));
    fixture.switch(false);
    fixture.key(keys::A, true);
    fixture.is_lit();
    fixture.tap_key(keys::ESC);
    fixture.key(keys::A, false);
    fixture.roundtrip(client);
    assert_eq!(keys_of(&fixture, client), 2, "Escape and nothing else: {:?}", fixture[client].seen.keyboard);

    fixture.switch(false);
    fixture.button(true);
    fixture.is_lit();
    fixture.button(false);
    fixture.roundtrip(client);
    assert_eq!(buttons_of(&fixture, client), 0);
    fixture.click();
    fixture.tap_key(keys::A);
    fixture.roundtrip(client);
    assert_eq!(buttons_of(&fixture, client), 2);
    assert_eq!(keys_of(&fixture, client), 4);
}

#[test]
fn where_it_is_configured_the_touch_that_wakes_is_a_touch() {
    let (mut fixture, client, _) = with(|setup| setup.config.idle.wake_swallows_touch = false);
    fixture.switch(false);
    fixture.touch_down(0, (50.0, 50.0));
    fixture.is_lit();
    fixture.touch_up(0);
    fixture.switch(false);
    fixture.tap_key(keys::A);
    fixture.roundtrip(client);
    assert!(fixture[client].seen.touch.len() >= 2);
    assert_eq!(keys_of(&fixture, client), 2);
}

#[test]
fn the_touch_that_wakes_does_not_swallow_what_another_panel_feels() {
    let (mut fixture, client, _) = idling(None);
    let panels = ["event7", "event8"].map(|id| {
        fixture.plug_in(Spec {
            id,
            name: id,
            kind: Kind::Touch,
            model: None,
            port: None,
            serial: None,
            size: None,
            hint: None,
        })
    });
    fixture.switch(false);
    fixture.finger_down(&panels[0], 0, (0.5, 0.5));
    fixture.is_lit();
    // The same number on the other panel is another touch.
    fixture.finger_down(&panels[1], 0, (0.2, 0.2));
    fixture.finger_move(&panels[0], 0, (0.6, 0.6));
    fixture.finger_up(&panels[1], 0);
    fixture.finger_move(&panels[0], 0, (0.7, 0.7));
    fixture.finger_up(&panels[0], 0);
    fixture.roundtrip(client);
    let down = |seen: &&TouchSeen| matches!(seen, TouchSeen::Down { .. });
    let (downs, moves) = (
        fixture[client].seen.touch.iter().filter(down).count(),
        fixture[client].seen.touch.iter().filter(|seen| matches!(seen, TouchSeen::Motion { .. })).count(),
    );
    assert_eq!((downs, moves), (1, 0), "{:?}", fixture[client].seen.touch);
    // A panel that is unplugged during the waking touch: its next touch counts.
    fixture.switch(false);
    fixture.finger_down(&panels[0], 3, (0.5, 0.5));
    fixture.pull_out(&panels[0]);
    fixture.plug_in_again(&panels[0]);
    fixture.finger_down(&panels[0], 0, (0.5, 0.5));
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.touch.iter().filter(down).count(), 2);
}

#[test]
fn the_release_of_the_key_that_switched_off_does_not_wake() {
    let (mut fixture, client, _) = idling(None);
    fixture.key(keys::A, true);
    fixture.touch_down(0, (50.0, 50.0));
    fixture.switch(false);
    fixture.key(keys::A, false);
    fixture.touch_up(0);
    assert!(fixture.all_dark());
    fixture.roundtrip(client);
    assert_eq!(keys_of(&fixture, client), 2, "the page knew of the press, and is to know of its end");
}

#[test]
fn terminals_are_switched_from_a_dark_screen_too() {
    let (mut fixture, client, _) = idling(None);
    fixture.switch(false);
    fixture.key(keys::LEFT_CTRL, true);
    fixture.key(keys::LEFT_ALT, true);
    fixture.tap_key(keys::F2);
    assert_eq!(fixture.panels.virtual_terminals(), [2]);
    fixture.key(keys::LEFT_ALT, false);
    fixture.key(keys::LEFT_CTRL, false);
    fixture.roundtrip(client);
}

#[test]
fn a_page_that_draws_is_slowed_down_and_not_stopped_in_the_dark() {
    let (mut fixture, client, window) = idling(None);
    fixture.switch(false);
    let drawn = fixture.panels.frames();
    let started = std::time::Instant::now();
    for count in 1..=2 {
        fixture[client].ask_frame(&window.surface);
        fixture[client].draw(&window.surface, Picture::Solid(GREEN), 320, 200);
        fixture.until("a callback", |fixture| fixture[client].frames(&window.surface) == count);
    }
    assert!(started.elapsed() >= Duration::from_millis(1900), "{:?} for two frames", started.elapsed());
    assert_eq!(fixture.panels.frames(), drawn, "drawn for a screen that is off");
    fixture.switch(true);
    fixture.still();
    assert_eq!(fixture.panel().pixel(9, 9), GREEN);
}

/// A schedule for the whole week, and moments of it in the machine's time zone.
fn nightly() -> Vec<ScheduleEntry> {
    let time = |hour| TimeOfDay { hour, minute: 0 };
    vec![ScheduleEntry { on: time(7), off: time(22), days: Days::ALL }]
}

fn at(hour: i8) -> Timestamp {
    let day = jiff::civil::date(2027, 6, 9);
    day.at(hour, 0, 0, 0).to_zoned(TimeZone::try_system().unwrap_or(TimeZone::UTC)).unwrap().timestamp()
}

fn scheduled() -> (Fixture, ClientId, Toplevel) {
    with(|setup| setup.config.power.schedule = nightly())
}

#[test]
fn the_schedule_switches_off_and_on_and_the_page_goes_on() {
    let (mut fixture, client, window) = scheduled();
    let configures = fixture[client].configures(&window).count();
    assert_eq!(fixture.kiosk.follow_schedule(at(12)), Some(at(22)));
    fixture.is_lit();
    assert_eq!(fixture.kiosk.follow_schedule(at(22)), Some(at(7) + jiff::SignedDuration::from_hours(24)));
    assert!(fixture.all_dark());
    assert_eq!(fixture.panel().pixel(9, 9), DARK);
    // The clock is wrong, is set again, and it is morning.
    fixture.kiosk.follow_schedule(Timestamp::UNIX_EPOCH);
    fixture.kiosk.settle();
    fixture.is_lit();
    fixture.kiosk.follow_schedule(at(3));
    assert!(fixture.all_dark());
    fixture.kiosk.follow_schedule(at(8));
    fixture.kiosk.settle();
    fixture.is_lit();
    fixture.roundtrip(client);
    assert_eq!(fixture[client].configures(&window).count(), configures);
}

#[test]
fn an_inhibitor_keeps_a_screen_on_at_night_only_when_it_was_lit_by_name() {
    let (mut fixture, client, window) = with(|setup| {
        setup.config.power.schedule = nightly();
        setup.config.idle.screen_off = Some(IDLE);
    });
    let handle = fixture[client].handle.clone();
    let manager: ZwpIdleInhibitManagerV1 = fixture[client].bind();
    let _inhibitor = manager.create_inhibitor(&window.surface, &handle, ());
    fixture.roundtrip(client);
    fixture.kiosk.follow_schedule(at(23));
    fixture.touch_down(0, (50.0, 50.0));
    fixture.touch_up(0);
    fixture.is_lit();
    fixture.goes_dark();
    fixture.touch_down(0, (50.0, 50.0));
    fixture.touch_up(0);
    // It is on already: a command keeps it on.
    fixture.switch(true);
    fixture.pass(IDLE * 2);
    fixture.is_lit();
}

#[test]
fn what_a_finger_began_on_a_screen_that_goes_dark_is_cancelled() {
    let (mut fixture, client, _) = idling(Some(IDLE));
    fixture.touch_down(0, (50.0, 50.0));
    fixture.goes_dark();
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.touch.last(), Some(&TouchSeen::Cancel));
}

#[test]
fn a_screen_that_was_switched_off_is_not_dark_after_the_next_start() {
    let (mut fixture, _, _) = idling(None);
    fixture.switch(false);
    assert!(fixture.all_dark());
    let saved = fixture.kiosk.settings.saved.state.output("kioskd headless 1", "HEADLESS-1").cloned();
    assert_eq!(saved.and_then(|saved| saved.power), None);
}

#[test]
fn at_night_a_screen_lit_by_name_stays_and_one_lit_by_touch_does_not() {
    let (mut fixture, _, _) = with(|setup| {
        setup.config.power.schedule = nightly();
        setup.config.idle.screen_off = Some(IDLE);
    });
    fixture.kiosk.follow_schedule(at(23));
    assert!(fixture.all_dark());
    fixture.touch_down(0, (50.0, 50.0));
    fixture.touch_up(0);
    fixture.is_lit();
    fixture.goes_dark();

    let (mut fixture, _, _) = scheduled();
    fixture.kiosk.follow_schedule(at(23));
    fixture.touch_down(0, (50.0, 50.0));
    fixture.touch_up(0);
    fixture.switch(true);
    fixture.kiosk.follow_schedule(at(23));
    fixture.nothing_left_to_do();
    assert_eq!(fixture.wakeups(Duration::from_millis(200)), 0);
    fixture.is_lit();
    fixture.kiosk.follow_schedule(at(8));
    fixture.kiosk.follow_schedule(at(22));
    assert!(fixture.all_dark());
}

#[test]
fn a_display_that_pulses_at_night_stays_dark_and_a_new_one_is_dark_too() {
    let (mut fixture, _, _) = scheduled();
    fixture.kiosk.follow_schedule(at(23));
    let mut heads = fixture.panels.heads();
    let drawn = fixture.panels.frames();
    for _ in 0..10 {
        fixture.panels.set_heads(Vec::new());
        fixture.kiosk.displays_changed();
        fixture.panels.set_heads(heads.clone());
        fixture.kiosk.displays_changed();
        fixture.kiosk.settle();
    }
    heads.push(Head { id: HeadId(2), name: "HEADLESS-2".into(), ..heads[0].clone() });
    fixture.panels.set_heads(heads);
    fixture.kiosk.displays_changed();
    fixture.kiosk.settle();
    fixture.still();
    assert!(fixture.all_dark());
    assert_eq!(fixture.panels.frames(), drawn);
    fixture.kiosk.follow_schedule(at(9));
    fixture.kiosk.settle();
    fixture.is_lit();
}

#[test]
fn an_edge_while_another_terminal_has_the_screen_is_kept_for_later() {
    let (mut fixture, _, _) = scheduled();
    fixture.kiosk.follow_schedule(at(12));
    fixture.kiosk.session_paused();
    fixture.kiosk.follow_schedule(at(23));
    assert_eq!(fixture.panel().pixel(9, 9), RED, "the display is the other terminal's");
    // The return counts as activity, although the schedule has it off.
    fixture.kiosk.session_resumed();
    fixture.kiosk.settle();
    fixture.is_lit();
}

#[test]
fn a_machine_that_slept_shows_its_page_again_and_the_page_hears_nothing_of_it() {
    let (mut fixture, client, window) = idling(Some(IDLE));
    let configures = fixture[client].configures(&window).count();
    fixture.goes_dark();
    fixture.kiosk.woke_up();
    fixture.kiosk.settle();
    fixture.is_lit();
    assert_eq!(fixture.panel().pixel(9, 9), RED);
    fixture.roundtrip(client);
    assert_eq!(fixture[client].configures(&window).count(), configures);
    assert!(fixture[client].seen.removed.is_empty());
    fixture.goes_dark();
}

#[test]
fn a_finger_that_was_down_when_the_machine_fell_asleep_is_down_no_more() {
    let (mut fixture, client, _) = idling(None);
    fixture.touch_down(0, (9.0, 9.0));
    fixture.kiosk.woke_up();
    fixture.roundtrip(client);
    assert!(fixture[client].seen.touch.contains(&TouchSeen::Cancel), "{:?}", fixture[client].seen.touch);
}

#[test]
fn the_button_that_woke_the_machine_is_no_key_of_the_page() {
    let (mut fixture, client, _) = idling(None);
    fixture.kiosk.woke_up();
    fixture.tap_key(keys::WAKE_UP);
    fixture.roundtrip(client);
    assert_eq!(keys_of(&fixture, client), 0);
    fixture.tap_key(keys::A);
    fixture.roundtrip(client);
    assert_eq!(keys_of(&fixture, client), 2);
}

#[test]
fn a_display_that_came_or_went_while_the_machine_slept_is_noticed() {
    let (mut fixture, _, _) = idling(None);
    let heads = fixture.panels.heads();
    let second = Head { id: HeadId(2), name: "HEADLESS-2".into(), ..heads[0].clone() };
    fixture.panels.set_heads(vec![heads[0].clone(), second]);
    fixture.kiosk.woke_up();
    assert_eq!(fixture.kiosk.screens.iter().filter(|screen| screen.head().is_some()).count(), 2);
    fixture.panels.set_heads(heads);
    fixture.kiosk.woke_up();
    assert_eq!(fixture.kiosk.screens.iter().filter(|screen| screen.head().is_some()).count(), 1);
}

#[test]
fn a_machine_that_wakes_at_night_or_on_another_terminal_lights_nothing() {
    let (mut fixture, _, _) = scheduled();
    fixture.kiosk.follow_schedule(at(23));
    fixture.kiosk.woke_up();
    fixture.kiosk.settle();
    assert!(fixture.all_dark());
    fixture.kiosk.follow_schedule(at(9));
    fixture.kiosk.settle();
    fixture.kiosk.session_paused();
    let drawn = fixture.panels.frames();
    fixture.kiosk.woke_up();
    fixture.kiosk.settle();
    assert_eq!(fixture.panels.frames(), drawn, "drawn to another terminal's screen");
}

/// A dark screen shows nothing, so `status` has to tell.
#[test]
fn a_dark_screen_says_why_and_until_when() {
    let (mut fixture, _, _) = idling(Some(IDLE));
    let why = |fixture: &Fixture| fixture.kiosk.snapshot().outputs[0].power_reason.clone();
    assert_eq!(why(&fixture), "");
    fixture.goes_dark();
    assert!(why(&fixture).contains("no input for 800ms"), "{}", why(&fixture));
    fixture.switch(true);
    assert_eq!(why(&fixture), "");
    fixture.switch(false);
    assert!(why(&fixture).starts_with("switched off by command at "), "{}", why(&fixture));

    let (mut fixture, ..) = scheduled();
    fixture.kiosk.follow_schedule(at(12));
    assert_eq!(why(&fixture), "");
    fixture.switch(false);
    fixture.kiosk.follow_schedule(at(23));
    assert!(why(&fixture).starts_with("off by schedule until "), "an edge takes over: {}", why(&fixture));
}
