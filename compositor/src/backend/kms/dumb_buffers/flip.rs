//! A page flip that says only what is new: which framebuffer, and what of it has changed. smithay's sets a dozen
//! properties of the plane in each frame, and those of all unused planes; the kernel keeps them from the last commit.

use std::io;

use smithay::{
    backend::drm::{DrmDeviceFd, DrmSurface, PlaneConfig, PlaneDamageClips},
    reexports::drm::control::{
        AtomicCommitFlags, Device as _, atomic::AtomicModeReq, plane, property, property::Value,
    },
    utils::{Physical, Rectangle},
};

use crate::backend::kms::properties::named;

/// What changes from frame to frame on a plane.
#[derive(Debug, Clone, Copy)]
pub struct PageFlip {
    plane: plane::Handle,
    framebuffer: property::Handle,
    /// `None`: the driver always takes the picture whole.
    damage: Option<property::Handle>,
}

impl PageFlip {
    /// On the surface's primary plane; `None`: the driver has no atomic mode setting.
    pub fn new(surface: &DrmSurface) -> Option<Self> {
        if surface.is_legacy() {
            return None;
        }
        let (plane, fd) = (surface.plane(), surface.device_fd());
        let find = |name| named(fd, plane, name).ok().flatten().map(|(property, _)| property.handle());
        Some(Self { plane, framebuffer: find("FB_ID")?, damage: find("FB_DAMAGE_CLIPS") })
    }

    /// Queues the flip; its event follows. `damage` of the picture is in the plane's pixels.
    pub fn queue(
        &self,
        fd: &DrmDeviceFd,
        shown: &PlaneConfig<'_>,
        damage: &[Rectangle<i32, Physical>],
    ) -> io::Result<()> {
        let mut request = AtomicModeReq::new();
        request.add_property(self.plane, self.framebuffer, Value::Framebuffer(Some(shown.fb)));
        // Without clips the kernel takes the whole picture for changed. It is done with them after the commit.
        let whole = damage.contains(&shown.dst);
        let clips = match self.damage.filter(|_| !whole) {
            Some(property) => PlaneDamageClips::from_damage(fd, shown.src, shown.dst, damage.iter().copied())?
                .map(|clips| (property, clips)),
            None => None,
        };
        if let Some((property, clips)) = &clips {
            request.add_property(self.plane, *property, clips.blob());
        }
        fd.atomic_commit(AtomicCommitFlags::NONBLOCK | AtomicCommitFlags::PAGE_FLIP_EVENT, request)
    }
}
