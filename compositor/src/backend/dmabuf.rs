//! The dmabuf formats that a back end with a GPU takes from clients; [`crate::protocols`] advertises them.

use smithay::{
    backend::{allocator::Format, drm::DrmDeviceFd},
    reexports::wayland_protocols::wp::linux_dmabuf::zv1::server::zwp_linux_dmabuf_feedback_v1::TrancheFlags,
    wayland::dmabuf::{DmabufFeedback, DmabufFeedbackBuilder},
};

/// The formats, and the device for explicit synchronisation.
#[derive(Clone)]
pub struct DmabufOffer {
    /// The default feedback: Chromium reads only this one, so formats that the plane can show come first.
    pub feedback: DmabufFeedback,
    /// For explicit synchronisation, where the device can.
    pub syncobj_device: Option<DrmDeviceFd>,
}

impl DmabufOffer {
    /// `device` renders; the formats in `scanout` can also go to the primary plane of `scanout_device`.
    pub fn new(
        device: u64,
        formats: &[Format],
        scanout_device: u64,
        scanout: &[Format],
        syncobj_device: Option<DrmDeviceFd>,
    ) -> std::io::Result<Self> {
        let mut builder = DmabufFeedbackBuilder::new(device, formats.iter().copied());
        if !scanout.is_empty() {
            builder =
                builder.add_preference_tranche(scanout_device, Some(TrancheFlags::Scanout), scanout.iter().copied());
        }
        Ok(Self { feedback: builder.build()?, syncobj_device })
    }
}
