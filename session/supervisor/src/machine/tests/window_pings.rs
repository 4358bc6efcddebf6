//! The window's signs of life, as the compositor hears them.

use super::*;
use crate::machine::window_pings::TIMEOUT;

impl World {
    /// Until the compositor is to ask again; the page answers meanwhile. Gives the question's number.
    fn until_asked(&mut self) -> u64 {
        let before = self.machine.report().ping;
        for _ in 0..100 {
            if self.machine.report().ping != before {
                return self.machine.report().ping;
            }
            self.pass(SECOND);
            self.event(Event::Alive);
        }
        panic!("never asked: {:?}", self.machine);
    }

    fn window(command: bool) -> Self {
        let mut world = World::new(Settings { command, needs_server: !command, ..settings() });
        world.event(Event::CompositorUp { pid: 1 });
        world.until_ready();
        world
    }

    fn replaced(&self) -> Option<&str> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::Failed(failure) if failure.reason.contains("compositor") => Some(failure.reason.as_str()),
            _ => None,
        })
    }
}

#[test]
fn a_window_that_does_not_answer_is_replaced_and_one_that_does_is_asked_again_later() {
    for command in [false, true] {
        let mut world = World::window(command);
        for _ in 0..5 {
            let (number, asked) = (world.until_asked(), world.now);
            world.event(Event::WindowAsked { number, commits: None });
            world.now += TIMEOUT - SECOND;
            world.event(Event::Alive);
            world.event(Event::WindowAlive { number });
            assert_eq!(world.until_asked(), number + 1);
            assert!(world.now - asked >= SECOND * 30);
        }
        assert_eq!(world.replaced(), None);
        let number = world.machine.report().ping;
        world.event(Event::WindowAsked { number, commits: None });
        world.event(Event::WindowAlive { number: number - 1 });
        let asked = world.now;
        while world.replaced().is_none() {
            world.pass(SECOND);
            world.event(Event::Alive);
            assert!(world.now <= asked + TIMEOUT);
        }
        assert_eq!(world.now, asked + TIMEOUT);
        assert_eq!(world.replaced(), Some("the window of chromium does not answer the compositor"));
        assert!(world.ending);
        world.until_ready();
        assert_eq!(world.until_asked(), number + 1, "the new one is asked");
    }
}

#[test]
fn an_unanswered_ping_is_no_hang_after_a_restart_or_a_sleep() {
    let mut world = World::window(true);
    // A compositor that sends no pings: an old one, or one that shows something else.
    for _ in 0..5 {
        world.until_asked();
    }
    let number = world.until_asked();
    world.event(Event::WindowAsked { number, commits: None });
    world.event(Event::CompositorDown);
    world.event(Event::CompositorUp { pid: 1 });
    for _ in 0..3 {
        world.until_asked();
    }
    let number = world.until_asked();
    world.event(Event::WindowAsked { number, commits: None });
    world.now += TIMEOUT * 100;
    world.event(Event::Tick);
    world.event(Event::WindowAlive { number });
    world.until_asked();
    assert_eq!((world.replaced(), world.launches.len()), (None, 1));
    // What was asked before a restart by command is not held against the next one.
    let number = world.machine.report().ping;
    world.event(Event::WindowAsked { number, commits: None });
    world.command(Command::Restart).unwrap();
    world.until_ready();
    world.event(Event::WindowAsked { number, commits: None });
    world.pass(TIMEOUT - SECOND);
    world.event(Event::WindowAlive { number });
    world.until_asked();
    assert_eq!((world.replaced(), world.launches.len()), (None, 2));
}
