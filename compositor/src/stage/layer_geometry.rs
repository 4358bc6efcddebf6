//! The layout of layer surfaces on a screen. Pure; called by [`super::layers`].

use smithay::{
    utils::{Logical, Point, Rectangle, Size},
    wayland::shell::wlr_layer::{Anchor, ExclusiveZone, LayerSurfaceCachedState, Margins},
};

/// An edge of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edge {
    Top,
    Bottom,
    Left,
    Right,
}

/// A layer surface's requested placement.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// 0: as large as its anchors allow.
    size: Size<i32, Logical>,
    anchor: Anchor,
    zone: ExclusiveZone,
    margin: Margins,
}

impl From<&LayerSurfaceCachedState> for Request {
    fn from(state: &LayerSurfaceCachedState) -> Self {
        Self { size: state.size, anchor: state.anchor, zone: state.exclusive_zone, margin: state.margin }
    }
}

impl Request {
    /// Whether its exclusive zone is at the upper edge (`true`) or the lower one (`false`); `None`: at another, or none.
    pub fn keeps_upper(&self) -> Option<bool> {
        match self.exclusive() {
            Some((Edge::Top, zone)) if zone > 0 => Some(true),
            Some((Edge::Bottom, zone)) if zone > 0 => Some(false),
            _ => None,
        }
    }

    /// The edge of its exclusive zone, and the zone's size.
    fn exclusive(&self) -> Option<(Edge, i64)> {
        let ExclusiveZone::Exclusive(zone) = self.zone else { return None };
        let (across, along) = (Anchor::LEFT | Anchor::RIGHT, Anchor::TOP | Anchor::BOTTOM);
        let is = |edge: Anchor, sides: Anchor| self.anchor == edge || self.anchor == edge | sides;
        let (edge, margin) = match () {
            () if is(Anchor::TOP, across) => (Edge::Top, self.margin.top),
            () if is(Anchor::BOTTOM, across) => (Edge::Bottom, self.margin.bottom),
            () if is(Anchor::LEFT, along) => (Edge::Left, self.margin.left),
            () if is(Anchor::RIGHT, along) => (Edge::Right, self.margin.right),
            () => return None,
        };
        Some((edge, i64::from(zone) + i64::from(margin)))
    }

    fn within(&self, bounds: Rectangle<i32, Logical>) -> Rectangle<i32, Logical> {
        let has = |edge| self.anchor.contains(edge);
        let Margins { top, right, bottom, left } = self.margin;
        let (x, w) =
            span((bounds.loc.x, bounds.size.w), self.size.w, (has(Anchor::LEFT), left), (has(Anchor::RIGHT), right));
        let (y, h) =
            span((bounds.loc.y, bounds.size.h), self.size.h, (has(Anchor::TOP), top), (has(Anchor::BOTTOM), bottom));
        Rectangle::new((x, y).into(), (w, h).into())
    }
}

fn fitted(value: i64) -> i32 {
    value.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

/// Start and length in one direction, within a start and a length; each end is given as anchored or not, with its
/// margin.
fn span((start, length): (i32, i32), wanted: i32, near: (bool, i32), far: (bool, i32)) -> (i32, i32) {
    let (start, length) = (i64::from(start), i64::from(length));
    let margin = |(anchored, margin): (bool, i32)| if anchored { i64::from(margin) } else { 0 };
    let (before, after) = (margin(near), margin(far));
    let size = if wanted > 0 { i64::from(wanted) } else { (length - before - after).max(1) };
    let at = match (near.0, far.0) {
        (true, true) if wanted <= 0 => start + before,
        (true, false) => start + before,
        (false, true) => start + length - size - after,
        _ => start + length / 2 - size / 2,
    };
    (fitted(at), fitted(size))
}

fn shrink(rest: &mut Rectangle<i32, Logical>, edge: Edge, by: i64) {
    let by = |length: i32| fitted(by.clamp(0, i64::from(length.max(0))));
    match edge {
        Edge::Top | Edge::Bottom => {
            let by = by(rest.size.h);
            rest.size.h -= by;
            rest.loc.y += if edge == Edge::Top { by } else { 0 };
        }
        Edge::Left | Edge::Right => {
            let by = by(rest.size.w);
            rest.size.w -= by;
            rest.loc.x += if edge == Edge::Left { by } else { 0 };
        }
    }
}

/// The area of each on a screen that covers `area`. Surfaces with exclusive zones come first, in this order; the others
/// get the remaining area, except those with an exclusive zone of -1.
pub fn arrange(area: Rectangle<i32, Logical>, requests: &[Request]) -> Vec<Rectangle<i32, Logical>> {
    let mut rest = area;
    let mut places = vec![Rectangle::new(Point::default(), Size::default()); requests.len()];
    for (place, request) in places.iter_mut().zip(requests) {
        if let Some((edge, by)) = request.exclusive() {
            *place = request.within(rest);
            shrink(&mut rest, edge, by);
        }
    }
    for (place, request) in places.iter_mut().zip(requests).filter(|(_, request)| request.exclusive().is_none()) {
        *place = request.within(if request.zone == ExclusiveZone::DontCare { area } else { rest });
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AREA: (i32, i32, i32, i32) = (100, 50, 800, 600);

    fn rect((x, y, w, h): (i32, i32, i32, i32)) -> Rectangle<i32, Logical> {
        Rectangle::new((x, y).into(), (w, h).into())
    }

    fn request(size: (i32, i32), anchor: Anchor, zone: i32) -> Request {
        Request { size: size.into(), anchor, zone: zone.into(), margin: Margins::default() }
    }

    #[test]
    fn a_bar_takes_its_edge_and_the_others_share_the_rest() {
        let bar = request((0, 40), Anchor::BOTTOM | Anchor::LEFT | Anchor::RIGHT, 40);
        let full = Anchor::all();
        let places = arrange(
            rect(AREA),
            &[request((0, 0), full, 0), bar, request((0, 0), full, -1), request((10, 10), Anchor::empty(), 0)],
        );
        assert_eq!(places[0], rect((100, 50, 800, 560)));
        assert_eq!(places[1], rect((100, 610, 800, 40)));
        assert_eq!(places[2], rect(AREA));
        assert_eq!(places[3], rect((495, 325, 10, 10)), "in the middle of what is left");
    }

    #[test]
    fn margins_count_at_anchored_edges_and_belong_to_the_zone() {
        let margin = Margins { top: 5, right: 7, bottom: 11, left: 13 };
        let corner = Request { margin, ..request((20, 30), Anchor::TOP | Anchor::LEFT, 30) };
        let bar = Request { margin, ..request((20, 0), Anchor::LEFT | Anchor::TOP | Anchor::BOTTOM, 20) };
        let places = arrange(rect(AREA), &[corner, bar, request((0, 0), Anchor::all(), 0)]);
        assert_eq!(places[1], rect((113, 55, 20, 584)));
        assert_eq!(places[2], rect((133, 50, 767, 600)));
        assert_eq!(places[0], rect((146, 55, 20, 30)), "a corner has no edge to itself");
    }

    proptest! {
        #[test]
        fn whatever_is_asked_for_has_a_size(
            w in any::<i32>(), h in any::<i32>(), bits in 0u32..16, zone in any::<i32>(),
            top in any::<i32>(), right in any::<i32>(), bottom in any::<i32>(), left in any::<i32>(),
        ) {
            let margin = Margins { top, right, bottom, left };
            let request = Request { margin, ..request((w, h), Anchor::from_bits_truncate(bits), zone) };
            for place in arrange(rect(AREA), &[request, request, request]) {
                prop_assert!(place.size.w > 0 && place.size.h > 0, "{place:?}");
            }
        }
    }
}
