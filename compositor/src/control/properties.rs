//! `org.freedesktop.DBus.Properties`: reads come from the snapshot, a write is a request for the event loop.

use std::collections::BTreeMap;

use kiosk_core::authority::Action;
use kiosk_core::config::{InputSettings, OUTPUT_AUTO, calibration_of};
use zbus::Variant;
use zbus::message::Message;

use super::answer::{Answer, Object, arguments, reply, unknown_interface};
use super::change;
use super::failure::Failure;
use super::interfaces::{COMPOSITOR, INPUT, OUTPUT};
use super::names::quoted;
use super::schema::{Interface, Property};
use crate::command::{ApplyMode, Command, OutputChange};
use crate::snapshot::{InputSnapshot, OutputSnapshot, Snapshot};

/// Answers `call`, which is `Get`, `Set` or `GetAll` on `object`.
pub fn properties(snapshot: &Snapshot, object: &Object<'_>, call: &Message) -> Result<Answer, Failure> {
    let header = call.header();
    match header.member().map_or("", |m| m.as_str()) {
        "GetAll" => {
            let interface: String = arguments(call, "s")?;
            let own = match object {
                Object::Root if interface == COMPOSITOR.name => COMPOSITOR.values(snapshot),
                Object::Output(output) if interface == OUTPUT.name => OUTPUT.values(output),
                Object::Input(input) if interface == INPUT.name => INPUT.values(input),
                _ if object.has(&interface) => BTreeMap::new(),
                _ => return Err(unknown_interface(&interface)),
            };
            reply(&header, &own)
        }
        "Get" => {
            let (interface, name): (String, String) = arguments(call, "ss")?;
            let value = match object {
                Object::Root if interface == COMPOSITOR.name => (property(&COMPOSITOR, &name)?.read)(snapshot),
                Object::Output(output) if interface == OUTPUT.name => (property(&OUTPUT, &name)?.read)(output),
                Object::Input(input) if interface == INPUT.name => (property(&INPUT, &name)?.read)(input),
                _ => return Err(unknown_interface(&interface)),
            };
            reply(&header, &value)
        }
        _ => {
            let (interface, name, value): (String, String, zbus::OwnedVariant) = arguments(call, "ssv")?;
            match object {
                Object::Root if interface == COMPOSITOR.name => {
                    writable(&COMPOSITOR, &name)?;
                    Err(unknown_property(COMPOSITOR.name, &name))
                }
                Object::Output(output) if interface == OUTPUT.name => {
                    writable(&OUTPUT, &name)?;
                    set_output(snapshot, output, &name, &value)
                }
                Object::Input(input) if interface == INPUT.name => {
                    writable(&INPUT, &name)?;
                    set_input(input, &name, &value)
                }
                _ => Err(unknown_interface(&interface)),
            }
        }
    }
}

fn unknown_property(interface: &str, name: &str) -> Failure {
    Failure::standard("UnknownProperty", format!("{interface} has no property {}", quoted(name)))
}

fn property<T>(interface: &Interface<T>, name: &str) -> Result<&'static Property<T>, Failure> {
    interface.property(name).ok_or_else(|| unknown_property(interface.name, name))
}

fn writable<T>(interface: &Interface<T>, name: &str) -> Result<(), Failure> {
    if property(interface, name)?.writable {
        return Ok(());
    }
    let names: Vec<&str> = interface.properties.iter().filter(|p| p.writable).map(|p| p.name).collect();
    let can = if names.is_empty() { "none can".into() } else { format!("these can: {}", names.join(", ")) };
    Err(Failure::standard("PropertyReadOnly", format!("{name} of {} can't be written; {can}", interface.name)))
}

/// A written property is one change of one output, kept.
fn set_output(
    snapshot: &Snapshot,
    output: &OutputSnapshot,
    name: &str,
    value: &Variant<'_>,
) -> Result<Answer, Failure> {
    let mut change = OutputChange::default();
    change::set(&mut change, output, snapshot, &name.to_ascii_lowercase(), value)?;
    let changes = vec![(output.name.clone(), change)];
    Ok(Answer::Ask {
        action: Action::Screen,
        request: Command::ApplyOutputs { serial: 0, changes, mode: ApplyMode::Keep },
    })
}

/// A written property of a device is kept; an empty one is forgotten.
fn set_input(input: &InputSnapshot, name: &str, value: &Variant<'_>) -> Result<Answer, Failure> {
    let wrong_type = |wanted: &str| {
        let found = value.value_signature();
        Failure::invalid(format!("input {}: {name} has D-Bus type {found}, it must have {wanted}", input.id))
    };
    let mut change = InputSettings::default();
    if name == "Output" {
        let Variant::Str(output) = value else { return Err(wrong_type("s, an output's name, or auto")) };
        let output = if output.is_empty() { OUTPUT_AUTO } else { output.as_str() };
        change.output = Some(output.to_owned());
    } else {
        let numbers: Option<Vec<f64>> = match value {
            // The type is known of an empty one too.
            Variant::Array(numbers) if value.value_signature() == "ad" => numbers
                .iter()
                .map(|number| if let Variant::F64(number) = number { Some(*number) } else { None })
                .collect(),
            _ => None,
        };
        let numbers = numbers.ok_or_else(|| wrong_type("ad, six numbers"))?;
        let calibration = calibration_of(&numbers).map_err(|allowed| {
            Failure::invalid(format!("input {}: {name} can't be this, allowed is {allowed}", input.id))
        })?;
        change.calibration = Some(calibration);
    }
    Ok(Answer::Ask { action: Action::Screen, request: Command::ChangeInput { id: input.id.clone(), change } })
}
