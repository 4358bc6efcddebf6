//! Random clients, from random bytes to random well-formed requests between random input.

use std::time::Duration;

use kioskd::privilege::Privilege;
use proptest::prelude::*;

use super::{
    Bystander,
    speaker::{Choice, Speaker},
};
use crate::fixture::{
    Fixture,
    hands::keys,
    wire::{Arg, DISPLAY, Wire},
};

/// `PROPTEST_CASES` overrides the default number.
fn config(everyday: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(everyday);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// One step of a run.
#[derive(Debug, Clone)]
enum Event {
    Say(Choice),
    Turn,
    Point(u8, u8),
    Button(bool),
    Touch(u8, u8),
    Lift,
    Key(bool),
    Rotate(u8),
}

fn choice() -> impl Strategy<Value = Choice> {
    (any::<u16>(), any::<u8>(), any::<[u16; 6]>()).prop_map(|(object, request, arguments)| Choice {
        object,
        request,
        arguments,
    })
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        40 => choice().prop_map(Event::Say),
        6 => Just(Event::Turn),
        2 => any::<(u8, u8)>().prop_map(|(x, y)| Event::Point(x, y)),
        2 => any::<bool>().prop_map(Event::Button),
        1 => any::<(u8, u8)>().prop_map(|(x, y)| Event::Touch(x, y)),
        1 => Just(Event::Lift),
        1 => any::<bool>().prop_map(Event::Key),
        1 => (0..4u8).prop_map(Event::Rotate),
    ]
}

/// How far the client gets before it sends random requests.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub enum Start {
    Bound,
    Surface,
    Toplevel,
    Mapped,
    Popup,
}

fn turn(fixture: &mut Fixture, speaker: &mut Speaker) {
    fixture.turn(Duration::ZERO);
    speaker.listen();
}

pub fn prologue(fixture: &mut Fixture, speaker: &mut Speaker, start: Start) {
    speaker.say("wl_seat", "get_pointer", &[]);
    speaker.say("wl_seat", "get_keyboard", &[]);
    speaker.say("wl_seat", "get_touch", &[]);
    let seat = speaker.newest("wl_seat");
    speaker.say("wl_data_device_manager", "get_data_device", &[seat]);
    speaker.say("wl_data_device_manager", "create_data_source", &[]);
    if start >= Start::Surface {
        speaker.say("wl_compositor", "create_surface", &[]);
        speaker.say("wl_shm", "create_pool", &[64 * 64 * 4]);
        speaker.say("wl_shm_pool", "create_buffer", &[0, 64, 64, 256, 1]);
    }
    let surface = speaker.newest("wl_surface");
    if start >= Start::Toplevel {
        speaker.say("xdg_wm_base", "get_xdg_surface", &[surface]);
        speaker.say("xdg_surface", "get_toplevel", &[]);
        speaker.say("wl_surface", "commit", &[]);
        turn(fixture, speaker);
        turn(fixture, speaker);
    }
    if start >= Start::Mapped {
        let serial = speaker.configured();
        speaker.say("xdg_surface", "ack_configure", &[serial]);
        let buffer = speaker.newest("wl_buffer");
        speaker.say("wl_surface", "attach", &[buffer]);
        speaker.say("wl_surface", "damage", &[0, 0, 64, 64]);
        speaker.say("wl_surface", "commit", &[]);
        turn(fixture, speaker);
    }
    if start >= Start::Popup {
        fixture.point((160.0, 100.0));
        fixture.button(true);
        turn(fixture, speaker);
        let parent = speaker.newest("xdg_surface");
        speaker.say("xdg_wm_base", "create_positioner", &[]);
        speaker.say("xdg_positioner", "set_size", &[20, 20]);
        speaker.say("xdg_positioner", "set_anchor_rect", &[1, 1, 5, 5]);
        let positioner = speaker.newest("xdg_positioner");
        speaker.say("wl_compositor", "create_surface", &[]);
        let surface = speaker.newest("wl_surface");
        speaker.say("xdg_wm_base", "get_xdg_surface", &[surface]);
        speaker.say("xdg_surface", "get_popup", &[parent, positioner]);
        let serial = speaker.last_heard();
        speaker.say("xdg_popup", "grab", &[seat, serial]);
        speaker.say("wl_surface", "commit", &[]);
        turn(fixture, speaker);
    }
}

fn play(start: Start, events: &[Event]) {
    let mut fixture = Fixture::new(&["320x200"]);
    fixture.offer_gpu();
    fixture.panels.offer_leases(&[41, 42]);
    fixture.kiosk.displays_changed();
    let bystander = Bystander::new(&mut fixture);
    let globals = fixture[bystander.client].seen.globals.clone();
    let mut speaker = Speaker::new(fixture.socket(Privilege::Shell), &globals);
    prologue(&mut fixture, &mut speaker, start);
    assert!(!speaker.closed, "the prologue is no nonsense");
    let (mut finger, mut lives) = (0, 4);
    for event in events {
        if speaker.closed {
            lives -= 1;
            if lives == 0 {
                break;
            }
            speaker = Speaker::new(fixture.socket(Privilege::Shell), &globals);
            prologue(&mut fixture, &mut speaker, start);
        }
        match event {
            Event::Say(choice) => speaker.babble(*choice),
            Event::Turn => turn(&mut fixture, &mut speaker),
            Event::Point(x, y) => fixture.point((f64::from(*x), f64::from(*y) * 0.7)),
            Event::Button(pressed) => fixture.button(*pressed),
            Event::Touch(x, y) => {
                finger += 1;
                fixture.touch_down(finger, (f64::from(*x), f64::from(*y) * 0.7));
            }
            Event::Lift => {
                fixture.touch_up(finger);
                finger = finger.saturating_sub(1);
            }
            Event::Key(pressed) => fixture.key(keys::A, *pressed),
            Event::Rotate(quarters) => fixture.rotate(u32::from(*quarters) * 90),
        }
    }
    turn(&mut fixture, &mut speaker);
    bystander.assert_unharmed(&mut fixture);
    drop(speaker);
    fixture.turn(Duration::ZERO);
    bystander.assert_unharmed(&mut fixture);
}

/// A string of length 0 is null, which few requests allow. It once crashed the whole compositor.
#[test]
fn a_string_that_is_none_only_ends_its_own_connection() {
    let mut fixture = Fixture::new(&["320x200"]);
    let bystander = Bystander::new(&mut fixture);
    let globals = fixture[bystander.client].seen.globals.clone();
    let mut asked = 0;
    for (interface, request) in Speaker::requests_with_text() {
        let mut speaker = Speaker::new(fixture.socket(Privilege::Shell), &globals);
        prologue(&mut fixture, &mut speaker, Start::Mapped);
        speaker.say("zwp_primary_selection_device_manager_v1", "create_source", &[]);
        speaker.say("xdg_activation_v1", "get_activation_token", &[]);
        turn(&mut fixture, &mut speaker);
        assert!(!speaker.closed, "the prologue is no nonsense");
        if speaker.newest(interface) == 0 {
            continue;
        }
        asked += 1;
        speaker.silent = true;
        speaker.say(interface, request, &[]);
        turn(&mut fixture, &mut speaker);
        bystander.assert_unharmed(&mut fixture);
    }
    assert!(asked >= 6, "only {asked} requests with a string were tried");
    let mut wire = Wire::new(fixture.socket(Privilege::Shell));
    wire.request(DISPLAY, 1, &[Arg::Word(2)]);
    wire.request(2, 0, &[Arg::Word(1), Arg::NoText, Arg::Word(1), Arg::Word(3)]);
    fixture.turn(Duration::ZERO);
    bystander.assert_seen(&mut fixture);
}

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn no_sequence_of_requests_affects_other_clients(
        start in prop::sample::select(vec![Start::Bound, Start::Surface, Start::Toplevel, Start::Mapped, Start::Popup]),
        events in prop::collection::vec(event(), 1..120),
    ) {
        play(start, &events);
    }
}

proptest! {
    #![proptest_config(config(40))]

    #[test]
    fn random_bytes_only_end_their_own_connection(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut fixture = Fixture::new(&["320x200"]);
        let bystander = Bystander::new(&mut fixture);
        let mut wire = Wire::new(fixture.socket(Privilege::Shell));
        wire.send(&bytes);
        fixture.turn(Duration::ZERO);
        bystander.assert_seen(&mut fixture);
        drop(wire);
        fixture.turn(Duration::ZERO);
        bystander.assert_seen(&mut fixture);
    }

    /// Bytes that look like messages for existing objects.
    #[test]
    fn random_messages_only_end_their_own_connection(
        messages in prop::collection::vec((0u32..8, 0u16..6, prop::collection::vec(any::<u32>(), 0..6)), 1..30),
        lie in any::<Option<u16>>(),
    ) {
        let mut fixture = Fixture::new(&["320x200"]);
        let bystander = Bystander::new(&mut fixture);
        let mut wire = Wire::new(fixture.socket(Privilege::Shell));
        wire.request(DISPLAY, 1, &[Arg::Word(2)]);
        for (object, opcode, words) in &messages {
            let arguments: Vec<Arg<'_>> = words.iter().map(|word| Arg::Word(*word)).collect();
            let mut message = Wire::message(*object, *opcode, &arguments);
            if let Some(size) = lie {
                // A length that does not match the message.
                message[6..8].copy_from_slice(&size.to_ne_bytes());
            }
            wire.send(&message);
        }
        fixture.turn(Duration::ZERO);
        bystander.assert_seen(&mut fixture);
    }
}
