//! Clients that are sent file descriptors and do not read them: pastes of what they copied, keymaps, tables of formats.

use std::{
    io::Read,
    os::fd::{AsFd, BorrowedFd},
};

use kioskd::privilege::Privilege;
use wayland_client::protocol::wl_data_device_manager::DndAction;
use wayland_protocols::{
    ext::data_control::v1::client::ext_data_control_manager_v1::ExtDataControlManagerV1,
    wp::{
        linux_dmabuf::zv1::client::{
            zwp_linux_dmabuf_feedback_v1::ZwpLinuxDmabufFeedbackV1, zwp_linux_dmabuf_v1::ZwpLinuxDmabufV1,
        },
        primary_selection::zv1::client::zwp_primary_selection_device_manager_v1::ZwpPrimarySelectionDeviceManagerV1,
    },
};

use super::Bystander;
use crate::{
    fixture::{
        ClientId, Fixture,
        hands::keys,
        picture::{GREEN, Picture, RED},
        seen::{Extra, Seen},
    },
    virtual_input::{KEYMAP, give_keymap, keyboard},
};

wayland_client::delegate_noop!(Seen: ignore ZwpLinuxDmabufFeedbackV1);

/// Most descriptors that one client may hold: 64, and what libwayland keeps in a turn.
const MOST: usize = 64 + 28;

/// Asks for so many pastes while their source hangs, and for one more when it reads again.
#[track_caller]
fn assert_pastes_are_few(fixture: &mut Fixture, from: ClientId, receive: impl Fn(BorrowedFd<'_>)) {
    const ASKED: usize = 500;
    let paste = |fixture: &mut Fixture, count: usize, hangs: bool| {
        let (mut reader, writer) = std::io::pipe().unwrap();
        fixture[from].hangs = hangs;
        for number in 0..count {
            receive(writer.as_fd());
            if number.is_multiple_of(20) {
                fixture.turn(std::time::Duration::ZERO);
            }
        }
        fixture.turn(std::time::Duration::ZERO);
        fixture.turn(std::time::Duration::ZERO);
        fixture[from].hangs = false;
        fixture.roundtrip(from);
        drop(writer);
        let mut text = String::new();
        // Ends, as every refused paste is closed.
        reader.read_to_string(&mut text).unwrap();
        text.matches("as text/plain").count()
    };
    let given = paste(fixture, ASKED, true);
    assert!((10..MOST).contains(&given), "{given} of {ASKED} pastes were kept for a client that does not read");
    assert_eq!(paste(fixture, 1, false), 1, "it reads again, and gets no paste");
    assert!(!fixture[from].is_gone());
}

fn copies(fixture: &mut Fixture) -> ClientId {
    let from = fixture.client();
    fixture.map(from, Picture::Solid(RED));
    fixture.tap_key(keys::A);
    fixture.roundtrip(from);
    from
}

#[test]
fn what_is_copied_is_not_pasted_without_end_when_its_client_hangs() {
    let mut fixture = Fixture::new(&["320x200"]);
    let from = copies(&mut fixture);
    let (bound, handle) = (fixture[from].bound().clone(), fixture[from].handle.clone());
    let device = bound.data_devices.get_data_device(&bound.seat, &handle, ());
    let source = bound.data_devices.create_data_source(&handle, ());
    source.offer("text/plain".into());
    device.set_selection(Some(&source), fixture[from].seen.serial);
    fixture.roundtrip(from);
    let to = fixture.client();
    let (bound, handle) = (fixture[to].bound().clone(), fixture[to].handle.clone());
    bound.data_devices.get_data_device(&bound.seat, &handle, ());
    fixture.map(to, Picture::Solid(GREEN));
    let offer = fixture[to].seen.extra.iter().rev().find_map(|extra| match extra {
        Extra::Selection(offer) => offer.clone(),
        _ => None,
    });
    let offer = offer.unwrap();
    assert_pastes_are_few(&mut fixture, from, |pipe| offer.receive("text/plain".into(), pipe));
}

#[test]
fn the_primary_selection_is_not_pasted_without_end_either() {
    let mut fixture = Fixture::new(&["320x200"]);
    let from = copies(&mut fixture);
    let (seat, handle) = (fixture[from].bound().seat.clone(), fixture[from].handle.clone());
    let manager: ZwpPrimarySelectionDeviceManagerV1 = fixture[from].bind();
    let device = manager.get_device(&seat, &handle, ());
    let source = manager.create_source(&handle, ());
    source.offer("text/plain".into());
    device.set_selection(Some(&source), fixture[from].seen.serial);
    fixture.roundtrip(from);
    let to = fixture.client();
    let (seat, handle) = (fixture[to].bound().seat.clone(), fixture[to].handle.clone());
    let manager: ZwpPrimarySelectionDeviceManagerV1 = fixture[to].bind();
    manager.get_device(&seat, &handle, ());
    fixture.map(to, Picture::Solid(GREEN));
    let offer = fixture[to].seen.clipboard.primary.clone().unwrap();
    assert_pastes_are_few(&mut fixture, from, |pipe| offer.receive("text/plain".into(), pipe));
}

#[test]
fn what_a_tool_copies_is_not_pasted_without_end_either() {
    let mut fixture = Fixture::new(&["320x200"]);
    let shell = fixture.client();
    fixture.map(shell, Picture::Solid(GREEN));
    let tools = [(); 2].map(|()| fixture.client_of(Privilege::Admin));
    let [from, to] = tools;
    let [(manager, device), _] = tools.map(|tool| {
        let manager: ExtDataControlManagerV1 = fixture[tool].bind();
        let (seat, handle) = (fixture[tool].bound().seat.clone(), fixture[tool].handle.clone());
        let device = manager.get_data_device(&seat, &handle, ());
        (manager, device)
    });
    let source = manager.create_data_source(&fixture[from].handle.clone(), ());
    source.offer("text/plain".into());
    device.set_selection(Some(&source));
    fixture.roundtrip(from);
    fixture.roundtrip(to);
    let offer = fixture[to].seen.clipboard.offer.clone().unwrap();
    assert_pastes_are_few(&mut fixture, from, |pipe| offer.receive("text/plain".into(), pipe));
}

#[test]
fn what_is_dragged_is_not_pasted_without_end_either() {
    for finger in [false, true] {
        let mut fixture = Fixture::new(&["320x200"]);
        let to = fixture.client();
        let (bound, handle) = (fixture[to].bound().clone(), fixture[to].handle.clone());
        bound.data_devices.get_data_device(&bound.seat, &handle, ());
        fixture.map(to, Picture::Solid(GREEN));
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
        let (bound, handle) = (fixture[from].bound().clone(), fixture[from].handle.clone());
        let device = bound.data_devices.get_data_device(&bound.seat, &handle, ());
        let source = bound.data_devices.create_data_source(&handle, ());
        source.offer("text/plain".into());
        source.set_actions(DndAction::Copy);
        device.start_drag(Some(&source), &window.surface, None, fixture[from].seen.serial);
        fixture.roundtrip(from);
        if finger {
            fixture.touch_move(0, (30.0, 40.0));
        } else {
            fixture.point((30.0, 40.0));
        }
        fixture.roundtrip(to);
        let offer = fixture[to].seen.extra.iter().find_map(|extra| match extra {
            Extra::Dragged { offer, .. } => offer.clone(),
            _ => None,
        });
        let offer = offer.unwrap();
        assert_pastes_are_few(&mut fixture, from, |pipe| offer.receive("text/plain".into(), pipe));
    }
}

/// Repeats a request of a client that does not read, until it is turned out.
#[track_caller]
fn assert_turned_out(fixture: &mut Fixture, client: ClientId, asks: impl Fn()) {
    for count in 0..MOST * 2 {
        asks();
        // Written, but nothing is read.
        if !fixture[client].flushed() {
            break;
        }
        if count.is_multiple_of(10) {
            fixture.turn_alone();
        }
    }
    fixture.turn_alone();
    fixture.turned_out(client);
    assert_eq!(fixture[client].error().map(|(_, code)| code), Some(1000));
}

#[test]
fn a_client_that_requests_keymaps_and_reads_none_is_disconnected() {
    let mut fixture = Fixture::new(&["320x200"]);
    let bystander = Bystander::new(&mut fixture);
    let client = fixture.client();
    let (seat, handle) = (fixture[client].bound().seat.clone(), fixture[client].handle.clone());
    let ask = || seat.get_keyboard(&handle, ()).release();
    // Who reads may have as many as it likes, one after another.
    for _ in 0..20 {
        (0..10).for_each(|_| ask());
        fixture.roundtrip(client);
    }
    assert!(!fixture[client].is_gone());
    assert_turned_out(&mut fixture, client, ask);
    bystander.assert_seen(&mut fixture);
}

#[test]
fn a_client_that_requests_format_tables_and_reads_none_is_disconnected() {
    let mut fixture = Fixture::new(&["320x200"]);
    fixture.offer_gpu();
    let bystander = Bystander::new(&mut fixture);
    for of_surface in [false, true] {
        let client = fixture.client();
        let dmabuf: ZwpLinuxDmabufV1 = fixture[client].bind();
        let surface = fixture[client].surface();
        let handle = fixture[client].handle.clone();
        let ask = || {
            let feedback = if of_surface {
                dmabuf.get_surface_feedback(&surface, &handle, ())
            } else {
                dmabuf.get_default_feedback(&handle, ())
            };
            feedback.destroy();
        };
        for _ in 0..20 {
            (0..10).for_each(|_| ask());
            fixture.roundtrip(client);
        }
        assert!(!fixture[client].is_gone());
        assert_turned_out(&mut fixture, client, ask);
    }
    bystander.assert_seen(&mut fixture);
}

#[test]
fn a_client_has_so_many_keyboards() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let (seat, handle) = (fixture[client].bound().seat.clone(), fixture[client].handle.clone());
    // It has one already.
    let keyboards: Vec<_> = (1..32).map(|_| seat.get_keyboard(&handle, ())).collect();
    fixture.roundtrip(client);
    assert!(!fixture[client].is_gone());
    drop(keyboards);
    seat.get_keyboard(&handle, ());
    assert_eq!(fixture.protocol_error_of(client), ("wl_seat".into(), 1000));
    fixture.assert_serving();
}

#[test]
fn a_client_that_reads_no_keymaps_set_by_others_is_disconnected() {
    let mut fixture = Fixture::new(&["320x200"]);
    let bystander = Bystander::new(&mut fixture);
    let client = fixture.client();
    let (seat, handle) = (fixture[client].bound().seat.clone(), fixture[client].handle.clone());
    (1..32).for_each(|_| drop(seat.get_keyboard(&handle, ())));
    fixture.roundtrip(client);
    let tool = fixture.client_of(Privilege::Admin);
    let typing = keyboard(&mut fixture, tool);
    give_keymap(&typing, KEYMAP);
    fixture[client].hangs = true;
    // Each key of another keyboard changes the keymap.
    for _ in 0..3 {
        typing.key(0, 1, 1);
        typing.key(0, 1, 0);
        fixture.roundtrip(tool);
        fixture.tap_key(keys::A);
        fixture.roundtrip(bystander.client);
    }
    fixture[client].hangs = false;
    fixture.turned_out(client);
    bystander.assert_seen(&mut fixture);
    assert!(!fixture[tool].is_gone());
}
