//! Finds the object of a call, and answers the standard interfaces (properties, introspection, object manager) and
//! invalid calls. Calls of an object's own interface go to the code of zbus's macro.
//!
//! It replaces zbus's object server, because of these limitations (6.2.1, `object_server/` and `fdo/`):
//! - `Set` holds the lock of the whole tree until the setter returns. A setter that waits for polkit, two minutes with a
//!   person, keeps objects from coming and going, and with them everybody else's calls on that connection.
//! - It starts a task for each call, without a bound: callers that do not read their answers fill the memory.
//! - `GetManagedObjects` lists the branches of the tree as objects, and `Introspect` the whole tree at once.
//! - A call without an interface, which the D-Bus specification allows, is refused.
//! - Its errors say neither what was wrong nor what is allowed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use zbus::message::{Header, Message};
use zbus::object_server::SignalEmitter;
use zbus::{Connection, DynamicType, ObjectPath, OwnedVariant};

use crate::announce::{Told, Values};
use crate::facts::Facts;
use crate::names::quoted;
use crate::standard_xml::{OBJECT_MANAGER_XML, STANDARD_XML, XML_HEADER};
use crate::{Failure, Object, Service};

const PEER: &str = "org.freedesktop.DBus.Peer";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const INTROSPECTABLE: &str = "org.freedesktop.DBus.Introspectable";
const OBJECT_MANAGER: &str = "org.freedesktop.DBus.ObjectManager";

/// The objects of a state, by path.
pub type Objects = BTreeMap<String, Object>;

/// How to answer a call.
pub enum Answer {
    /// Send this.
    Reply(Message),
    /// Call the method of the object's own interface, which replies.
    Call(Object),
    /// Write the property, and reply.
    Write(Object, String, OwnedVariant),
}

/// The part that does not depend on the state.
pub struct Tree {
    manager: &'static str,
    branches: &'static [&'static str],
    /// By interface.
    facts: Mutex<HashMap<String, Arc<Facts>>>,
}

impl Tree {
    /// With the service's manager and branches; its interfaces are introspected on first use.
    pub fn new<S: Service>() -> Self {
        Tree { manager: S::MANAGER, branches: S::BRANCHES, facts: Mutex::default() }
    }

    /// Answers `call`, which came over `connection`, for the state with these objects.
    pub async fn answer(&self, objects: &Objects, connection: &Connection, call: &Message) -> Result<Answer, Failure> {
        let header = call.header();
        let path = header.path().map_or("/", |path| path.as_str());
        let member = header.member().map_or("", |member| member.as_str());
        let interface = header.interface().map(|interface| interface.as_str());
        // The Peer interface is on every path (D-Bus specification, "Standard Interfaces").
        if interface == Some(PEER) {
            return peer(&header, member);
        }
        let object = objects.get(path);
        let manages = path == self.manager;
        if object.is_none() && !self.is_branch(objects, path) {
            return Err(Failure::standard("UnknownObject", format!("there is no object {}", quoted(path))));
        }
        match (interface, member) {
            (Some(INTROSPECTABLE) | None, "Introspect") => reply(&header, &self.introspect(objects, path, object)),
            (Some(PROPERTIES) | None, "Get" | "Set" | "GetAll") => {
                self.properties(connection, path, object, manages, call).await
            }
            (Some(OBJECT_MANAGER) | None, "GetManagedObjects") if manages => {
                self.managed_objects(objects, connection, &header).await
            }
            (None, "Ping" | "GetMachineId") => peer(&header, member),
            (Some(name), _) if is_standard(name, manages) => Err(unknown_method(name, member)),
            (name, _) => match object {
                Some(object) if name.is_none_or(|name| name == object.name.as_str()) => self.method(object, call),
                _ => Err(name.map_or_else(|| unknown_method("any interface", member), unknown_interface)),
            },
        }
    }

    /// The announced view of `objects`, to compare later states with.
    pub async fn told(&self, objects: &Objects, connection: &Connection) -> Told {
        let mut told = Told::new();
        for (path, object) in objects {
            let values = self.values(connection, path, object, true).await;
            told.insert(path.clone(), (object.name.to_string(), values));
        }
        told
    }

    /// The properties of an object with their values; or only the announced ones.
    pub async fn values(&self, connection: &Connection, path: &str, object: &Object, announced: bool) -> Values {
        let mut values = Values::new();
        for property in &self.facts(object).properties {
            if announced && !property.announced {
                continue;
            }
            match get(connection, path, object, &property.name).await {
                Ok(value) => drop(values.insert(property.name.clone(), value)),
                Err(error) => tracing::debug!(%error, path, property = property.name, "a property has no value"),
            }
        }
        values
    }

    fn facts(&self, object: &Object) -> Arc<Facts> {
        let mut facts = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        let known = facts.entry(object.name.to_string()).or_insert_with(|| {
            let mut xml = String::new();
            object.interface.introspect_to_writer(&mut xml, 2);
            Arc::new(Facts::read(&xml, object.interface.writable()))
        });
        known.clone()
    }

    /// All paths of objects and branches.
    fn known<'a>(&'a self, objects: &'a Objects) -> impl Iterator<Item = &'a str> {
        objects.keys().map(String::as_str).chain(self.branches.iter().copied()).chain([self.manager])
    }

    /// Whether `path` is on the way to an object, with standard interfaces only.
    fn is_branch(&self, objects: &Objects, path: &str) -> bool {
        let leads = |known: &str| known.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        path == "/" || self.known(objects).any(leads)
    }

    fn introspect(&self, objects: &Objects, path: &str, object: Option<&Object>) -> String {
        let manager = if path == self.manager { OBJECT_MANAGER_XML } else { "" };
        let own = object.map(|object| self.facts(object));
        let own = own.as_ref().map_or("", |facts| facts.xml.as_str());
        let below = format!("{}/", path.trim_end_matches('/'));
        let children: BTreeSet<&str> =
            self.known(objects).filter_map(|known| known.strip_prefix(&below)?.split('/').next()).collect();
        let children: String = children
            .iter()
            .filter(|child| !child.is_empty())
            .map(|child| format!("  <node name=\"{child}\"/>\n"))
            .collect();
        format!("{XML_HEADER}{manager}{own}{STANDARD_XML}{children}</node>\n")
    }

    async fn managed_objects(
        &self,
        objects: &Objects,
        connection: &Connection,
        header: &Header<'_>,
    ) -> Result<Answer, Failure> {
        let mut managed = BTreeMap::new();
        let below = format!("{}/", self.manager.trim_end_matches('/'));
        for (path, object) in objects.iter().filter(|(path, _)| path.starts_with(&below)) {
            let values = self.values(connection, path, object, false).await;
            managed.insert(ObjectPath::try_from(path.as_str())?, BTreeMap::from([(object.name.as_str(), values)]));
        }
        reply(header, &managed)
    }

    /// `Get`, `GetAll` and `Set` of `org.freedesktop.DBus.Properties`.
    async fn properties(
        &self,
        connection: &Connection,
        path: &str,
        object: Option<&Object>,
        manages: bool,
        call: &Message,
    ) -> Result<Answer, Failure> {
        let header = call.header();
        let of = |interface: &str| {
            object.filter(|object| object.name.as_str() == interface).ok_or_else(|| unknown_interface(interface))
        };
        match header.member().map_or("", |member| member.as_str()) {
            "GetAll" => {
                let interface: String = arguments(call, "s")?;
                match of(&interface) {
                    Ok(object) => reply(&header, &self.values(connection, path, object, false).await),
                    Err(_) if is_standard(&interface, manages) => reply(&header, &Values::new()),
                    Err(unknown) => Err(unknown),
                }
            }
            "Get" => {
                let (interface, name): (String, String) = arguments(call, "ss")?;
                let object = of(&interface)?;
                if self.facts(object).property(&name).is_none() {
                    return Err(unknown_property(&interface, &name));
                }
                reply(&header, &get(connection, path, object, &name).await?)
            }
            _ => {
                let (interface, name, value): (String, String, OwnedVariant) = arguments(call, "ssv")?;
                let object = of(&interface)?;
                let facts = self.facts(object);
                match facts.property(&name) {
                    None => Err(unknown_property(&interface, &name)),
                    Some(property) if !property.writable => Err(read_only(&interface, &name, &facts)),
                    Some(_) => Ok(Answer::Write(object.clone(), name, value)),
                }
            }
        }
    }

    /// Checks that the object's interface has the method and the call its signature.
    fn method(&self, object: &Object, call: &Message) -> Result<Answer, Failure> {
        let header = call.header();
        let member = header.member().map_or("", |member| member.as_str());
        let facts = self.facts(object);
        let wanted = facts.arguments(member).ok_or_else(|| unknown_method(object.name.as_str(), member))?;
        check_signature(call, wanted)?;
        Ok(Answer::Call(object.clone()))
    }
}

async fn get(connection: &Connection, path: &str, object: &Object, name: &str) -> Result<OwnedVariant, Failure> {
    let emitter = SignalEmitter::new(connection, path)?;
    // The macro's code requires zbus's object server, though calls do not reach it (see `reader`).
    let server = connection.object_server();
    let value = object.interface.get(name, server, connection, None, &emitter).await;
    Ok(value.ok_or_else(|| unknown_property(object.name.as_str(), name))??)
}

fn is_standard(interface: &str, manages: bool) -> bool {
    [PEER, PROPERTIES, INTROSPECTABLE].contains(&interface) || (manages && interface == OBJECT_MANAGER)
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

/// The error for an unknown method.
pub fn unknown_method(interface: &str, member: &str) -> Failure {
    Failure::standard("UnknownMethod", format!("{interface} has no method {}", quoted(member)))
}

fn unknown_interface(name: &str) -> Failure {
    Failure::standard("UnknownInterface", format!("this object has no interface {}", quoted(name)))
}

fn unknown_property(interface: &str, name: &str) -> Failure {
    Failure::standard("UnknownProperty", format!("{interface} has no property {}", quoted(name)))
}

fn read_only(interface: &str, name: &str, facts: &Facts) -> Failure {
    let names: Vec<&str> = facts.properties.iter().filter(|p| p.writable).map(|p| p.name.as_str()).collect();
    let can = if names.is_empty() { "none can".into() } else { format!("these can: {}", names.join(", ")) };
    Failure::standard("PropertyReadOnly", format!("{name} of {interface} can't be written; {can}"))
}

fn reply<B: serde::Serialize + DynamicType>(header: &Header<'_>, body: &B) -> Result<Answer, Failure> {
    Ok(Answer::Reply(Message::method_return(header).build(body)?))
}

fn wrong_arguments(call: &Message, signature: &str, why: &str) -> Failure {
    let header = call.header();
    let member = header.member().map_or("", |member| member.as_str());
    Failure::standard("InvalidArgs", format!("{member} takes arguments of type \"{signature}\", {why}"))
}

fn check_signature(call: &Message, signature: &str) -> Result<(), Failure> {
    let given = call.body().signature().to_string_no_parens();
    if given == signature {
        return Ok(());
    }
    Err(wrong_arguments(call, signature, &format!("not {}", quoted(&given))))
}

/// The arguments of `call`, whose types must be `signature`.
fn arguments<T>(call: &Message, signature: &str) -> Result<T, Failure>
where
    T: serde::de::DeserializeOwned + zbus::Type,
{
    check_signature(call, signature)?;
    let read = call.body().deserialize_ignore_signature();
    read.map_err(|error| wrong_arguments(call, signature, &format!("and these can't be read: {error}")))
}
