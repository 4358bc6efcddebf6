//! A message of a D-Bus caller, from its first byte: it is none, or its arguments mean something to the kiosk, or they
//! are refused in a sentence. What is taken lies within what can be asked for.

use std::collections::HashMap;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use kiosk_bus::{Failure, read_message};
use kioskd::command::{Command, OutputChange};
use kioskd::control::change::{Options, set};
use kioskd::control::requests;
use kioskd::snapshot::{OutputSnapshot, Snapshot};
use zbus::{Message, OwnedVariant, Variant};

use crate::{Target, messages::assert_valid_message};

/// See the module.
pub const TARGET: Target = Target {
    name: "dbus",
    run,
    seeds,
    words: &[
        "ApplyOutputs",
        "ShowMessage",
        "ua(sa{sv})sa{sv}",
        "sa{sv}",
        "ssv",
        "HEADLESS-1",
        "revert-after",
        "temporary",
        "rotation",
        "\u{1}v\0",
        "\u{1}a",
        "(uuu)",
        "\0\0\0\0\0\0\0\0",
    ],
    longest: 2048,
};

const ROOT: &str = "/org/kioskd/Compositor1";

fn call<B: serde::Serialize + zbus::DynamicType>(interface: &str, member: &str, body: &B) -> Vec<u8> {
    let call = Message::method_call(ROOT, member).interface(interface);
    call.build(body).unwrap().data().to_vec()
}

fn seeds() -> Vec<Vec<u8>> {
    let own = "org.kioskd.Compositor1";
    let none = HashMap::<&str, Variant<'_>>::new;
    let change = |key: &'static str, value: Variant<'static>| vec![("HEADLESS-1", HashMap::from([(key, value)]))];
    let mut seeds: Vec<Vec<u8>> = [
        ("rotation", 90u32.into()),
        ("scale", 1.5.into()),
        ("mode", (1920u32, 1080u32, 60_000u32).into()),
        ("mode", "custom 1280x720@60".into()),
        ("position", (5i32, -5i32).into()),
        ("mirror", "HEADLESS-2".into()),
        ("power", true.into()),
        ("brightness", 50i32.into()),
    ]
    .into_iter()
    .map(|(key, value)| call(own, "ApplyOutputs", &(7u32, change(key, value), "keep", none())))
    .collect();
    let revert = HashMap::from([("revert-after", Variant::from("15s"))]);
    seeds.push(call(own, "ApplyOutputs", &(0u32, change("power", false.into()), "temporary", revert)));
    seeds.push(call(own, "ShowMessage", &("Hello", HashMap::from([("title", Variant::from("x"))]))));
    seeds.push(call(own, "Screenshot", &("HEADLESS-1", none())));
    seeds.push(call(own, "SwitchVt", &2u32));
    seeds.push(call("org.freedesktop.DBus.Properties", "Set", &("org.kioskd.Output1", "Scale", Variant::from(2.0))));
    seeds.push(call("org.freedesktop.DBus.Properties", "GetAll", &"org.kioskd.Output1"));
    seeds
}

fn snapshot() -> Snapshot {
    let output = |name: &str, brightness| OutputSnapshot { name: name.into(), brightness, ..OutputSnapshot::default() };
    Snapshot { outputs: vec![output("HEADLESS-1", 50), output("HEADLESS-2", -1)], ..Snapshot::default() }
}

/// The message is there: reading it never waits.
fn message(input: &[u8]) -> Option<Message> {
    let mut reading = pin!(read_message(input.to_vec()));
    match reading.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(read) => read.ok(),
        Poll::Pending => panic!("reading what is there waits"),
    }
}

fn run(input: &[u8]) {
    let Some(message) = message(input) else { return };
    let header = message.header();
    let _ = (header.path(), header.interface(), header.sender(), header.unix_fds());
    let signature = message.body().signature().to_string_no_parens();
    let member = header.member().map_or("", |member| member.as_str());
    match understood(&message, member, &signature, &snapshot()) {
        Some(Ok(command)) => assert!(is_sane(&command), "{command:?}"),
        Some(Err(failure)) => {
            assert_valid_message(&failure.text);
            assert!(failure.name.starts_with("org."), "{}", failure.name);
        }
        None => {}
    }
}

/// As the methods of the objects do it; `None`: these are not the arguments of one.
fn understood(
    message: &Message,
    member: &str,
    signature: &str,
    snapshot: &Snapshot,
) -> Option<Result<Command, Failure>> {
    let body = message.body();
    let asked = match (member, signature) {
        ("ApplyOutputs", "ua(sa{sv})sa{sv}") => {
            let (serial, changes, mode, options): (u32, Vec<(String, Options)>, String, Options) =
                body.deserialize_ignore_signature().ok()?;
            requests::apply_outputs(snapshot, serial, changes, &mode, &options)
        }
        ("Screenshot", "sa{sv}") => {
            let (output, options): (String, Options) = body.deserialize_ignore_signature().ok()?;
            requests::screenshot(snapshot, &output, &options)
        }
        ("ShowMessage", "sa{sv}") => {
            let (text, options): (String, Options) = body.deserialize_ignore_signature().ok()?;
            requests::show_message(&text, &options)
        }
        ("ShowPairing", "ssa{sv}") => {
            let (url, code, options): (String, String, Options) = body.deserialize_ignore_signature().ok()?;
            requests::show_pairing(&url, &code, &options)
        }
        ("SwitchVt", "u") => requests::switch_vt(body.deserialize_ignore_signature().ok()?),
        ("Set", "ssv") => {
            let (_, key, value): (String, String, OwnedVariant) = body.deserialize_ignore_signature().ok()?;
            let mut change = OutputChange::default();
            let key = key.to_ascii_lowercase();
            if let Err(failure) = set(&mut change, &snapshot.outputs[0], snapshot, &key, &value) {
                return Some(Err(failure));
            }
            let changes = vec![("HEADLESS-1".to_owned(), change)];
            return Some(Ok(Command::ApplyOutputs { serial: 0, changes, mode: kioskd::command::ApplyMode::Keep }));
        }
        _ => return None,
    };
    Some(asked.map(|(_, command)| command))
}

/// Whether it is one that can be carried out, or refused for what the screens are.
fn is_sane(command: &Command) -> bool {
    match command {
        Command::ApplyOutputs { changes, .. } => changes.iter().all(|(name, change)| {
            let known = |name: &str| matches!(name, "HEADLESS-1" | "HEADLESS-2");
            known(name)
                && change.mirror.as_ref().is_none_or(|mirror| mirror.is_empty() || (known(mirror) && mirror != name))
        }),
        Command::ShowMessage { title, text } => !title.contains('\u{1b}') && !text.contains('\u{1b}'),
        Command::ShowPairing(request) => {
            let texts = [&request.title, &request.code, request.url.as_ref().unwrap_or(&request.title)];
            texts.iter().all(|text| !text.contains(char::is_control) && text.len() < 1_000)
        }
        Command::Screenshot { output } => output.as_deref().is_none_or(|name| name.starts_with("HEADLESS-")),
        Command::SwitchVt { .. } => true,
        _ => false,
    }
}
