//! `browser.restart-at`: once a day, never under somebody's hands, never when it was done for another reason.

use super::*;
use crate::aging::MemoryTrend;

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
fn a_due_restart_waits_until_the_device_is_idle() {
    let mut world = old();
    assert!(!world.machine.report().when_idle);
    world.event(Event::Idle);
    assert_eq!(launches(&world), 1, "nobody asked for one");
    world.event(Event::RestartDue { why: RestartReason::TimeOfDay });
    assert!(world.machine.report().when_idle, "the compositor is to tell");
    assert_eq!((launches(&world), world.machine.state()), (1, State::Ready), "somebody is there");
    world.event(Event::Idle);
    assert!(world.ending);
    world.until_ready();
    assert_eq!(launches(&world), 2);
    assert!(!world.machine.report().when_idle, "once");
    assert_eq!(world.machine.restart_causes().all()["planned"], 1);
    assert!(!world.effects.iter().any(|effect| matches!(effect, Effect::Failed(_))), "it is no failure");
    world.event(Event::Idle);
    assert_eq!((launches(&world), world.machine.state()), (2, State::Ready));
}

#[test]
fn a_browser_that_was_started_anew_meanwhile_is_left_alone() {
    let mut world = old();
    world.event(Event::RestartDue { why: RestartReason::TimeOfDay });
    world.event(Event::Exited { how: "signal 9".into() });
    assert!(!world.machine.report().when_idle, "there is no browser");
    world.until_ready();
    assert!(!world.machine.report().when_idle);
    world.event(Event::Idle);
    assert_eq!(launches(&world), 2);
    // The clock is set back, and it is that time of day again.
    world.pass(HOUR / 2);
    world.event(Event::RestartDue { why: RestartReason::TimeOfDay });
    assert!(!world.machine.report().when_idle, "it is new");
}

#[test]
fn what_is_stopped_or_no_browser_is_not_restarted() {
    let mut world = old();
    world.event(Event::RestartDue { why: RestartReason::TimeOfDay });
    world.command(Command::Stop).unwrap();
    world.event(Event::Idle);
    assert!(!world.machine.report().when_idle);
    world.event(Event::Exited { how: "exit status 0".into() });
    world.event(Event::Idle);
    assert_eq!((launches(&world), world.machine.state()), (1, State::Stopped));

    let mut world = World::new(Settings { command: true, ..settings() });
    world.until_ready();
    world.now += 24 * HOUR;
    world.event(Event::RestartDue { why: RestartReason::TimeOfDay });
    assert!(!world.machine.report().when_idle, "only browsers grow old");
}

#[test]
fn every_day_of_twenty_years_has_one() {
    let mut world = World::ready();
    for day in 1..=20 * 365 {
        world.now += 24 * HOUR;
        world.event(Event::Tick);
        world.until_ready();
        world.event(Event::RestartDue { why: RestartReason::TimeOfDay });
        world.event(Event::Idle);
        world.until_ready();
        world.effects.clear();
        assert!(launches(&world) > day, "day {day}");
    }
}

/// Each time that somebody sets the clock it may be that time of day again.
#[test]
fn a_clock_that_is_set_to_and_fro_restarts_the_browser_once_an_hour_at_most() {
    let mut world = World::ready();
    let begin = world.now;
    while world.now < begin + 48 * HOUR {
        world.now += SECOND * 20;
        world.event(Event::Tick);
        world.until_ready();
        world.event(Event::RestartDue { why: RestartReason::TimeOfDay });
        world.event(Event::Idle);
        world.until_ready();
        world.effects.clear();
    }
    assert!((46..=49).contains(&launches(&world)), "{}", launches(&world));
    assert!(world.launches.windows(2).skip(1).all(|two| two[1] - two[0] >= HOUR));
}

#[test]
fn a_program_that_was_replaced_is_reason_enough_for_a_young_browser_too() {
    let mut world = World::ready();
    assert_eq!(world.machine.restart_reason(), "");
    world.event(Event::RestartDue { why: RestartReason::Replaced });
    assert!(world.machine.report().when_idle);
    assert_eq!(world.machine.restart_reason(), "its program was replaced by another version");
    world.event(Event::Idle);
    world.until_ready();
    assert_eq!((launches(&world), world.machine.restart_reason()), (2, ""));
}

/// The restarts within so many days of a browser that takes so many MiB of 2000 so many minutes after its start, when
/// nobody is ever there; hours.
fn restarts_for_memory(days: u32, memory: impl Fn(u64) -> u64) -> Vec<u64> {
    let mut world = World::ready();
    let (begin, mut restarts) = (world.now, Vec::new());
    let (mut trend, mut minutes) = (MemoryTrend::default(), 0);
    while world.now < begin + HOUR * 24 * days {
        if let Some(words) = trend.take(memory(minutes) << 20, 2000 << 20) {
            world.event(Event::RestartDue { why: RestartReason::Memory(words) });
        }
        world.event(Event::Idle);
        world.now += HOUR / 6;
        minutes += 10;
        world.event(Event::Tick);
        if world.ending {
            restarts.push((world.now - begin).as_secs() / 3600);
            (trend, minutes) = (MemoryTrend::default(), 0);
        }
        world.until_ready();
        world.effects.clear();
    }
    restarts
}

#[test]
fn a_page_that_is_always_full_after_a_while_is_restarted_for_it_ever_more_rarely() {
    let settles = |minutes: u64| if minutes < 20 { 1300 } else { 1700 };
    let restarts = restarts_for_memory(365, settles);
    assert!((3..6).contains(&restarts.iter().filter(|hour| **hour < 12).count()), "{restarts:?}");
    assert!(restarts.len() < 375, "once a day in the long run: {}", restarts.len());
    // A leak that takes days keeps its restarts, each in time.
    let leaks = restarts_for_memory(100, |minutes| 300 + minutes / 4);
    assert!(leaks.len() > 20, "{leaks:?}");
    assert!(leaks.windows(2).all(|pair| pair[1] - pair[0] < 100), "{leaks:?}");
}

/// The same, with a restart each day beside it; how many within the days from the first to the last, but for those.
fn beside_restart_at(days: std::ops::Range<u32>, memory: impl Fn(u64, u32) -> u64) -> usize {
    let mut world = World::ready();
    let (mut restarts, mut planned) = (0, 0);
    let (mut trend, mut minutes) = (MemoryTrend::default(), 0);
    for day in 0..days.end {
        for step in 0..24 * 6 {
            if let Some(words) = trend.take(memory(minutes, day) << 20, 2000 << 20) {
                world.event(Event::RestartDue { why: RestartReason::Memory(words) });
            }
            if step == 0 {
                world.event(Event::RestartDue { why: RestartReason::TimeOfDay });
            }
            world.event(Event::Idle);
            world.now += HOUR / 6;
            minutes += 10;
            world.event(Event::Tick);
            if world.ending {
                (trend, minutes) = (MemoryTrend::default(), 0);
                if days.contains(&day) {
                    restarts += 1;
                    planned += usize::from(step == 0);
                }
            }
            world.until_ready();
            world.effects.clear();
        }
    }
    restarts - planned
}

#[test]
fn beside_a_restart_a_day_memory_counts_again_once_the_page_is_mended() {
    // Full soon after its start for two months, and a leak of some hours after that.
    let mended = |minutes: u64, day: u32| match day {
        0..60 => {
            if minutes < 20 {
                1300
            } else {
                1700
            }
        }
        60..90 => 500,
        _ => 300 + minutes * 3,
    };
    let while_full = beside_restart_at(30..60, mended);
    assert!(while_full <= 30, "at most one a day in the long run: {while_full}");
    assert_eq!(beside_restart_at(61..90, mended), 0);
    let leaks = beside_restart_at(90..120, mended);
    assert!(leaks >= 30, "each before the memory is full: {leaks}");
}

/// The time of day comes while a restart for memory waits for nobody to be there: that it was for memory still counts.
#[test]
fn a_restart_for_memory_counts_although_the_time_of_day_comes_while_it_waits() {
    let full = || Event::RestartDue { why: RestartReason::Memory("the browser takes 1700 MiB of 2000".into()) };
    let time = || Event::RestartDue { why: RestartReason::TimeOfDay };
    for others in [vec![full(), time()], vec![time(), full()], vec![full(), time(), full()]] {
        let mut world = World::ready();
        let mut ages = Vec::new();
        for _ in 0..4 {
            let launched = *world.launches.last().unwrap();
            while !world.machine.report().when_idle {
                world.now += HOUR / 12;
                world.event(Event::Tick);
                world.event(full());
            }
            ages.push((world.now - launched).as_secs() / 60);
            others.iter().for_each(|event| world.event(event.clone()));
            let before = launches(&world);
            world.event(Event::Idle);
            world.until_ready();
            // One restart for both.
            world.event(Event::Idle);
            world.until_ready();
            assert_eq!(launches(&world), before + 1);
        }
        assert_eq!(ages, [30, 60, 120, 240], "ever more rarely");
    }
}
