//! The clipboard for tools without a window, as wl-copy and wl-paste use it.

use std::{io::Read, os::fd::AsFd};

use kioskd::privilege::Privilege;
use wayland_protocols::ext::data_control::v1::client::ext_data_control_manager_v1::ExtDataControlManagerV1;

use crate::fixture::{
    Fixture,
    clipboard::Clipboard,
    picture::{GREEN, Picture},
};

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
        fixture.hand_over(tool);
    }
    assert_eq!(fixture.protocol_error_of(tool), ("ext_data_control_source_v1".into(), 1000));
    let tool = fixture.client_of(Privilege::Admin);
    let manager: ExtDataControlManagerV1 = fixture[tool].bind();
    for _ in 0..=limits.sources * 4 {
        manager.create_data_source(&fixture[tool].handle.clone(), ());
        fixture.hand_over(tool);
    }
    assert_eq!(fixture.protocol_error_of(tool), ("ext_data_control_manager_v1".into(), 1000));
    fixture.assert_serving();
}
