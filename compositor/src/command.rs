//! What may be asked of the compositor, and what it answers: by D-Bus, by the output management protocols, by a trial
//! that runs out. Nothing here knows who asks.

use std::os::fd::OwnedFd;

use kiosk_core::config::{Brightness, InputSettings, ModeChoice, Position, Rotation, Scale, VtNumber};

/// What a caller wants of the compositor, already checked for form (ranges, known words), not yet for
/// whether it is possible.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// All or nothing. `serial` 0 means "whatever the layout is now".
    ApplyOutputs {
        serial: u32,
        changes: Vec<(String, OutputChange)>,
        mode: ApplyMode,
    },
    /// Keeps a temporary change.
    Confirm {
        serial: u32,
    },
    /// What is said of an input device's output and calibration, for good.
    ChangeInput {
        id: String,
        change: InputSettings,
    },
    /// Whether an input device is heard, for good.
    TrustInput {
        id: String,
        trusted: bool,
    },
    /// `None`: the primary output.
    Screenshot {
        output: Option<String>,
    },
    SwitchVt {
        vt: VtNumber,
    },
    ShowMessage {
        title: String,
        text: String,
    },
    /// Takes a message or pairing screen away.
    Dismiss,
}

impl Command {
    /// Its name, for the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ApplyOutputs { .. } => "apply-outputs",
            Self::Confirm { .. } => "confirm",
            Self::ChangeInput { .. } => "change-input",
            Self::TrustInput { .. } => "trust-input",
            Self::Screenshot { .. } => "screenshot",
            Self::SwitchVt { .. } => "switch-vt",
            Self::ShowMessage { .. } => "show-message",
            Self::Dismiss => "dismiss",
        }
    }
}

/// How a set of output changes is carried out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ApplyMode {
    /// Tested, not applied.
    Verify,
    /// Applied, and reverted after this time unless confirmed.
    Temporary { revert_after: std::time::Duration },
    /// Applied, and neither saved nor reverted: it lasts until configuration is applied anew, with the next replug or
    /// start. For tools that keep a configuration of their own.
    InForce,
    /// Applied and saved.
    Keep,
}

/// The parts of an output's state that a caller wants changed; `None`: as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OutputChange {
    pub power: Option<bool>,
    pub rotation: Option<Rotation>,
    pub scale: Option<Scale>,
    pub mode: Option<ModeChoice>,
    pub position: Option<Position>,
    /// Another output's name, empty: none.
    pub mirror: Option<String>,
    pub brightness: Option<Brightness>,
}

/// What the loop answers.
#[derive(Debug)]
pub enum Reply {
    Done,
    /// The serial of the layout after the change.
    Serial(u32),
    /// A memory file, positioned at its start, that holds a PNG.
    Png(OwnedFd),
}

/// Why not. The names are those of `org.kioskd.Error.*`; the text is one sentence for a person.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CommandError {
    #[error("{0}")]
    NotReady(String),
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    StaleSerial(String),
    #[error("{0}")]
    ModeRejected(String),
    #[error("{0}")]
    InvalidArgument(String),
    #[error("{0}")]
    Unsupported(String),
    #[error("{0}")]
    Failed(String),
}

/// A request on its way to the loop; dropping it unanswered tells the caller that the compositor is ending.
pub struct Call {
    pub request: Command,
    pub reply: tokio::sync::oneshot::Sender<Result<Reply, CommandError>>,
}
