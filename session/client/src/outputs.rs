//! Which output is meant by a name.

use super::Failure;
use super::state::{CompositorState, OutputState};

/// The output of that connector or identity.
pub fn find<'a>(state: &'a CompositorState, name: &str) -> Result<&'a OutputState, Failure> {
    let found = state.outputs.iter().find(|output| output.name == name);
    found.or_else(|| state.outputs.iter().find(|output| output.identity() == name)).ok_or_else(|| {
        let names: Vec<&str> = state.outputs.iter().map(|output| output.name.as_str()).collect();
        Failure::not_found(format!("there is no output {name:?}; there are {}", names.join(", ")))
    })
}

/// The outputs selected by name: connector names or identities, `*` for all; without a name the first.
pub fn select<'a>(state: &'a CompositorState, wanted: &[String]) -> Result<Vec<&'a OutputState>, Failure> {
    if state.outputs.is_empty() {
        return Err(Failure::not_found("there is no output; plug in a display"));
    }
    if wanted.is_empty() {
        return Ok(state.outputs.iter().take(1).collect());
    }
    if wanted.iter().any(|name| name == "*") {
        return Ok(state.outputs.iter().collect());
    }
    let mut chosen: Vec<&OutputState> = Vec::new();
    for name in wanted {
        let found = find(state, name)?;
        if !chosen.iter().any(|output| output.name == found.name) {
            chosen.push(found);
        }
    }
    Ok(chosen)
}
