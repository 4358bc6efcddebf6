//! The kiosk's state as topics below the device's own: one value each, as text, short enough for any reader. No I/O.

use kiosk_client::Status;
use kiosk_client::state::{CompositorState, OutputState, SessionState};
use kiosk_core::config::Aid;
use kiosk_core::text::shortened;

use super::told::Board;

/// Longest payload, characters: Home Assistant takes no longer state.
const MAX_PAYLOAD: usize = 255;
/// Memory of a browser in steps, MiB: it never stands still.
const MEMORY_STEP: i64 = 32;

/// `aids`: those that are on; `None`: not known. `before`: what was told last. What a service said stays while the service does not answer.
pub fn of(status: &Status, aids: Option<&[String]>, before: &Board) -> Board {
    let mut board = Board::new();
    set(&mut board, "kioskd", on(status.compositor.is_ok()));
    set(&mut board, "kiosk-session", on(status.session.is_ok()));
    match &status.compositor {
        Ok(state) => of_compositor(&mut board, state),
        Err(_) => keep(&mut board, before, &["stage", "output/", "problem", "version", "renderer", "visible/"]),
    }
    match aids {
        Some(aids) => Aid::ALL.into_iter().map(Aid::as_str).for_each(|aid| {
            set(&mut board, &format!("accessibility/{aid}"), on(aids.iter().any(|name| name == aid)));
        }),
        None => keep(&mut board, before, &["accessibility/"]),
    }
    match &status.session {
        Ok(shells) => shells.iter().enumerate().for_each(|(number, shell)| of_shell(&mut board, number, shell)),
        Err(_) => keep(&mut board, before, &["shell/"]),
    }
    board
}

fn of_compositor(board: &mut Board, state: &CompositorState) {
    set(board, "stage", &state.stage);
    set(board, "version", &state.version);
    set(board, "renderer", &format!("{}, {}", state.backend, state.renderer));
    set(board, "problems", &state.problems.len().to_string());
    set(board, "problem", state.problems.last().map_or("none", String::as_str));
    for (number, place) in state.shells.iter().enumerate() {
        set(board, &format!("visible/{number}"), on(place.stage == "shell"));
    }
    for output in state.outputs.iter().filter(|output| is_part(&output.name)) {
        of_output(board, output);
    }
}

fn of_output(board: &mut Board, output: &OutputState) {
    let mut tell = |key: &str, value: &str| set(board, &format!("output/{}/{key}", output.name), value);
    tell("connected", on(output.connected));
    if !output.connected {
        return;
    }
    tell("power", on(output.power));
    tell("rotation", &output.rotation.to_string());
    tell("mode", &output.mode.to_string());
    tell("scale", &output.scale.to_string());
    tell("monitor", &output.identity());
    tell("scanout", output.scanout.split([':', ' ', ',']).next().unwrap_or_default());
    if output.brightness >= 0 {
        tell("brightness", &output.brightness.to_string());
    }
}

fn of_shell(board: &mut Board, number: usize, shell: &SessionState) {
    let mut tell = |key: &str, value: &str| set(board, &format!("shell/{number}/{key}"), value);
    tell("state", &shell.state);
    tell("ready", on(shell.state == "ready"));
    tell("url", &shell.url);
    tell("restarts", &shell.restarts.to_string());
    tell("refused", &shell.refused.to_string());
    let failure = shell.last_failure.as_ref();
    let failure = failure.map_or_else(|| "none".into(), |failure| format!("{}: {}", failure.reason, failure.action));
    tell("failure", &failure);
    if shell.memory_bytes > 0 {
        let mebibytes = shell.memory_bytes >> 20;
        tell("memory", &(mebibytes / MEMORY_STEP * MEMORY_STEP).to_string());
    }
}

/// Whether a name can be a part of a topic.
pub fn is_part(name: &str) -> bool {
    !name.is_empty() && !name.contains(['/', '+', '#', '\0'])
}

pub fn on(is: bool) -> &'static str {
    if is { "ON" } else { "OFF" }
}

pub fn set(board: &mut Board, topic: &str, payload: &str) {
    // An empty payload would take the topic away.
    let payload = if payload.is_empty() { "none".to_owned() } else { shortened(payload, MAX_PAYLOAD - 1) };
    board.insert(topic.to_owned(), payload);
}

fn keep(board: &mut Board, before: &Board, starts: &[&str]) {
    let kept = before.iter().filter(|(topic, _)| starts.iter().any(|start| topic.starts_with(start)));
    board.extend(kept.map(|(topic, payload)| (topic.clone(), payload.clone())));
}

#[cfg(test)]
mod tests {
    use kiosk_client::{ClientError, Service};

    use super::*;

    fn status() -> Status {
        let output = OutputState {
            name: "DP-1".into(),
            connected: true,
            power: true,
            rotation: 90,
            brightness: -1,
            scale: 1.5,
            ..OutputState::default()
        };
        let other = OutputState { name: "VGA-1".into(), ..OutputState::default() };
        let strange = OutputState { name: "a/+#".into(), connected: true, ..OutputState::default() };
        let compositor = CompositorState {
            stage: "shell".into(),
            outputs: vec![output, other, strange],
            ..CompositorState::default()
        };
        let shell = SessionState {
            state: "ready".into(),
            url: format!("http://{}", "a".repeat(3000)),
            memory_bytes: 100 << 20,
            ..SessionState::default()
        };
        Status { session: Ok(vec![shell]), compositor: Ok(compositor) }
    }

    #[test]
    fn the_state_is_one_short_value_a_topic() {
        let board = of(&status(), Some(&["contrast".to_owned()]), &Board::new());
        for (topic, payload) in [
            ("kioskd", "ON"),
            ("stage", "shell"),
            ("output/DP-1/power", "ON"),
            ("output/DP-1/rotation", "90"),
            ("output/DP-1/scale", "1.5"),
            ("output/VGA-1/connected", "OFF"),
            ("shell/0/state", "ready"),
            ("shell/0/ready", "ON"),
            ("shell/0/memory", "96"),
            ("shell/0/failure", "none"),
            ("problem", "none"),
            ("accessibility/contrast", "ON"),
            ("accessibility/invert", "OFF"),
        ] {
            assert_eq!(board.get(topic).map(String::as_str), Some(payload), "{topic}: {board:?}");
        }
        assert!(!board.contains_key("output/DP-1/brightness") && !board.contains_key("output/VGA-1/power"));
        assert!(board.keys().all(|topic| !topic.contains(['+', '#'])));
        assert!(board.values().all(|payload| !payload.is_empty() && payload.chars().count() <= MAX_PAYLOAD));
    }

    #[test]
    fn what_a_service_said_stays_while_it_is_away() {
        let before = of(&status(), Some(&["contrast".to_owned()]), &Board::new());
        let away = |service| Err(ClientError::NoAnswer { service });
        let now = Status {
            session: away(Service::Session).map(|()| Vec::new()),
            compositor: away(Service::Compositor).map(|()| CompositorState::default()),
        };
        let board = of(&now, None, &before);
        assert_eq!((board["kioskd"].as_str(), board["kiosk-session"].as_str()), ("OFF", "OFF"));
        assert_eq!(board.len(), before.len());
        assert_eq!(board["output/DP-1/rotation"], "90");
    }
}
