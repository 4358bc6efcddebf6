//! wlr-output-power-management, as wlopm uses it.

use kioskd::{
    command::{ApplyMode, OutputChange},
    privilege::Privilege,
};
use wayland_protocols_wlr::output_power_management::v1::client::{
    zwlr_output_power_manager_v1::ZwlrOutputPowerManagerV1, zwlr_output_power_v1::Mode,
};

use crate::fixture::{
    ClientId, Fixture,
    output_tool::PowerSeen,
    picture::{GREEN, Picture},
};

fn tool(fixture: &mut Fixture) -> (ClientId, ZwlrOutputPowerManagerV1) {
    let client = fixture.client_of(Privilege::Admin);
    let manager = fixture[client].bind();
    (client, manager)
}

#[test]
fn a_screen_is_switched_off_and_on_and_the_page_stays() {
    let mut fixture = Fixture::new(&["320x200", "200x100"]);
    let shell = fixture.client();
    let window = fixture.map(shell, Picture::Solid(GREEN));
    let configures = fixture[shell].configures(&window).count();
    let (client, manager) = tool(&mut fixture);
    let control = fixture[client].power(&manager, 0);
    fixture.roundtrip(client);
    assert_eq!(fixture[client].power_seen(&control), [PowerSeen::On]);
    control.set_mode(Mode::Off);
    fixture.roundtrip(client);
    assert_eq!(fixture[client].power_seen(&control), [PowerSeen::On, PowerSeen::Off]);
    assert_eq!(fixture.panel().pixel(9, 9), [0, 0, 0]);
    assert_eq!(fixture.kiosk.screens.iter().filter(|screen| screen.power).count(), 1);
    control.set_mode(Mode::Off);
    control.set_mode(Mode::On);
    fixture.roundtrip(client);
    assert_eq!(fixture[client].power_seen(&control), [PowerSeen::On, PowerSeen::Off, PowerSeen::On]);
    fixture.still();
    assert_eq!(fixture.panel().pixel(9, 9), GREEN);
    assert_eq!(fixture[shell].configures(&window).count(), configures);
}

#[test]
fn other_ways_to_switch_it_are_told() {
    let mut fixture = Fixture::new(&["320x200"]);
    let (client, manager) = tool(&mut fixture);
    let (one, two) = (fixture[client].power(&manager, 0), fixture[client].power(&manager, 0));
    manager.destroy();
    let change = OutputChange { power: Some(false), ..OutputChange::default() };
    fixture.roundtrip(client);
    fixture.kiosk.apply(0, &[("HEADLESS-1".into(), change)], ApplyMode::Keep).unwrap();
    fixture.roundtrip(client);
    for control in [&one, &two] {
        assert_eq!(fixture[client].power_seen(control), [PowerSeen::On, PowerSeen::Off]);
    }
    one.destroy();
    two.set_mode(Mode::On);
    fixture.roundtrip(client);
    assert!(fixture.primary().power);
}

#[test]
fn a_screen_that_the_hardware_does_not_switch_is_said_to_fail() {
    let mut fixture = Fixture::new(&["320x200"]);
    let (client, manager) = tool(&mut fixture);
    let control = fixture[client].power(&manager, 0);
    fixture.roundtrip(client);
    fixture.panels.refuse_switch_after(0);
    control.set_mode(Mode::Off);
    // The control has failed from here on.
    control.set_mode(Mode::Off);
    fixture.roundtrip(client);
    assert_eq!(fixture[client].power_seen(&control).last(), Some(&PowerSeen::Failed));
    assert!(fixture.primary().power);
}

#[test]
fn a_control_ends_with_its_screen() {
    let mut fixture = Fixture::new(&["320x200", "200x100"]);
    let (client, manager) = tool(&mut fixture);
    let heads = fixture.panels.heads();
    fixture.plug(Vec::new());
    let control = fixture[client].power(&manager, 1);
    fixture.roundtrip(client);
    // Another monitor takes over, and screens without a head are removed.
    let mut other = heads[0].clone();
    other.id = kioskd::screens::HeadId(9);
    other.name = "HEADLESS-9".into();
    fixture.plug(vec![other]);
    fixture.until("the end of the control", |fixture| {
        fixture[client].power_seen(&control).last() == Some(&PowerSeen::Failed)
    });
    control.set_mode(Mode::Off);
    fixture.roundtrip(client);
    assert!(fixture.primary().power);
}
