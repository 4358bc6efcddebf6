//! How the picture reaches a screen, and why not more directly: reported by the back ends for each frame, shown as
//! `org.kioskd.Output1.Scanout` and by `kioskctl outputs`.

use std::fmt;

use smithay::backend::renderer::element::{
    RenderElementPresentationState::{Rendering, ZeroCopy},
    RenderElementStates, RenderingReason,
};

/// How the shell's picture reaches a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scanout {
    /// A client's buffer is on the primary plane.
    Direct,
    /// Composed, with at least one surface on an overlay or cursor plane.
    Planes,
    /// Composed entirely.
    Composited(CompositionReason),
}

/// Why a frame is composed entirely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompositionReason {
    /// Nothing was drawn yet.
    NoFrame,
    /// A window, or no display at all.
    NoPlanes,
    /// Drawn by the CPU; clients' buffers are in shared memory too.
    NoGpu,
    /// The plane does not support the buffer's format.
    Format,
    /// The driver refuses the buffer on a plane, or its position, size or rotation.
    Refused,
    /// No dmabuf is shown, or it covers only a part and no plane is left.
    NoBuffer,
}

impl Default for Scanout {
    fn default() -> Self {
        Self::Composited(CompositionReason::NoFrame)
    }
}

impl Scanout {
    /// For a frame whose primary plane has our own buffer, from the elements' states.
    pub fn of_composed(states: &RenderElementStates) -> Self {
        let shown = || states.states.values().map(|state| state.presentation_state);
        let because = |wanted| shown().any(|state| state == Rendering { reason: Some(wanted) });
        if shown().any(|state| state == ZeroCopy) {
            Self::Planes
        } else if because(RenderingReason::FormatUnsupported) {
            Self::Composited(CompositionReason::Format)
        } else if because(RenderingReason::ScanoutFailed) {
            Self::Composited(CompositionReason::Refused)
        } else {
            Self::Composited(CompositionReason::NoBuffer)
        }
    }

    /// Whether only the primary plane is in use, with our own buffer.
    pub fn is_composited(self) -> bool {
        matches!(self, Self::Composited(_))
    }
}

/// As on D-Bus: a word, then a colon and the reason where there is one.
impl fmt::Display for Scanout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct => f.write_str("direct"),
            Self::Planes => f.write_str("planes"),
            Self::Composited(why) => write!(f, "composited: {why}"),
        }
    }
}

impl fmt::Display for CompositionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoFrame => "nothing was drawn yet",
            Self::NoPlanes => "there is no display with planes",
            Self::NoGpu => "drawn without a GPU",
            Self::Format => "the display does not take the client's format",
            Self::Refused => "the display driver refuses the client's buffer",
            Self::NoBuffer => "no client's GPU buffer to show alone",
        })
    }
}

#[cfg(test)]
mod tests {
    use smithay::backend::renderer::element::{Id, RenderElementState};

    use super::*;

    fn of(states: &[(RenderingReason, bool)]) -> String {
        let states = states.iter().map(|(reason, zero_copy)| {
            let presentation_state = if *zero_copy { ZeroCopy } else { Rendering { reason: Some(*reason) } };
            (Id::new(), RenderElementState { visible_area: 1, presentation_state })
        });
        Scanout::of_composed(&RenderElementStates { states: states.collect() }).to_string()
    }

    #[test]
    fn the_reason_is_the_drivers() {
        use RenderingReason::{FormatUnsupported, ScanoutFailed};
        assert_eq!(of(&[]), "composited: no client's GPU buffer to show alone");
        assert_eq!(of(&[(ScanoutFailed, false)]), "composited: the display driver refuses the client's buffer");
        assert_eq!(
            of(&[(ScanoutFailed, false), (FormatUnsupported, false)]),
            "composited: the display does not take the client's format"
        );
        assert_eq!(of(&[(ScanoutFailed, false), (ScanoutFailed, true)]), "planes");
    }
}
