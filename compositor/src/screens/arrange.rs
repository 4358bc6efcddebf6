//! Computes the layout of the screens: pure. Screens with a configured position keep it; the others follow to the right
//! in the order in which they were connected.

use kiosk_core::config::Rotation;
use smithay::utils::{Logical, Physical, Point, Rectangle, Size};

use super::rotation::RotationExt;

/// A screen to be placed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placement {
    /// The size of its picture, logical pixels.
    pub size: Size<i32, Logical>,
    /// The wanted position; `None`: to the right of the others.
    pub wanted: Option<Point<i32, Logical>>,
    /// Whether it is visible; the others (unplugged, retiring) follow after all of these.
    pub seen: bool,
}

/// The top left corner of each screen, in the order given. A screen whose wanted position overlaps an earlier one
/// follows to the right instead.
pub fn arrange(places: &[Placement]) -> Vec<Point<i32, Logical>> {
    let mut laid: Vec<Option<Rectangle<i32, Logical>>> = vec![None; places.len()];
    for (index, place) in places.iter().enumerate().filter(|(_, place)| place.seen) {
        let area = place.wanted.map(|at| Rectangle::new(at, place.size));
        laid[index] = area.filter(|area| !laid.iter().flatten().any(|other| other.overlaps(*area)));
    }
    let follow = |laid: &[Option<Rectangle<i32, Logical>>], size| {
        let end = laid.iter().flatten().map(|area| area.loc.x.saturating_add(area.size.w)).max();
        Rectangle::new((end.unwrap_or(0), 0).into(), size)
    };
    for seen in [true, false] {
        for (index, place) in places.iter().enumerate().filter(|(_, place)| place.seen == seen) {
            if laid[index].is_none() {
                laid[index] = Some(follow(&laid, place.size));
            }
        }
    }
    laid.into_iter().map(|area| area.unwrap_or_default().loc).collect()
}

/// The first two screens whose wanted positions overlap, by their place in the list.
pub fn overlap(places: &[Placement]) -> Option<(usize, usize)> {
    let areas: Vec<(usize, Rectangle<i32, Logical>)> = places
        .iter()
        .enumerate()
        .filter(|(_, place)| place.seen)
        .filter_map(|(index, place)| Some((index, Rectangle::new(place.wanted?, place.size))))
        .collect();
    areas.iter().enumerate().find_map(|(position, (index, area))| {
        let other = areas[..position].iter().find(|(_, other)| other.overlaps(*area))?;
        Some((other.0, *index))
    })
}

/// The size of a screen's picture in logical pixels, from its panel's in pixels.
pub fn logical_size(panel: Size<i32, Physical>, rotation: Rotation, scale: f64) -> Size<i32, Logical> {
    let size = rotation.transform().transform_size(panel);
    (covering(size.w, scale), covering(size.h, scale)).into()
}

/// The logical length nearest to this many pixels that leaves none of them uncovered: 1920 pixels at scale 2.25 are
/// 854, for 853 would end one pixel short and show a black line.
fn covering(pixels: i32, scale: f64) -> i32 {
    let nearest = (f64::from(pixels) / scale).round();
    let short = (nearest * scale).round() < f64::from(pixels);
    nearest as i32 + i32::from(short)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place(w: i32, h: i32, wanted: Option<(i32, i32)>) -> Placement {
        Placement { size: (w, h).into(), wanted: wanted.map(Point::from), seen: true }
    }

    fn corners(places: &[Placement]) -> Vec<(i32, i32)> {
        arrange(places).into_iter().map(|at| (at.x, at.y)).collect()
    }

    #[test]
    fn screens_follow_each_other_and_invisible_ones_come_last() {
        let mut places = [place(100, 50, None), place(200, 50, None), place(30, 50, None)];
        assert_eq!(corners(&places), [(0, 0), (100, 0), (300, 0)]);
        places[0].seen = false;
        assert_eq!(corners(&places), [(230, 0), (0, 0), (200, 0)]);
    }

    #[test]
    fn a_position_is_granted_unless_another_screen_is_there() {
        let places = [place(100, 50, None), place(200, 60, Some((-200, 0))), place(200, 60, Some((-10, 30)))];
        assert_eq!(overlap(&places), Some((1, 2)));
        assert_eq!(corners(&places), [(0, 0), (-200, 0), (100, 0)]);
    }

    #[test]
    fn a_scale_that_does_not_divide_the_panel_leaves_no_line_uncovered() {
        let size = logical_size((1920, 1080).into(), Rotation::R90, 2.25);
        assert_eq!((size.w, size.h), (480, 854));
    }

    fn any_place() -> impl Strategy<Value = Placement> {
        let wanted = proptest::option::of((-500i32..500, -500i32..500));
        (1i32..400, 1i32..400, wanted, any::<bool>()).prop_map(|(w, h, at, seen)| Placement { seen, ..place(w, h, at) })
    }

    proptest! {
        #[test]
        fn no_two_screens_ever_overlap(places in proptest::collection::vec(any_place(), 0..8)) {
            let areas: Vec<_> =
                arrange(&places).into_iter().zip(&places).map(|(at, place)| Rectangle::new(at, place.size)).collect();
            for (index, area) in areas.iter().enumerate() {
                prop_assert!(!areas[..index].iter().any(|other| other.overlaps(*area)), "{areas:?}");
            }
        }

        #[test]
        fn what_does_not_overlap_is_granted(places in proptest::collection::vec(any_place(), 0..8)) {
            prop_assume!(overlap(&places).is_none());
            for (at, place) in arrange(&places).into_iter().zip(&places).filter(|(_, place)| place.seen) {
                prop_assert!(place.wanted.is_none_or(|wanted| wanted == at));
            }
        }
    }
}
