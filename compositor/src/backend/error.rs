//! The errors of back ends. The caller adds the screen's name.

use crate::screens::{HeadMode, mode::describe};

/// Why a display could not be switched, set or tested, or a terminal not be changed.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// The screen outlives its unplugged display, and there is no hardware to set.
    #[error("its display is not connected")]
    NotConnected,
    /// Modes that the display lists, and timings that can be computed, are possible.
    #[error("the display does not list this mode (any more)")]
    NotListed,
    /// A window or a headless screen has one size.
    #[error("the size of this screen is not ours to set; it is given by the window or by --output")]
    FixedSize,
    /// The driver gives the CRTC no primary plane.
    #[error("the display has no plane to show a picture on")]
    NoPlane,
    /// Not named in `[lease]`, without a display, lent already, or the device is another program's at the moment.
    #[error("the connector cannot be leased (any more)")]
    NotLeasable,
    /// All of the device's CRTCs are in use.
    #[error("no CRTC is left for the connector")]
    NoCrtc,
    /// In a window, headless, or on a seat without a console.
    #[error("there are no virtual terminals here: this is not a session on a console")]
    NoTerminals,
    /// The device or its driver refused.
    #[error("{0}")]
    Device(#[source] Cause),
}

/// What a library or the kernel said. Its type depends on the renderer, the allocator and the driver's interface.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

impl BackendError {
    /// The device's or its driver's refusal.
    pub fn device(error: impl Into<Cause>) -> Self {
        Self::Device(error.into())
    }
}

/// Why a frame could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum PresentError {
    /// Another VT, or another program, has the screen: drawing goes on when it is back.
    #[error(
        "another virtual terminal or another program is in control of the display device: end what shows a picture there (a compositor, an X server, a boot splash), or start as a service on a terminal of its own"
    )]
    Inactive,
    /// The device refused a mode repeatedly, and the head uses another one now.
    #[error("the display driver refuses {} ({cause}); {} is used", describe(*.refused), describe(*.used))]
    ModeRefused {
        /// The mode that was refused.
        refused: HeadMode,
        /// The mode that is used from now on.
        used: HeadMode,
        /// The device's last error.
        cause: Box<PresentError>,
    },
    /// The device refused every mode.
    #[error("the display driver refuses every mode ({cause}); {} is kept", describe(*.kept))]
    EveryModeRefused {
        /// The first that was tried: the display's preferred one, or the one that was asked for.
        kept: HeadMode,
        /// The device's last error.
        cause: Box<PresentError>,
    },
    /// The page flip of the last frame has not come; the next try may work.
    #[error("the last frame is not on the screen yet")]
    FlipPending,
    /// The driver is at work; the next try may work.
    #[error("{0}")]
    Busy(#[source] Cause),
    /// The display has no mode to be driven in.
    #[error("the display lists no mode")]
    NoMode,
    /// A bug of ours: a display of one renderer is drawn with another.
    #[error("the display belongs to another renderer")]
    OtherRenderer,
    /// There is no memory to draw into, or the renderer failed; the next try may work.
    #[error("the frame could not be drawn: {0}")]
    Draw(#[source] Cause),
    /// The device refused the frame; the next try may work.
    #[error("{0}")]
    Device(#[source] Cause),
}

impl PresentError {
    /// No memory to draw into, or the renderer's error.
    pub fn draw(error: impl Into<Cause>) -> Self {
        Self::Draw(error.into())
    }

    /// The device's refusal of the frame.
    pub fn device(error: impl Into<Cause>) -> Self {
        Self::Device(error.into())
    }

    /// Whether the frame's mode or planes may be the cause, so that another mode or composition is worth a try.
    pub fn blames_frame(&self) -> bool {
        matches!(self, Self::NoMode | Self::OtherRenderer | Self::Draw(_) | Self::Device(_))
    }
}
