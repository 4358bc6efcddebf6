//! Checks the state of the running programs: whether they run, what is shown, why not, and why frames are composed.

use kiosk_client::{ClientError, ServiceManager};

use super::finding::Finding;
use kiosk_client::state::{CompositorState, OutputState, SessionState};

/// The remedy for a page that is not there yet.
const WAIT: &str = "`kioskctl wait ready` waits for it";

pub fn compositor(state: &Result<CompositorState, ClientError>, manager: ServiceManager) -> Vec<Finding> {
    let state = match state {
        Ok(state) => state,
        Err(error) => return vec![unreachable("screen", manager.enable("kiosk"), error)],
    };
    let mut found = vec![Finding::good(
        "screen",
        format!("kioskd {} shows the {} ({}, {})", state.version, state.stage, state.backend, state.renderer),
    )];
    let connected: Vec<&OutputState> = state.outputs.iter().filter(|output| output.connected).collect();
    if connected.is_empty() {
        found.push(Finding::wrong("screen", "no display is connected", "plug one in, and see `kioskctl outputs`"));
    }
    found.extend(connected.into_iter().flat_map(output));
    let problems = state.problems.iter();
    found.extend(problems.map(|problem| Finding::note("screen", problem.clone(), "`journalctl -t kioskd` has more")));
    found
}

fn output(output: &OutputState) -> Vec<Finding> {
    let name = &output.name;
    if !output.power {
        let why = if output.power_reason.is_empty() { "off" } else { &output.power_reason };
        let cure = format!("`kioskctl screen on -o {name}` lights it");
        return vec![Finding::note("screen", format!("{name} is dark: {why}"), cure)];
    }
    match output.scanout.split_once(": ") {
        Some((_, why)) if !output.scanout.starts_with("direct") => {
            vec![Finding::good("scanout", format!("frames of {name} are composed: {why}"))]
        }
        _ => vec![Finding::good("scanout", format!("{name}: {}", output.scanout))],
    }
}

pub fn session(shells: &Result<Vec<SessionState>, ClientError>, manager: ServiceManager) -> Vec<Finding> {
    let shells = match shells {
        Ok(shells) => shells,
        Err(error) => return vec![unreachable("page", manager.enable("kiosk-session"), error)],
    };
    let mut found = Vec::new();
    for shell in shells {
        let what = format!("{} is {}", shell.url, shell.state);
        let failure = shell.last_failure.as_ref().map(|failure| failure.reason.as_str());
        found.push(match (shell.state.as_str(), failure) {
            ("ready", None) => Finding::good("page", what),
            ("ready", Some(reason)) => Finding::good("page", format!("{what}; last failure (recovered): {reason}")),
            ("stopped", _) => Finding::note("page", what, "`kioskctl start` starts the browser"),
            (_, Some(reason)) => {
                Finding::wrong("page", format!("{what}: {reason}"), "`journalctl -t kiosk-session` has more")
            }
            (_, None) if shell.waiting_for.is_empty() => Finding::note("page", what, WAIT),
            (_, None) => Finding::note("page", format!("{what}: {}", shell.waiting_for), WAIT),
        });
        if shell.refused > 0 {
            let says = format!("{} times the page wanted to go where it may not", shell.refused);
            found.push(Finding::note("page", says, "add the address to browser.allow, if it should"));
        }
    }
    found
}

fn unreachable(topic: &'static str, start: String, error: &ClientError) -> Finding {
    let cure = match error {
        ClientError::NotAllowed(_) => "run it as root, or as a member of the group kiosk-admin".to_owned(),
        _ => start,
    };
    Finding::wrong(topic, error.to_string(), cure)
}
