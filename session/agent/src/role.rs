//! What a caller may do: three roles, each with what the one before it may. Pure.

use std::fmt;

/// Of a caller, and of a route: the least that its caller must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// May look: state, events, pictures of the screen, metrics.
    View,
    /// May also do what a person before the device may want: the page, the screens, messages.
    Operate,
    /// May also change what the device is: its configuration, which devices it hears, pairing, certificates.
    Admin,
}

impl Role {
    /// All, the least first.
    pub const ALL: [Self; 3] = [Self::View, Self::Operate, Self::Admin];

    /// As in a certificate.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Operate => "operate",
            Self::Admin => "admin",
        }
    }

    /// The role of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who sends the requests of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// `None`: a certificate that gives none.
    pub role: Option<Role>,
    /// For the log; `None`: a program of this machine.
    pub name: Option<String>,
}

impl Caller {
    /// One who has proven to be root or of `kiosk-admin`, by the socket's file or the token.
    pub fn local() -> Self {
        Caller { role: Some(Role::Admin), name: None }
    }

    /// Whether it may send a request that asks for this role.
    pub fn may(&self, needed: Role) -> bool {
        self.role.is_some_and(|role| role >= needed)
    }
}
