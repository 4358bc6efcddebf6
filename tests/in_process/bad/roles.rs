//! Surfaces used against their role, and requests in invalid order.

use wayland_client::Proxy;
use wayland_protocols::xdg::shell::client::xdg_positioner::{Anchor, ConstraintAdjustment, Gravity};

use super::Bystander;
use crate::fixture::{
    ClientId, Fixture,
    client::Toplevel,
    hands::keys,
    picture::{GREEN, Picture, RED},
    seen::KeySeen,
};

/// A fixture with a bystander, and a client with a window.
fn scene() -> (Fixture, Bystander, ClientId, Toplevel) {
    let mut fixture = Fixture::new(&["320x200"]);
    let bystander = Bystander::new(&mut fixture);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    (fixture, bystander, client, window)
}

/// Sends the wrong requests, lets the compositor handle them, and checks that others are not affected.
fn wrong(what: impl Fn(&mut Fixture, ClientId, &Toplevel)) {
    let (mut fixture, bystander, client, window) = scene();
    what(&mut fixture, client, &window);
    fixture[client].sync();
    for at in [(10.0, 10.0), (160.0, 100.0)] {
        fixture.turn(std::time::Duration::ZERO);
        fixture.point(at);
        fixture.click();
        fixture.touch_down(0, at);
        fixture.touch_up(0);
        fixture.tap_key(keys::A);
    }
    fixture.rotate(90);
    fixture.turn(std::time::Duration::ZERO);
    fixture.rotate(0);
    bystander.assert_unharmed(&mut fixture);
    fixture.disconnect(client);
    bystander.assert_seen(&mut fixture);
    let before = fixture[bystander.client].seen.keyboard.len();
    fixture.tap_key(keys::A);
    fixture.roundtrip(bystander.client);
    let typed = fixture[bystander.client].seen.keyboard[before..]
        .iter()
        .filter(|seen| matches!(seen, KeySeen::Key { .. }))
        .count();
    assert_eq!(typed, 2, "the keyboard did not come back");
}

#[test]
fn a_surface_without_a_role_shows_nothing() {
    wrong(|fixture, client, _| {
        let surface = fixture[client].surface();
        fixture[client].ask_frame(&surface);
        fixture[client].draw(&surface, Picture::Solid(GREEN), 50, 50);
        surface.commit();
    });
}

#[test]
fn parents_may_go_before_their_children() {
    wrong(|_, _, window| window.surface.destroy());
    wrong(|_, _, window| window.xdg.destroy());
    wrong(|fixture, client, _| fixture[client].bound().wm_base.destroy());
    wrong(|fixture, client, window| {
        let handle = fixture[client].handle.clone();
        let child = fixture[client].surface();
        fixture[client].bound().subcompositor.get_subsurface(&child, &window.surface, &handle, ());
        fixture[client].draw(&child, Picture::Solid(GREEN), 50, 50);
        window.surface.commit();
        fixture.turn(std::time::Duration::ZERO);
        window.destroy();
        child.commit();
    });
    wrong(|fixture, client, window| {
        let positioner = fixture[client].positioner();
        positioner.set_size(10, 10);
        positioner.set_anchor_rect(0, 0, 5, 5);
        let popup = fixture[client].popup(&window.xdg, &positioner);
        popup.surface.commit();
        fixture.turn(std::time::Duration::ZERO);
        window.destroy();
        popup.surface.commit();
    });
}

#[test]
fn subsurfaces_may_be_orphans_circles_and_strangers() {
    wrong(|fixture, client, window| {
        let handle = fixture[client].handle.clone();
        let (child, grandchild) = (fixture[client].surface(), fixture[client].surface());
        let subcompositor = fixture[client].bound().subcompositor.clone();
        subcompositor.get_subsurface(&child, &window.surface, &handle, ());
        subcompositor.get_subsurface(&grandchild, &child, &handle, ());
        fixture[client].draw(&grandchild, Picture::Solid(GREEN), 30, 30);
        fixture[client].draw(&child, Picture::Solid(GREEN), 50, 50);
        window.surface.commit();
        child.destroy();
        grandchild.commit();
        window.surface.commit();
    });
    wrong(|fixture, client, _| {
        let handle = fixture[client].handle.clone();
        let surface = fixture[client].surface();
        fixture[client].bound().subcompositor.get_subsurface(&surface, &surface, &handle, ());
    });
    wrong(|fixture, client, _| {
        let handle = fixture[client].handle.clone();
        let (one, other) = (fixture[client].surface(), fixture[client].surface());
        let subcompositor = fixture[client].bound().subcompositor.clone();
        subcompositor.get_subsurface(&one, &other, &handle, ());
        subcompositor.get_subsurface(&other, &one, &handle, ());
    });
    wrong(|fixture, client, window| {
        let handle = fixture[client].handle.clone();
        fixture[client].bound().subcompositor.get_subsurface(&window.surface, &window.surface, &handle, ());
    });
    for above in [true, false] {
        wrong(move |fixture, client, window| {
            let handle = fixture[client].handle.clone();
            let child = fixture[client].surface();
            let part = fixture[client].bound().subcompositor.get_subsurface(&child, &window.surface, &handle, ());
            // A surface is not its own sibling.
            if above {
                part.place_above(&child);
            } else {
                part.place_below(&child);
            }
        });
    }
}

#[test]
fn popups_may_have_no_parent_a_wrong_one_or_themselves() {
    let positioner = |fixture: &Fixture, client| {
        let positioner = fixture[client].positioner();
        positioner.set_size(20, 20);
        positioner.set_anchor_rect(0, 0, 5, 5);
        positioner
    };
    wrong(move |fixture, client, _| {
        let surface = fixture[client].surface();
        let handle = fixture[client].handle.clone();
        let xdg = fixture[client].bound().wm_base.get_xdg_surface(&surface, &handle, surface.id());
        let seat = fixture[client].bound().seat.clone();
        let popup = xdg.get_popup(None, &positioner(fixture, client), &handle, surface.id());
        popup.grab(&seat, 0);
        popup.reposition(&positioner(fixture, client), 1);
        surface.commit();
        fixture[client].draw(&surface, Picture::Solid(GREEN), 20, 20);
    });
    wrong(move |fixture, client, _| {
        let surface = fixture[client].surface();
        let handle = fixture[client].handle.clone();
        let xdg = fixture[client].bound().wm_base.get_xdg_surface(&surface, &handle, surface.id());
        let popup = xdg.get_popup(Some(&xdg), &positioner(fixture, client), &handle, surface.id());
        let seat = fixture[client].bound().seat.clone();
        popup.grab(&seat, 0);
        surface.commit();
    });
    wrong(move |fixture, client, _| {
        let handle = fixture[client].handle.clone();
        let surfaces = [fixture[client].surface(), fixture[client].surface()];
        let wm_base = fixture[client].bound().wm_base.clone();
        let [one, other] = surfaces.clone().map(|surface| wm_base.get_xdg_surface(&surface, &handle, surface.id()));
        one.get_popup(Some(&other), &positioner(fixture, client), &handle, surfaces[0].id());
        let popup = other.get_popup(Some(&one), &positioner(fixture, client), &handle, surfaces[1].id());
        let seat = fixture[client].bound().seat.clone();
        popup.grab(&seat, 0);
        surfaces[0].commit();
        surfaces[1].commit();
    });
}

#[test]
fn positioners_with_empty_or_extreme_values_do_no_harm() {
    let values = [0, 1, -1, i32::MAX, i32::MIN, 1 << 30];
    for size in values {
        for offset in values {
            wrong(move |fixture, client, window| {
                let positioner = fixture[client].positioner();
                positioner.set_size(size, size);
                positioner.set_anchor_rect(offset, offset, 1, 1);
                positioner.set_offset(offset, size);
                positioner.set_anchor(Anchor::BottomRight);
                positioner.set_gravity(Gravity::TopLeft);
                positioner.set_constraint_adjustment(ConstraintAdjustment::all());
                let popup = fixture[client].popup(&window.xdg, &positioner);
                popup.surface.commit();
                fixture[client].sync();
                fixture.turn(std::time::Duration::ZERO);
                fixture[client].draw(&popup.surface, Picture::Solid(GREEN), 10, 10);
                popup.popup.reposition(&positioner, 7);
            });
        }
    }
    // Without a size.
    wrong(|fixture, client, window| {
        let positioner = fixture[client].positioner();
        let popup = fixture[client].popup(&window.xdg, &positioner);
        popup.surface.commit();
    });
}

#[test]
fn sizes_may_be_negative_or_huge() {
    for (width, height) in [(0, 0), (-1, -1), (i32::MAX, i32::MAX), (i32::MIN, 5), (5, i32::MIN), (1 << 30, 1 << 30)] {
        wrong(move |_, _, window| {
            window.xdg.set_window_geometry(0, 0, width, height);
            window.surface.commit();
        });
        wrong(move |_, _, window| {
            window.xdg.set_window_geometry(width, height, 10, 10);
            window.surface.commit();
        });
        wrong(move |_, _, window| {
            window.toplevel.set_min_size(width, height);
            window.toplevel.set_max_size(width, height);
            window.surface.commit();
        });
        wrong(move |_, _, window| {
            window.viewport.set_destination(width, height);
            window.surface.commit();
        });
        wrong(move |_, _, window| {
            window.viewport.set_source(f64::from(width >> 9), f64::from(height >> 9), 10.0, 10.0);
            window.surface.commit();
        });
        wrong(move |_, _, window| {
            window.surface.damage(width, height, width, height);
            window.surface.damage_buffer(width, height, width, height);
            window.surface.set_buffer_scale(width);
            window.surface.commit();
        });
        wrong(move |fixture, client, window| {
            let handle = fixture[client].handle.clone();
            let region = fixture[client].bound().compositor.create_region(&handle, ());
            region.add(width, height, width, height);
            region.subtract(-1, -1, width, height);
            window.surface.set_input_region(Some(&region));
            window.surface.set_opaque_region(Some(&region));
            window.surface.commit();
        });
        wrong(move |fixture, client, window| {
            let handle = fixture[client].handle.clone();
            let child = fixture[client].surface();
            let part = fixture[client].bound().subcompositor.get_subsurface(&child, &window.surface, &handle, ());
            part.set_position(width, height);
            fixture[client].draw(&child, Picture::Solid(GREEN), 20, 20);
            window.surface.commit();
        });
    }
}

#[test]
fn acknowledgements_may_be_made_up() {
    for serial in [0, 1, 12345, u32::MAX] {
        wrong(move |_, _, window| {
            window.xdg.ack_configure(serial);
            window.surface.commit();
        });
    }
    wrong(|fixture, client, window| {
        // Twice, and in reverse order.
        fixture[client].seen.forgets_acks = true;
        fixture.scale(1.5);
        fixture.scale(2.0);
        fixture.roundtrip(client);
        let serials: Vec<u32> = fixture[client].configures(window).map(|told| told.serial).collect();
        for serial in serials.iter().rev().chain(&serials) {
            window.xdg.ack_configure(*serial);
        }
        window.surface.commit();
    });
}

#[test]
fn a_buffer_before_the_first_configure_is_refused() {
    wrong(|fixture, client, _| {
        fixture[client].seen.forgets_acks = true;
        let early = fixture[client].toplevel();
        fixture[client].draw(&early.surface, Picture::Solid(GREEN), 320, 200);
    });
}

#[test]
fn a_surface_may_go_in_the_middle_of_a_grab() {
    wrong(|fixture, client, window| {
        fixture.point((20.0, 20.0));
        fixture.button(true);
        fixture.touch_down(3, (30.0, 30.0));
        fixture.key(keys::ESC, true);
        fixture.roundtrip(client);
        let positioner = fixture[client].positioner();
        positioner.set_size(40, 40);
        positioner.set_anchor_rect(10, 10, 1, 1);
        let popup = fixture[client].popup(&window.xdg, &positioner);
        let seat = fixture[client].bound().seat.clone();
        popup.popup.grab(&seat, fixture[client].seen.serial);
        popup.surface.commit();
        fixture.roundtrip(client);
        fixture[client].draw_popup(&popup, Picture::Solid(GREEN), 40, 40);
        fixture.roundtrip(client);
        popup.surface.destroy();
        fixture.turn(std::time::Duration::ZERO);
        fixture.button(false);
        fixture.touch_up(3);
        fixture.key(keys::ESC, false);
    });
}

#[test]
fn drags_with_invalid_icons_or_destroyed_sources_do_no_harm() {
    let start = |fixture: &mut Fixture, client: ClientId| {
        fixture.point((20.0, 20.0));
        fixture.button(true);
        fixture.roundtrip(client);
        let handle = fixture[client].handle.clone();
        let bound = fixture[client].bound().clone();
        let device = bound.data_devices.get_data_device(&bound.seat, &handle, ());
        let source = bound.data_devices.create_data_source(&handle, ());
        source.offer("text/plain".into());
        (device, source, fixture[client].seen.serial)
    };
    // The window itself as the drag icon.
    wrong(move |fixture, client, window| {
        let (device, source, serial) = start(fixture, client);
        device.start_drag(Some(&source), &window.surface, Some(&window.surface), serial);
    });
    // An icon that is destroyed, and one that gets another role.
    for destroy in [true, false] {
        wrong(move |fixture, client, window| {
            let (device, source, serial) = start(fixture, client);
            let icon = fixture[client].surface();
            device.start_drag(Some(&source), &window.surface, Some(&icon), serial);
            fixture[client].draw(&icon, Picture::Solid(GREEN), 10, 10);
            fixture[client].sync();
            fixture.turn(std::time::Duration::ZERO);
            fixture.point((60.0, 60.0));
            if destroy {
                icon.destroy();
            } else {
                let handle = fixture[client].handle.clone();
                fixture[client].bound().wm_base.get_xdg_surface(&icon, &handle, icon.id());
            }
            fixture[client].sync();
            fixture.turn(std::time::Duration::ZERO);
            fixture.point((70.0, 60.0));
            fixture.button(false);
        });
    }
    // The source is destroyed during the drag.
    wrong(move |fixture, client, window| {
        let (device, source, serial) = start(fixture, client);
        device.start_drag(Some(&source), &window.surface, None, serial);
        fixture[client].sync();
        fixture.turn(std::time::Duration::ZERO);
        fixture.point((60.0, 60.0));
        source.destroy();
        fixture[client].sync();
        fixture.turn(std::time::Duration::ZERO);
        fixture.point((70.0, 60.0));
        fixture.button(false);
    });
    // The same source twice: for a selection and a drag.
    wrong(move |fixture, client, window| {
        let (device, source, serial) = start(fixture, client);
        device.set_selection(Some(&source), serial);
        device.start_drag(Some(&source), &window.surface, None, serial);
        device.start_drag(Some(&source), &window.surface, None, serial);
    });
    // The origin is destroyed.
    wrong(move |fixture, client, window| {
        let (device, source, serial) = start(fixture, client);
        device.start_drag(Some(&source), &window.surface, None, serial);
        fixture[client].sync();
        fixture.turn(std::time::Duration::ZERO);
        window.destroy();
        fixture[client].sync();
        fixture.turn(std::time::Duration::ZERO);
        fixture.point((60.0, 60.0));
        fixture.button(false);
    });
}

#[test]
fn any_surface_may_be_set_as_a_cursor() {
    wrong(|fixture, client, window| {
        fixture.point((20.0, 20.0));
        fixture.roundtrip(client);
        let serial = fixture[client].seen.serial;
        let pointer = fixture[client].bound().pointer.clone();
        pointer.set_cursor(serial, Some(&window.surface), i32::MAX, i32::MIN);
    });
    for hotspot in [0, i32::MAX, i32::MIN] {
        wrong(move |fixture, client, _| {
            fixture.point((20.0, 20.0));
            fixture.roundtrip(client);
            let serial = fixture[client].seen.serial;
            let pointer = fixture[client].bound().pointer.clone();
            let cursor = fixture[client].surface();
            pointer.set_cursor(serial, Some(&cursor), hotspot, hotspot);
            fixture[client].draw(&cursor, Picture::Solid(GREEN), 64, 64);
            fixture.roundtrip(client);
            fixture.still();
            cursor.destroy();
        });
    }
}

#[test]
fn a_window_may_be_its_own_parent_or_its_parents() {
    wrong(|_, _, window| window.toplevel.set_parent(Some(&window.toplevel)));
    wrong(|fixture, client, window| {
        let other = fixture[client].toplevel();
        other.toplevel.set_parent(Some(&window.toplevel));
        other.surface.commit();
        window.toplevel.set_parent(Some(&other.toplevel));
        window.surface.commit();
    });
}
