//! What is announced when one [`Snapshot`] follows another: objects that came and went, one
//! `PropertiesChanged` for each interface with just what changed, and the two signals of our own.
//!
//! Pure; each connection applies it to the last state that it told its peer, so a slow peer gets fewer and
//! larger steps and never a wrong end.

use std::collections::BTreeMap;

use zbus::Message;
use zbus::Variant;

use super::interfaces::{COMPOSITOR, INPUT, OUTPUT};
use super::names::{INPUTS_PATH, OUTPUTS_PATH, ROOT_PATH, paths};
use super::schema::Interface;
use crate::snapshot::{InputSnapshot, OutputSnapshot, Snapshot};

/// The signals from `old` to `new`, in the order in which they are to be sent.
pub fn signals(old: &Snapshot, new: &Snapshot) -> zbus::Result<Vec<Message>> {
    let mut signals = Vec::new();
    changed(&mut signals, ROOT_PATH, &COMPOSITOR, old, new)?;
    objects(&mut signals, &OUTPUT, &outputs(old), &outputs(new))?;
    objects(&mut signals, &INPUT, &inputs(old), &inputs(new))?;
    if old.stage != new.stage {
        signals.push(Message::signal(ROOT_PATH, COMPOSITOR.name, "StageChanged").build(&new.stage)?);
    }
    if old.serial != new.serial {
        signals.push(Message::signal(ROOT_PATH, COMPOSITOR.name, "LayoutChanged").build(&new.serial)?);
    }
    Ok(signals)
}

/// The outputs by object path.
pub fn outputs(snapshot: &Snapshot) -> BTreeMap<String, &OutputSnapshot> {
    paths(OUTPUTS_PATH, snapshot.outputs.iter().map(|o| o.name.as_str())).into_iter().zip(&snapshot.outputs).collect()
}

/// The input devices by object path.
pub fn inputs(snapshot: &Snapshot) -> BTreeMap<String, &InputSnapshot> {
    paths(INPUTS_PATH, snapshot.inputs.iter().map(|i| i.name.as_str())).into_iter().zip(&snapshot.inputs).collect()
}

fn objects<T>(
    signals: &mut Vec<Message>,
    interface: &Interface<T>,
    old: &BTreeMap<String, &T>,
    new: &BTreeMap<String, &T>,
) -> zbus::Result<()> {
    const MANAGER: &str = "org.freedesktop.DBus.ObjectManager";
    for path in old.keys().filter(|path| !new.contains_key(*path)) {
        let interfaces: &[&str] = &[interface.name];
        let body = (zbus::ObjectPath::try_from(path.as_str())?, interfaces);
        signals.push(Message::signal(ROOT_PATH, MANAGER, "InterfacesRemoved").build(&body)?);
    }
    for (path, state) in new {
        match old.get(path) {
            Some(before) => changed(signals, path, interface, before, state)?,
            None => {
                let interfaces = BTreeMap::from([(interface.name, interface.values(state))]);
                let body = (zbus::ObjectPath::try_from(path.as_str())?, interfaces);
                signals.push(Message::signal(ROOT_PATH, MANAGER, "InterfacesAdded").build(&body)?);
            }
        }
    }
    Ok(())
}

fn changed<T>(signals: &mut Vec<Message>, path: &str, interface: &Interface<T>, old: &T, new: &T) -> zbus::Result<()> {
    let changes: BTreeMap<&str, Variant<'static>> = interface.changes(old, new);
    if changes.is_empty() {
        return Ok(());
    }
    let nothing_invalidated: &[&str] = &[];
    let body = (interface.name, changes, nothing_invalidated);
    signals.push(Message::signal(path, "org.freedesktop.DBus.Properties", "PropertiesChanged").build(&body)?);
    Ok(())
}

#[cfg(test)]
#[path = "tests/diff.rs"]
mod tests;
