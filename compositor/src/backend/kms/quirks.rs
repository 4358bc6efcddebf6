//! Workarounds for drivers and for smithay, each in one place, so that each can be deleted alone.
//!
//! One more is a file of its own: [`crate::backend::rotated`] (smithay's issue 1651, damage of rotated outputs).

use std::path::Path;

use smithay::backend::drm::Planes;

/// The quirks of a card's driver.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quirks {
    /// The kernel driver's name.
    pub driver: String,
    /// Rendering with EGL is worth a try.
    pub may_have_gpu: bool,
    /// The cursor may go on a plane of its own.
    pub cursor_plane: bool,
    /// Overlay planes may be used.
    pub overlay_planes: bool,
}

/// Drivers of displays without any GPU: EGL on them is software, and finding that out costs a tenth of a second
/// before the first frame.
const NO_GPU: [&str; 11] = [
    "simpledrm",
    "simple-framebuffer",
    "ofdrm",
    "bochs-drm",
    "bochs",
    "cirrus",
    "vkms",
    "ast",
    "mgag200",
    "udl",
    "gud",
];

// WORKAROUND(smithay:cursor-hotspot)
/// Virtual GPUs place the host's cursor by a hotspot that smithay 0.7.0 never sets: a cursor on its plane is hidden or
/// misplaced.
const VIRTUAL: [&str; 5] = ["virtio_gpu", "qxl", "vmwgfx", "vboxvideo", "hyperv_drm"];

// WORKAROUND(nvidia:overlay-planes)
/// Overlay planes on this driver break (as smithay's reference compositor found).
const NO_OVERLAY: [&str; 1] = ["nvidia-drm"];

impl Quirks {
    /// For the driver of the card at `/dev/dri/CARD`, on this machine.
    pub fn of(driver: &str, card: &str) -> Self {
        Self {
            driver: driver.to_owned(),
            may_have_gpu: !NO_GPU.contains(&driver) && any_render_node() && !virtio_without_3d(driver, card),
            cursor_plane: !VIRTUAL.contains(&driver),
            overlay_planes: !NO_OVERLAY.contains(&driver),
        }
    }

    /// Removes the planes that must not be used.
    pub fn restrict(&self, planes: &mut Planes) {
        if !self.cursor_plane {
            planes.cursor.clear();
        }
        if !self.overlay_planes {
            planes.overlay.clear();
        }
    }
}

fn any_render_node() -> bool {
    let Ok(entries) = std::fs::read_dir("/dev/dri") else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("renderD"))
}

/// virtio_gpu has a render node with or without 3D. Its device says which, as the first of its feature bits
/// (`VIRTIO_GPU_F_VIRGL`, virtio specification 5.7.3).
fn virtio_without_3d(driver: &str, card: &str) -> bool {
    if driver != "virtio_gpu" {
        return false;
    }
    let device = Path::new("/sys/class/drm").join(card).join("device");
    virtio_features(&device).is_some_and(|features| features.starts_with('0'))
}

/// The feature bits of the virtio device at or below `device`.
fn virtio_features(device: &Path) -> Option<String> {
    if let Ok(features) = std::fs::read_to_string(device.join("features")) {
        return Some(features);
    }
    let children = std::fs::read_dir(device).ok()?;
    children
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("virtio"))
        .find_map(|entry| std::fs::read_to_string(entry.path().join("features")).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_framebuffer_without_a_gpu_does_not_wait_for_egl() {
        assert!(!Quirks::of("bochs-drm", "card0").may_have_gpu);
        assert!(!Quirks::of("simpledrm", "card0").may_have_gpu);
    }

    #[test]
    fn virtual_gpus_get_no_cursor_plane() {
        assert!(!Quirks::of("virtio_gpu", "card0").cursor_plane);
        assert!(Quirks::of("i915", "card0").cursor_plane);
    }
}
