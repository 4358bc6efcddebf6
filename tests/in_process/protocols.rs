//! The smaller protocols, by their effect: copy and paste, drag and drop, idle notification, pointer locks.

use std::{
    io::{Read, Write},
    os::fd::{AsFd, OwnedFd},
    time::Duration,
};

use wayland_client::{
    Connection, Dispatch, Proxy, QueueHandle, event_created_child,
    protocol::{
        wl_data_device::{self, WlDataDevice},
        wl_data_offer::{self, WlDataOffer},
        wl_data_source::{self, WlDataSource},
    },
};
use wayland_protocols::{
    ext::idle_notify::v1::client::{
        ext_idle_notification_v1::{self, ExtIdleNotificationV1},
        ext_idle_notifier_v1::ExtIdleNotifierV1,
    },
    wp::{
        idle_inhibit::zv1::client::{
            zwp_idle_inhibit_manager_v1::ZwpIdleInhibitManagerV1, zwp_idle_inhibitor_v1::ZwpIdleInhibitorV1,
        },
        pointer_constraints::zv1::client::{
            zwp_confined_pointer_v1::ZwpConfinedPointerV1,
            zwp_locked_pointer_v1::ZwpLockedPointerV1,
            zwp_pointer_constraints_v1::{Lifetime, ZwpPointerConstraintsV1},
        },
        relative_pointer::zv1::client::{
            zwp_relative_pointer_manager_v1::ZwpRelativePointerManagerV1,
            zwp_relative_pointer_v1::{self, ZwpRelativePointerV1},
        },
    },
};

use crate::fixture::{
    ClientId, Fixture, Setup,
    hands::keys,
    picture::{GREEN, Picture, RED, YELLOW},
    seen::{Extra, PointerSeen, Seen},
};

impl Dispatch<WlDataDevice, ()> for Seen {
    fn event(
        seen: &mut Self,
        _: &WlDataDevice,
        event: wl_data_device::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            wl_data_device::Event::Selection { id } => seen.extra.push(Extra::Selection(id)),
            wl_data_device::Event::Enter { serial, x, y, id, .. } => {
                if let Some(offer) = &id {
                    offer.accept(serial, Some("text/plain".into()));
                    offer.set_actions(
                        wayland_client::protocol::wl_data_device_manager::DndAction::Copy,
                        wayland_client::protocol::wl_data_device_manager::DndAction::Copy,
                    );
                }
                seen.extra.push(Extra::Dragged { offer: id, x, y });
            }
            wl_data_device::Event::Drop => seen.extra.push(Extra::Dropped),
            _ => {}
        }
    }

    event_created_child!(Seen, WlDataDevice, [wl_data_device::EVT_DATA_OFFER_OPCODE => (WlDataOffer, ())]);
}

impl Dispatch<WlDataOffer, ()> for Seen {
    fn event(_: &mut Self, _: &WlDataOffer, _: wl_data_offer::Event, (): &(), _: &Connection, _: &QueueHandle<Self>) {}
}

impl Dispatch<WlDataSource, ()> for Seen {
    fn event(
        seen: &mut Self,
        _: &WlDataSource,
        event: wl_data_source::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            wl_data_source::Event::Send { mime_type, fd } => {
                std::fs::File::from(fd).write_all(format!("as {mime_type}").as_bytes()).unwrap();
            }
            wl_data_source::Event::Cancelled => seen.extra.push(Extra::Cancelled),
            _ => {}
        }
    }
}

impl Dispatch<ExtIdleNotificationV1, ()> for Seen {
    fn event(
        seen: &mut Self,
        _: &ExtIdleNotificationV1,
        event: ext_idle_notification_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            ext_idle_notification_v1::Event::Idled => seen.extra.push(Extra::Idled),
            ext_idle_notification_v1::Event::Resumed => seen.extra.push(Extra::Resumed),
            _ => {}
        }
    }
}

impl Dispatch<ZwpRelativePointerV1, ()> for Seen {
    fn event(
        seen: &mut Self,
        _: &ZwpRelativePointerV1,
        event: zwp_relative_pointer_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let zwp_relative_pointer_v1::Event::RelativeMotion { dx, dy, .. } = event {
            seen.extra.push(Extra::Moved(dx, dy));
        }
    }
}

wayland_client::delegate_noop!(Seen: ExtIdleNotifierV1);
wayland_client::delegate_noop!(Seen: ZwpIdleInhibitManagerV1);
wayland_client::delegate_noop!(Seen: ZwpIdleInhibitorV1);
wayland_client::delegate_noop!(Seen: ZwpPointerConstraintsV1);
wayland_client::delegate_noop!(Seen: ignore ZwpLockedPointerV1);
wayland_client::delegate_noop!(Seen: ignore ZwpConfinedPointerV1);
wayland_client::delegate_noop!(Seen: ZwpRelativePointerManagerV1);

fn count(fixture: &Fixture, client: ClientId, wanted: &Extra) -> usize {
    fixture[client].seen.extra.iter().filter(|extra| *extra == wanted).count()
}

/// All data written to the pipe, which must be closed already.
fn read_all(reader: OwnedFd) -> String {
    let mut text = String::new();
    std::fs::File::from(reader).read_to_string(&mut text).unwrap();
    text
}

/// The offer's text, sent by the client that owns it.
fn receive(fixture: &mut Fixture, to: ClientId, from: ClientId, offer: &WlDataOffer) -> String {
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    offer.receive("text/plain".into(), writer.as_fd());
    drop(writer);
    fixture.roundtrip(to);
    fixture.roundtrip(from);
    fixture.roundtrip(from);
    read_all(reader)
}

#[test]
fn what_one_client_copies_another_pastes() {
    let mut fixture = Fixture::new(&["320x200"]);
    let from = fixture.client();
    let window = fixture.map(from, Picture::Solid(RED));
    let bound = fixture[from].bound().clone();
    let handle = fixture[from].handle.clone();
    let device = bound.data_devices.get_data_device(&bound.seat, &handle, ());
    fixture.tap_key(keys::A);
    fixture.roundtrip(from);
    let source = bound.data_devices.create_data_source(&handle, ());
    source.offer("text/plain".into());
    device.set_selection(Some(&source), fixture[from].seen.serial);
    fixture.roundtrip(from);

    let to = fixture.client();
    let bound = fixture[to].bound().clone();
    let handle = fixture[to].handle.clone();
    bound.data_devices.get_data_device(&bound.seat, &handle, ());
    fixture.map(to, Picture::Solid(GREEN));
    let offer = fixture[to].seen.extra.iter().rev().find_map(|extra| match extra {
        Extra::Selection(offer) => offer.clone(),
        _ => None,
    });
    let offer = offer.expect("the window that came to the front was offered nothing");
    assert_eq!(receive(&mut fixture, to, from, &offer), "as text/plain");
    assert!(window.surface.is_alive());
}

#[test]
fn what_is_dragged_from_one_client_drops_on_another() {
    drag(false);
}

#[test]
fn what_a_finger_drags_drops_too() {
    drag(true);
}

fn drag(finger: bool) {
    let mut fixture = Fixture::new(&["320x200"]);
    let to = fixture.client();
    let bound = fixture[to].bound().clone();
    let handle = fixture[to].handle.clone();
    bound.data_devices.get_data_device(&bound.seat, &handle, ());
    let shell = fixture.map(to, Picture::Solid(GREEN));
    // A smaller window of another client, centred on the screen.
    let from = fixture.client();
    let window = fixture[from].toplevel();
    window.surface.commit();
    fixture.roundtrip(from);
    fixture[from].draw(&window.surface, Picture::Solid(RED), 100, 60);
    fixture.roundtrip(from);
    if finger {
        fixture.touch_down(0, (160.0, 100.0));
    } else {
        fixture.point((160.0, 100.0));
        fixture.button(true);
    }
    fixture.roundtrip(from);
    let bound = fixture[from].bound().clone();
    let handle = fixture[from].handle.clone();
    let device = bound.data_devices.get_data_device(&bound.seat, &handle, ());
    let source = bound.data_devices.create_data_source(&handle, ());
    source.offer("text/plain".into());
    source.set_actions(wayland_client::protocol::wl_data_device_manager::DndAction::Copy);
    let icon = fixture[from].surface();
    device.start_drag(Some(&source), &window.surface, Some(&icon), fixture[from].seen.serial);
    fixture[from].draw(&icon, Picture::Solid(YELLOW), 12, 12);
    fixture.roundtrip(from);
    if finger {
        fixture.touch_move(0, (30.0, 40.0));
    } else {
        fixture.point((30.0, 40.0));
    }
    fixture.roundtrip(to);
    let dragged = fixture[to].seen.extra.iter().find_map(|extra| match extra {
        Extra::Dragged { offer, x, y } => Some((offer.clone(), *x, *y)),
        _ => None,
    });
    let (offer, x, y) = dragged.expect("what is dragged is not offered where it is");
    assert!((x - 30.0).abs() < 1.0 && (y - 40.0).abs() < 1.0, "{x},{y}");
    fixture.still();
    assert_eq!(fixture.panel().pixel(41, 41), YELLOW, "what is dragged is not seen under the pointer");
    if finger {
        fixture.touch_up(0);
    } else {
        fixture.button(false);
    }
    fixture.roundtrip(to);
    assert_eq!(count(&fixture, to, &Extra::Dropped), 1);
    assert_eq!(receive(&mut fixture, to, from, &offer.unwrap()), "as text/plain");
    fixture.still();
    assert_ne!(fixture.panel().pixel(41, 41), YELLOW, "what was dropped is still seen");
    let _ = shell;
}

#[test]
fn idleness_is_told_and_inhibited_for_as_long_as_the_inhibitor_lives() {
    let mut fixture = Fixture::new(&["320x200"]);
    let watcher = fixture.client();
    let handle = fixture[watcher].handle.clone();
    let notifier: ExtIdleNotifierV1 = fixture[watcher].bind();
    let seat = fixture[watcher].bound().seat.clone();
    notifier.get_idle_notification(100, &seat, &handle, ());
    fixture.until("idleness", |fixture| count(fixture, watcher, &Extra::Idled) == 1);
    fixture.tap_key(keys::A);
    fixture.until("activity", |fixture| count(fixture, watcher, &Extra::Resumed) == 1);

    let player = fixture.client();
    let window = fixture.map(player, Picture::Solid(RED));
    let handle = fixture[player].handle.clone();
    let manager: ZwpIdleInhibitManagerV1 = fixture[player].bind();
    manager.create_inhibitor(&window.surface, &handle, ());
    fixture.roundtrip(player);
    let before = count(&fixture, watcher, &Extra::Idled);
    fixture.tap_key(keys::A);
    fixture.pass(Duration::from_millis(300));
    assert_eq!(count(&fixture, watcher, &Extra::Idled), before, "idle while a film runs");
    // The player crashes.
    fixture.disconnect(player);
    fixture.until("idleness after the player's end", |fixture| count(fixture, watcher, &Extra::Idled) > before);
}

#[test]
fn a_locked_pointer_stays_and_its_movements_are_told() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let handle = fixture[client].handle.clone();
    let bound = fixture[client].bound().clone();
    fixture.point((100.0, 100.0));
    let relative: ZwpRelativePointerManagerV1 = fixture[client].bind();
    relative.get_relative_pointer(&bound.pointer, &handle, ());
    let constraints: ZwpPointerConstraintsV1 = fixture[client].bind();
    let lock = constraints.lock_pointer(&window.surface, &bound.pointer, None, Lifetime::Persistent, &handle, ());
    fixture.roundtrip(client);
    let motions = |fixture: &Fixture| {
        fixture[client].seen.pointer.iter().filter(|seen| matches!(seen, PointerSeen::Motion { .. })).count()
    };
    let before = motions(&fixture);
    fixture.move_mouse((7.0, -3.0));
    fixture.roundtrip(client);
    assert_eq!(count(&fixture, client, &Extra::Moved(7.0, -3.0)), 1);
    assert_eq!(motions(&fixture), before, "a locked pointer moved");
    lock.destroy();
    fixture.roundtrip(client);
    fixture.move_mouse((7.0, -3.0));
    fixture.roundtrip(client);
    assert_eq!(motions(&fixture), before + 1);
}

#[test]
fn a_locked_pointer_is_put_nowhere_outside_of_its_window() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture[client].toplevel();
    window.surface.commit();
    fixture.roundtrip(client);
    // Centred on the screen: x 110 to 210, y 70 to 130.
    fixture[client].draw(&window.surface, Picture::Solid(RED), 100, 60);
    fixture.roundtrip(client);
    fixture.point((160.0, 100.0));
    let handle = fixture[client].handle.clone();
    let bound = fixture[client].bound().clone();
    let constraints: ZwpPointerConstraintsV1 = fixture[client].bind();
    let lock = constraints.lock_pointer(&window.surface, &bound.pointer, None, Lifetime::Persistent, &handle, ());
    fixture.roundtrip(client);
    for (hint, place) in [((20.0, 30.0), (130.0, 100.0)), ((5000.0, -300.0), (209.0, 70.0))] {
        lock.set_cursor_position_hint(hint.0, hint.1);
        window.surface.commit();
        fixture.roundtrip(client);
        let at = fixture.kiosk.seat.seat.get_pointer().unwrap().current_location();
        assert_eq!((at.x, at.y), place);
    }
}

#[test]
fn a_confined_pointer_stays_in_its_window() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let window = fixture[client].toplevel();
    window.surface.commit();
    fixture.roundtrip(client);
    // Centred on the screen: x 110 to 210, y 70 to 130.
    fixture[client].draw(&window.surface, Picture::Solid(RED), 100, 60);
    fixture.roundtrip(client);
    fixture.point((160.0, 100.0));
    let handle = fixture[client].handle.clone();
    let bound = fixture[client].bound().clone();
    let constraints: ZwpPointerConstraintsV1 = fixture[client].bind();
    constraints.confine_pointer(&window.surface, &bound.pointer, None, Lifetime::Persistent, &handle, ());
    fixture.roundtrip(client);
    for _ in 0..30 {
        fixture.move_mouse((9.0, 0.0));
    }
    fixture.roundtrip(client);
    let at = fixture.kiosk.seat.seat.get_pointer().unwrap().current_location();
    assert!(at.x < 210.0, "{at:?} is outside");
    assert!(!matches!(fixture[client].seen.pointer.last(), Some(PointerSeen::Leave { .. })));
}

#[test]
fn the_shell_is_on_the_screen_it_is_configured_for_and_the_others_keep_the_logo() {
    let mut setup = Setup { splash: true, ..Setup::bare(&["320x200", "400x300"]) };
    setup.config.shell.output = "HEADLESS-2".into();
    setup.config.splash.background = [10, 20, 120];
    let mut fixture = setup.start();
    let client = fixture.client();
    let window = fixture.map(client, Picture::Solid(RED));
    let told = fixture[client].configured(&window).cloned().unwrap();
    assert_eq!((told.width, told.height), (400, 300));
    fixture.until("the page on the second screen", |fixture| {
        fixture.panel_of(kioskd::screens::HeadId(2)).pixel(0, 0) == RED
    });
    fixture.still();
    let first = fixture.panel();
    assert_eq!(first.pixel(0, 0), [10, 20, 120]);
    assert!(first.rgba.chunks_exact(4).any(|pixel| pixel[..3] != [10, 20, 120]), "no logo");
    // Touches go to the page.
    fixture.touch_down(0, (200.0, 150.0));
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.touch.len(), 1);
    assert!(window.surface.is_alive());
}

#[test]
fn what_is_dragged_is_offered_where_it_is_before_anything_moves() {
    for finger in [false, true] {
        let mut fixture = Fixture::new(&["320x200"]);
        let client = fixture.client();
        let window = fixture.map(client, Picture::Solid(GREEN));
        let (handle, bound) = (fixture[client].handle.clone(), fixture[client].bound().clone());
        let device = bound.data_devices.get_data_device(&bound.seat, &handle, ());
        let source = bound.data_devices.create_data_source(&handle, ());
        source.offer("text/plain".into());
        if finger {
            fixture.touch_down(0, (160.0, 100.0));
        } else {
            fixture.point((160.0, 100.0));
            fixture.button(true);
        }
        fixture.roundtrip(client);
        device.start_drag(Some(&source), &window.surface, None, fixture[client].seen.serial);
        fixture.roundtrip(client);
        let offered = fixture[client].seen.extra.iter().find_map(|extra| match extra {
            Extra::Dragged { offer: Some(_), x, y } => Some((x.round(), y.round())),
            _ => None,
        });
        assert_eq!(offered, Some((160.0, 100.0)), "by a finger: {finger}");
    }
}
