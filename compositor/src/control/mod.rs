//! The control plane: D-Bus objects on a thread of their own turn method calls into [`Call`]s for the event
//! loop, and the loop's [`Snapshot`]s into property values and `PropertiesChanged`.
//!
//! The loop never waits for D-Bus; D-Bus never touches the compositor's state.

mod answer;
mod bus;
mod change;
mod connection;
mod diff;
mod dispatch;
mod failure;
mod interfaces;
mod names;
mod peers;
mod properties;
mod schema;
mod service;
mod shared;
mod standard_xml;
#[cfg(test)]
mod tests;

use std::os::fd::OwnedFd;

use kiosk_core::config::{InputSettings, ModeChoice, Scale};

pub use names::{BUS_NAME, INPUTS_PATH, OUTPUTS_PATH, ROOT_PATH, escape};
pub use service::{ControlHandle, Options, start};
pub use shared::Bus;

/// What a caller wants of the compositor, already checked for form (ranges, known words), not yet for
/// whether it is possible.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
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
    /// `None`: the primary output.
    Screenshot {
        output: Option<String>,
    },
    SwitchVt {
        vt: u32,
    },
    ShowMessage {
        title: String,
        text: String,
    },
    /// Takes a message or pairing screen away.
    Dismiss,
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
    /// 0, 90, 180, 270; clockwise, what the viewer sees.
    pub rotation: Option<u32>,
    /// 1.0 to 4.0, or auto.
    pub scale: Option<Scale>,
    pub mode: Option<ModeChoice>,
    pub position: Option<(i32, i32)>,
    /// Another output's name, empty: none.
    pub mirror: Option<String>,
    /// 0 to 100.
    pub brightness: Option<i32>,
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
pub enum ControlError {
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
    pub request: Request,
    pub reply: tokio::sync::oneshot::Sender<Result<Reply, ControlError>>,
}

/// The compositor as D-Bus shows it. The loop makes one when something may have changed; the control thread
/// compares it with the last.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    pub backend: String,
    pub renderer: String,
    /// `splash`, `shell` or `system-screen`: of all shells that have an output.
    pub stage: String,
    /// By number.
    pub shells: Vec<ShellSnapshot>,
    pub active_vt: u32,
    /// Of the screen layout.
    pub serial: u32,
    pub outputs: Vec<OutputSnapshot>,
    pub inputs: Vec<InputSnapshot>,
    /// Warnings and configuration errors since the start, one sentence each.
    pub problems: Vec<String>,
}

/// One shell as `org.kioskd.Compositor1.Shells` shows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ShellSnapshot {
    /// Name of the output that it is on, connected or not; empty: every one is another shell's.
    pub output: String,
    /// `splash`, `shell` or `system-screen`.
    pub stage: String,
}

/// One output as `org.kioskd.Output1` shows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OutputSnapshot {
    pub name: String,
    pub make: String,
    pub model: String,
    pub serial_number: String,
    pub connected: bool,
    pub power: bool,
    pub rotation: u32,
    pub scale: f64,
    pub position: (i32, i32),
    /// Width, height, millihertz.
    pub mode: (u32, u32, u32),
    /// Width, height, millihertz, preferred.
    pub modes: Vec<(u32, u32, u32, bool)>,
    pub mirror: String,
    /// 0 to 100, -1: none.
    pub brightness: i32,
    /// `direct`, `planes` or `composited`, then `: ` and the reason where there is one.
    pub scanout: String,
    /// Frames composed by us and frames put on the plane as they came, since the start.
    pub frames_composed: u64,
    pub frames_direct: u64,
}

/// One input device as `org.kioskd.Input1` shows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InputSnapshot {
    pub name: String,
    /// The name, with the port behind it where several devices of one name are plugged in.
    pub id: String,
    /// `keyboard`, `pointer`, `touch` or `tablet`.
    pub kind: String,
    /// Output it is mapped to; empty: all.
    pub output: String,
    /// The matrix in force, six numbers; empty: it can't be calibrated.
    pub calibration: Vec<f64>,
}
