//! The requests to the compositor and their answers, independent of where they come from: D-Bus, the output management
//! protocols, or a trial that runs out.

use std::os::fd::OwnedFd;

use kiosk_core::config::{Aid, Brightness, InputSettings, ModeChoice, Position, Rotation, Scale, VtNumber};

use crate::{frame_times::Summary, pairing::PairingRequest};

/// A request to the compositor, checked for form (ranges, known words), but not yet for whether it is possible.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Changes outputs, all or nothing. `serial` 0 means the current layout.
    ApplyOutputs {
        /// The layout that the caller has seen.
        serial: u32,
        /// Names of outputs, each with what is to change.
        changes: Vec<(String, OutputChange)>,
        /// Whether it is tested, temporary or kept.
        mode: ApplyMode,
    },
    /// Keeps a temporary change.
    Confirm {
        /// The layout serial that the change returned; 0: the current trial.
        serial: u32,
    },
    /// Sets and saves an input device's output and calibration.
    ChangeInput {
        /// As `Input1.Id` shows it.
        id: String,
        /// Fields that are `None` stay as they are.
        change: InputSettings,
    },
    /// Sets and saves whether an input device is trusted.
    TrustInput {
        /// As `Input1.Id` shows it.
        id: String,
        /// False: its input is ignored, also after a restart.
        trusted: bool,
    },
    /// A picture of an output, as people see it.
    Screenshot {
        /// Its name; `None`: the primary one.
        output: Option<String>,
    },
    /// What became of an output's frames, and where their time went.
    Frames {
        /// Its name; `None`: the primary one.
        output: Option<String>,
    },
    /// Switches to another virtual terminal, as Ctrl+Alt+F1 does.
    SwitchVt {
        /// 1 to 63.
        vt: VtNumber,
    },
    /// Shows a message on every screen, until it is dismissed.
    ShowMessage {
        /// At most 200 characters; may be empty.
        title: String,
        /// At most 2000 characters.
        text: String,
    },
    /// Shows a pairing screen on every screen, until it expires or is dismissed.
    ShowPairing(PairingRequest),
    /// Shows the keyboard on the screen, hides it, or lets it follow the text fields.
    Keyboard {
        /// Until the next such command or a restart.
        mode: KeyboardMode,
    },
    /// Switches an accessibility aid.
    Accessibility {
        /// Which.
        aid: Aid,
        /// Saved; `None`: as configured.
        on: Option<bool>,
    },
    /// Removes a message or pairing screen.
    Dismiss,
    /// Reads the configuration again.
    ReloadConfiguration,
    /// Removes saved settings of outputs, so that the configuration applies again.
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
            Self::Frames { .. } => "frames",
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

/// The wanted state of the keyboard on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyboardMode {
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
    /// Applied, neither saved nor reverted: it lasts until the configuration is applied again, at the next hotplug or
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

/// An output's frames since the start, and the times of the last ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Frames {
    /// Were a client's buffer on the plane.
    pub direct: u64,
    /// Were drawn by us, wholly or in part.
    pub composed: u64,
    /// The rest.
    pub summary: Summary,
}

/// The answer to a [`Command`].
#[derive(Debug)]
pub enum Reply {
    /// Done, without a result.
    Done,
    /// The serial of the layout after the change.
    Serial(u32),
    /// A message or pairing screen is up.
    Shown {
        /// The text was cut: the number of characters shown on the screen with the fewest. `None`: all are shown.
        cut_to: Option<u32>,
    },
    /// A pairing screen is up.
    Pairing {
        /// The URL in its QR code; empty: the device has no address yet.
        url: String,
    },
    /// A memory file, positioned at its start, that holds a PNG.
    Png(OwnedFd),
    /// Of an output's frames.
    Frames(Box<Frames>),
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
    /// The layout has changed since the caller read it.
    #[error("{0}")]
    StaleSerial(String),
    /// The display or its driver can't show this.
    #[error("{0}")]
    ModeRejected(String),
    /// Well-formed, but not applicable to the current screens.
    #[error("{0}")]
    InvalidArgument(String),
    /// This device or back end does not support it.
    #[error("{0}")]
    Unsupported(String),
    /// A device or the file system failed.
    #[error("{0}")]
    Failed(String),
}

/// A request to the event loop; dropping it unanswered tells the caller that the compositor is shutting down.
pub struct Call {
    /// What is wanted.
    pub request: Command,
    /// Takes the answer; the receiver may be gone.
    pub reply: tokio::sync::oneshot::Sender<Result<Reply, CommandError>>,
}
