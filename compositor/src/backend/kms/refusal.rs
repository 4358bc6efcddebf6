//! Classifies a display device's errors: another program is master, busy, or the frame was refused.

use smithay::backend::drm::{DrmError, compositor::FrameError};

use crate::backend::{BackendError, PresentError};

/// Classifies a frame's error. Without DRM master every commit fails for lack of rights: another VT took over and
/// libseat has not reported it yet, or another program is master.
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
