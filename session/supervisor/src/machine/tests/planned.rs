//! `browser.restart-at`: once a day, never under somebody's hands, never when it was done for another reason.

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

/// A browser that has run for a day, with its page up.
fn old() -> World {
    let mut world = World::ready();
    let end = world.now + 24 * HOUR;
    while world.now < end {
        world.pass(HOUR);
        world.event(Event::Alive);
    }
    world.effects.clear();
    world
}

fn launches(world: &World) -> usize {
    world.launches.len()
}

#[test]
fn it_waits_until_nobody_is_there() {
    let mut world = old();
    assert!(!world.machine.report().when_idle);
    world.event(Event::Idle);
    assert_eq!(launches(&world), 1, "nobody asked for one");
    world.event(Event::RestartDue { why: Why::TimeOfDay });
    assert!(world.machine.report().when_idle, "the compositor is to tell");
    assert_eq!((launches(&world), world.machine.state()), (1, State::Ready), "somebody is there");
    world.event(Event::Idle);
    assert!(world.ending);
    world.until_ready();
    assert_eq!(launches(&world), 2);
    assert!(!world.machine.report().when_idle, "once");
    assert!(!world.effects.iter().any(|effect| matches!(effect, Effect::Failed(_))), "it is no failure");
    world.event(Event::Idle);
    assert_eq!((launches(&world), world.machine.state()), (2, State::Ready));
}

#[test]
fn a_browser_that_was_started_anew_meanwhile_is_left_alone() {
    let mut world = old();
    world.event(Event::RestartDue { why: Why::TimeOfDay });
    world.event(Event::Exited { how: "signal 9".into() });
    assert!(!world.machine.report().when_idle, "there is no browser");
    world.until_ready();
    assert!(!world.machine.report().when_idle);
    world.event(Event::Idle);
    assert_eq!(launches(&world), 2);
    // The clock is set back, and it is that time of day again.
    world.pass(HOUR / 2);
    world.event(Event::RestartDue { why: Why::TimeOfDay });
    assert!(!world.machine.report().when_idle, "it is new");
}

#[test]
fn what_is_stopped_or_no_browser_is_not_restarted() {
    let mut world = old();
    world.event(Event::RestartDue { why: Why::TimeOfDay });
    world.command(Command::Stop).unwrap();
    world.event(Event::Idle);
    assert!(!world.machine.report().when_idle);
    world.event(Event::Exited { how: "exit status 0".into() });
    world.event(Event::Idle);
    assert_eq!((launches(&world), world.machine.state()), (1, State::Stopped));

    let mut world = World::new(Settings { command: true, ..settings() });
    world.until_ready();
    world.now += 24 * HOUR;
    world.event(Event::RestartDue { why: Why::TimeOfDay });
    assert!(!world.machine.report().when_idle, "only browsers grow old");
}

#[test]
fn every_day_of_twenty_years_has_one() {
    let mut world = World::ready();
    for day in 1..=20 * 365 {
        world.now += 24 * HOUR;
        world.event(Event::Tick);
        world.until_ready();
        world.event(Event::RestartDue { why: Why::TimeOfDay });
        world.event(Event::Idle);
        world.until_ready();
        world.effects.clear();
        assert!(launches(&world) > day, "day {day}");
    }
}

#[test]
fn a_program_that_was_replaced_is_reason_enough_for_a_young_browser_too() {
    let mut world = World::ready();
    assert_eq!(world.machine.restart_reason(), "");
    world.event(Event::RestartDue { why: Why::Replaced });
    assert!(world.machine.report().when_idle);
    assert_eq!(world.machine.restart_reason(), "its program was replaced by another version");
    world.event(Event::Idle);
    world.until_ready();
    assert_eq!((launches(&world), world.machine.restart_reason()), (2, ""));
}
