//! A shell that can't be ended.

use super::*;
use crate::recovery::Measures;

const SESSION: Measures = Measures { profile: true, session: true, reboot: false };

impl World {
    /// Its page is up, then its end is ordered, and does not come. Gives how long it took until that was said.
    fn stuck(before: LastMeasures, measures: Measures) -> (Self, Duration) {
        let mut world = World::new(Settings { before, ..settings() });
        world.machine.set_measures(measures);
        world.until_ready();
        world.command(Command::Restart).unwrap();
        assert!(world.ending);
        world.effects.clear();
        let asked = world.now;
        while world.said().is_empty() {
            world.pass(SECOND);
            assert!(world.now < asked + SECOND * 60, "for ever: {:?}", world.machine);
        }
        let took = world.now - asked;
        (world, took)
    }

    fn said(&self) -> Vec<(&str, &str)> {
        let failures = self.effects.iter().filter_map(|effect| match effect {
            Effect::Failed(failure) => Some((failure.reason.as_str(), failure.action.as_str())),
            _ => None,
        });
        failures.collect()
    }
}

const REASON: &str =
    "chromium can't be ended: it waits in the kernel, for a disk, a file system or a driver that does not answer";

#[test]
fn after_a_while_the_session_is_started_anew_beside_it() {
    let (world, took) = World::stuck(LastMeasures::default(), SESSION);
    assert!(took >= END_GRACE + SECOND * 20, "{took:?}");
    assert_eq!(world.said(), [(REASON, "kiosk-session is started anew")]);
    assert_eq!(world.measures.iter().map(|(rung, _)| *rung).collect::<Vec<_>>(), [Rung::Session]);
    assert!(world.finished && world.alive && world.machine.renews());
    assert_eq!(world.launches.len(), 1, "nothing is started beside it that holds the same profile");
}

#[test]
fn the_device_is_restarted_where_a_new_session_has_not_helped() {
    let before = LastMeasures { session: Some(SECOND * 60), ..LastMeasures::default() };
    let (world, _) = World::stuck(before, Measures { reboot: true, ..SESSION });
    assert_eq!(world.said(), [(REASON, "the device is restarted")]);
    assert_eq!((world.machine.report().reboot.as_str(), world.finished), (REASON, false));
}

#[test]
fn without_a_measure_it_is_waited_for_with_a_sentence_and_started_again_when_it_ends() {
    let (mut world, _) = World::stuck(LastMeasures::default(), Measures::default());
    assert_eq!(world.said(), [(REASON, "started again when it has ended")]);
    for _ in 0..100 {
        world.pass(SECOND * 60);
        assert!(world.machine.message().contains(REASON), "{}", world.machine.message());
        assert_eq!(world.machine.state(), State::Backoff);
    }
    assert_eq!(world.said().len(), 1, "once");
    world.event(Event::Exited { how: "killed (SIGKILL)".into() });
    assert!(world.alive, "at once");
    world.until_ready();
    assert_eq!(world.launches.len(), 2);
}

#[test]
fn a_budget_that_comes_back_is_used_while_it_is_stuck() {
    let before = LastMeasures { session: Some(Duration::ZERO), ..LastMeasures::default() };
    let (mut world, _) = World::stuck(before, SESSION);
    assert!(!world.finished);
    while !world.finished {
        world.pass(SECOND * 60);
        assert!(world.now <= SECOND * (3600 + 60));
    }
    assert!(world.now >= SECOND * 3600 && world.machine.renews());
}

#[test]
fn a_stuck_browser_delays_neither_the_end_of_the_service_nor_a_stop() {
    let (mut world, _) = World::stuck(LastMeasures::default(), Measures::default());
    world.event(Event::Shutdown);
    assert!(world.finished && !world.machine.renews());
    let (mut world, _) = World::stuck(LastMeasures::default(), Measures::default());
    world.command(Command::Stop).unwrap();
    world.effects.clear();
    world.machine.set_measures(SESSION);
    world.pass(SECOND * 300);
    world.pass(SECOND * 300);
    assert_eq!((world.machine.state(), world.said().len(), world.finished), (State::Stopped, 0, false));
    world.command(Command::Start).unwrap();
    world.pass(SECOND * 300);
    assert!(world.finished && world.machine.renews());
}

#[test]
fn time_spent_in_suspend_is_not_counted_as_stuck() {
    let mut world = World::ready();
    world.command(Command::Restart).unwrap();
    world.effects.clear();
    world.now += SECOND * 3600;
    world.event(Event::Tick);
    assert_eq!(world.said(), []);
    world.event(Event::Exited { how: "exit status 0".into() });
    world.until_ready();
}
