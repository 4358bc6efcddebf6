//! pointer-constraints: a client may lock the pointer, or confine it to a region of its surface. Applied before each
//! movement of relative and absolute pointers; a constraint is active only while its surface is under the pointer and
//! its window has the keyboard.

use smithay::{
    backend::renderer::utils::with_renderer_surface_state,
    desktop::find_popup_root_surface,
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Point, Rectangle},
    wayland::{
        compositor::{RegionAttributes, SurfaceAttributes, get_parent, with_states},
        pointer_constraints::{PointerConstraint, with_pointer_constraint},
    },
};

use crate::kiosk::Kiosk;

/// Most steps for one movement of a confined pointer, a pixel each unless the movement is longer. Each step checks all
/// rectangles of the region.
const MOST_STEPS: f64 = 1024.0;

/// An active constraint.
enum Held {
    Locked,
    Confined(Option<RegionAttributes>),
}

/// The region of a confined pointer, in its surface's coordinates.
struct Confines {
    surface: Rectangle<i32, Logical>,
    input: Option<RegionAttributes>,
    region: Option<RegionAttributes>,
}

impl Confines {
    fn contain(&self, at: Point<f64, Logical>) -> bool {
        let pixel: Point<i32, Logical> = at.to_i32_floor();
        self.surface.contains(pixel)
            && [&self.input, &self.region].into_iter().flatten().all(|region| region.contains(pixel))
    }
}

impl Kiosk {
    /// The constrained destination of a pointer on the surface `under`; `None`: it does not move.
    pub(super) fn constrained(
        &self,
        under: Option<&(WlSurface, Point<f64, Logical>)>,
        from: Point<f64, Logical>,
        to: Point<f64, Logical>,
    ) -> Option<Point<f64, Logical>> {
        let Some((surface, origin)) = under else { return Some(to) };
        let region = match self.held_by(surface) {
            None => return Some(to),
            Some(Held::Locked) => return None,
            Some(Held::Confined(region)) => region,
        };
        let size = with_renderer_surface_state(surface, |state| state.surface_size()).flatten().unwrap_or_default();
        let input = with_states(surface, |states| {
            states.cached_state.get::<SurfaceAttributes>().current().input_region.clone()
        });
        let confines = Confines { surface: Rectangle::from_size(size), input, region };
        // The region has changed and does not contain the pointer: it does not confine it.
        if !confines.contain(from - *origin) {
            return Some(to);
        }
        let location = slide(from - *origin, to - *origin, |at| confines.contain(at)) + *origin;
        // Another surface may be over it.
        self.under(location).is_some_and(|(now, _)| now == *surface).then_some(location)
    }

    fn held_by(&self, surface: &WlSurface) -> Option<Held> {
        let pointer = self.seat.seat.get_pointer()?;
        with_pointer_constraint(surface, &pointer, |constraint| {
            match &*constraint.filter(|constraint| constraint.is_active())? {
                PointerConstraint::Locked(_) => Some(Held::Locked),
                PointerConstraint::Confined(confined) => Some(Held::Confined(confined.region().cloned())),
            }
        })
    }

    /// The keyboard focus moved: deactivates a constraint of the old window, as the new one could not be reached
    /// otherwise, and activates one that waited for the focus.
    pub(crate) fn constrain_with_focus(&mut self) {
        let Some(pointer) = self.seat.seat.get_pointer() else { return };
        let Some(surface) = pointer.current_focus() else { return };
        if self.is_of_focused_window(&surface) {
            if let Some(origin) = self.seat.pointer_origin {
                self.activate_constraint(&surface, pointer.current_location() - origin);
            }
            return;
        }
        with_pointer_constraint(&surface, &pointer, |constraint| {
            if let Some(constraint) = constraint.filter(|constraint| constraint.is_active()) {
                constraint.deactivate();
            }
        });
    }

    /// Whether the surface belongs to the window that has the keyboard, its popups included.
    fn is_of_focused_window(&self, surface: &WlSurface) -> bool {
        let mut root = surface.clone();
        while let Some(parent) = get_parent(&root) {
            root = parent;
        }
        let popup = self.stage.popups.find_popup(&root);
        let window = popup.and_then(|popup| find_popup_root_surface(&popup).ok()).unwrap_or(root);
        self.stage.focus().is_some_and(|focus| focus == window)
    }

    /// The pointer is at this position of the surface: activates a constraint that waited for it.
    pub(crate) fn activate_constraint(&self, surface: &WlSurface, at: Point<f64, Logical>) {
        let Some(pointer) = self.seat.seat.get_pointer() else { return };
        if pointer.current_focus().as_ref() != Some(surface) || !self.is_of_focused_window(surface) {
            return;
        }
        with_pointer_constraint(surface, &pointer, |constraint| {
            let here = |constraint: &PointerConstraint| {
                !constraint.is_active()
                    && constraint.region().is_none_or(|region| region.contains(at.to_i32_floor::<i32>()))
            };
            if let Some(constraint) = constraint.filter(|constraint| here(constraint)) {
                constraint.activate();
            }
        });
    }
}

/// Moves from a position inside the region towards another, along its edge where it meets one.
fn slide(
    from: Point<f64, Logical>,
    to: Point<f64, Logical>,
    inside: impl Fn(Point<f64, Logical>) -> bool,
) -> Point<f64, Logical> {
    let way = to - from;
    let steps = way.x.abs().max(way.y.abs()).ceil().min(MOST_STEPS);
    if steps < 1.0 {
        return if inside(to) { to } else { from };
    }
    let step: Point<f64, Logical> = (way.x / steps, way.y / steps).into();
    let mut at = from;
    for _ in 0..steps as u32 {
        let (along_x, along_y) = (at + Point::from((step.x, 0.0)), at + Point::from((0.0, step.y)));
        // At an edge it stays on the last pixel, within which every position is inside.
        at = match (inside(at + step), step.x != 0.0 && inside(along_x), step.y != 0.0 && inside(along_y)) {
            (true, ..) => at + step,
            (false, true, _) => (along_x.x, if step.y == 0.0 { at.y } else { at.y.floor() }).into(),
            (false, false, true) => (if step.x == 0.0 { at.x } else { at.x.floor() }, along_y.y).into(),
            (false, false, false) => {
                let edge = |at: f64, step: f64| if step == 0.0 { at } else { at.floor() };
                return (edge(at.x, step.x), edge(at.y, step.y)).into();
            }
        };
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A corner: what is right of and below 100 is not inside.
    fn corner(at: Point<f64, Logical>) -> bool {
        let rect = |x, y, w, h| Rectangle::<i32, Logical>::new((x, y).into(), (w, h).into()).to_f64();
        rect(0, 0, 200, 100).contains(at) || rect(0, 0, 100, 200).contains(at)
    }

    fn end(from: (f64, f64), to: (f64, f64)) -> (f64, f64) {
        let end = slide(from.into(), to.into(), corner);
        (end.x.round(), end.y.round())
    }

    #[test]
    fn a_pointer_slides_along_the_edge_and_around_a_corner() {
        assert_eq!(end((50.0, 50.0), (60.0, 40.0)), (60.0, 40.0));
        assert_eq!(end((50.0, 150.0), (150.0, 170.0)), (99.0, 170.0), "to the right there is nothing");
        assert_eq!(end((150.0, 50.0), (170.0, 150.0)), (170.0, 99.0));
        assert_eq!(end((50.0, 120.0), (150.0, 60.0)), (150.0, 60.0), "through where both are");
        let stopped = slide((50.5, 50.5).into(), (50.5, -9.0).into(), corner);
        assert_eq!((stopped.x, stopped.y), (50.5, 0.0), "on the last pixel's edge");
        assert_eq!(end((99.0, 199.0), (300.0, 300.0)), (99.0, 199.0));
    }

    proptest! {
        #[test]
        fn a_pointer_that_is_inside_stays_inside(
            x in 0.0f64..200.0, y in 0.0f64..200.0, to_x in -1e7f64..1e7, to_y in -1e7f64..1e7,
        ) {
            let from = Point::from((x, y));
            prop_assume!(corner(from));
            prop_assert!(corner(slide(from, (to_x, to_y).into(), corner)));
        }
    }
}
