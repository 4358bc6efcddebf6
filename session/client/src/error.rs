//! The errors between `kioskctl` and a service, one sentence each, and their exit codes.

use std::io::ErrorKind;
use std::path::Path;

use zbus::DBusError;

use super::{Service, ServiceManager};
use kiosk_core::api::ADMIN_GROUP;

/// `kioskctl`'s exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It was done.
    Done = 0,
    /// It was tried, and failed.
    Failed = 1,
    /// An unknown verb, option or value.
    Usage = 2,
    /// The service does not run.
    NotRunning = 3,
    /// The policy does not allow it.
    NotAllowed = 4,
}

/// An error of a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The service does not run.
    #[error("{service} is not running; start it with {}", ServiceManager::here().start(.service.unit()))]
    NotRunning {
        /// Which one.
        service: Service,
    },
    /// The connection ended while an answer was waited for.
    #[error("{service} ended during the call; see `journalctl -t {service}`")]
    Lost {
        /// Which one.
        service: Service,
    },
    /// The connection got no reply.
    #[error("{service} does not answer; see {}", ServiceManager::here().status(.service.unit()))]
    NoAnswer {
        /// Which one.
        service: Service,
    },
    /// The policy refuses; its sentence.
    #[error("{0}")]
    NotAllowed(String),
    /// An error reply: its D-Bus name and its sentence.
    #[error("{message}")]
    Refused {
        /// Of the error, such as `org.kioskd.Error.NotFound`.
        name: String,
        /// One sentence.
        message: String,
    },
    /// The reply does not match the interface.
    #[error("{service} gave an answer that this kioskctl does not understand ({detail}); are they of one version?")]
    Strange {
        /// Which one.
        service: Service,
        /// What is wrong with the answer.
        detail: String,
    },
}

impl ClientError {
    /// What `kioskctl` exits with.
    pub fn exit(&self) -> Exit {
        match self {
            ClientError::NotRunning { .. } | ClientError::Lost { .. } => Exit::NotRunning,
            ClientError::NotAllowed(_) => Exit::NotAllowed,
            ClientError::Refused { name, .. } => match name.as_str() {
                "org.kioskd.Error.InvalidArgument" => Exit::Usage,
                "org.kioskd.Error.UrlNotAllowed" => Exit::NotAllowed,
                _ => Exit::Failed,
            },
            ClientError::NoAnswer { .. } | ClientError::Strange { .. } => Exit::Failed,
        }
    }

    /// For machines: the D-Bus error's name, or one in the same style.
    pub fn name(&self) -> &str {
        match self {
            ClientError::NotRunning { .. } | ClientError::Lost { .. } => "org.freedesktop.DBus.Error.ServiceUnknown",
            ClientError::NoAnswer { .. } => "org.freedesktop.DBus.Error.NoReply",
            ClientError::NotAllowed(_) => "org.kioskd.Error.NotAuthorized",
            ClientError::Refused { name, .. } => name,
            ClientError::Strange { .. } => "org.freedesktop.DBus.Error.InconsistentMessage",
        }
    }

    /// Why the socket at `path` could not be connected to.
    pub(super) fn from_connect(service: Service, path: &Path, error: &std::io::Error) -> Self {
        match error.kind() {
            // A socket without a listener was left behind by a service that is no more.
            ErrorKind::NotFound | ErrorKind::ConnectionRefused | ErrorKind::NotADirectory => {
                ClientError::NotRunning { service }
            }
            ErrorKind::PermissionDenied => ClientError::NotAllowed(format!(
                "you may not connect to {service} at {}; be root or a member of the group {ADMIN_GROUP}",
                path.display()
            )),
            _ => ClientError::Strange { service, detail: format!("connecting to {}: {error}", path.display()) },
        }
    }

    pub(super) fn from_call(service: Service, error: zbus::Error) -> Self {
        match error {
            zbus::Error::MethodError(name, message, _) => Self::from_reply(service, name.as_str(), message),
            zbus::Error::FDO(error) => match *error {
                zbus::fdo::Error::ZBus(error) => Self::from_call(service, error),
                error => {
                    let message = error.description().map(str::to_owned);
                    Self::from_reply(service, error.name().as_str(), message)
                }
            },
            zbus::Error::InputOutput(_) => ClientError::Lost { service },
            other => ClientError::Strange { service, detail: other.to_string() },
        }
    }

    fn from_reply(service: Service, name: &str, message: Option<String>) -> Self {
        let message = message.filter(|message| !message.is_empty());
        match name {
            "org.freedesktop.DBus.Error.ServiceUnknown" | "org.freedesktop.DBus.Error.NameHasNoOwner" => {
                ClientError::NotRunning { service }
            }
            // The bus daemon's errors for a service that exited during a call.
            "org.freedesktop.DBus.Error.NoReply" | "org.freedesktop.DBus.Error.Disconnected" => {
                ClientError::Lost { service }
            }
            "org.kioskd.Error.NotAuthorized"
            | "org.freedesktop.DBus.Error.AccessDenied"
            | "org.freedesktop.DBus.Error.AuthFailed"
            | "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired" => {
                let fallback =
                    || format!("you may not do this; be root or a member of the group {ADMIN_GROUP} ({name})");
                ClientError::NotAllowed(message.unwrap_or_else(fallback))
            }
            _ => {
                let message = message.unwrap_or_else(|| format!("{service} refused ({name})"));
                ClientError::Refused { name: name.to_owned(), message }
            }
        }
    }
}
