//! What may be asked of the compositor, and what it answers: by D-Bus, by the output management protocols, by a trial
//! that runs out. Nothing here knows who asks.

use std::os::fd::OwnedFd;

use kiosk_core::config::{Aid, Brightness, InputSettings, ModeChoice, Position, Rotation, Scale, VtNumber};

use crate::pairing::PairingRequest;

/// What a caller wants of the compositor, already checked for form (ranges, known words), not yet for
/// whether it is possible.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// All or nothing. `serial` 0 means "whatever the layout is now".
    ApplyOutputs {
        /// The layout that the caller has seen.
        serial: u32,
        /// Names of outputs, each with what is to change.
        changes: Vec<(String, OutputChange)>,
        /// What becomes of it afterwards.
        mode: ApplyMode,
    },
    /// Keeps a temporary change.
    Confirm {
        /// The layout that the change was answered with; 0: whichever is on trial.
        serial: u32,
    },
    /// What is said of an input device's output and calibration, for good.
    ChangeInput {
        /// As `Input1.Id` shows it.
        id: String,
        /// What it leaves out stays as it is.
        change: InputSettings,
    },
    /// Whether an input device is heard, for good.
    TrustInput {
        /// As `Input1.Id` shows it.
        id: String,
        /// False: it is kept silent, also after a restart.
        trusted: bool,
    },
    /// A picture of an output, as people see it.
    Screenshot {
        /// Its name; `None`: the primary one.
        output: Option<String>,
    },
    /// Goes to another virtual terminal, as Ctrl+Alt+F1 and so on do.
    SwitchVt {
        /// 1 to 63.
        vt: VtNumber,
    },
    /// Lays a message over every screen, until it is dismissed.
    ShowMessage {
        /// At most 200 characters; may be empty.
        title: String,
        /// At most 2000 characters.
        text: String,
    },
    /// Lays a pairing screen over every screen, until it expires or is dismissed.
    ShowPairing(PairingRequest),
    /// Shows the keyboard on the screen, hides it, or lets it follow the text fields.
    Keyboard {
        /// Until the next such command or a restart.
        wish: KeyboardWish,
    },
    /// Switches an aid for people whom a keyboard does not suit as it is.
    Accessibility {
        /// Which.
        aid: Aid,
        /// For good; `None`: as the configuration says.
        on: Option<bool>,
    },
    /// Takes a message or pairing screen away.
    Dismiss,
    /// Reads the configuration again.
    ReloadConfiguration,
    /// Forgets what was kept of screens, so that the configuration counts again.
    Forget {
        /// Names of outputs; empty: all, those that are not connected too.
        outputs: Vec<String>,
        /// As in the configuration, such as `rotation`; `None`: all of them.
        key: Option<String>,
    },
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
            Self::ShowPairing(_) => "show-pairing",
            Self::Keyboard { .. } => "keyboard",
            Self::Accessibility { .. } => "accessibility",
            Self::Dismiss => "dismiss",
            Self::ReloadConfiguration => "reload-configuration",
            Self::Forget { .. } => "forget",
        }
    }
}

/// What somebody wants of the keyboard on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyboardWish {
    /// It comes and goes with the text fields.
    Auto,
    /// It is there.
    Show,
    /// It is not.
    Hide,
}

/// How a set of output changes is carried out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ApplyMode {
    /// Tested, not applied.
    Verify,
    /// Applied, and reverted after this time unless confirmed.
    Temporary {
        /// From the moment it is in force.
        revert_after: std::time::Duration,
    },
    /// Applied, and neither saved nor reverted: it lasts until configuration is applied anew, with the next replug or
    /// start. For tools that keep a configuration of their own.
    InForce,
    /// Applied and saved.
    Keep,
}

/// The parts of an output's state that a caller wants changed; `None`: as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OutputChange {
    /// On, or its CRTC off.
    pub power: Option<bool>,
    /// Clockwise.
    pub rotation: Option<Rotation>,
    /// Fixed, or by the size of the panel.
    pub scale: Option<Scale>,
    /// One of the display's list, or one whose timings are computed.
    pub mode: Option<ModeChoice>,
    /// Top left corner in the layout, logical pixels.
    pub position: Option<Position>,
    /// Another output's name, empty: none.
    pub mirror: Option<String>,
    /// 0 to 100 %.
    pub brightness: Option<Brightness>,
}

/// What the loop answers.
#[derive(Debug)]
pub enum Reply {
    /// It is carried out, and there is nothing to tell.
    Done,
    /// The serial of the layout after the change.
    Serial(u32),
    /// A message or pairing screen is up.
    Shown {
        /// So many characters of the text are seen on the screen where they are fewest, where that is not all.
        cut_to: Option<u32>,
    },
    /// A pairing screen is up.
    Pairing {
        /// What its QR code says; empty: the device has no address yet.
        url: String,
    },
    /// A memory file, positioned at its start, that holds a PNG.
    Png(OwnedFd),
    /// Sentences for a person.
    Told(Vec<String>),
}

/// Why not. The names are those of `org.kioskd.Error.*`; the text is one sentence for a person.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CommandError {
    /// Not now; the same may work later.
    #[error("{0}")]
    NotReady(String),
    /// No output, device or change of this name.
    #[error("{0}")]
    NotFound(String),
    /// The layout is another than the caller has seen: look again.
    #[error("{0}")]
    StaleSerial(String),
    /// The display or its driver can't show this.
    #[error("{0}")]
    ModeRejected(String),
    /// Well-formed, and makes no sense with the screens as they are.
    #[error("{0}")]
    InvalidArgument(String),
    /// This device or back end can't do it, whatever is asked.
    #[error("{0}")]
    Unsupported(String),
    /// It should have worked: a device or the file system refused.
    #[error("{0}")]
    Failed(String),
}

/// A request on its way to the loop; dropping it unanswered tells the caller that the compositor is ending.
pub struct Call {
    /// What is wanted.
    pub request: Command,
    /// Where the answer goes; nobody may be waiting any more.
    pub reply: tokio::sync::oneshot::Sender<Result<Reply, CommandError>>,
}
