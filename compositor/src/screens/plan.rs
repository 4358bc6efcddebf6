//! What a set of changes makes of the screens: every change checked, and the result as a whole. Pure: the caller
//! tests the plan on the hardware and carries it out.

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

/// A screen's state, as it is or as it is to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Planned {
    /// On; the CRTC is off otherwise.
    pub power: bool,
    /// Clockwise.
    pub rotation: Rotation,
    /// In force, also where it follows the mode.
    pub scale: ScaleFactor,
    /// The scale follows mode and size of the panel.
    pub auto_scale: bool,
    /// `None`: no display says.
    pub mode: Option<HeadMode>,
    /// Top left corner in the layout, logical pixels; `None`: beside the others.
    pub position: Option<Position>,
    /// Whose picture it shows instead of its own.
    pub mirror: Option<ScreenId>,
    /// Of a screen as it is, `None`: the display has no control for it; in a plan: it stays as it is.
    pub brightness: Option<Brightness>,
}

/// A screen as a plan starts from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// Whose facts these are.
    pub id: ScreenId,
    /// The connector's name.
    pub name: String,
    /// Make, model and serial number, as configuration names the display; may be empty.
    pub identity: String,
    /// There is a display: it can take modes.
    pub connected: bool,
    /// Size of the panel in millimetres; zero where unknown.
    pub physical: (i32, i32),
    /// Those of the display.
    pub modes: Vec<HeadMode>,
    /// The state that a change starts from.
    pub now: Planned,
}

/// The screens that `changes` names, as they are to be; in that order.
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
    // What is not asked for is not set: meanwhile somebody may have used the display's own buttons.
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
        // In the mode that it is to have.
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

/// The screen that `name` is to show; empty: its own picture.
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

/// What no single screen can tell: no two lie over each other, and the last light is not put out in passing.
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
    // Whoever names no position is not told that others, or configuration, chose badly.
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

/// Switching off is all that is asked: that is meant.
fn only_power(change: &OutputChange) -> bool {
    *change == OutputChange { power: change.power, ..OutputChange::default() }
}

/// Where a screen in this state lies.
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
