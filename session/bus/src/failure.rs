//! The error of a method call: a D-Bus error name and one sentence for a person.
//!
//! The names are `org.kioskd.Error.*` for what is about the kiosk, and the standard `org.freedesktop.DBus.Error.*` for
//! what is about the protocol (no such method, wrong signature). Interfaces return it from their methods.

use kiosk_core::authority::Denied;
use zbus::DBusError;
use zbus::message::{Header, Message};
use zbus::names::ErrorName;

/// Prefix of our own error names.
const ERROR_PREFIX: &str = "org.kioskd.Error.";
/// In place of an invalid name, which is a bug.
const FAILED: &str = "org.freedesktop.DBus.Error.Failed";

/// An error reply before it is a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {text}")]
pub struct Failure {
    /// The full D-Bus error name.
    pub name: String,
    /// One sentence: what, where, what is allowed.
    pub text: String,
}

impl Failure {
    /// One of `org.kioskd.Error.*`.
    pub fn kiosk(kind: &str, text: impl Into<String>) -> Self {
        Self { name: format!("{ERROR_PREFIX}{kind}"), text: text.into() }
    }

    /// One of the errors of the D-Bus specification: `UnknownMethod`, `UnknownObject`, `UnknownInterface`,
    /// `UnknownProperty`, `PropertyReadOnly`, `InvalidArgs`.
    pub fn standard(kind: &str, text: impl Into<String>) -> Self {
        Self { name: format!("org.freedesktop.DBus.Error.{kind}"), text: text.into() }
    }

    /// A value that is not allowed.
    pub fn invalid(text: impl Into<String>) -> Self {
        Self::kiosk("InvalidArgument", text)
    }

    /// Something named does not exist.
    pub fn not_found(text: impl Into<String>) -> Self {
        Self::kiosk("NotFound", text)
    }

    /// It may work later.
    pub fn not_ready(text: impl Into<String>) -> Self {
        Self::kiosk("NotReady", text)
    }

    /// The caller is not allowed to do this.
    pub fn not_authorized(text: impl Into<String>) -> Self {
        Self::kiosk("NotAuthorized", text)
    }

    /// Whether it is [`Failure::not_authorized`].
    pub(crate) fn is_denied(&self) -> bool {
        self.name == format!("{ERROR_PREFIX}NotAuthorized")
    }

    /// This version or device does not support it.
    pub fn unsupported(text: impl Into<String>) -> Self {
        Self::kiosk("Unsupported", text)
    }
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::TooMany => Self::not_ready(denied.to_string()),
            denied => Self::not_authorized(denied.to_string()),
        }
    }
}

/// What the message of a reply can fail with (a body that does not fit into a message).
impl From<zbus::Error> for Failure {
    fn from(error: zbus::Error) -> Self {
        Self::kiosk("Failed", format!("the reply could not be made: {error}"))
    }
}

/// What a getter or zbus's own code fails with.
impl From<zbus::BoxDBusError> for Failure {
    fn from(error: zbus::BoxDBusError) -> Self {
        Self { name: error.name().to_string(), text: error.description().unwrap_or("it failed").to_owned() }
    }
}

impl DBusError for Failure {
    fn create_reply(&self, call: &Header<'_>) -> zbus::Result<Message> {
        // A NUL from a caller's text is not valid in a D-Bus string: a bus disconnects the sender.
        let text: String = self.text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        Message::error(call, self.name()).build(&text)
    }

    fn name(&self) -> ErrorName<'_> {
        ErrorName::try_from(self.name.as_str()).unwrap_or_else(|_| ErrorName::from_static_str_unchecked(FAILED))
    }

    fn description(&self) -> Option<&str> {
        Some(&self.text)
    }
}
