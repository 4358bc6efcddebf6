//! Asks the driver whether displays could all be driven in given modes at once: one atomic commit for all of a
//! card's displays, with TEST_ONLY, so that nothing on the screens changes. The card asks it before a transaction.

use smithay::{
    backend::drm::DrmDevice,
    reexports::drm::control::{
        AtomicCommitFlags, Device as ControlDevice, Mode, RawResourceHandle, ResourceHandle, atomic::AtomicModeReq,
        connector, crtc, plane, property::Value,
    },
};

use super::{dumb_buffers::Allocation, properties::named};

/// The state of a display to test.
#[derive(Debug, Clone, Copy)]
pub struct TargetState {
    /// Its connector.
    pub connector: connector::Handle,
    /// The CRTC that drives it.
    pub crtc: crtc::Handle,
    /// Its CRTC's primary plane.
    pub plane: plane::Handle,
    /// `None`: off.
    pub mode: Option<Mode>,
}

/// Why the test failed, or could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TestError {
    /// The driver refused this combination of modes, CRTCs and planes.
    #[error("the display driver cannot show this ({0})")]
    Refused(std::io::Error),
    /// The kernel refused any request: the device is gone, or another program is DRM master.
    #[error("the display driver could not be asked: {0}")]
    Device(#[from] std::io::Error),
    /// A property that atomic mode setting needs, by the kernel's name.
    #[error("the display driver has no property {0:?}")]
    NoProperty(&'static str),
}

/// Whether all targets can be in force at once, next to what the other CRTCs show.
pub fn test(drm: &DrmDevice, targets: &[TargetState]) -> Result<(), TestError> {
    let mut request = Request { drm, inner: AtomicModeReq::new() };
    // They must outlive the commit.
    let mut kept = Vec::new();
    for target in targets {
        request.release_planes(target)?;
        match target.mode {
            Some(mode) => {
                let shown = TestPicture::new(drm, mode)?;
                request.show(target, mode, &shown)?;
                kept.push(shown);
            }
            None => request.switch_off(target)?,
        }
    }
    let flags = AtomicCommitFlags::TEST_ONLY | AtomicCommitFlags::ALLOW_MODESET;
    drm.atomic_commit(flags, request.inner).map_err(TestError::Refused)
}

struct Request<'a> {
    drm: &'a DrmDevice,
    inner: AtomicModeReq,
}

impl Request<'_> {
    fn set<H: ResourceHandle>(&mut self, object: H, name: &'static str, value: Value<'_>) -> Result<(), TestError> {
        let (property, _) = named(self.drm, object, name)?.ok_or(TestError::NoProperty(name))?;
        let raw: RawResourceHandle = object.into();
        self.inner.add_raw_property(raw, property.handle(), value.into());
        Ok(())
    }

    /// Overlay and cursor planes have positions in the old mode; later frames set them again.
    fn release_planes(&mut self, target: &TargetState) -> Result<(), TestError> {
        for plane in self.drm.plane_handles()? {
            let used = self.drm.get_plane(plane)?.crtc() == Some(target.crtc);
            if used && plane != target.plane {
                self.set(plane, "CRTC_ID", Value::CRTC(None))?;
                self.set(plane, "FB_ID", Value::Framebuffer(None))?;
            }
        }
        Ok(())
    }

    fn show(&mut self, target: &TargetState, mode: Mode, shown: &TestPicture<'_>) -> Result<(), TestError> {
        let (width, height) = mode.size();
        self.set(target.connector, "CRTC_ID", Value::CRTC(Some(target.crtc)))?;
        self.set(target.crtc, "MODE_ID", Value::Blob(shown.blob))?;
        self.set(target.crtc, "ACTIVE", Value::Boolean(true))?;
        self.set(target.plane, "FB_ID", Value::Framebuffer(Some(shown.picture.framebuffer)))?;
        self.set(target.plane, "CRTC_ID", Value::CRTC(Some(target.crtc)))?;
        for (name, pixels) in [("SRC_W", width), ("SRC_H", height)] {
            // 16.16 fixed point.
            self.set(target.plane, name, Value::UnsignedRange(u64::from(pixels) << 16))?;
        }
        for name in ["SRC_X", "SRC_Y"] {
            self.set(target.plane, name, Value::UnsignedRange(0))?;
        }
        for (name, pixels) in [("CRTC_W", width), ("CRTC_H", height)] {
            self.set(target.plane, name, Value::UnsignedRange(u64::from(pixels)))?;
        }
        for name in ["CRTC_X", "CRTC_Y"] {
            self.set(target.plane, name, Value::SignedRange(0))?;
        }
        Ok(())
    }

    fn switch_off(&mut self, target: &TargetState) -> Result<(), TestError> {
        self.set(target.connector, "CRTC_ID", Value::CRTC(None))?;
        self.set(target.crtc, "MODE_ID", Value::Blob(0))?;
        self.set(target.crtc, "ACTIVE", Value::Boolean(false))?;
        self.set(target.plane, "CRTC_ID", Value::CRTC(None))?;
        self.set(target.plane, "FB_ID", Value::Framebuffer(None))
    }
}

/// The picture (never drawn to) and the mode blob that testing a mode takes.
struct TestPicture<'a> {
    drm: &'a DrmDevice,
    blob: u64,
    picture: Allocation,
}

impl<'a> TestPicture<'a> {
    fn new(drm: &'a DrmDevice, mode: Mode) -> Result<Self, TestError> {
        let (width, height) = mode.size();
        // One that is too large for the device is refused here.
        let size = (width.into(), height.into());
        let picture = Allocation::new(drm.device_fd(), size).map_err(TestError::Refused)?;
        let blob = drm.create_property_blob(&mode)?.into();
        Ok(Self { drm, blob, picture })
    }
}

impl Drop for TestPicture<'_> {
    fn drop(&mut self) {
        // What cannot be destroyed is freed when the device is closed.
        let _ = self.drm.destroy_property_blob(self.blob);
    }
}
