//! A client that dies at every step of its run, and one that is disturbed by every kind of event at every step.

use std::time::Duration;

use wayland_protocols::xdg::decoration::zv1::client::zxdg_toplevel_decoration_v1::Mode as Decoration;

use super::Bystander;
use crate::fixture::{
    Fixture,
    hands::keys,
    picture::{BLUE, GREEN, Picture, RED},
};

/// What happens to the client at a step.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    Death,
    Rotate,
    Unplug,
    Suspend,
    PowerOff,
}

/// A client's run, which ends or is disturbed after `steps` steps. Returns whether there are so many.
fn live(fixture: &mut Fixture, steps: usize, fault: Fault) -> bool {
    let mut done = 0;
    let client = fixture.client();
    macro_rules! step {
        ($($what:tt)*) => {
            $($what)*
            if done == steps {
                return disturb(fixture, client, fault);
            }
            done += 1;
        };
    }
    let handle = fixture[client].handle.clone();
    let bound = fixture[client].bound().clone();
    step!(let window = fixture[client].toplevel(););
    step!(let decoration = bound.decorations.get_toplevel_decoration(&window.toplevel, &handle, ()););
    step!(decoration.set_mode(Decoration::ClientSide););
    step!(window.surface.commit(););
    step!(fixture.roundtrip(client););
    step!(fixture[client].ask_frame(&window.surface););
    step!(fixture[client].ask_feedback(&window.surface););
    step!(fixture[client].draw(&window.surface, Picture::Solid(RED), 320, 200););
    step!(fixture.roundtrip(client););
    step!(fixture.point((20.0, 20.0)););
    step!(fixture.button(true););
    step!(fixture.touch_down(0, (30.0, 30.0)););
    step!(fixture.key(keys::A, true););
    step!(fixture.roundtrip(client););
    step!(let child = fixture[client].surface(););
    step!(let part = bound.subcompositor.get_subsurface(&child, &window.surface, &handle, ()););
    step!(fixture[client].draw(&child, Picture::Solid(GREEN), 20, 20););
    step!(window.surface.commit(););
    step!(let cursor = fixture[client].surface(););
    step!(bound.pointer.set_cursor(fixture[client].seen.serial, Some(&cursor), 1, 1););
    step!(fixture[client].draw(&cursor, Picture::Solid(BLUE), 16, 16););
    step!(let positioner = fixture[client].positioner(););
    step!(positioner.set_size(40, 40); positioner.set_anchor_rect(10, 10, 1, 1););
    step!(let popup = fixture[client].popup(&window.xdg, &positioner););
    step!(popup.popup.grab(&bound.seat, fixture[client].seen.serial););
    step!(popup.surface.commit(););
    step!(fixture.roundtrip(client););
    step!(fixture[client].draw_popup(&popup, Picture::Solid(BLUE), 40, 40););
    step!(fixture.roundtrip(client););
    step!(popup.popup.reposition(&positioner, 1););
    step!(popup.destroy(););
    step!(let device = bound.data_devices.get_data_device(&bound.seat, &handle, ()););
    step!(let source = bound.data_devices.create_data_source(&handle, ()););
    step!(source.offer("text/plain".into()););
    step!(device.start_drag(Some(&source), &window.surface, None, fixture[client].seen.serial););
    step!(fixture.point((90.0, 60.0)););
    step!(fixture.button(false););
    step!(fixture.touch_up(0););
    step!(fixture.key(keys::A, false););
    step!(let dialog = fixture[client].toplevel(););
    step!(dialog.toplevel.set_parent(Some(&window.toplevel)););
    step!(dialog.surface.commit(););
    step!(fixture.roundtrip(client););
    step!(fixture[client].draw(&dialog.surface, Picture::Solid(BLUE), 60, 40););
    step!(fixture.roundtrip(client););
    step!(window.surface.attach(None, 0, 0); window.surface.commit(););
    step!(part.destroy(););
    step!(dialog.destroy(););
    step!(fixture.roundtrip(client););
    decoration.destroy();
    window.destroy();
    fixture.roundtrip(client);
    assert!(done <= steps);
    assert!(!fixture[client].is_gone(), "the whole life is lawful: {:?}", fixture[client].error());
    fixture.disconnect(client);
    false
}

fn disturb(fixture: &mut Fixture, client: crate::fixture::ClientId, fault: Fault) -> bool {
    // In half of the cases the requests have been sent already.
    if fault != Fault::Death {
        fixture[client].sync();
    }
    fixture.turn(Duration::ZERO);
    match fault {
        Fault::Death => {}
        Fault::Rotate => {
            fixture.rotate(90);
            fixture.turn(Duration::ZERO);
            fixture.rotate(0);
        }
        Fault::Unplug => {
            let heads = fixture.panels.heads();
            fixture.panels.set_heads(Vec::new());
            fixture.kiosk.displays_changed();
            fixture.turn(Duration::ZERO);
            fixture.panels.set_heads(heads);
            fixture.kiosk.displays_changed();
        }
        Fault::Suspend => {
            fixture.kiosk.session_paused();
            fixture.turn(Duration::ZERO);
            fixture.kiosk.session_resumed();
        }
        Fault::PowerOff => {
            let id = fixture.primary().id;
            fixture.kiosk.set_power(id, false);
            fixture.turn(Duration::ZERO);
            fixture.kiosk.set_power(id, true);
        }
    }
    if fault != Fault::Death {
        fixture.roundtrip(client);
        assert!(!fixture[client].is_gone(), "{fault:?}: {:?}", fixture[client].error());
    }
    fixture.disconnect(client);
    fixture.button(false);
    fixture.touch_cancel();
    fixture.key(keys::A, false);
    true
}

fn at_every_step(fault: Fault) {
    let mut fixture = Fixture::new(&["320x200"]);
    let bystander = Bystander::new(&mut fixture);
    let mut steps = 0;
    while live(&mut fixture, steps, fault) {
        fixture.until("only the bystander to be left", |fixture| fixture.kiosk.stage.windows.iter().count() == 1);
        bystander.assert_seen(&mut fixture);
        steps += 1;
    }
    assert!(steps > 40, "only {steps} steps");
    let before = fixture[bystander.client].seen.keyboard.len();
    fixture.tap_key(keys::A);
    fixture.roundtrip(bystander.client);
    assert_eq!(fixture[bystander.client].seen.keyboard.len(), before + 2, "the keyboard is with the bystander again");
}

#[test]
fn a_client_may_die_at_any_step_of_its_life() {
    at_every_step(Fault::Death);
}

#[test]
fn the_screen_may_be_rotated_at_any_step_of_a_clients_life() {
    at_every_step(Fault::Rotate);
}

#[test]
fn the_display_may_be_pulled_at_any_step_of_a_clients_life() {
    at_every_step(Fault::Unplug);
}

#[test]
fn another_terminal_may_take_over_at_any_step_of_a_clients_life() {
    at_every_step(Fault::Suspend);
}

#[test]
fn the_screen_may_go_off_at_any_step_of_a_clients_life() {
    at_every_step(Fault::PowerOff);
}

#[test]
fn a_device_that_fails_in_ever_new_words_does_not_fill_the_memory() {
    let mut fixture = Fixture::new(&["320x200"]);
    (0..1_000).for_each(|number| fixture.kiosk.problem(format!("failure {number}")));
    let problems = &fixture.kiosk.status.problems;
    assert_eq!(problems.len(), kioskd::problems::MAX_PROBLEMS);
    assert_eq!(problems.last().map(String::as_str), Some("failure 999"), "the newest are told");
}
