//! The device is idle: home, with nothing of the last visitor, whatever the browser is doing at that moment.

use super::*;

fn order(world: &World) -> Vec<&Effect> {
    let interesting = |effect: &&Effect| matches!(effect, Effect::ClearData | Effect::Navigate { .. });
    world.effects.iter().filter(interesting).collect()
}

fn home() -> Effect {
    Effect::Navigate { url: settings().home }
}

#[test]
fn everything_is_forgotten_before_home_is_opened_and_only_then_is_it_done() {
    let mut world = World::ready();
    world.command(Command::Open { url: Url::parse("http://localhost:3000/cart").unwrap() }).unwrap();
    world.until_ready();
    world.effects.clear();
    world.event(Event::Reset { number: 7 });
    assert_eq!(order(&world), [&Effect::ClearData]);
    let report = world.machine.report();
    assert_eq!((report.state, report.reset), (State::Launching, 0), "a blank page is nothing to be seen");
    world.event(Event::DataCleared { error: None });
    assert_eq!(order(&world), [&Effect::ClearData, &home()]);
    assert_eq!((world.machine.report().state, world.machine.report().reset), (State::Loading, 0));
    world.event(Event::PageUp);
    assert_eq!((world.machine.report().state, world.machine.report().reset), (State::Ready, 7));
    assert_eq!(world.machine.url(), settings().home.as_str());
    world.effects.clear();
    world.event(Event::Reset { number: 7 });
    assert!(world.effects.is_empty(), "it is done once");
}

#[test]
fn a_browser_that_dies_or_hangs_meanwhile_forgets_before_it_shows_anything() {
    for event in [
        Event::Exited { how: "signal 9".into() },
        Event::PageCrashed,
        Event::Detached { reason: "closed".into() },
        Event::DataCleared { error: Some("refused".into()) },
        Event::PageUp,
        Event::Tick,
    ] {
        let mut world = World::ready();
        world.event(Event::Reset { number: 1 });
        world.clears = false;
        world.effects.clear();
        world.now += if event == Event::Tick { ANSWER_TIMEOUT } else { SECOND };
        world.event(event.clone());
        assert_eq!(world.machine.report().reset, 0, "{event:?}");
        world.until_ready();
        assert_eq!(order(&world), [&Effect::ClearData, &home()], "{event:?}");
        assert_eq!(world.machine.report().reset, 1, "{event:?}");
    }
}

#[test]
fn a_browser_that_keeps_a_password_is_started_anew_and_forgets_the_rest_before_home() {
    let mut world = World::ready();
    let pid = world.machine.pid();
    world.event(Event::Reset { number: 1 });
    world.event(Event::PasswordKept);
    assert!(world.ending);
    world.clears = false;
    world.effects.clear();
    world.until_ready();
    assert_eq!(order(&world), [&Effect::ClearData, &home()]);
    assert_eq!(world.machine.report().reset, 1);
    assert_ne!(world.machine.pid(), pid);
    assert!(!world.effects.iter().any(|effect| matches!(effect, Effect::Failed(_))), "it is no failure");
    // It was stopped by command, and stays so.
    world.command(Command::Stop).unwrap();
    world.event(Event::PasswordKept);
    assert_eq!(world.machine.state(), State::Stopped);
}

#[test]
fn a_reset_while_there_is_no_page_is_done_with_the_next_one() {
    let mut world = World::ready();
    world.event(Event::Exited { how: "signal 9".into() });
    world.effects.clear();
    world.event(Event::Reset { number: 3 });
    world.until_ready();
    assert_eq!(order(&world), [&Effect::ClearData, &home()]);
    assert_eq!(world.machine.report().reset, 3);
    world.command(Command::Stop).unwrap();
    world.event(Event::Reset { number: 4 });
    assert_eq!(world.machine.state(), State::Stopped);
    world.effects.clear();
    world.command(Command::Start).unwrap();
    world.until_ready();
    assert_eq!((order(&world), world.machine.report().reset), (vec![&Effect::ClearData, &home()], 4));
}

#[test]
fn a_reset_closes_windows_over_the_page_first() {
    let mut world = World::ready();
    world.event(Event::Covered { covered: true });
    world.event(Event::Reset { number: 1 });
    world.event(Event::DataCleared { error: None });
    world.event(Event::PageUp);
    assert_eq!(world.machine.report().reset, 0);
    world.event(Event::Covered { covered: false });
    assert_eq!(world.machine.report().reset, 1);
}

#[test]
fn a_reset_restarts_a_command() {
    let mut world = World::new(Settings { command: true, needs_server: false, ..settings() });
    world.until_ready();
    let before = world.machine.restarts();
    world.event(Event::Reset { number: 2 });
    world.until_ready();
    assert_eq!((world.machine.restarts(), world.machine.report().reset), (before + 1, 2));
}

#[test]
fn a_browser_that_can_not_forget_is_replaced_and_at_last_its_profile() {
    let mut world = World::ready();
    world.event(Event::Reset { number: 1 });
    for _ in 0..1000 {
        if world.machine.report().reset == 1 {
            break;
        }
        if std::mem::take(&mut world.clears) {
            world.event(Event::DataCleared { error: Some("not known".into()) });
        } else {
            world.cooperate();
        }
    }
    assert_eq!(world.machine.report().reset, 1, "{:?}", world.machine);
    assert_eq!(world.profiles_aside, 1);
    assert_eq!(world.machine.state(), State::Ready);
}
