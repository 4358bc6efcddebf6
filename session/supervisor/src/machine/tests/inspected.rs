//! A page whose scripts somebody may hold by DevTools: not judged meanwhile, and again at the end.

use super::*;

#[test]
fn a_page_that_is_inspected_does_not_hang_and_is_judged_again_at_the_end() {
    let mut world = World::ready();
    world.pass(HEALTH_INTERVAL);
    assert_eq!(world.effects, [Effect::Ping]);
    // Asked already, and its scripts are held.
    world.event(Event::Inspected { open: true });
    for _ in 0..100 {
        world.pass(HEALTH_INTERVAL);
    }
    assert_eq!(world.effects, [Effect::Ping]);
    assert!(!world.ending);
    world.event(Event::Inspected { open: false });
    world.is_judged_again();
}

#[test]
fn a_page_that_is_held_while_it_loads_has_its_time_again_at_the_end() {
    let mut world = World::ready();
    world.command(Command::Reload { hard: false }).unwrap();
    world.event(Event::Inspected { open: true });
    let failures = |world: &World| world.effects.iter().filter(|effect| matches!(effect, Effect::Failed(_))).count();
    for _ in 0..200 {
        world.pass(HEALTH_INTERVAL);
    }
    assert_eq!(failures(&world), 0, "{:?}", world.effects);
    world.event(Event::Inspected { open: false });
    for _ in 0..200 {
        world.pass(HEALTH_INTERVAL);
    }
    assert!(failures(&world) > 0, "it never comes");
}
