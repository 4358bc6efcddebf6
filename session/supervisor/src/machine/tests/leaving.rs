//! A document that does not let go of the page.

use super::*;

#[test]
fn what_was_ordered_comes_when_the_page_before_does_not_let_go() {
    for command in [Command::Home, Command::Reload { hard: false }, Command::ClearData] {
        let mut world = World::ready();
        world.command(command.clone()).unwrap();
        world.effects.clear();
        world.event(Event::NotLeft);
        assert_eq!(world.effects.first(), Some(&Effect::EndRenderer), "{command:?}");
        let goes_on = |effect: &Effect| matches!(effect, Effect::Failed(Failure { goes_on: true, .. }));
        assert!(world.effects.iter().any(goes_on), "{:?}", world.effects);
        world.until_ready();
        assert!(matches!(world.effects.last(), Some(Effect::Navigate { .. })), "{:?}", world.effects);
        assert_eq!(world.machine.restarts(), 0, "{command:?}");
    }
}

#[test]
fn a_page_that_is_shown_is_not_ended_because_of_one_before() {
    let mut world = World::ready();
    world.effects.clear();
    world.event(Event::NotLeft);
    assert_eq!((world.effects.as_slice(), world.machine.state()), (&[][..], State::Ready));
}

/// All renderers are killed, of which one may have been the next page's already.
#[test]
fn a_second_process_that_ends_with_the_page_s_is_no_failure_of_what_was_ordered() {
    let mut world = World::ready();
    world.command(Command::ClearData).unwrap();
    world.event(Event::NotLeft);
    world.effects.clear();
    world.event(Event::PageCrashed);
    world.event(Event::ServerUp);
    assert_eq!(world.states(Event::PageCrashed), (State::Waiting, State::Waiting));
    assert!(!world.effects.iter().any(|effect| matches!(effect, Effect::Failed(_))), "{:?}", world.effects);
    world.until_ready();
    assert_eq!(world.machine.restarts(), 0);
    // Later ones are the page's own.
    assert_eq!(world.states(Event::PageCrashed), (State::Crashed, State::Crashed));
}
