//! The strong measures: kiosk-session started anew, the device restarted.

use super::*;
use crate::recovery::Measures;

const ALL: Measures = Measures { profile: true, session: true, reboot: true };

impl World {
    /// A browser starts and dies.
    fn browser_dies(&mut self) {
        while !self.alive && !self.finished {
            self.pass(Duration::from_secs(60));
        }
        if !self.finished {
            self.now += SECOND;
            self.event(Event::Exited { how: "exit status 21".into() });
        }
    }

    fn begin(before: LastMeasures, measures: Measures) -> Self {
        let mut world = World::new(Settings { before, ..settings() });
        world.machine.set_measures(measures);
        world.event(Event::CompositorUp { pid: 1 });
        world
    }

    fn rungs(&self) -> Vec<Rung> {
        self.measures.iter().map(|(rung, _)| *rung).collect()
    }
}

#[test]
fn when_an_empty_profile_does_not_help_the_session_is_started_anew_and_says_why() {
    let mut world = World::begin(LastMeasures::default(), ALL);
    for _ in 0..4 {
        world.browser_dies();
    }
    assert_eq!((world.rungs(), world.profiles_aside), (vec![Rung::Profile], 1));
    for _ in 0..3 {
        world.browser_dies();
    }
    assert!(!world.finished);
    world.effects.clear();
    world.browser_dies();
    assert_eq!(world.rungs(), [Rung::Profile, Rung::Session]);
    assert!(world.finished && world.machine.renews());
    // On the screen, on D-Bus and in the log; it stays there while the next one starts.
    assert_eq!(world.machine.state(), State::Backoff);
    assert!(world.machine.message().contains("chromium ended: exit status 21"), "{}", world.machine.message());
    let said = world.effects.iter().find_map(|effect| match effect {
        Effect::Failed(failure) => Some((failure.reason.as_str(), failure.action.as_str())),
        _ => None,
    });
    let said = said.unwrap();
    assert_eq!(said.0, "chromium ended: exit status 21");
    assert!(said.1.starts_with("started again by a new kiosk-session, else after "), "{}", said.1);
}

#[test]
fn kioskd_is_asked_for_a_restart_of_the_device_until_a_page_is_up_or_it_refuses() {
    let just = Some(Duration::ZERO);
    let before = LastMeasures { profile: just, session: just, reboot: None };
    let reboot_requested = || {
        let mut world = World::begin(before, ALL);
        for _ in 0..4 {
            assert_eq!(world.machine.report().reboot, "");
            world.browser_dies();
        }
        assert_eq!(world.rungs(), [Rung::Reboot]);
        assert_eq!(world.machine.report().reboot, "chromium ended: exit status 21");
        world
    };
    let mut world = reboot_requested();
    world.until_ready();
    assert_eq!(world.machine.report().reboot, "");
    let mut world = reboot_requested();
    world.event(Event::MeasureRefused { rung: Rung::Reboot, reason: "three times today".into() });
    assert_eq!(world.machine.report().reboot, "");
    let refused = Failure {
        kind: FailureKind::Measure,
        reason: "three times today".into(),
        action: "the device is not restarted, the browser is tried again".into(),
        goes_on: false,
    };
    assert_eq!(world.effects.last(), Some(&Effect::Failed(refused)));
    world.until_ready();
    let mut world = reboot_requested();
    world.command(Command::Stop).unwrap();
    assert_eq!(world.machine.report().reboot, "");
}

#[test]
fn a_measure_that_cannot_be_recorded_is_not_taken() {
    let mut world = World::begin(LastMeasures::default(), ALL);
    world.keeps_measures = false;
    for _ in 0..40 {
        world.browser_dies();
        assert_eq!((world.machine.report().reboot.as_str(), world.finished), ("", false));
    }
    assert_eq!(world.rungs(), [Rung::Profile, Rung::Session, Rung::Reboot]);
    world.until_ready();
}

#[test]
fn only_the_browser_is_started_anew_where_nothing_else_may_be() {
    let mut world = World::begin(LastMeasures::default(), Measures::default());
    for _ in 0..200 {
        world.browser_dies();
    }
    assert_eq!(world.rungs(), [Rung::Profile]);
    let mut world = World::new(Settings { command: true, needs_server: false, ..settings() });
    world.machine.set_measures(Measures { reboot: false, ..ALL });
    world.event(Event::CompositorUp { pid: 1 });
    for _ in 0..4 {
        world.browser_dies();
    }
    assert_eq!((world.rungs(), world.profiles_aside), (vec![Rung::Session], 0), "a program has no profile");
}

/// A browser that can't start, for a month: the sessions that follow each other, and devices that are restarted, are
/// counted together.
#[test]
fn a_month_of_crashes_respects_the_launch_delay() {
    let (mut total, end) = (Duration::ZERO, SECOND * 86_400 * 30);
    let mut last: [Option<Duration>; 3] = [None; 3];
    let mut counts = [0; 3];
    let mut launches: Vec<Duration> = Vec::new();
    while total < end {
        let ago = |index: usize| last[index].map(|at| total - at);
        let mut world = World::begin(LastMeasures { profile: ago(0), session: ago(1), reboot: ago(2) }, ALL);
        while !world.finished && total + world.now < end {
            world.browser_dies();
            world.effects.clear();
            for (rung, at) in world.measures.drain(..) {
                let index = [Rung::Profile, Rung::Session, Rung::Reboot].iter().position(|one| *one == rung).unwrap();
                let budget = SECOND * [86_400, 3600, 3600][index];
                let at = total + at;
                assert!(last[index].is_none_or(|last| at - last >= budget), "{rung:?} at {at:?}, last {last:?}");
                last[index] = Some(at);
                counts[index] += 1;
            }
            assert_ne!(world.machine.message(), "", "a sentence is on the screen");
        }
        launches.extend(world.launches.iter().map(|at| total + *at));
        total += world.now + SECOND;
    }
    assert!(counts[0] >= 29 && counts[1] > 29 * 23 && counts[2] > 29 * 23, "{counts:?}");
    let most = launches
        .iter()
        .enumerate()
        .map(|(index, from)| launches[index..].iter().take_while(|at| **at <= *from + SECOND * 3600).count());
    // Two a minute, and what a session that is new begins with.
    assert!(most.max().unwrap() < 140, "that would flicker");
}
