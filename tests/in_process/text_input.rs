//! Text inputs: focus events, the state that clients set for their fields, and text that is sent past the keymap.

use kioskd::keyboard::field::Purpose;
use wayland_client::Proxy;
use wayland_protocols::wp::text_input::zv3::client::zwp_text_input_v3::{ContentHint, ContentPurpose};

use crate::fixture::{Fixture, picture::Picture, text::TextSeen};

const RED: Picture = Picture::Solid([255, 0, 0]);

fn commit(text: &str, serial: u32) -> TextSeen {
    TextSeen::Commit { text: text.into(), serial }
}

#[test]
fn each_text_input_of_the_focused_client_enters_and_leaves_with_the_keyboard() {
    let mut fixture = Fixture::new(&["320x200"]);
    let (first, other) = (fixture.client(), fixture.client());
    let early = fixture[first].text_input();
    let window = fixture.map(first, RED);
    let late = fixture[first].text_input();
    let strange = fixture[other].text_input();
    fixture.roundtrip(first);
    for input in [&early, &late] {
        assert_eq!(fixture[first].text_seen(input), [TextSeen::Enter(window.id())]);
    }
    let above = fixture.map(other, RED);
    fixture.roundtrip(first);
    for input in [&early, &late] {
        assert_eq!(fixture[first].text_seen(input), [TextSeen::Enter(window.id()), TextSeen::Leave]);
    }
    assert_eq!(fixture[other].text_seen(&strange), [TextSeen::Enter(above.id())]);
    fixture.disconnect(other);
    fixture.until("the focus back", |fixture| fixture[first].text_seen(&early).len() == 3);
    assert_eq!(fixture[first].text_seen(&early)[2], TextSeen::Enter(window.id()));
}

#[test]
fn a_field_counts_from_its_commit_to_its_end_and_texts_name_the_commits() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let input = fixture[client].text_input();
    fixture.map(client, RED);
    assert!(!fixture.kiosk.type_text("ü"), "there is no field yet");
    input.enable();
    input.set_content_type(ContentHint::None, ContentPurpose::Email);
    fixture.roundtrip(client);
    assert_eq!(fixture.kiosk.text_field(), None, "not committed");
    input.commit();
    fixture.roundtrip(client);
    assert_eq!(fixture.kiosk.text_field().map(|focused| focused.field.purpose), Some(Purpose::Email));
    assert!(fixture.kiosk.type_text("ü"));
    input.set_content_type(ContentHint::HiddenText, ContentPurpose::Normal);
    input.commit();
    fixture.roundtrip(client);
    assert_eq!(fixture.kiosk.text_field().map(|focused| focused.field.secret), Some(true));
    assert!(fixture.kiosk.type_text("ß"));
    fixture.roundtrip(client);
    assert_eq!(fixture[client].text_seen(&input)[1..], [commit("ü", 1), commit("ß", 2)]);
    input.disable();
    input.commit();
    fixture.roundtrip(client);
    assert_eq!(fixture.kiosk.text_field(), None);
}

#[test]
fn of_several_fields_the_one_that_was_enabled_last_is_typed_into() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let (first, second) = (fixture[client].text_input(), fixture[client].text_input());
    fixture.map(client, RED);
    fixture[client].focus_field(&first, ContentHint::None, ContentPurpose::Normal);
    fixture[client].focus_field(&second, ContentHint::None, ContentPurpose::Phone);
    fixture.roundtrip(client);
    assert!(fixture.kiosk.type_text("1"));
    fixture.roundtrip(client);
    assert_eq!(fixture[client].text_seen(&second)[1..], [commit("1", 1)]);
    second.destroy();
    fixture.roundtrip(client);
    assert!(fixture.kiosk.type_text("2"));
    fixture.roundtrip(client);
    assert_eq!(fixture[client].text_seen(&first)[1..], [commit("2", 1)]);
}

#[test]
fn what_is_said_without_the_focus_or_in_bad_form_does_nothing_and_no_harm() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let input = fixture[client].text_input();
    fixture[client].focus_field(&input, ContentHint::None, ContentPurpose::Normal);
    fixture.roundtrip(client);
    fixture.map(client, RED);
    assert_eq!(fixture.kiosk.text_field(), None, "it was said before the focus was there");
    input.enable();
    for (cursor, anchor) in [(1, 0), (0, 1), (-1, 0), (i32::MAX, i32::MIN), (3, 3)] {
        input.set_surrounding_text("ä".into(), cursor, anchor);
        input.commit();
    }
    input.set_surrounding_text("a".repeat(4000), 4000, 0);
    input.set_cursor_rectangle(i32::MIN, i32::MAX, -1, i32::MIN);
    for _ in 0..1000 {
        input.commit();
    }
    fixture.roundtrip(client);
    assert!(fixture.kiosk.type_text("x"));
    fixture.roundtrip(client);
    assert_eq!(fixture[client].text_seen(&input).last(), Some(&commit("x", 1006)));
    assert!(fixture[client].error().is_none());
}

#[test]
fn a_client_that_dies_in_its_field_leaves_nothing_behind() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let input = fixture[client].text_input();
    fixture.map(client, RED);
    fixture[client].focus_field(&input, ContentHint::None, ContentPurpose::Normal);
    fixture.roundtrip(client);
    assert!(fixture.kiosk.text_field().is_some());
    fixture.disconnect(client);
    fixture.until("the field's end", |fixture| fixture.kiosk.text_field().is_none());
    assert!(!fixture.kiosk.type_text("x"));
    fixture.assert_serving();
}

#[test]
fn too_many_text_inputs_are_refused() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    for _ in 0..=fixture.kiosk.settings.config.limits.objects {
        let _ = fixture[client].text_input();
    }
    fixture[client].sync();
    fixture.until("the client to be disconnected", |fixture| fixture[client].is_gone());
    fixture.assert_serving();
}

#[test]
fn version_1_is_entered_while_the_surface_it_was_activated_for_has_the_keyboard() {
    let mut fixture = Fixture::new(&["320x200"]);
    let client = fixture.client();
    let input = fixture[client].text_input_v1();
    let window = fixture.map(client, RED);
    assert_eq!(fixture[client].text_seen(&input), []);
    let seat = fixture[client].bound().seat.clone();
    input.activate(&seat, &window.surface);
    input.commit_state(7);
    fixture.roundtrip(client);
    assert!(fixture.kiosk.type_text("é"));
    input.hide_input_panel();
    fixture.roundtrip(client);
    assert_eq!(fixture.kiosk.text_field(), None);
    input.show_input_panel();
    fixture.roundtrip(client);
    assert!(fixture.kiosk.text_field().is_some());
    input.deactivate(&seat);
    fixture.roundtrip(client);
    let seen = fixture[client].text_seen(&input);
    assert_eq!(seen, [TextSeen::Enter(window.surface.id()), commit("é", 7), TextSeen::Leave]);
    assert_eq!(fixture.kiosk.text_field(), None);
}
