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
