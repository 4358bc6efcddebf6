//! Converts rotations in degrees, clockwise, to the transforms of the protocol and the renderer. Pure.

pub use kiosk_core::config::Rotation;
use smithay::utils::{Logical, Point, Size, Transform};

/// Conversions for the renderer and for input.
pub trait RotationExt {
    /// The `wl_output` transform: it counts counter-clockwise.
    fn transform(self) -> Transform;

    /// Maps a position on the panel (fractions of its width and height, as touch panels report it) to a picture of
    /// `size`.
    fn panel_to_picture(self, panel: (f64, f64), size: Size<f64, Logical>) -> Point<f64, Logical>;
}

impl RotationExt for Rotation {
    fn transform(self) -> Transform {
        match self {
            Self::R0 => Transform::Normal,
            Self::R90 => Transform::_270,
            Self::R180 => Transform::_180,
            Self::R270 => Transform::_90,
        }
    }

    fn panel_to_picture(self, panel: (f64, f64), size: Size<f64, Logical>) -> Point<f64, Logical> {
        let (x, y) = (panel.0.clamp(0.0, 1.0), panel.1.clamp(0.0, 1.0));
        let (u, v) = match self {
            Self::R0 => (x, y),
            Self::R90 => (y, 1.0 - x),
            Self::R180 => (1.0 - x, 1.0 - y),
            Self::R270 => (1.0 - y, x),
        };
        (u * size.w, v * size.h).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_touch_at_the_panels_top_right_is_the_pictures_top_left_at_90() {
        // Rotated clockwise, the picture's top edge lies along the panel's right edge.
        let at = Rotation::R90.panel_to_picture((1.0, 0.0), (800.0, 1280.0).into());
        assert_eq!(at, (0.0, 0.0).into());
        let at = Rotation::R90.panel_to_picture((1.0, 1.0), (800.0, 1280.0).into());
        assert_eq!(at, (800.0, 0.0).into());
    }

    #[test]
    fn four_rotations_by_90_degrees_are_the_identity() {
        let rotations = [Rotation::R0, Rotation::R90, Rotation::R180, Rotation::R270];
        for rotation in rotations {
            assert_eq!(Rotation::try_from(rotation.degrees()), Ok(rotation));
            // The centre stays the centre.
            let at = rotation.panel_to_picture((0.5, 0.5), (100.0, 200.0).into());
            assert_eq!(at, (50.0, 100.0).into());
        }
        assert!(Rotation::try_from(45).is_err());
    }
}
