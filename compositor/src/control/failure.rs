//! What a method call is refused with: a D-Bus error name and one sentence for a person.
//!
//! The names are `org.kioskd.Error.*` for what is about the kiosk, and the standard
//! `org.freedesktop.DBus.Error.*` for what is about the protocol (no such method, wrong signature).

use super::names::ERROR_PREFIX;
use crate::command::CommandError;

/// An error reply before it is a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The full D-Bus error name.
    pub name: String,
    pub text: String,
}

impl Failure {
    fn kiosk(kind: &str, text: impl Into<String>) -> Self {
        Self { name: format!("{ERROR_PREFIX}{kind}"), text: text.into() }
    }

    /// One of the errors of the D-Bus specification: `UnknownMethod`, `UnknownObject`, `UnknownInterface`,
    /// `UnknownProperty`, `PropertyReadOnly`, `InvalidArgs`.
    pub fn standard(kind: &str, text: impl Into<String>) -> Self {
        Self { name: format!("org.freedesktop.DBus.Error.{kind}"), text: text.into() }
    }

    pub fn invalid(text: impl Into<String>) -> Self {
        Self::kiosk("InvalidArgument", text)
    }

    pub fn not_found(text: impl Into<String>) -> Self {
        Self::kiosk("NotFound", text)
    }

    pub fn not_ready(text: impl Into<String>) -> Self {
        Self::kiosk("NotReady", text)
    }

    pub fn not_authorized(text: impl Into<String>) -> Self {
        Self::kiosk("NotAuthorized", text)
    }

    pub fn unsupported(text: impl Into<String>) -> Self {
        Self::kiosk("Unsupported", text)
    }
}

impl From<CommandError> for Failure {
    fn from(error: CommandError) -> Self {
        let kind = match &error {
            CommandError::NotReady(_) => "NotReady",
            CommandError::NotFound(_) => "NotFound",
            CommandError::StaleSerial(_) => "StaleSerial",
            CommandError::ModeRejected(_) => "ModeRejected",
            CommandError::InvalidArgument(_) => "InvalidArgument",
            CommandError::Unsupported(_) => "Unsupported",
            CommandError::Failed(_) => "Failed",
        };
        Self::kiosk(kind, error.to_string())
    }
}

/// What the message of a reply can fail with (a body that does not fit into a message).
impl From<zbus::Error> for Failure {
    fn from(error: zbus::Error) -> Self {
        Self::kiosk("Failed", format!("the reply could not be made: {error}"))
    }
}
