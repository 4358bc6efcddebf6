//! Classifies a display device's errors: another program is master, busy, or the frame was refused.

use std::io;

use smithay::backend::drm::{DrmError, compositor::FrameError};

use crate::backend::{BackendError, Cause, PresentError};

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
    match &error {
        DrmError::DeviceInactive => PresentError::Inactive,
        // A driver without atomic modesetting takes no others.
        DrmError::ModeNotSuitable(_) => PresentError::device(BackendError::NotListed),
        DrmError::Access(access) => by_kind(access.source.kind(), error),
        _ => PresentError::device(error),
    }
}

/// As [`refusal`], of a commit that is not smithay's.
pub fn io_error(error: io::Error) -> PresentError {
    by_kind(error.kind(), error)
}

fn by_kind(kind: io::ErrorKind, error: impl Into<Cause>) -> PresentError {
    use io::ErrorKind::{Interrupted, PermissionDenied, ResourceBusy, WouldBlock};
    match kind {
        PermissionDenied => PresentError::Inactive,
        ResourceBusy | WouldBlock | Interrupted => PresentError::Busy(error.into()),
        _ => PresentError::device(error),
    }
}
