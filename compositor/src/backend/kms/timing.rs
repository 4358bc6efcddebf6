//! Computed timings ([`crate::screens::cvt`]) in the kernel's form, for modes that a display does not list.

use drm_ffi::{DRM_MODE_FLAG_NVSYNC, DRM_MODE_FLAG_PHSYNC, DRM_MODE_TYPE_USERDEF, drm_mode_modeinfo as Raw};
use smithay::reexports::drm::control::Mode;

use crate::screens::{HeadMode, cvt::Timing};

/// The timings of a custom mode; `None`: the mode is a listed one, or has no valid timings.
pub fn custom(mode: HeadMode) -> Option<Mode> {
    let (width, height) = (u32::try_from(mode.width).ok()?, u32::try_from(mode.height).ok()?);
    let timing = Timing::reduced(width, height, mode.custom?)?;
    let (hsync_start, hsync_end, htotal) = timing.hsync;
    let (vsync_start, vsync_end, vtotal) = timing.vsync;
    let mut raw = Raw {
        clock: timing.clock,
        hdisplay: timing.width,
        hsync_start,
        hsync_end,
        htotal,
        vdisplay: timing.height,
        vsync_start,
        vsync_end,
        vtotal,
        vrefresh: (timing.refresh() + 500) / 1000,
        flags: DRM_MODE_FLAG_PHSYNC | DRM_MODE_FLAG_NVSYNC,
        type_: DRM_MODE_TYPE_USERDEF,
        ..Raw::default()
    };
    // The name is shown in /sys/kernel/debug/dri. The last byte stays zero as the terminator.
    let name = format!("{width}x{height}R");
    for (place, letter) in raw.name[..31].iter_mut().zip(name.bytes()) {
        *place = letter as _;
    }
    Some(raw.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_custom_mode_says_what_it_is() {
        let mode = HeadMode {
            width: 1280,
            height: 720,
            refresh: 59_979,
            preferred: false,
            custom: Some(60_000),
            interlaced: false,
        };
        let timings = custom(mode).unwrap();
        assert_eq!(timings.size(), (1280, 720));
        assert_eq!(timings.name().to_str(), Ok("1280x720R"));
        // The rate that people see is the one that smithay computes from the timings.
        assert_eq!(smithay::output::Mode::from(timings).refresh, mode.refresh);
        assert_eq!(custom(HeadMode { custom: None, ..mode }), None);
    }
}
