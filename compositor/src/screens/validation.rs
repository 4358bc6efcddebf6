//! Finds impossible settings of screens: mirrors in a circle, overlapping screens. Pure. [`super::plan`] refuses such
//! changes; [`crate::layout`] reports those in configuration and saved state, and a picture comes up nevertheless.

use super::{
    arrange::{Placement, overlap},
    mirror,
    plan::{Facts, Planned, place},
};

/// A screen and its planned state.
pub type PlannedScreen<'a> = (&'a Facts, Planned);

/// A screen that is part of a circle of mirrors.
pub fn circle<'a>(to_be: &[PlannedScreen<'a>]) -> Option<&'a Facts> {
    let source = |id| to_be.iter().find(|(screen, _)| screen.id == id).and_then(|(_, plan)| plan.mirror);
    to_be.iter().map(|(screen, _)| *screen).find(|screen| mirror::goes_in_circles(screen.id, source))
}

/// Two screens whose wanted positions overlap, and their sizes.
pub fn overlapping<'a>(to_be: &[PlannedScreen<'a>]) -> Option<[(&'a Facts, Placement); 2]> {
    let places: Vec<Placement> =
        to_be.iter().map(|(screen, plan)| place(plan, screen.connected && plan.mirror.is_none())).collect();
    let (one, other) = overlap(&places)?;
    Some([one, other].map(|index| (to_be[index].0, places[index])))
}

/// The errors in the screens' current settings, a sentence each with what is done instead.
pub fn told(screens: &[Facts]) -> Vec<String> {
    let as_is: Vec<PlannedScreen<'_>> = screens.iter().map(|screen| (screen, screen.now)).collect();
    let circle = circle(&as_is).map(|screen| {
        format!(
            "{}: its mirrors go in a circle; each of them shows a picture of its own, as if it had none",
            screen.name
        )
    });
    let overlap = overlapping(&as_is).map(|[(one, _), (other, place)]| {
        format!(
            "{}: its position is over {}, which is there already; it lies beside the others ({}x{} must be left free)",
            other.name, one.name, place.size.w, place.size.h
        )
    });
    circle.into_iter().chain(overlap).collect()
}
