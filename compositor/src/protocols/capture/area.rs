//! Converts a client's region, in logical pixels of the upright picture, to panel pixels. Pure.

use smithay::{
    output::Output,
    reexports::wayland_server::protocol::wl_output::WlOutput,
    utils::{Buffer, Physical, Rectangle, Size, Transform},
};

use crate::screens::{Screen, Screens};

/// The panel's geometry that a requested copy depends on: the copy is valid while it is unchanged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// Pixels.
    pub panel: Size<i32, Physical>,
    /// As sent to clients for the output.
    pub transform: Transform,
    scale: f64,
}

impl Shape {
    /// The current shape of a screen.
    pub fn of(screen: &Screen) -> Self {
        Self { panel: screen.panel_size(), transform: screen.output.current_transform(), scale: screen.scale() }
    }

    /// All of the panel.
    pub fn whole(&self) -> Rectangle<i32, Physical> {
        Rectangle::from_size(self.panel)
    }

    /// The panel's part for a region of the output in logical pixels; `None`: outside the picture.
    pub fn part(&self, x: i32, y: i32, width: i32, height: i32) -> Option<Rectangle<i32, Physical>> {
        let picture = self.transform.transform_size(self.panel);
        let (left, right) = span(x, width, self.scale, picture.w)?;
        let (top, bottom) = span(y, height, self.scale, picture.h)?;
        let part = Rectangle::new((left, top).into(), (right - left, bottom - top).into());
        Some(self.transform.invert().transform_rect_in(part, &picture))
    }
}

/// Start and end in pixels, clamped to the picture.
fn span(start: i32, length: i32, scale: f64, limit: i32) -> Option<(i32, i32)> {
    let pixel = |logical: f64| (logical * scale).round().clamp(0.0, f64::from(limit)) as i32;
    let (from, to) = (pixel(f64::from(start)), pixel(f64::from(start) + f64::from(length)));
    (from < to).then_some((from, to))
}

/// Panel pixels are the pixels of the buffer that is read.
pub fn to_buffer(part: Rectangle<i32, Physical>) -> Rectangle<i32, Buffer> {
    Rectangle::new((part.loc.x, part.loc.y).into(), (part.size.w, part.size.h).into())
}

/// The screen of a client's output object.
pub fn screen_of<'a>(screens: &'a Screens, output: &WlOutput) -> Option<&'a Screen> {
    let output = Output::from_resource(output)?;
    screens.iter().find(|screen| screen.output == output)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(transform: Transform, scale: f64) -> Shape {
        Shape { panel: (320, 200).into(), transform, scale }
    }

    #[test]
    fn a_region_is_cut_to_the_output() {
        let upright = shape(Transform::Normal, 2.0);
        let part = |x, y, w, h| upright.part(x, y, w, h).map(|part| (part.loc.into(), part.size.into()));
        assert_eq!(part(10, 20, 30, 40), Some(((20, 40), (60, 80))));
        assert_eq!(part(-10, -10, 30, 40), Some(((0, 0), (40, 60))));
        assert_eq!(part(i32::MIN, i32::MIN, i32::MAX, i32::MAX), None);
        assert_eq!(part(0, 0, i32::MAX, i32::MAX), Some(((0, 0), (320, 200))));
        assert_eq!(part(i32::MAX, 0, i32::MAX, 5), None);
        assert_eq!(part(5, 5, 0, 5), None);
        assert_eq!(part(5, 5, -3, 5), None);
    }

    #[test]
    fn the_pictures_top_left_is_where_the_panel_has_it() {
        let corner =
            |transform| shape(transform, 1.0).part(0, 0, 10, 20).map(|part| (part.loc.into(), part.size.into()));
        assert_eq!(corner(Transform::Normal), Some(((0, 0), (10, 20))));
        assert_eq!(corner(Transform::_180), Some(((310, 180), (10, 20))));
        // Rotated by 90° clockwise: the picture's top edge lies along the panel's right edge.
        assert_eq!(corner(Transform::_270), Some(((300, 0), (20, 10))));
        assert_eq!(corner(Transform::_90), Some(((0, 190), (20, 10))));
    }
}
