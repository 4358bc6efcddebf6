//! The rules of [`super`], one by one and in any order.

use std::time::Duration;

use proptest::prelude::*;

use super::{Event, GRACE, Machine, PAGE_PAUSE, ScreenId};

const ONE: ScreenId = ScreenId(1);
const TWO: ScreenId = ScreenId(2);
const TOUCH: Event = Event::Input { wakes: true };

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Two screens that are on, and go off after a minute.
fn two() -> Machine {
    let mut machine = Machine::new(Some(s(60)), s(0));
    for screen in [ONE, TWO] {
        machine.step(Event::Attached { screen, on: true }, s(0));
    }
    machine
}

fn switched(machine: &mut Machine, event: Event, now: u64) -> Vec<(ScreenId, bool)> {
    machine.step(event, s(now)).0
}

fn command(screen: ScreenId, on: bool) -> Event {
    Event::Commanded { screen, on }
}

#[test]
fn idling_puts_all_out_and_an_input_lights_all() {
    let mut machine = two();
    assert_eq!(machine.deadline(), Some(s(60)));
    assert_eq!(switched(&mut machine, TOUCH, 30), []);
    assert_eq!(switched(&mut machine, Event::Time, 60), [], "somebody was there since");
    assert_eq!(machine.deadline(), Some(s(90)));
    assert_eq!(switched(&mut machine, Event::Time, 90), [(ONE, false), (TWO, false)]);
    assert_eq!(machine.deadline(), None, "nothing waits in the dark");
    assert_eq!(switched(&mut machine, Event::Input { wakes: false }, 100), [], "a release wakes nobody");
    assert_eq!(switched(&mut machine, TOUCH, 100), [(ONE, true), (TWO, true)]);
}

#[test]
fn an_inhibitor_keeps_the_screens_on_and_idling_starts_when_it_ends() {
    let mut machine = two();
    machine.step(Event::Inhibited(true), s(10));
    assert_eq!(machine.deadline(), None);
    assert_eq!(switched(&mut machine, Event::Time, 1000), []);
    machine.step(Event::Inhibited(false), s(1000));
    assert_eq!(machine.deadline(), Some(s(1060)));
}

#[test]
fn waking_from_sleep_lights_what_idling_put_out_and_nothing_else() {
    let mut machine = two();
    switched(&mut machine, command(TWO, false), 10);
    assert_eq!(switched(&mut machine, Event::Time, 70), [(ONE, false)]);
    assert_eq!(switched(&mut machine, Event::Woke, 80), [(ONE, true)], "the other was switched off by somebody");
    assert_eq!(machine.deadline(), Some(s(140)), "idling begins anew");
    assert_eq!(switched(&mut machine, Event::Schedule(Some(false)), 90), [(ONE, false)]);
    assert_eq!(switched(&mut machine, Event::Woke, 100), [], "it is night");
}

#[test]
fn a_page_can_not_keep_its_screen_dark() {
    let mut machine = two();
    let by_page = |on| Event::ByPage { screen: TWO, on };
    assert_eq!(switched(&mut machine, by_page(false), 1), [(TWO, false)]);
    assert_eq!(switched(&mut machine, TOUCH, 2), [(TWO, true)], "another screen is lit, and still");
    assert_eq!(machine.page_may_put_out(s(3)), Some(PAGE_PAUSE - s(1)));
    assert_eq!(switched(&mut machine, by_page(false), 3), [], "somebody is there");
    assert_eq!(switched(&mut machine, by_page(false), 62), [(TWO, false)]);
    assert_eq!(switched(&mut machine, command(TWO, true), 63), [(TWO, true)]);
    assert_eq!(switched(&mut machine, by_page(false), 64), [], "nor against an operator");
    assert_eq!(switched(&mut machine, by_page(false), 123), [(TWO, false)]);
    assert_eq!(switched(&mut machine, Event::PageGone(ONE), 124), []);
    assert_eq!(switched(&mut machine, Event::PageGone(TWO), 124), [(TWO, true)]);
}

#[test]
fn a_page_lights_what_an_input_would_and_nothing_else() {
    let mut machine = two();
    let by_page = |on| Event::ByPage { screen: ONE, on };
    assert_eq!(switched(&mut machine, by_page(false), 1), [(ONE, false)]);
    assert_eq!(switched(&mut machine, by_page(true), 1), [(ONE, true)], "its own doing");
    assert_eq!(switched(&mut machine, by_page(false), 1), [(ONE, false)], "that is nobody else's light");
    machine.step(by_page(true), s(1));
    assert_eq!(switched(&mut machine, command(ONE, false), 2), [(ONE, false)]);
    assert_eq!(switched(&mut machine, by_page(true), 3), [], "an operator did that");
    assert_eq!(switched(&mut machine, Event::PageGone(ONE), 3), []);
    assert_eq!(switched(&mut machine, Event::Attached { screen: TWO, on: false }, 4), [(TWO, false)]);
    assert_eq!(switched(&mut machine, Event::ByPage { screen: TWO, on: true }, 5), [], "the configuration did");
    machine.step(command(ONE, true), s(6));
    machine.step(Event::Schedule(Some(false)), s(7));
    assert_eq!(switched(&mut machine, by_page(true), 8), [(ONE, true)]);
    assert_eq!(machine.deadline(), Some(s(68)), "for as long as after a touch");
}

#[test]
fn a_timeout_of_zero_never_blanks_the_screen() {
    let mut machine = Machine::new(None, s(0));
    machine.step(Event::Attached { screen: ONE, on: true }, s(0));
    machine.step(TOUCH, s(1));
    assert_eq!(machine.deadline(), None);
    assert_eq!(switched(&mut machine, Event::Time, 1_000_000), []);
}

#[test]
fn a_screen_that_was_switched_off_comes_back_by_input_only_when_all_is_dark() {
    let mut machine = two();
    assert_eq!(switched(&mut machine, command(TWO, false), 1), [(TWO, false)]);
    assert_eq!(switched(&mut machine, TOUCH, 2), [], "the first is lit: the second stays off");
    assert_eq!(switched(&mut machine, Event::Time, 62), [(ONE, false)]);
    assert_eq!(switched(&mut machine, TOUCH, 70), [(ONE, true)], "idling put out the first only");
    machine.step(command(ONE, false), s(71));
    assert_eq!(switched(&mut machine, TOUCH, 72), [(ONE, true), (TWO, true)]);
}

#[test]
fn what_configuration_says_is_off_is_lit_by_name_only() {
    let mut machine = two();
    assert_eq!(switched(&mut machine, Event::Attached { screen: TWO, on: false }, 1), [(TWO, false)]);
    machine.step(command(ONE, false), s(2));
    assert_eq!(switched(&mut machine, TOUCH, 3), [(ONE, true)]);
    machine.step(Event::Schedule(Some(false)), s(4));
    assert_eq!(switched(&mut machine, Event::Schedule(Some(true)), 5), [(ONE, true)]);
    assert_eq!(switched(&mut machine, command(TWO, true), 6), [(TWO, true)]);
}

#[test]
fn the_schedule_switches_at_its_edges_and_only_there() {
    let mut machine = two();
    machine.step(Event::Schedule(Some(true)), s(1));
    assert_eq!(switched(&mut machine, Event::Schedule(Some(false)), 2), [(ONE, false), (TWO, false)]);
    assert_eq!(switched(&mut machine, Event::Schedule(Some(false)), 3), []);
    assert_eq!(switched(&mut machine, Event::Schedule(Some(true)), 4), [(ONE, true), (TWO, true)]);
    machine.step(Event::Schedule(Some(false)), s(5));
    assert_eq!(switched(&mut machine, Event::Schedule(None), 6), [(ONE, true), (TWO, true)], "an unset clock is on");
}

#[test]
fn an_edge_takes_over_from_commands() {
    let mut machine = two();
    machine.step(Event::Schedule(Some(true)), s(1));
    machine.step(command(ONE, false), s(2));
    assert_eq!(switched(&mut machine, Event::Schedule(Some(false)), 3), [(TWO, false)]);
    assert_eq!(switched(&mut machine, Event::Schedule(Some(true)), 4), [(ONE, true), (TWO, true)]);
}

#[test]
fn lit_by_input_at_night_it_goes_off_again() {
    for (idle, stays) in [(Some(s(60)), s(60)), (None, GRACE)] {
        let mut machine = Machine::new(idle, s(0));
        machine.step(Event::Attached { screen: ONE, on: true }, s(0));
        machine.step(Event::Schedule(Some(false)), s(0));
        // A page that plays a film does not keep it on all night.
        machine.step(Event::Inhibited(true), s(1));
        assert_eq!(switched(&mut machine, TOUCH, 10), [(ONE, true)]);
        assert_eq!(machine.deadline(), Some(s(10) + stays));
        assert_eq!(machine.step(Event::Time, s(10) + stays).0, [(ONE, false)]);
        assert_eq!(machine.deadline(), None);
    }
}

#[test]
fn switched_on_by_name_at_night_it_stays_until_the_next_edge() {
    let mut machine = Machine::new(None, s(0));
    machine.step(Event::Attached { screen: ONE, on: true }, s(0));
    machine.step(Event::Schedule(Some(false)), s(0));
    assert_eq!(switched(&mut machine, command(ONE, true), 1), [(ONE, true)]);
    assert_eq!(machine.deadline(), None);
    machine.step(Event::Schedule(Some(true)), s(2));
    assert_eq!(switched(&mut machine, Event::Schedule(Some(false)), 3), [(ONE, false)]);
    // Lit by input first, then held by name.
    machine.step(TOUCH, s(4));
    machine.step(command(ONE, true), s(5));
    assert_eq!(machine.deadline(), None);
}

#[test]
fn a_display_plugged_in_at_night_is_dark_and_by_day_is_seen() {
    let mut machine = two();
    machine.step(Event::Time, s(60));
    let three = ScreenId(3);
    assert_eq!(switched(&mut machine, Event::Attached { screen: three, on: true }, 500), [(three, true)]);
    assert_eq!(machine.deadline(), Some(s(560)));
    machine.step(Event::Schedule(Some(false)), s(501));
    assert_eq!(switched(&mut machine, Event::Attached { screen: ScreenId(4), on: true }, 502), [(ScreenId(4), false)]);
}

fn events() -> impl Strategy<Value = Vec<(Event, u64)>> {
    let screen = || prop_oneof![Just(ONE), Just(TWO)];
    let event = prop_oneof![
        (screen(), any::<bool>()).prop_map(|(screen, on)| Event::Attached { screen, on }),
        screen().prop_map(Event::Gone),
        screen().prop_map(Event::PageGone),
        (screen(), any::<bool>()).prop_map(|(screen, on)| Event::ByPage { screen, on }),
        (screen(), any::<bool>()).prop_map(|(screen, on)| Event::Commanded { screen, on }),
        prop_oneof![Just(None), Just(Some(true)), Just(Some(false))].prop_map(Event::Schedule),
        any::<bool>().prop_map(Event::Inhibited),
        any::<bool>().prop_map(|wakes| Event::Input { wakes }),
        Just(Event::Woke),
        Just(Event::Time),
    ];
    prop::collection::vec((event, 0u64..400), 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever happens: what is returned is exactly what changed, time puts screens out and never lights one, a
    /// deadline that has passed is met by one step, and an input always lights what may be lit.
    #[test]
    fn switching_events_in_any_order_keep_the_invariants(events in events(), idle in prop::option::of(1u64..300)) {
        let mut machine = Machine::new(idle.map(s), s(0));
        let mut now = 0;
        for (event, passes) in events {
            now += passes;
            let before: Vec<_> = [ONE, TWO].map(|screen| (screen, machine.is_on(screen))).into();
            let Machine { screens: known, .. } = machine.clone();
            let switches = machine.step(event, s(now)).0;
            for (screen, on) in before {
                let told = switches.iter().find(|(switched, _)| *switched == screen).map(|(_, on)| *on);
                let was_known = known.iter().any(|(other, _)| *other == screen);
                if was_known && event != Event::Gone(screen) {
                    prop_assert_eq!(told, (machine.is_on(screen) != on).then_some(machine.is_on(screen)));
                }
            }
            match event {
                Event::Time => {
                    prop_assert!(switches.iter().all(|(_, on)| !on));
                    prop_assert!(machine.deadline().is_none_or(|deadline| deadline > s(now)));
                }
                Event::Input { wakes: true } => {
                    let configured_off = |(_, state): &(ScreenId, super::State)| *state == super::State::Off(super::Cause::Policy);
                    let lit = machine.screens.iter().any(|(_, state)| state.is_on());
                    prop_assert!(lit || machine.screens.iter().all(configured_off));
                }
                Event::Schedule(Some(false)) if !switches.is_empty() => prop_assert_eq!(machine.deadline(), None),
                _ => {}
            }
        }
    }
}
