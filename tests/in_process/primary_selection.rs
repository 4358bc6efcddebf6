//! The primary selection: what is marked in one window is pasted into another by the middle button.

use std::{io::Write, os::fd::AsFd};

use wayland_client::{Connection, Dispatch, QueueHandle, delegate_noop, event_created_child};
use wayland_protocols::wp::primary_selection::zv1::client::{
    zwp_primary_selection_device_manager_v1::ZwpPrimarySelectionDeviceManagerV1,
    zwp_primary_selection_device_v1::{self, ZwpPrimarySelectionDeviceV1},
    zwp_primary_selection_offer_v1::{self, ZwpPrimarySelectionOfferV1},
    zwp_primary_selection_source_v1::{self, ZwpPrimarySelectionSourceV1},
};

use crate::fixture::{
    ClientId, Fixture,
    hands::keys,
    picture::{GREEN, Picture, RED},
    seen::{Extra, Seen},
};

delegate_noop!(Seen: ZwpPrimarySelectionDeviceManagerV1);

impl Dispatch<ZwpPrimarySelectionSourceV1, ()> for Seen {
    fn event(
        seen: &mut Self,
        _: &ZwpPrimarySelectionSourceV1,
        event: zwp_primary_selection_source_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            zwp_primary_selection_source_v1::Event::Send { mime_type, fd } => {
                std::fs::File::from(fd).write_all(format!("as {mime_type}").as_bytes()).unwrap();
            }
            zwp_primary_selection_source_v1::Event::Cancelled => seen.extra.push(Extra::Cancelled),
            _ => {}
        }
    }
}

impl Dispatch<ZwpPrimarySelectionDeviceV1, ()> for Seen {
    fn event(
        seen: &mut Self,
        _: &ZwpPrimarySelectionDeviceV1,
        event: zwp_primary_selection_device_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let zwp_primary_selection_device_v1::Event::Selection { id } = event {
            seen.clipboard.primary = id;
            seen.clipboard.primaries += 1;
        }
    }

    event_created_child!(Seen, ZwpPrimarySelectionDeviceV1, [
        zwp_primary_selection_device_v1::EVT_DATA_OFFER_OPCODE => (ZwpPrimarySelectionOfferV1, ()),
    ]);
}

impl Dispatch<ZwpPrimarySelectionOfferV1, ()> for Seen {
    fn event(
        _: &mut Self,
        _: &ZwpPrimarySelectionOfferV1,
        _: zwp_primary_selection_offer_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
    }
}

fn device(fixture: &Fixture, client: ClientId) -> (ZwpPrimarySelectionDeviceManagerV1, ZwpPrimarySelectionDeviceV1) {
    let (seat, handle) = (fixture[client].bound().seat.clone(), fixture[client].handle.clone());
    let manager: ZwpPrimarySelectionDeviceManagerV1 = fixture[client].bind();
    let device = manager.get_device(&seat, &handle, ());
    (manager, device)
}

/// A client with the keyboard that has marked something.
fn marks(fixture: &mut Fixture) -> (ClientId, ZwpPrimarySelectionSourceV1) {
    let from = fixture.client();
    fixture.map(from, Picture::Solid(RED));
    let (manager, device) = device(fixture, from);
    fixture.tap_key(keys::A);
    fixture.roundtrip(from);
    let source = manager.create_source(&fixture[from].handle.clone(), ());
    source.offer("text/plain".into());
    device.set_selection(Some(&source), fixture[from].seen.serial);
    fixture.roundtrip(from);
    (from, source)
}

#[test]
fn what_is_marked_in_one_window_is_pasted_into_another() {
    let mut fixture = Fixture::new(&["320x200"]);
    let (from, _source) = marks(&mut fixture);
    let to = fixture.client();
    device(&fixture, to);
    fixture.map(to, Picture::Solid(GREEN));
    let offer = fixture[to].seen.clipboard.primary.clone().expect("the window in front was offered nothing");
    let (reader, writer) = std::io::pipe().unwrap();
    offer.receive("text/plain".into(), writer.as_fd());
    drop(writer);
    fixture.roundtrip(to);
    fixture.roundtrip(from);
    fixture.roundtrip(from);
    assert_eq!(std::io::read_to_string(reader).unwrap(), "as text/plain");
}

#[test]
fn what_is_marked_is_gone_with_its_source() {
    let mut fixture = Fixture::new(&["320x200"]);
    let (from, source) = marks(&mut fixture);
    let to = fixture.client();
    device(&fixture, to);
    fixture.map(to, Picture::Solid(GREEN));
    assert!(fixture[to].seen.clipboard.primary.is_some());
    source.destroy();
    fixture.roundtrip(from);
    fixture.roundtrip(to);
    assert!(fixture[to].seen.clipboard.primary.is_none(), "still offered");
}

#[test]
fn a_device_that_is_made_while_its_client_has_the_keyboard_is_told_what_is_marked() {
    let mut fixture = Fixture::new(&["320x200"]);
    let (from, _source) = marks(&mut fixture);
    let to = fixture.client();
    fixture.map(to, Picture::Solid(GREEN));
    device(&fixture, to);
    fixture.roundtrip(to);
    assert!(fixture[to].seen.clipboard.primary.is_some(), "it was told nothing");
    // Who has not the keyboard is told nothing yet.
    let told = fixture[from].seen.clipboard.primaries;
    device(&fixture, from);
    fixture.roundtrip(from);
    assert_eq!(fixture[from].seen.clipboard.primaries, told);
}

#[test]
fn a_client_has_so_many_devices() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    fixture.map(client, Picture::Solid(RED));
    for _ in 0..16 {
        device(&fixture, client);
    }
    fixture.roundtrip(client);
    assert!(!fixture[client].is_gone());
    device(&fixture, client);
    assert_eq!(fixture.protocol_error_of(client), ("zwp_primary_selection_device_manager_v1".into(), 1000));
    fixture.assert_serving();
}

#[test]
fn a_client_that_keeps_every_offer_is_let_go() {
    let mut fixture = Fixture::new(&["320x200"]);
    let (from, _source) = marks(&mut fixture);
    let (manager, device) = device(&fixture, from);
    let handle = fixture[from].handle.clone();
    let mut count = 0;
    while !fixture[from].is_gone() {
        count += 1;
        assert!(count < 3000, "{count} selections, and it keeps the offers of all");
        let source = manager.create_source(&handle, ());
        source.offer("text/plain".into());
        device.set_selection(Some(&source), fixture[from].seen.serial);
        source.destroy();
        if count % 20 == 0 {
            fixture.turn(std::time::Duration::ZERO);
        }
    }
    assert!(count > 300, "let go after {count} selections");
    fixture.assert_serving();
}

#[test]
fn the_types_of_a_source_have_a_length() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let (manager, _device) = device(&fixture, client);
    let source = manager.create_source(&fixture[client].handle.clone(), ());
    for number in 0..10 {
        source.offer(format!("text/{number}{}", "x".repeat(2000)));
        fixture.hand_over(client);
    }
    assert_eq!(fixture.protocol_error_of(client), ("zwp_primary_selection_source_v1".into(), 1000));
    fixture.assert_serving();
}
