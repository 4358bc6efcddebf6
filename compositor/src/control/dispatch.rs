//! What a method call means: finds the object, checks the arguments' form, and either has the reply at once
//! (properties, introspection, the object manager: all from the last snapshot) or a [`Command`] for the
//! event loop together with the right it needs.
//!
//! Pure but for the machine id. `connection` feeds it and carries out what it says.

use std::collections::{BTreeMap, BTreeSet};

use kiosk_core::{authority::Action, config::VtNumber};
use zbus::message::{Header, Message};
use zbus::{ObjectPath, Variant};

use super::answer::{
    Answer, INTROSPECTABLE, OBJECT_MANAGER, Object, PEER, PROPERTIES, arguments, reply, unknown_interface,
};
use super::change::{self, Options};
use super::failure::Failure;
use super::interfaces::{COMPOSITOR, INPUT, OUTPUT};
use super::names::{INPUTS_PATH, OUTPUTS_PATH, ROOT_PATH, quoted};
use super::standard_xml::{OBJECT_MANAGER_XML, STANDARD_XML, XML_HEADER};
use super::{diff, properties};
use crate::command::Command;
use crate::snapshot::Snapshot;

/// Virtual terminals that the kernel has (`MAX_NR_CONSOLES`).
/// Longest title and text of a message to people, characters: more would not fit on a screen.
const MAX_TITLE: usize = 200;
const MAX_TEXT: usize = 2000;

/// Answers `call`, a method call, as of `snapshot`.
pub fn dispatch(snapshot: &Snapshot, call: &Message) -> Result<Answer, Failure> {
    let header = call.header();
    let path = header.path().map_or("/", |p| p.as_str());
    let member = header.member().map_or("", |m| m.as_str());
    let interface = header.interface().map(|i| i.as_str());
    // The Peer interface is on every path (D-Bus specification, "Standard Interfaces").
    if interface == Some(PEER) {
        return peer(&header, member);
    }
    let object = find(snapshot, path)
        .ok_or_else(|| Failure::standard("UnknownObject", format!("there is no object {}", quoted(path))))?;
    match (interface, member) {
        (Some(INTROSPECTABLE) | None, "Introspect") => reply(&header, &introspect(snapshot, path, &object)),
        (Some(PROPERTIES) | None, "Get" | "Set" | "GetAll") => properties::properties(snapshot, &object, call),
        (Some(OBJECT_MANAGER) | None, "GetManagedObjects") if matches!(object, Object::Root) => {
            managed_objects(snapshot, &header)
        }
        (None, "Ping" | "GetMachineId") => peer(&header, member),
        (Some(name), _) if name == COMPOSITOR.name && matches!(object, Object::Root) => method(snapshot, call),
        (None, _) if matches!(object, Object::Root) => method(snapshot, call),
        (Some(name), _) if object.has(name) => Err(unknown_method(name, member)),
        (Some(name), _) => Err(unknown_interface(name)),
        (None, _) => Err(unknown_method("any interface", member)),
    }
}

fn find<'a>(snapshot: &'a Snapshot, path: &str) -> Option<Object<'a>> {
    if path == ROOT_PATH {
        return Some(Object::Root);
    }
    if path.starts_with(OUTPUTS_PATH)
        && let Some(output) = diff::outputs(snapshot).get(path)
    {
        return Some(Object::Output(output));
    }
    if path.starts_with(INPUTS_PATH)
        && let Some(input) = diff::inputs(snapshot).get(path)
    {
        return Some(Object::Input(input));
    }
    let above_root = path == "/" || (ROOT_PATH.starts_with(path) && ROOT_PATH[path.len()..].starts_with('/'));
    (above_root || path == OUTPUTS_PATH || path == INPUTS_PATH).then_some(Object::Branch)
}

fn unknown_method(interface: &str, member: &str) -> Failure {
    Failure::standard("UnknownMethod", format!("{interface} has no method {}", quoted(member)))
}

fn peer(header: &Header<'_>, member: &str) -> Result<Answer, Failure> {
    match member {
        "Ping" => reply(header, &()),
        "GetMachineId" => match std::fs::read_to_string("/etc/machine-id") {
            Ok(id) => reply(header, &id.trim()),
            Err(error) => Err(Failure::standard("Failed", format!("/etc/machine-id can't be read: {error}"))),
        },
        other => Err(unknown_method(PEER, other)),
    }
}

fn introspect(snapshot: &Snapshot, path: &str, object: &Object<'_>) -> String {
    let own = match object {
        Object::Branch => String::new(),
        Object::Root => format!("{OBJECT_MANAGER_XML}{}", COMPOSITOR.xml()),
        Object::Output(_) => OUTPUT.xml(),
        Object::Input(_) => INPUT.xml(),
    };
    let below = format!("{}/", path.trim_end_matches('/'));
    let children: BTreeSet<String> = [ROOT_PATH, OUTPUTS_PATH, INPUTS_PATH]
        .into_iter()
        .map(str::to_owned)
        .chain(diff::outputs(snapshot).into_keys())
        .chain(diff::inputs(snapshot).into_keys())
        .filter_map(|p| Some(p.strip_prefix(&below)?.split('/').next()?.to_owned()))
        .collect();
    let children: String = children.iter().map(|child| format!("  <node name=\"{child}\"/>\n")).collect();
    format!("{XML_HEADER}{own}{STANDARD_XML}{children}</node>\n")
}

fn managed_objects(snapshot: &Snapshot, header: &Header<'_>) -> Result<Answer, Failure> {
    let mut objects = BTreeMap::new();
    for (path, output) in diff::outputs(snapshot) {
        objects.insert(ObjectPath::try_from(path)?, BTreeMap::from([(OUTPUT.name, OUTPUT.values(output))]));
    }
    for (path, input) in diff::inputs(snapshot) {
        objects.insert(ObjectPath::try_from(path)?, BTreeMap::from([(INPUT.name, INPUT.values(input))]));
    }
    reply(header, &objects)
}

/// The methods of `org.kioskd.Compositor1`.
fn method(snapshot: &Snapshot, call: &Message) -> Result<Answer, Failure> {
    let header = call.header();
    let member = header.member().map_or("", |m| m.as_str());
    let Some(method) = COMPOSITOR.methods.iter().find(|m| m.name == member) else {
        return Err(unknown_method(COMPOSITOR.name, member));
    };
    let signature = method.input_signature();
    let screen = |request| Ok(Answer::Ask { action: Action::Screen, request });
    match method.name {
        "ApplyOutputs" => {
            type Arguments = (u32, Vec<(String, Options)>, String, Options);
            let (serial, asked, mode, options): Arguments = arguments(call, &signature)?;
            let mode = change::apply_mode(&mode, &options)?;
            screen(Command::ApplyOutputs { serial, changes: change::changes(asked, snapshot)?, mode })
        }
        "Confirm" => screen(Command::Confirm { serial: arguments(call, &signature)? }),
        "Screenshot" => {
            let (output, options): (String, Options) = arguments(call, &signature)?;
            change::only(&options, &[])?;
            let output = match output.as_str() {
                "" => None,
                name => Some(change::output(snapshot, name)?.name.clone()),
            };
            Ok(Answer::Ask { action: Action::Screenshot, request: Command::Screenshot { output } })
        }
        "SwitchVt" => match VtNumber::try_from(arguments::<u32>(call, &signature)?) {
            Ok(vt) => screen(Command::SwitchVt { vt }),
            Err(error) => Err(Failure::invalid(error.to_string())),
        },
        "ShowMessage" => {
            let (text, options): (String, Options) = arguments(call, &signature)?;
            change::only(&options, &["title"])?;
            let title = match options.get("title").map(|v| &**v) {
                None => "",
                Some(Variant::Str(title)) => title.as_str(),
                Some(_) => return Err(Failure::invalid("the option title must be a text (s)")),
            };
            screen(Command::ShowMessage {
                title: plain("title", title, MAX_TITLE)?,
                text: plain("text", &text, MAX_TEXT)?,
            })
        }
        "Dismiss" => {
            let () = arguments(call, &signature)?;
            screen(Command::Dismiss)
        }
        _ => Err(Failure::unsupported(format!("{member} is not there yet in this version of kioskd"))),
    }
}

/// `text` when it can be painted: short, with no control characters but line breaks.
fn plain(what: &str, text: &str, limit: usize) -> Result<String, Failure> {
    let length = text.chars().count();
    if length > limit {
        return Err(Failure::invalid(format!("the {what} has {length} characters, allowed are {limit}")));
    }
    if let Some(bad) = text.chars().find(|c| c.is_control() && *c != '\n') {
        return Err(Failure::invalid(format!("the {what} has the control character {bad:?}, allowed is only \\n")));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
#[path = "tests/dispatch.rs"]
mod tests;
