//! Turns a set of changes into the new state of the screens, after checking each change and the whole result. Pure: the
//! caller tests the plan on the hardware and carries it out.

use kiosk_core::config::{Brightness, Position, Rotation, Scale, ScaleFactor};
use smithay::utils::{Physical, Size};

use super::{
    HeadMode, ScreenId,
    arrange::{Placement, logical_size},
    density, mode,
    plan_error::PlanError,
    validation,
};
use crate::command::OutputChange;

/// A screen's current or planned state.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Planned {
    /// On; the CRTC is off otherwise.
    pub power: bool,
    /// Clockwise.
    pub rotation: Rotation,
    /// The scale in force, fixed or automatic.
    pub scale: ScaleFactor,
    /// The scale follows mode and size of the panel.
    pub auto_scale: bool,
    /// `None`: no display is connected.
    pub mode: Option<HeadMode>,
    /// Top left corner in the layout, logical pixels; `None`: beside the others.
    pub position: Option<Position>,
    /// The source that it mirrors.
    pub mirror: Option<ScreenId>,
    /// In a current state `None`: the display has no control for it; in a plan: it does not change.
    pub brightness: Option<Brightness>,
}

/// A screen before the plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// The screen.
    pub id: ScreenId,
    /// The connector's name.
    pub name: String,
    /// Make, model and serial number, as configuration names the display; may be empty.
    pub identity: String,
    /// A display is connected, so that modes can be set.
    pub connected: bool,
    /// Size of the panel in millimetres; zero where unknown.
    pub physical: (i32, i32),
    /// Those of the display.
    pub modes: Vec<HeadMode>,
    /// The state that a change starts from.
    pub now: Planned,
}

/// The planned states of the screens that `changes` names, in that order.
pub fn plan(screens: &[Facts], changes: &[(String, OutputChange)]) -> Result<Vec<(ScreenId, Planned)>, PlanError> {
    let mut planned = Vec::new();
    for (name, change) in changes {
        let screen = screens
            .iter()
            .find(|screen| screen.name == *name)
            .ok_or_else(|| PlanError::NoOutput { name: name.clone(), there: names(screens) })?;
        planned.push((screen.id, plan_one(screens, screen, change)?));
    }
    check_whole(screens, changes, &planned)?;
    Ok(planned)
}

fn names(screens: &[Facts]) -> String {
    screens.iter().map(|screen| screen.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn plan_one(screens: &[Facts], screen: &Facts, change: &OutputChange) -> Result<Planned, PlanError> {
    let name = &screen.name;
    // Brightness is set only on request: it may have been changed with the display's own buttons.
    let mut plan = Planned { brightness: None, ..screen.now };
    if let Some(brightness) = change.brightness {
        if screen.now.brightness.is_none() {
            return Err(PlanError::NoBrightness { output: name.clone() });
        }
        plan.brightness = Some(brightness);
    }
    if let Some(power) = change.power {
        plan.power = power;
    }
    if let Some(rotation) = change.rotation {
        plan.rotation = rotation;
    }
    if let Some(wanted) = change.mode {
        match mode::choose(&screen.modes, wanted) {
            Some((mode, true)) => plan.mode = Some(mode),
            _ => return Err(PlanError::Mode { output: name.clone(), wanted }),
        }
    }
    if let Some(scale) = change.scale {
        plan.auto_scale = scale == Scale::Auto;
        if let Scale::Fixed(scale) = scale {
            plan.scale = scale;
        }
    }
    if plan.auto_scale && (change.scale.is_some() || change.mode.is_some()) {
        // In its planned mode.
        let pixels = plan.mode.map(|mode| (mode.width, mode.height));
        plan.scale = density::scale_of(Scale::Auto, pixels, screen.physical);
    }
    if let Some(position) = change.position {
        plan.position = Some(position);
    }
    if let Some(source) = &change.mirror {
        plan.mirror = source_named(screens, name, source)?;
    }
    Ok(plan)
}

/// The mirror source of `name`; empty: its own picture.
fn source_named(screens: &[Facts], name: &str, source: &str) -> Result<Option<ScreenId>, PlanError> {
    if source.is_empty() {
        return Ok(None);
    }
    let found = screens
        .iter()
        .find(|screen| screen.name == source)
        .or_else(|| screens.iter().find(|screen| screen.identity == source));
    match found {
        None => {
            Err(PlanError::NoSource { output: name.to_owned(), source_name: source.to_owned(), there: names(screens) })
        }
        Some(found) if found.name == name => Err(PlanError::MirrorsItself { output: name.to_owned() }),
        Some(found) => Ok(Some(found.id)),
    }
}

/// Checks the plan as a whole: no overlap, and no unintended switching off of the last screen.
fn check_whole(
    screens: &[Facts],
    changes: &[(String, OutputChange)],
    planned: &[(ScreenId, Planned)],
) -> Result<(), PlanError> {
    let to_be: Vec<(&Facts, Planned)> = screens
        .iter()
        .map(|screen| {
            let changed = planned.iter().rev().find(|(id, _)| *id == screen.id);
            (screen, changed.map_or(screen.now, |(_, plan)| *plan))
        })
        .collect();
    if let Some(screen) = validation::circle(&to_be) {
        return Err(PlanError::Circle { output: screen.name.clone() });
    }
    // Overlaps are an error only for changes with a position, not if they existed before.
    if changes.iter().any(|(_, change)| change.position.is_some())
        && let Some([(one, place), (other, other_place)]) = validation::overlapping(&to_be)
    {
        return Err(PlanError::Overlap {
            outputs: [one.name.clone(), other.name.clone()],
            sizes: [place.size.into(), other_place.size.into()],
        });
    }
    let lit = |now: fn(&(&Facts, Planned)) -> bool| to_be.iter().any(|one| one.0.connected && now(one));
    let was_lit = lit(|(screen, _)| screen.now.power);
    let stays_lit = lit(|(_, plan)| plan.power);
    if was_lit && !stays_lit && !changes.iter().all(|(_, change)| only_power(change)) {
        return Err(PlanError::AllDark);
    }
    Ok(())
}

/// Whether the change only sets the power, so that switching off is intended.
fn only_power(change: &OutputChange) -> bool {
    *change == OutputChange { power: change.power, ..OutputChange::default() }
}

/// The layout input for a screen in this state.
pub fn place(plan: &Planned, seen: bool) -> Placement {
    let panel: Size<i32, Physical> = plan.mode.map(|mode| (mode.width, mode.height).into()).unwrap_or_default();
    Placement {
        size: logical_size(panel, plan.rotation, plan.scale.get()),
        wanted: plan.position.map(|at| <(i32, i32)>::from(at).into()),
        seen,
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
