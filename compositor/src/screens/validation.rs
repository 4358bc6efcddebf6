//! What configuration and saved state say of screens and can't be: mirrors in a circle, screens over each other. Pure.
//! [`super::plan`] refuses a change that would make it so; [`crate::layout`] tells what was there from the start, for a
//! picture comes up all the same.

use super::{
    arrange::{Placement, overlap},
    mirror,
    plan::{Facts, Planned, place},
};

/// A screen and the state it is to have.
pub type ToBe<'a> = (&'a Facts, Planned);

/// A screen whose mirror leads back to itself.
pub fn circle<'a>(to_be: &[ToBe<'a>]) -> Option<&'a Facts> {
    let source = |id| to_be.iter().find(|(screen, _)| screen.id == id).and_then(|(_, plan)| plan.mirror);
    to_be.iter().map(|(screen, _)| *screen).find(|screen| mirror::goes_in_circles(screen.id, source))
}

/// Two screens whose wanted positions lie over each other, and their sizes.
pub fn overlapping<'a>(to_be: &[ToBe<'a>]) -> Option<[(&'a Facts, Placement); 2]> {
    let places: Vec<Placement> =
        to_be.iter().map(|(screen, plan)| place(plan, screen.connected && plan.mirror.is_none())).collect();
    let (one, other) = overlap(&places)?;
    Some([one, other].map(|index| (to_be[index].0, places[index])))
}

/// What is wrong with the screens as they are, a sentence each that says what is done instead.
pub fn told(screens: &[Facts]) -> Vec<String> {
    let as_is: Vec<ToBe<'_>> = screens.iter().map(|screen| (screen, screen.now)).collect();
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
