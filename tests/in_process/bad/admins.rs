//! Tools on the admin socket that manage screens wrongly: protocol errors end the client, other mistakes have no
//! consequences, and the screens stay as they are.

use wayland_client::{Proxy, protocol::wl_output::Transform};
use wayland_protocols_wlr::{
    output_management::v1::client::{
        zwlr_output_configuration_head_v1::Error as HeadError,
        zwlr_output_configuration_v1::{Error, ZwlrOutputConfigurationV1},
        zwlr_output_manager_v1::ZwlrOutputManagerV1,
    },
    output_power_management::v1::client::zwlr_output_power_manager_v1::ZwlrOutputPowerManagerV1,
};

use super::Bystander;
use crate::fixture::{
    ClientId, Fixture,
    client::Client,
    output_tool::{Answer, HeadConfiguration, PowerSeen},
    wire::{Arg, Wire},
};

const FIRST: &str = "HEADLESS-1";
const SECOND: &str = "HEADLESS-2";
/// Opcodes of requests whose values the client library limits.
const SET_TRANSFORM: u16 = 3;
const SET_ADAPTIVE_SYNC: u16 = 5;

type Wrong = fn(&Client, &ZwlrOutputManagerV1, &ZwlrOutputConfigurationV1);

/// Sends the wrong requests, and checks the client's error and that the screens are unchanged.
#[track_caller]
fn ends_with(interface: &str, code: u32, wrong: Wrong) {
    let mut fixture = Fixture::new(&["320x200", "200x100"]);
    let bystander = Bystander::new(&mut fixture);
    let (client, manager) = fixture.tool();
    let configuration = fixture[client].configuration(&manager);
    wrong(&fixture[client], &manager, &configuration);
    assert_eq!(fixture.protocol_error_of(client), (interface.to_owned(), code));
    assert!(fixture.kiosk.screens.iter().all(|screen| screen.power && screen.scale() == 1.0));
    bystander.assert_seen(&mut fixture);
}

#[track_caller]
fn configuration_error(error: Error, wrong: Wrong) {
    ends_with("zwlr_output_configuration_v1", error as u32, wrong);
}

#[test]
fn a_head_is_configured_once() {
    let twice: [Wrong; 3] = [
        |tool, _, configuration| {
            tool.enable(configuration, FIRST);
            tool.enable(configuration, FIRST);
        },
        |tool, _, configuration| {
            tool.disable(configuration, FIRST);
            tool.enable(configuration, FIRST).set_scale(2.0);
        },
        |tool, _, configuration| {
            tool.disable(configuration, FIRST);
            tool.disable(configuration, FIRST);
        },
    ];
    twice.into_iter().for_each(|wrong| configuration_error(Error::AlreadyConfiguredHead, wrong));
}

#[test]
fn no_head_is_left_out() {
    let short: [Wrong; 2] = [
        |tool, _, configuration| {
            tool.enable(configuration, FIRST).set_scale(2.0);
            configuration.apply();
        },
        |_, _, configuration| configuration.test(),
    ];
    short.into_iter().for_each(|wrong| configuration_error(Error::UnconfiguredHead, wrong));
}

#[test]
fn a_configuration_is_used_once() {
    fn used(tool: &Client, configuration: &ZwlrOutputConfigurationV1) {
        tool.enable(configuration, FIRST);
        tool.enable(configuration, SECOND);
        configuration.test();
    }
    let again: [Wrong; 4] = [
        |tool, _, configuration| {
            used(tool, configuration);
            configuration.apply();
        },
        |tool, _, configuration| {
            used(tool, configuration);
            configuration.test();
        },
        |tool, _, configuration| {
            used(tool, configuration);
            tool.enable(configuration, FIRST);
        },
        |tool, _, configuration| {
            used(tool, configuration);
            tool.disable(configuration, FIRST);
        },
    ];
    again.into_iter().for_each(|wrong| configuration_error(Error::AlreadyUsed, wrong));
}

#[test]
fn a_property_is_set_once_and_to_what_there_is() {
    type Set = fn(&Client, &HeadConfiguration);
    let wrongs: [(HeadError, Set); 12] = [
        (HeadError::AlreadySet, |_, head| (0..2).for_each(|_| head.set_scale(1.0))),
        (HeadError::AlreadySet, |_, head| (0..2).for_each(|_| head.set_position(0, 0))),
        (HeadError::AlreadySet, |_, head| (0..2).for_each(|_| head.set_transform(Transform::Normal))),
        (HeadError::AlreadySet, |tool, head| {
            head.set_mode(&tool.seen.admin.mode(&tool.seen.admin.head(FIRST).modes[0]).mode);
            head.set_custom_mode(320, 200, 0);
        }),
        (HeadError::InvalidMode, |tool, head| {
            head.set_mode(&tool.seen.admin.mode(&tool.seen.admin.head(SECOND).modes[0]).mode);
        }),
        (HeadError::InvalidCustomMode, |_, head| head.set_custom_mode(0, 200, 60_000)),
        (HeadError::InvalidCustomMode, |_, head| head.set_custom_mode(320, -1, 60_000)),
        (HeadError::InvalidCustomMode, |_, head| head.set_custom_mode(320, 200, i32::MIN)),
        (HeadError::InvalidScale, |_, head| head.set_scale(0.0)),
        (HeadError::InvalidScale, |_, head| head.set_scale(-1.0)),
        (HeadError::InvalidTransform, |tool, head| tool.say(head, SET_TRANSFORM, u32::MAX)),
        (HeadError::InvalidAdaptiveSyncState, |tool, head| tool.say(head, SET_ADAPTIVE_SYNC, 2)),
    ];
    for (error, set) in wrongs {
        let mut fixture = Fixture::new(&["320x200", "200x100"]);
        let bystander = Bystander::new(&mut fixture);
        let (client, manager) = fixture.tool();
        let configuration = fixture[client].configuration(&manager);
        let head = fixture[client].enable(&configuration, FIRST);
        fixture[client].enable(&configuration, SECOND);
        set(&fixture[client], &head);
        configuration.apply();
        let wanted = ("zwlr_output_configuration_head_v1".to_owned(), error as u32);
        assert_eq!(fixture.protocol_error_of(client), wanted, "{error:?}");
        bystander.assert_seen(&mut fixture);
    }
}

#[test]
fn a_power_mode_that_there_is_not_ends_the_client() {
    let mut fixture = Fixture::new(&["320x200"]);
    let bystander = Bystander::new(&mut fixture);
    let (client, _) = fixture.tool();
    let manager: ZwlrOutputPowerManagerV1 = fixture[client].bind();
    let control = fixture[client].power(&manager, 0);
    fixture[client].say(&control, 0, 7);
    assert_eq!(fixture.protocol_error_of(client), ("zwlr_output_power_v1".to_owned(), 1));
    assert!(fixture.primary().power);
    bystander.assert_seen(&mut fixture);
}

#[test]
fn objects_may_be_left_in_any_order() {
    let mut fixture = Fixture::new(&["320x200", "200x100"]);
    let bystander = Bystander::new(&mut fixture);
    let (client, manager) = fixture.tool();
    let configuration = fixture[client].configuration(&manager);
    let head = fixture[client].enable(&configuration, FIRST);
    fixture[client].enable(&configuration, SECOND);
    let other = fixture[client].configuration(&manager);
    let late = fixture[client].enable(&other, FIRST);
    let told = &fixture[client].seen.admin;
    let mode = told.mode(&told.head(FIRST).modes[0]).mode.clone();
    // Nothing can be set in a configuration that is destroyed or answered.
    other.destroy();
    late.set_scale(-1.0);
    manager.stop();
    told.head(FIRST).head.release();
    head.set_mode(&mode);
    mode.release();
    configuration.apply();
    head.set_scale(-1.0);
    assert_eq!(fixture.answer_to(client, &configuration), Answer::Cancelled, "its heads are not told of any more");
    assert!(fixture[client].error().is_none());
    fixture.disconnect(client);
    bystander.assert_seen(&mut fixture);
}

#[test]
fn a_client_may_die_in_the_middle_of_a_configuration() {
    let mut fixture = Fixture::new(&["320x200", "200x100"]);
    let bystander = Bystander::new(&mut fixture);
    let (client, manager) = fixture.tool();
    let power: ZwlrOutputPowerManagerV1 = fixture[client].bind();
    fixture[client].power(&power, 0);
    let configuration = fixture[client].configuration(&manager);
    fixture[client].enable(&configuration, FIRST).set_scale(2.0);
    fixture.roundtrip(client);
    fixture.disconnect(client);
    fixture.rotate(90);
    fixture.rotate(0);
    bystander.assert_seen(&mut fixture);
}

/// Far more than tools need.
const MANY: usize = 2000;

#[test]
fn managers_configurations_and_controls_have_an_end() {
    let mut fixture = Fixture::new(&["320x200", "200x100"]);
    let bystander = Bystander::new(&mut fixture);
    let (client, manager) = fixture.tool();
    for _ in 0..MANY {
        let _: ZwlrOutputManagerV1 = fixture[client].bind();
    }
    fixture.roundtrip(client);
    let told = &fixture[client].seen.admin;
    assert!((1..=16).contains(&(told.heads.len() / 2)), "{} heads", told.heads.len());
    assert_eq!(told.finished, MANY + 1 - told.heads.len() / 2);

    let many: Vec<_> = (0..MANY).map(|_| fixture[client].configuration(&manager)).collect();
    fixture.roundtrip(client);
    let cancelled = fixture[client].seen.admin.answers.len();
    assert!((MANY - 100..MANY).contains(&cancelled), "{cancelled}");
    assert!(fixture[client].seen.admin.answers.iter().all(|(_, answer)| *answer == Answer::Cancelled));
    // A cancelled configuration gets no further answer.
    let last = many.last().unwrap();
    last.enable_head(&fixture[client].seen.admin.heads[0].head, &fixture[client].handle, ()).set_scale(2.0);
    last.apply();
    many.iter().for_each(ZwlrOutputConfigurationV1::destroy);
    fixture.roundtrip(client);
    assert_eq!(fixture[client].seen.admin.answers.len(), cancelled);
    works(&mut fixture, client, &manager);

    let power: ZwlrOutputPowerManagerV1 = fixture[client].bind();
    let output = fixture[client].wl_output(0);
    for _ in 0..MANY {
        power.get_output_power(&output, &fixture[client].handle, ());
    }
    fixture.roundtrip(client);
    let failed = fixture[client].seen.admin.power.iter().filter(|(_, said)| *said == PowerSeen::Failed).count();
    assert!((MANY - 100..MANY).contains(&failed), "{failed}");
    bystander.assert_seen(&mut fixture);
}

#[track_caller]
fn works(fixture: &mut Fixture, client: ClientId, manager: &ZwlrOutputManagerV1) {
    let configuration = fixture[client].configuration(manager);
    for name in [FIRST, SECOND] {
        fixture[client].enable(&configuration, name);
    }
    configuration.apply();
    assert_eq!(fixture.answer_to(client, &configuration), Answer::Succeeded);
}

impl Client {
    /// Sends a request with a value that the client library does not allow.
    fn say(&self, object: &impl Proxy, opcode: u16, word: u32) {
        let bytes = Wire::message(object.id().protocol_id(), opcode, &[Arg::Word(word)]);
        self.send_raw(&bytes);
    }
}

#[test]
fn a_manager_too_many_is_told_so_in_the_turn_in_which_it_came() {
    let mut fixture = Fixture::new(&["320x200"]);
    let (client, _) = fixture.tool();
    for _ in 0..8 {
        let _: ZwlrOutputManagerV1 = fixture[client].bind();
    }
    assert!(fixture[client].flushed());
    // After frame callbacks, clients are read at the end of the turn: no event follows that wakes the loop.
    fixture.kiosk.clients.answered = true;
    fixture.kiosk.settle();
    fixture[client].pump();
    assert_eq!(fixture[client].seen.admin.finished, 1);
}
