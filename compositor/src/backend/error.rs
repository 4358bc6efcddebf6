//! Why a back end did not do what it was told. The caller names the screen; the sentence says the rest.

/// Why a display could not be switched, set or tested, or a terminal not be changed.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    #[error("its display is not connected")]
    NotConnected,
    #[error("the display does not list this mode (any more)")]
    NotListed,
    #[error("the size of this screen is not ours to set; it is given by the window or by --output")]
    FixedSize,
    #[error("the display has no plane to show a picture on")]
    NoPlane,
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
