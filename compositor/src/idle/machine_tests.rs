use proptest::prelude::*;

use super::*;

const AFTER: Duration = Duration::from_secs(120);
const TOUCH: Event = Event::Input { begins: true };

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn machine() -> Machine {
    Machine::new(Some(AFTER), Duration::ZERO)
}

/// Goes from deadline to deadline; gives those before `end`, and what was reset.
fn pass(machine: &mut Machine, end: Duration) -> (Vec<Duration>, Vec<u64>) {
    let (mut woken, mut resets) = (Vec::new(), Vec::new());
    while let Some(next) = machine.deadline().filter(|next| *next <= end) {
        woken.push(next);
        resets.extend(machine.step(Event::Time, next).reset);
    }
    (woken, resets)
}

#[test]
fn without_any_use_there_is_no_reset_and_no_wake_up() {
    let mut machine = machine();
    assert_eq!(machine.deadline(), None);
    machine.step(Event::Time, at(1_000_000));
    assert_eq!((machine.shows(), machine.deadline()), (Shows::Nothing, None));
    let mut never = Machine::new(None, Duration::ZERO);
    never.step(TOUCH, at(5));
    assert_eq!(never.deadline(), None);
}

#[test]
fn a_visitor_who_left_is_counted_down_reset_once_and_then_nothing_happens_all_night() {
    let mut machine = machine();
    machine.step(TOUCH, at(10));
    let (woken, resets) = pass(&mut machine, at(131));
    assert_eq!((woken, resets), (vec![at(130), at(131)], vec![]));
    assert_eq!(machine.shows(), Shows::Countdown(9));
    let (woken, resets) = pass(&mut machine, at(140));
    assert_eq!((woken.len(), resets), (9, vec![1]), "one picture a second");
    assert_eq!(machine.shows(), Shows::Resetting);
    machine.step(Event::Done, at(142));
    assert_eq!((machine.shows(), machine.deadline()), (Shows::Nothing, None));
    assert_eq!(pass(&mut machine, at(86_400)), (vec![], vec![]));
    machine.step(TOUCH, at(90_000));
    let (_, resets) = pass(&mut machine, at(90_200));
    assert_eq!(resets, [2]);
}

#[test]
fn a_touch_during_the_countdown_ends_it_and_does_nothing_else() {
    let mut machine = machine();
    machine.step(TOUCH, at(0));
    machine.step(Event::Time, at(125));
    assert_eq!(machine.shows(), Shows::Countdown(10));
    assert!(!machine.step(Event::Input { begins: false }, at(126)).swallow, "of a finger that was there before");
    assert_eq!(machine.shows(), Shows::Countdown(9));
    assert!(machine.step(TOUCH, at(127)).swallow);
    assert_eq!((machine.shows(), machine.deadline()), (Shows::Nothing, Some(at(247))));
    assert!(!machine.step(TOUCH, at(128)).swallow);
}

#[test]
fn input_during_the_reset_is_held_until_its_end() {
    let mut machine = machine();
    machine.step(TOUCH, at(0));
    pass(&mut machine, at(130));
    assert!(machine.step(TOUCH, at(131)).swallow);
    assert!(!machine.step(Event::Input { begins: false }, at(131)).swallow);
    assert_eq!(machine.shows(), Shows::Resetting);
    machine.step(Event::Done, at(132));
    assert_eq!(machine.deadline(), None, "nobody has seen the new page yet");
}

#[test]
fn a_reset_that_is_not_done_is_given_up_and_tried_again() {
    let mut machine = machine();
    machine.step(TOUCH, at(0));
    pass(&mut machine, at(130));
    assert_eq!(machine.deadline(), Some(at(130) + SILENCE));
    assert!(machine.step(Event::Time, at(130) + SILENCE).gave_up);
    assert_eq!(machine.shows(), Shows::Nothing);
    let (_, resets) = pass(&mut machine, at(130) + SILENCE + AFTER + COUNTDOWN);
    assert_eq!(resets, [2]);
}

#[test]
fn a_reset_that_goes_on_is_waited_for_and_not_for_ever() {
    let mut machine = machine();
    machine.step(TOUCH, at(0));
    pass(&mut machine, at(130));
    let end = at(130) + GIVE_UP;
    for step in 1.. {
        let now = at(130) + SILENCE / 2 * step;
        assert_eq!(machine.shows(), Shows::Resetting);
        machine.step(Event::Progress, now);
        assert!(machine.deadline().unwrap() <= end);
        if now + SILENCE >= end {
            break;
        }
    }
    assert_eq!(machine.deadline(), Some(end));
    assert!(machine.step(Event::Time, end).gave_up);
    machine.step(Event::Progress, end);
    assert_eq!(machine.shows(), Shows::Nothing, "it is over");
}

#[test]
fn a_shell_that_wants_to_know_is_told_of_rest_once_when_it_has_lasted() {
    let mut machine = Machine::new(None, Duration::ZERO);
    machine.step(TOUCH, at(100));
    assert_eq!(machine.step(Event::IdleNotice { shell: 1, wants: true }, at(200)).at_rest, [0; 0]);
    assert_eq!(machine.deadline(), Some(at(400)));
    machine.step(TOUCH, at(390));
    assert_eq!(machine.step(Event::Time, at(400)).at_rest, [0; 0]);
    assert_eq!(machine.step(Event::Time, at(690)).at_rest, [1]);
    assert_eq!(machine.deadline(), None);
    assert_eq!(machine.step(Event::IdleNotice { shell: 0, wants: true }, at(700)).at_rest, [0], "it rests already");
    machine.step(TOUCH, at(800));
    machine.step(Event::IdleNotice { shell: 0, wants: true }, at(800));
    machine.step(Event::IdleNotice { shell: 0, wants: false }, at(801));
    assert_eq!(machine.deadline(), None);
}

proptest! {
    #[test]
    fn deadlines_end_and_no_reset_comes_without_a_use(events in prop::collection::vec((0u8..7, 0u64..400), 0..200)) {
        let (mut machine, mut now, mut used, mut resets) = (machine(), Duration::ZERO, 0u64, 0u64);
        for (kind, seconds) in events {
            let end = now + at(seconds);
            while let Some(next) = machine.deadline().filter(|next| *next <= end) {
                now = now.max(next);
                let outcome = machine.step(Event::Time, now);
                resets += u64::from(outcome.reset.is_some());
                used += u64::from(outcome.gave_up);
                prop_assert!(machine.deadline().is_none_or(|next| next > now), "a deadline without an end");
            }
            now = end;
            let event = match kind {
                0 | 1 => TOUCH,
                2 => Event::Input { begins: false },
                3 => Event::Woke,
                4 => Event::IdleNotice { shell: 0, wants: true },
                5 => Event::Progress,
                _ => Event::Done,
            };
            used += u64::from(matches!(event, Event::Input { .. }));
            let outcome = machine.step(event, now);
            resets += u64::from(outcome.reset.is_some());
            used += u64::from(outcome.gave_up);
            prop_assert!(resets <= used);
        }
    }
}
