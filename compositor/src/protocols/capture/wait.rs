//! One pending copy, from the request to its answer, for either protocol.

use std::time::Duration;

use smithay::{
    reexports::{
        wayland_protocols::ext::image_copy_capture::v1::server::ext_image_copy_capture_frame_v1::{
            ExtImageCopyCaptureFrameV1, FailureReason,
        },
        wayland_protocols_wlr::screencopy::v1::server::zwlr_screencopy_frame_v1::{Flags, ZwlrScreencopyFrameV1},
        wayland_server::{Resource, backend::ObjectId, protocol::wl_buffer::WlBuffer},
    },
    utils::{Physical, Rectangle, Transform},
};

use super::{area::Shape, buffer::Memory};
use crate::backend::watched::View;

/// Why a copy failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The screen is off, unplugged or could not be drawn, or the seat session is paused.
    Unseen,
    /// The screen has another size, scale or transform than was sent.
    Changed,
    /// The buffer is gone or does not fit.
    Buffer,
    /// The session has stopped.
    Stopped,
}

/// The protocol object to answer.
pub enum Target {
    /// wlr-screencopy.
    Screencopy {
        /// The frame.
        frame: ZwlrScreencopyFrameV1,
        /// Whether damage is sent.
        damage: bool,
    },
    /// ext-image-copy-capture.
    ImageCopy {
        /// The frame.
        frame: ExtImageCopyCaptureFrameV1,
        /// The buffer's damage, as the client stated it.
        stale: Option<Rectangle<i32, Physical>>,
    },
}

/// One copy.
pub struct Copy {
    pub(super) target: Target,
    /// The watcher whose damage applies.
    pub(super) watcher: ObjectId,
    pub(super) view: View,
    /// Part of the panel, pixels.
    pub(super) area: Rectangle<i32, Physical>,
    /// The screen's shape as sent to the client.
    pub(super) shape: Shape,
    pub(super) buffer: WlBuffer,
    /// What the buffer is.
    pub(super) memory: Memory,
    /// Whether it waits for damage.
    pub(super) waits: bool,
    /// Whether the picture was updated since the request.
    pub(super) looked_at: bool,
}

fn seconds(at: Duration) -> (u32, u32, u32) {
    ((at.as_secs() >> 32) as u32, at.as_secs() as u32, at.subsec_nanos())
}

impl Copy {
    /// Whether it belongs to this frame.
    pub(super) fn is_for(&self, object: &ObjectId) -> bool {
        match &self.target {
            Target::Screencopy { frame, .. } => frame.id() == *object,
            Target::ImageCopy { frame, .. } => frame.id() == *object,
        }
    }

    /// The parts to write: everything for screencopy; a session's buffer has the rest already.
    pub(super) fn wanted(&self, missed: &[Rectangle<i32, Physical>]) -> Vec<Rectangle<i32, Physical>> {
        match &self.target {
            Target::Screencopy { .. } => vec![self.area],
            Target::ImageCopy { stale, .. } => missed.iter().copied().chain(*stale).collect(),
        }
    }

    /// Reports success, with the time of the copy.
    pub(super) fn succeed(&self, now: Duration, missed: &[Rectangle<i32, Physical>]) {
        let (high, low, nanos) = seconds(now);
        let parts = missed.iter().map(|part| (part.loc - self.area.loc, part.size));
        match &self.target {
            Target::Screencopy { frame, damage } => {
                frame.flags(Flags::empty());
                for (at, size) in parts.filter(|_| *damage) {
                    let [x, y, w, h] = [at.x, at.y, size.w, size.h].map(i32::unsigned_abs);
                    frame.damage(x, y, w, h);
                }
                frame.ready(high, low, nanos);
            }
            Target::ImageCopy { frame, .. } => {
                frame.transform(wl_transform(self.shape.transform));
                parts.for_each(|(at, size)| frame.damage(at.x, at.y, size.w, size.h));
                frame.presentation_time(high, low, nanos);
                frame.ready();
            }
        }
    }

    /// Reports the failure.
    pub(super) fn fail(&self, failure: Failure) {
        match &self.target {
            Target::Screencopy { frame, .. } => frame.failed(),
            Target::ImageCopy { frame, .. } => frame.failed(match failure {
                Failure::Unseen => FailureReason::Unknown,
                Failure::Changed | Failure::Buffer => FailureReason::BufferConstraints,
                Failure::Stopped => FailureReason::Stopped,
            }),
        }
    }
}

fn wl_transform(transform: Transform) -> smithay::reexports::wayland_server::protocol::wl_output::Transform {
    transform.into()
}
