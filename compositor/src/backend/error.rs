//! Why a back end did not do what it was told. The caller names the screen; the sentence says the rest.

use crate::screens::{HeadMode, mode::describe};

/// Why a display could not be switched, set or tested, or a terminal not be changed.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// The screen is kept while its cable is out, and there is nothing to switch.
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
    /// In a window, headless, or on a seat without a console.
    #[error("there are no virtual terminals here: this is not a session on a console")]
    NoTerminals,
    /// The device or its driver said no.
    #[error("{0}")]
    Device(#[source] Cause),
}

/// What a library or the kernel said. Its type depends on the renderer, the allocator and the driver's interface.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

impl BackendError {
    /// The device or its driver said no, in these words.
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
    /// The device refused a mode, time and again, and the head is in another one now.
    #[error("the display driver refuses {} ({cause}); {} is used", describe(*.refused), describe(*.used))]
    ModeRefused {
        /// What it does not show.
        refused: HeadMode,
        /// What is tried from now on.
        used: HeadMode,
        /// What it said the last time.
        cause: Box<PresentError>,
    },
    /// The device refused every mode that there is to try.
    #[error("the display driver refuses every mode ({cause}); {} is kept", describe(*.kept))]
    EveryModeRefused {
        /// The first that was tried: the display's preferred one, or the one that was asked for.
        kept: HeadMode,
        /// What it said the last time.
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
    /// A bug of ours: what was made for one renderer is drawn with another.
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
    /// There is no memory to draw into, or the renderer failed, in these words.
    pub fn draw(error: impl Into<Cause>) -> Self {
        Self::Draw(error.into())
    }

    /// The device refused the frame, in these words.
    pub fn device(error: impl Into<Cause>) -> Self {
        Self::Device(error.into())
    }

    /// Whether this frame, in this mode and on these planes, may be what is wrong: another way is worth a try.
    pub fn blames_frame(&self) -> bool {
        matches!(self, Self::NoMode | Self::OtherRenderer | Self::Draw(_) | Self::Device(_))
    }
}
