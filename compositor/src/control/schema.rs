//! What a D-Bus interface is made of, as tables: from one table come introspection, property reads, the
//! check of a call's signature and the difference between two states.
//!
//! The tables themselves are in `interfaces`; nothing here knows what a kiosk is.

use std::collections::BTreeMap;
use std::fmt::Write;

use zbus::Variant;

/// An argument of a method or signal.
pub struct Arg {
    pub name: &'static str,
    pub signature: &'static str,
}

pub const fn arg(name: &'static str, signature: &'static str) -> Arg {
    Arg { name, signature }
}

pub struct Method {
    pub name: &'static str,
    pub inputs: &'static [Arg],
    pub outputs: &'static [Arg],
    pub doc: &'static str,
}

pub struct Signal {
    pub name: &'static str,
    pub args: &'static [Arg],
    pub doc: &'static str,
}

/// How a property's changes are announced (`org.freedesktop.DBus.Property.EmitsChangedSignal`).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Announced {
    /// In `PropertiesChanged`, with the new value.
    Changes,
    /// Never, because it never changes.
    Constant,
    /// Never: a counter, to be read when wanted.
    Silent,
}

/// A property of an object that is described by a `T`.
pub struct Property<T> {
    pub name: &'static str,
    pub signature: &'static str,
    pub writable: bool,
    pub announced: Announced,
    pub read: fn(&T) -> Variant<'static>,
    pub doc: &'static str,
}

pub struct Interface<T: 'static> {
    pub name: &'static str,
    pub methods: &'static [Method],
    pub properties: &'static [Property<T>],
    pub signals: &'static [Signal],
}

impl Method {
    /// The types of all arguments in a row, as a message's header has them.
    pub fn input_signature(&self) -> String {
        self.inputs.iter().map(|a| a.signature).collect()
    }
}

impl<T> Interface<T> {
    pub fn property(&self, name: &str) -> Option<&'static Property<T>> {
        self.properties.iter().find(|p| p.name == name)
    }

    /// All properties with their values, as `GetAll` returns them.
    pub fn values(&self, state: &T) -> BTreeMap<&'static str, Variant<'static>> {
        self.properties.iter().map(|p| (p.name, (p.read)(state))).collect()
    }

    /// The announced properties that differ, with their new values.
    pub fn changes(&self, old: &T, new: &T) -> BTreeMap<&'static str, Variant<'static>> {
        let announced = self.properties.iter().filter(|p| p.announced == Announced::Changes);
        announced
            .filter_map(|p| {
                let value = (p.read)(new);
                (value != (p.read)(old)).then_some((p.name, value))
            })
            .collect()
    }

    /// The `<interface>` element, indented by one step.
    pub fn xml(&self) -> String {
        let mut xml = String::new();
        // Writing into a String does not fail.
        let _ = self.write_xml(&mut xml);
        xml
    }

    fn write_xml(&self, xml: &mut String) -> std::fmt::Result {
        writeln!(xml, "  <interface name=\"{}\">", self.name)?;
        for method in self.methods {
            writeln!(xml, "    <!-- {} -->", method.doc)?;
            writeln!(xml, "    <method name=\"{}\">", method.name)?;
            let inputs = method.inputs.iter().map(|a| (a, "in"));
            for (arg, direction) in inputs.chain(method.outputs.iter().map(|a| (a, "out"))) {
                writeln!(
                    xml,
                    "      <arg name=\"{}\" type=\"{}\" direction=\"{direction}\"/>",
                    arg.name, arg.signature
                )?;
            }
            writeln!(xml, "    </method>")?;
        }
        for signal in self.signals {
            writeln!(xml, "    <!-- {} -->", signal.doc)?;
            writeln!(xml, "    <signal name=\"{}\">", signal.name)?;
            for arg in signal.args {
                writeln!(xml, "      <arg name=\"{}\" type=\"{}\"/>", arg.name, arg.signature)?;
            }
            writeln!(xml, "    </signal>")?;
        }
        for property in self.properties {
            writeln!(xml, "    <!-- {} -->", property.doc)?;
            let access = if property.writable { "readwrite" } else { "read" };
            let element =
                format!("property name=\"{}\" type=\"{}\" access=\"{access}\"", property.name, property.signature);
            let announced = match property.announced {
                // The default, which needs no annotation.
                Announced::Changes => {
                    writeln!(xml, "    <{element}/>")?;
                    continue;
                }
                Announced::Constant => "const",
                Announced::Silent => "false",
            };
            writeln!(xml, "    <{element}>")?;
            writeln!(
                xml,
                "      <annotation name=\"org.freedesktop.DBus.Property.EmitsChangedSignal\" value=\"{announced}\"/>"
            )?;
            writeln!(xml, "    </property>")?;
        }
        writeln!(xml, "  </interface>")
    }
}
