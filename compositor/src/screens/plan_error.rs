//! Errors of [`super::plan`], and their D-Bus error names.

use kiosk_core::config::{ModeChoice, syntax};

use super::cvt;
use crate::command::CommandError;

/// Why a set of changes is refused. Each names the output; nothing was changed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// A change names an output that is not there.
    #[error("there is no output {name:?}; there are: {there}")]
    NoOutput {
        /// As it was named.
        name: String,
        /// The names that there are.
        there: String,
    },
    /// Neither a backlight nor DDC/CI, or its display has not answered yet.
    #[error("{output}: this display has no brightness control")]
    NoBrightness {
        /// Whose display.
        output: String,
    },
    /// The display does not list the mode, and its timings can't be computed.
    #[error("{output}: {}", impossible(*.wanted))]
    Mode {
        /// Whose display.
        output: String,
        /// What was asked for.
        wanted: ModeChoice,
    },
    /// The mirror source does not exist.
    #[error("{output}: there is no output {source_name:?} to mirror; there are: {there}")]
    NoSource {
        /// The output that should mirror it.
        output: String,
        /// As the other one was named.
        source_name: String,
        /// The names that there are.
        there: String,
    },
    /// An output should mirror itself.
    #[error("{output} cannot mirror itself; name another output, or \"\" for a picture of its own")]
    MirrorsItself {
        /// Which.
        output: String,
    },
    /// Mirrors form a circle.
    #[error("{output}: mirrors would go in a circle; one output of them must show a picture of its own")]
    Circle {
        /// One of the circle.
        output: String,
    },
    /// A requested position makes two outputs overlap.
    #[error(
        "{} and {} would lie over each other; positions must leave {}x{} and {}x{} apart",
        .outputs[0], .outputs[1], .sizes[0].0, .sizes[0].1, .sizes[1].0, .sizes[1].1
    )]
    Overlap {
        /// The two.
        outputs: [String; 2],
        /// Their sizes in the layout, logical pixels.
        sizes: [(i32, i32); 2],
    },
    /// Every screen would be off, though the request was not only to switch screens off.
    #[error("this would leave every screen dark; to switch all off, ask for nothing else in the same request")]
    AllDark,
}

impl From<PlanError> for CommandError {
    fn from(error: PlanError) -> Self {
        let text = error.to_string();
        match error {
            PlanError::NoOutput { .. } | PlanError::NoSource { .. } => Self::NotFound(text),
            PlanError::NoBrightness { .. } => Self::Unsupported(text),
            PlanError::Mode { .. } => Self::ModeRejected(text),
            PlanError::MirrorsItself { .. }
            | PlanError::Circle { .. }
            | PlanError::Overlap { .. }
            | PlanError::AllDark => Self::InvalidArgument(text),
        }
    }
}

/// Why a display cannot be driven in this mode.
fn impossible(wanted: ModeChoice) -> String {
    let text = syntax::mode_text(wanted);
    match wanted {
        ModeChoice::Preferred | ModeChoice::Max => "the display lists no modes; say WIDTHxHEIGHT instead".into(),
        ModeChoice::Exact { .. } => {
            format!("the display does not list {text}; `kioskctl outputs --modes` shows what it lists")
        }
        ModeChoice::Custom { .. } => format!(
            "there are no timings for {text}; a side may have {} to {} pixels, the rate may be {} to {} Hz",
            cvt::SIZE.start(),
            cvt::SIZE.end(),
            cvt::REFRESH.start() / 1000,
            cvt::REFRESH.end() / 1000
        ),
    }
}
