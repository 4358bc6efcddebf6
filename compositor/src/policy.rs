//! The window policy as pure functions: which windows are fullscreen or centred, and where.

use smithay::utils::{Logical, Point, Rectangle, Size};

/// The role of a toplevel in the kiosk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Always fills its screen.
    Shell,
    /// Has a parent: keeps its own size, centred above it, with the focus.
    Dialog,
    /// A further window of a browser with popups enabled: like a dialog, with a close button.
    Popup,
    /// An X menu or tooltip (override-redirect): at its own position, never with the keyboard focus.
    Free,
}

/// A toplevel with a parent is a dialog; any other is a shell, or a popup if it opened `beside` one.
pub fn role(has_parent: bool, beside: bool) -> Role {
    match (has_parent, beside) {
        (true, _) => Role::Dialog,
        (false, true) => Role::Popup,
        (false, false) => Role::Shell,
    }
}

/// The position of a window of `size` centred in `area`. A window larger than the area keeps its top left corner on the
/// screen: that is where titles and close buttons are.
pub fn centred(size: Size<i32, Logical>, area: Rectangle<i32, Logical>) -> Point<i32, Logical> {
    let x = area.loc.x.saturating_add((area.size.w.saturating_sub(size.w) / 2).max(0));
    let y = area.loc.y.saturating_add((area.size.h.saturating_sub(size.h) / 2).max(0));
    (x, y).into()
}

/// The position of a window at `place`, moved as little as necessary to be within `area`. A larger one keeps its top
/// left corner there.
pub fn kept_on(place: Rectangle<i32, Logical>, area: Rectangle<i32, Logical>) -> Point<i32, Logical> {
    let along = |at: i32, length: i32, from: i32, room: i32| {
        let last = from.saturating_add(room.saturating_sub(length).max(0));
        at.min(last).max(from)
    };
    let x = along(place.loc.x, place.size.w, area.loc.x, area.size.w);
    let y = along(place.loc.y, place.size.h, area.loc.y, area.size.h);
    (x, y).into()
}

/// The nearest position to `point` inside `area`; NaN becomes its left or top.
#[allow(
    clippy::manual_clamp,
    reason = "f64::clamp leaves NaN as it is, and a pointer that is nowhere never comes back"
)]
pub fn clamp(point: Point<f64, Logical>, area: Rectangle<i32, Logical>) -> Point<f64, Logical> {
    let area = area.to_f64();
    // The last pixel is still inside: its far edge is not.
    let right = (area.loc.x + area.size.w - 1.0).max(area.loc.x);
    let bottom = (area.loc.y + area.size.h - 1.0).max(area.loc.y);
    (point.x.max(area.loc.x).min(right), point.y.max(area.loc.y).min(bottom)).into()
}

/// The nearest position to `point` inside any of `areas`; the point itself if there are none.
pub fn clamp_to_any(point: Point<f64, Logical>, areas: &[Rectangle<i32, Logical>]) -> Point<f64, Logical> {
    let distance = |to: &Point<f64, Logical>| (point.x - to.x).hypot(point.y - to.y);
    let nearest = areas.iter().map(|area| clamp(point, *area)).min_by(|a, b| distance(a).total_cmp(&distance(b)));
    let is_place = point.x.is_finite() && point.y.is_finite();
    nearest.unwrap_or(if is_place { point } else { Point::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_centred_window_starts_on_the_screen(
            w in 0i32..10_000, h in 0i32..10_000, x in -5_000i32..5_000, y in -5_000i32..5_000,
            aw in 1i32..8_000, ah in 1i32..8_000,
        ) {
            let area = Rectangle::new((x, y).into(), (aw, ah).into());
            let at = centred((w, h).into(), area);
            prop_assert!(area.contains(at));
            if w <= aw && h <= ah {
                let left = at.x - area.loc.x;
                let right = area.size.w - w - left;
                prop_assert!((left - right).abs() <= 1);
            }
        }

        #[test]
        fn a_free_window_stays_where_it_is_put_unless_that_is_off_the_screen(
            x in -40_000i32..40_000, y in -40_000i32..40_000, w in 1i32..10_000, h in 1i32..10_000,
            aw in 1i32..8_000, ah in 1i32..8_000,
        ) {
            let area: Rectangle<i32, Logical> = Rectangle::new((-100, 50).into(), (aw, ah).into());
            let wanted = Rectangle::new((x, y).into(), (w, h).into());
            let at = kept_on(wanted, area);
            prop_assert!(area.contains(at));
            if area.contains_rect(wanted) {
                prop_assert_eq!(at, wanted.loc);
            }
            if w <= aw && h <= ah {
                prop_assert!(area.contains_rect(Rectangle::new(at, wanted.size)));
            }
        }

        #[test]
        fn a_clamped_point_is_inside(px in -1e9f64..1e9, py in -1e9f64..1e9, aw in 1i32..8_000, ah in 1i32..8_000) {
            let area = Rectangle::new((10, 20).into(), (aw, ah).into());
            prop_assert!(area.to_f64().contains(clamp((px, py).into(), area)));
        }

        #[test]
        fn a_point_goes_to_the_nearest_area_and_stays_where_it_is_inside_one(
            px in -2e3f64..2e4, py in -1e3f64..1e4, w in 1i32..8_000, gap in 0i32..500, h in 1i32..8_000,
        ) {
            let areas = [
                Rectangle::new((0, 0).into(), (w, 1_000).into()),
                Rectangle::new((w + gap, 100).into(), (1_920, h).into()),
            ];
            let point = (px, py).into();
            let clamped = clamp_to_any(point, &areas);
            prop_assert!(areas.iter().any(|area| area.to_f64().contains(clamped)));
            for area in areas {
                let other = clamp(point, area);
                let distance = |to: Point<f64, Logical>| (px - to.x).hypot(py - to.y);
                prop_assert!(distance(clamped) <= distance(other));
            }
            prop_assert_eq!(clamp_to_any(clamped, &areas), clamped);
            prop_assert_eq!(clamp_to_any(point, &[]), point);
        }
    }
}
