//! What a call can be made to and answered with: the objects, the reply or the request, the arguments' form.

use kiosk_core::authority::Action;
use zbus::DynamicType;
use zbus::message::{Header, Message};

use super::failure::Failure;
use super::interfaces::{COMPOSITOR, INPUT, OUTPUT};
use super::names::quoted;
use crate::command::Command;
use crate::snapshot::{InputSnapshot, OutputSnapshot};

pub const PEER: &str = "org.freedesktop.DBus.Peer";
pub const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
pub const INTROSPECTABLE: &str = "org.freedesktop.DBus.Introspectable";
pub const OBJECT_MANAGER: &str = "org.freedesktop.DBus.ObjectManager";

/// What is to be done about a call.
#[derive(Debug)]
pub enum Answer {
    /// Send this.
    Reply(Message),
    /// When the caller has the right, ask the loop this.
    Ask { action: Action, request: Command },
}

/// What is at an object path.
pub enum Object<'a> {
    /// On the way to the others, with standard interfaces only.
    Branch,
    Root,
    Output(&'a OutputSnapshot),
    Input(&'a InputSnapshot),
}

impl Object<'_> {
    pub fn has(&self, interface: &str) -> bool {
        let own = match self {
            Self::Branch => None,
            Self::Root if interface == OBJECT_MANAGER => Some(OBJECT_MANAGER),
            Self::Root => Some(COMPOSITOR.name),
            Self::Output(_) => Some(OUTPUT.name),
            Self::Input(_) => Some(INPUT.name),
        };
        own == Some(interface) || [PEER, PROPERTIES, INTROSPECTABLE].contains(&interface)
    }
}

pub fn unknown_interface(name: &str) -> Failure {
    Failure::standard("UnknownInterface", format!("this object has no interface {}", quoted(name)))
}

pub fn reply<B: serde::Serialize + DynamicType>(header: &Header<'_>, body: &B) -> Result<Answer, Failure> {
    Ok(Answer::Reply(Message::method_return(header).build(body)?))
}

/// The arguments of `call`, whose types must be `signature`.
pub fn arguments<T>(call: &Message, signature: &str) -> Result<T, Failure>
where
    T: serde::de::DeserializeOwned + zbus::Type,
{
    let refused = |why: &str| {
        let header = call.header();
        let member = header.member().map_or("", |m| m.as_str()).to_owned();
        Failure::standard("InvalidArgs", format!("{member} takes arguments of type \"{signature}\", {why}"))
    };
    let body = call.body();
    let given = body.signature().to_string_no_parens();
    if given != signature {
        return Err(refused(&format!("not {}", quoted(&given))));
    }
    body.deserialize_ignore_signature().map_err(|error| refused(&format!("and these can't be read: {error}")))
}
