//! Why a back end did not do what it was told. The caller names the screen; the sentence says the rest.

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

/// What a library or the kernel said.
type Cause = Box<dyn std::error::Error + Send + Sync>;

impl BackendError {
    /// The device or its driver said no, in these words.
    pub fn device(error: impl Into<Cause>) -> Self {
        Self::Device(error.into())
    }
}
