//! What a display device's refusal means: it is another's, it is busy, or it does not take this.

use smithay::backend::drm::{DrmError, compositor::FrameError};

use crate::backend::{BackendError, PresentError};

/// Why the device did not take what it was given. Without DRM master every commit is refused for a lack of rights:
/// another VT took over and we have not been told yet, or another program holds the device.
pub fn refusal<A, B, F>(error: FrameError<A, B, F>) -> PresentError
where
    A: std::error::Error + Send + Sync + 'static,
    B: std::error::Error + Send + Sync + 'static,
    F: std::error::Error + Send + Sync + 'static,
{
    match error {
        FrameError::DrmError(error) => device_error(error),
        error => PresentError::device(error),
    }
}

/// As [`refusal`].
pub fn device_error(error: DrmError) -> PresentError {
    use std::io::ErrorKind::{Interrupted, PermissionDenied, ResourceBusy, WouldBlock};
    match &error {
        DrmError::DeviceInactive => PresentError::Inactive,
        // A driver without atomic modesetting takes no others.
        DrmError::ModeNotSuitable(_) => PresentError::device(BackendError::NotListed),
        DrmError::Access(access) => match access.source.kind() {
            PermissionDenied => PresentError::Inactive,
            ResourceBusy | WouldBlock | Interrupted => PresentError::Busy(error.into()),
            _ => PresentError::device(error),
        },
        _ => PresentError::device(error),
    }
}
