//! The clipboard for tools without a window, as wl-copy and wl-paste use it.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::AsFd,
};

use kioskd::privilege::Privilege;
use wayland_client::{Connection, Dispatch, QueueHandle, delegate_noop, event_created_child};
use wayland_protocols::ext::data_control::v1::client::{
    ext_data_control_device_v1::{self, ExtDataControlDeviceV1},
    ext_data_control_manager_v1::ExtDataControlManagerV1,
    ext_data_control_offer_v1::{self, ExtDataControlOfferV1},
    ext_data_control_source_v1::{self, ExtDataControlSourceV1},
};

use crate::fixture::{
    Fixture,
    clipboard::Clipboard,
    picture::{GREEN, Picture},
    seen::Seen,
};

delegate_noop!(Seen: ExtDataControlManagerV1);

impl Dispatch<ExtDataControlSourceV1, ()> for Seen {
    fn event(
        seen: &mut Self,
        _: &ExtDataControlSourceV1,
        event: ext_data_control_source_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            ext_data_control_source_v1::Event::Send { mime_type, fd } => {
                File::from(fd).write_all(format!("as {mime_type}").as_bytes()).unwrap();
            }
            ext_data_control_source_v1::Event::Cancelled => seen.clipboard.cancelled += 1,
            _ => {}
        }
    }
}

impl Dispatch<ExtDataControlDeviceV1, ()> for Seen {
    fn event(
        seen: &mut Self,
        _: &ExtDataControlDeviceV1,
        event: ext_data_control_device_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let ext_data_control_device_v1::Event::Selection { id } = event {
            seen.clipboard.offer = id;
        }
    }

    event_created_child!(Seen, ExtDataControlDeviceV1, [
        ext_data_control_device_v1::EVT_DATA_OFFER_OPCODE => (ExtDataControlOfferV1, ()),
    ]);
}

impl Dispatch<ExtDataControlOfferV1, ()> for Seen {
    fn event(
        seen: &mut Self,
        _: &ExtDataControlOfferV1,
        event: ext_data_control_offer_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let ext_data_control_offer_v1::Event::Offer { mime_type } = event {
            seen.clipboard.types.push(mime_type);
        }
    }
}

#[test]
fn what_one_tool_copies_another_pastes() {
    let mut fixture = Fixture::new(&["320x200"]);
    let shell = fixture.client();
    fixture.map(shell, Picture::Solid(GREEN));
    let tools = [(); 2].map(|()| fixture.client_of(Privilege::Admin));
    let [copies, pastes] = tools;
    let devices = tools.map(|tool| {
        let manager: ExtDataControlManagerV1 = fixture[tool].bind();
        let (seat, handle) = (fixture[tool].bound().seat.clone(), fixture[tool].handle.clone());
        (manager.get_data_device(&seat, &handle, ()), manager)
    });
    let handle = fixture[copies].handle.clone();
    let source = devices[0].1.create_data_source(&handle, ());
    source.offer("text/plain".into());
    devices[0].0.set_selection(Some(&source));
    fixture.roundtrip(copies);
    fixture.roundtrip(pastes);
    let Clipboard { offer, types, .. } = &fixture[pastes].seen.clipboard;
    assert_eq!(types, &["text/plain"]);
    let (reader, writer) = std::io::pipe().unwrap();
    offer.as_ref().unwrap().receive("text/plain".into(), writer.as_fd());
    drop(writer);
    fixture.roundtrip(pastes);
    fixture.roundtrip(copies);
    let mut text = String::new();
    let mut reader = reader;
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "as text/plain");
    // Another client's selection replaces it.
    let handle = fixture[pastes].handle.clone();
    let other = devices[1].1.create_data_source(&handle, ());
    devices[1].0.set_selection(Some(&other));
    fixture.roundtrip(pastes);
    fixture.roundtrip(copies);
    assert_eq!(fixture[copies].seen.clipboard.cancelled, 1);
}

#[test]
fn a_source_has_so_many_types_and_a_client_so_many_sources() {
    let mut fixture = Fixture::new(&["320x200"]);
    let limits = fixture.kiosk.settings.config.limits.clone();
    let tool = fixture.client_of(Privilege::Admin);
    let manager: ExtDataControlManagerV1 = fixture[tool].bind();
    let source = manager.create_data_source(&fixture[tool].handle.clone(), ());
    for number in 0..=limits.mime_types * 4 {
        source.offer(format!("text/{number}"));
    }
    assert_eq!(fixture.protocol_error_of(tool), ("ext_data_control_source_v1".into(), 1000));
    let tool = fixture.client_of(Privilege::Admin);
    let manager: ExtDataControlManagerV1 = fixture[tool].bind();
    for _ in 0..=limits.sources * 4 {
        manager.create_data_source(&fixture[tool].handle.clone(), ());
    }
    assert_eq!(fixture.protocol_error_of(tool), ("ext_data_control_manager_v1".into(), 1000));
    fixture.assert_serving();
}
