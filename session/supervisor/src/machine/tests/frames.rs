//! A page that waits for frames, and a compositor that gets none.

use super::*;

impl World {
    /// The page answers a heartbeat in ten seconds, and whether a frame is late; the compositor, where it is asked about
    /// the window, that it has drawn so often, and where it says nothing, that nobody sees the window.
    fn beat(&mut self, late: bool, commits: Option<u64>) {
        let before = self.machine.report().ping;
        self.now += HEALTH_INTERVAL;
        self.event(Event::Tick);
        self.event(Event::FrameLate { late });
        self.event(Event::Alive);
        let number = self.machine.report().ping;
        if let Some(commits) = commits.filter(|_| number != before) {
            self.event(Event::WindowAsked { number, commits: Some(commits) });
            self.event(Event::WindowAlive { number });
        }
    }

    fn reasons(&self) -> Vec<&str> {
        let failures = self.effects.iter().filter_map(|effect| match effect {
            Effect::Failed(failure) => Some(failure.reason.as_str()),
            _ => None,
        });
        failures.collect()
    }
}

#[test]
fn a_browser_that_draws_nothing_of_a_page_that_moves_is_replaced() {
    let mut world = World::ready();
    let begin = world.now;
    while world.reasons().is_empty() {
        world.beat(true, Some(7));
        assert!(world.now <= begin + SECOND * 40, "not noticed: {:?}", world.machine);
    }
    assert_eq!(world.reasons(), ["the page waits for frames, and chromium draws none"]);
    assert!(world.ending && world.now >= begin + SECOND * 20);
    world.until_ready();
    world.effects.clear();
    // The next one draws.
    for commits in 8..100 {
        world.beat(false, Some(commits));
    }
    assert_eq!(world.reasons(), [] as [&str; 0]);
}

#[test]
fn late_frames_or_missing_commits_alone_are_no_fault() {
    let quiet = |beat: &dyn Fn(u64) -> (bool, Option<u64>)| {
        let mut world = World::ready();
        for number in 0..500 {
            let (late, commits) = beat(number);
            world.beat(late, commits);
        }
        assert_eq!(world.reasons(), [] as [&str; 0]);
        assert_eq!(world.launches.len(), 1);
    };
    quiet(&|_| (false, Some(7)));
    // Something else of it moves, or it draws, but ever so slowly.
    quiet(&|number| (true, Some(number / 2)));
    // The screen shows something else, or is dark: nobody is asked, and the page waits rightly.
    quiet(&|_| (true, None));
    quiet(&|number| (true, (number % 4 > 1).then_some(7)));
    quiet(&|number| (number % 3 > 0, Some(7)));
}

#[test]
fn a_page_with_a_dialog_draws_nothing_until_it_is_answered() {
    let mut world = World::ready();
    world.event(Event::Dialog { open: true });
    for _ in 0..20 {
        world.beat(true, Some(7));
    }
    world.event(Event::Dialog { open: false });
    world.beat(true, Some(7));
    assert_eq!(world.reasons(), [] as [&str; 0]);
}

#[test]
fn a_page_that_is_still_is_not_asked_for_more() {
    let mut world = World::ready();
    let before = world.machine.report().ping;
    for _ in 0..2 {
        world.beat(false, Some(7));
    }
    assert_eq!(world.machine.report().ping, before, "the window is asked each half minute, as ever");
}
