//! Maps each touch panel, tablet and absolute pointer to an output: by settings, by udev's rules, by the sizes and
//! names of panel and display, else by exclusion. Pure; called whenever a device or a screen is added or removed.

#![allow(clippy::indexing_slicing, reason = "indexes of its own lists, of the same length")]

use std::cmp::Reverse;

use super::classification::{Bus, Kind};

/// Tolerance between the sizes that a touch panel and its display report, as a fraction. (EDID often has whole
/// centimetres only.)
const SIZE_TOLERANCE: f64 = 0.05;
/// Shorter model names are not specific: "LCD" is in many names, "TV" in more.
const MIN_MODEL_LENGTH: usize = 4;
/// Connectors of panels that are built in.
const BUILT_IN: [&str; 4] = ["eDP", "DSI", "LVDS", "DPI"];

/// A device to map.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel<'a> {
    /// As the kernel has it; often it names the panel's maker.
    pub name: &'a str,
    /// Its kind.
    pub kind: Kind,
    /// Names of outputs in order of precedence, from settings to udev's rules. Missing outputs are skipped.
    pub said: Vec<&'a str>,
    /// Millimetres.
    pub size: Option<(f64, f64)>,
    /// A device on the board belongs to a built-in display.
    pub bus: Bus,
    /// Its hardware's port; empty: unknown.
    pub port: &'a str,
}

/// An output that a device can be mapped to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OutputInfo<'a> {
    /// The connector.
    pub name: &'a str,
    /// As configuration names it.
    pub identity: String,
    /// From the EDID: three letters.
    pub make: &'a str,
    /// From the EDID: the monitor's name.
    pub model: &'a str,
    /// Millimetres; zero where unknown.
    pub physical: (i32, i32),
}

/// For each panel the index of its output; all `None` without outputs. `primary` is the output for panels that nothing
/// is known of.
pub fn assign(panels: &[Panel<'_>], places: &[OutputInfo<'_>], primary: usize) -> Vec<Option<usize>> {
    if places.is_empty() {
        return vec![None; panels.len()];
    }
    let candidates: Vec<Vec<usize>> = panels.iter().map(|panel| candidates(panel, places)).collect();
    let mut assigned: Vec<Option<usize>> = candidates
        .iter()
        .map(|left| match left[..] {
            [only] => Some(only),
            _ => None,
        })
        .collect();
    // The rest is assigned in the order of ports, so that the order in which devices were added does not matter.
    let mut open: Vec<usize> = (0..panels.len()).filter(|index| assigned[*index].is_none()).collect();
    open.sort_by_key(|index| (panels[*index].port, panels[*index].name));
    for index in open {
        let panel = &panels[index];
        let sibling = || {
            let same = |other: &usize| panels[*other].port == panel.port && assigned[*other].is_some();
            let siblings = (0..panels.len()).filter(|_| !panel.port.is_empty()).filter(same);
            siblings.min_by_key(|other| panels[*other].name).and_then(|other| assigned[other])
        };
        // A screen does not get a second touch panel while another has none.
        let taken = |place: usize| {
            let other = |other: &usize| panels[*other].kind == Kind::Touch && assigned[*other] == Some(place);
            panel.kind == Kind::Touch && (0..panels.len()).any(|index| other(&index))
        };
        let best = || {
            candidates[index].iter().copied().max_by_key(|place| (!taken(*place), *place == primary, Reverse(*place)))
        };
        assigned[index] = sibling().filter(|place| candidates[index].contains(place)).or_else(best);
    }
    assigned
}

/// The candidate outputs of the panel, never empty: each known property filters them, unless none would remain.
fn candidates(panel: &Panel<'_>, places: &[OutputInfo<'_>]) -> Vec<usize> {
    let mut left: Vec<usize> = (0..places.len()).collect();
    let said = panel.said.iter().find_map(|said| {
        places
            .iter()
            .position(|place| place.name == *said)
            .or_else(|| places.iter().position(|place| !place.identity.is_empty() && place.identity == *said))
    });
    if let Some(said) = said {
        return vec![said];
    }
    if panel.kind != Kind::Pointer {
        let rules: [fn(&Panel<'_>, &OutputInfo<'_>) -> bool; 4] = [same_model, same_size, same_make, both_built_in];
        for fits in rules {
            let fitting: Vec<usize> = left.iter().copied().filter(|place| fits(panel, &places[*place])).collect();
            if !fitting.is_empty() {
                left = fitting;
            }
        }
    }
    left
}

fn same_model(panel: &Panel<'_>, place: &OutputInfo<'_>) -> bool {
    let model = place.model.trim().to_lowercase();
    model.len() >= MIN_MODEL_LENGTH && panel.name.to_lowercase().contains(&model)
}

fn same_size(panel: &Panel<'_>, place: &OutputInfo<'_>) -> bool {
    let Some((width, height)) = panel.size else { return false };
    let close = |size: f64, display: i32| {
        let display = f64::from(display);
        display > 0.0 && (size - display).abs() <= SIZE_TOLERANCE * display
    };
    close(width, place.physical.0) && close(height, place.physical.1)
}

/// The device's name begins with the maker's three letters: `Wacom …` and `WAC`, `Elo …` and `ELO`.
fn same_make(panel: &Panel<'_>, place: &OutputInfo<'_>) -> bool {
    let make = place.make.trim().to_lowercase();
    make.len() == 3 && panel.name.to_lowercase().starts_with(&make)
}

fn both_built_in(panel: &Panel<'_>, place: &OutputInfo<'_>) -> bool {
    panel.bus == Bus::Board && BUILT_IN.iter().any(|built_in| place.name.starts_with(built_in))
}

#[cfg(test)]
#[path = "mapping_tests.rs"]
mod tests;
