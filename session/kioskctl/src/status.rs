//! `status`: the state of both services, once or at each change.

use std::io::IsTerminal;
use std::path::Path;

use kiosk_client::boot::Boot;
use kiosk_client::frames::{OutputFrames, Spread};
use kiosk_client::state::{CompositorState, OutputState, SessionState, ShellOutput, now, span_text, time_between};
use kiosk_client::{Client, ClientError, Link, Service, Status};
use kiosk_core::config::ROOT_ENV;
use kiosk_core::slots::{self, Slots};
use serde_json::Value;

use super::outcome::{self, Failure, Outcome};
use super::table::table;

/// Home and clear to the end, as terminals since the VT100 understand it.
const CLEAR: &str = "\x1b[H\x1b[J";

/// What is shown.
struct Shown {
    status: Status,
    /// The slots, if requested and present.
    slots: Option<Slots>,
    /// The times of the start, if requested.
    boot: Option<Boot>,
    /// The frames of each output, if requested.
    frames: Option<Vec<OutputFrames>>,
    /// CLOCK_BOOTTIME of its machine, microseconds; `None`: not known, and no spans are told.
    now: Option<u64>,
}

/// The state of another machine, for people.
pub fn text(status: Status, now: Option<u64>) -> String {
    Shown { status, slots: None, boot: None, frames: None, now }.text()
}

/// What is shown beside the state.
pub struct With {
    pub slots: bool,
    pub boot: bool,
    pub frames: bool,
}

pub async fn once(client: &Client, with: With) -> Result<Outcome, Failure> {
    let status = Status::read(client).await;
    let slots = if with.slots { Some(read_slots()?) } else { None };
    let frames = if with.frames { Some(OutputFrames::read_all(client).await?) } else { None };
    // Slots are shown even if no service runs.
    if slots.is_none() {
        status.answered()?;
    }
    let boot = match &status.compositor {
        Ok(compositor) if with.boot => Some(Boot::read(client, compositor).await),
        Err(error) if with.boot => return Err(error.clone().into()),
        _ => None,
    };
    let shown = Shown { status, slots, boot, frames, now: Some(now()) };
    Ok(Outcome::new(shown.text(), shown.json()))
}

fn read_slots() -> Result<Slots, Failure> {
    let root = std::env::var_os(ROOT_ENV).filter(|root| !root.is_empty()).unwrap_or_else(|| "/".into());
    slots::read(Path::new(&root)).ok_or_else(|| {
        Failure::not_found(
            "there are no slots: systemd-boot has started no kernel from /EFI/Linux of an ESP, as images of `make image` have it",
        )
    })
}

/// Runs until it is interrupted, or its output is closed.
pub async fn watch(client: &Client, as_json: bool) -> Result<Outcome, Failure> {
    let mut session = Link::open(client, Service::Session).await;
    let mut compositor = Link::open(client, Service::Compositor).await;
    let mut screenful = Screenful::new(as_json);
    loop {
        let status = Status::of(&session, &compositor).await;
        if let (Err(error @ ClientError::NotAllowed(_)), Err(_)) = (&status.session, &status.compositor) {
            return Err(error.clone().into());
        }
        let json = status.json(None, None, None);
        screenful.show(status, json, Some(now()))?;
        tokio::select! {
            () = session.event() => {}
            () = compositor.event() => {}
        }
        session.refresh(client).await;
        compositor.refresh(client).await;
    }
}

/// What is shown again and again, whenever it is another.
pub struct Screenful {
    as_json: bool,
    terminal: bool,
    shown: Value,
}

impl Screenful {
    pub fn new(as_json: bool) -> Self {
        Screenful { as_json, terminal: std::io::stdout().is_terminal(), shown: Value::Null }
    }

    /// Shows it, unless it is what is shown already.
    pub fn show(&mut self, status: Status, json: Value, now: Option<u64>) -> Result<(), Failure> {
        if json == self.shown {
            return Ok(());
        }
        if self.as_json {
            outcome::print(&json.to_string())?;
        } else if self.terminal {
            outcome::print(&format!("{CLEAR}{}", text(status, now)))?;
        } else {
            let gap = if self.shown.is_null() { "" } else { "\n" };
            outcome::print(&format!("{gap}{}", text(status, now)))?;
        }
        self.shown = json;
        Ok(())
    }
}

impl Shown {
    fn json(&self) -> Value {
        self.status.json(self.slots.as_ref().map(Slots::json), self.boot.as_ref(), self.frames.as_deref())
    }

    fn text(&self) -> String {
        let mut rows = Vec::new();
        let mut row = |name: &str, text: String| rows.push(vec![name.to_owned(), text]);
        match &self.status.session {
            Ok(shells) if shells.len() > 1 => {
                let places = self.status.compositor.as_ref().map_or(&[][..], |compositor| &compositor.shells);
                for (number, session) in shells.iter().enumerate() {
                    let place = places.get(number).map(place_text).unwrap_or_default();
                    row("Shell", format!("{number}, output {:?}{place}", session.output));
                    session_rows(session, self.now, &mut row);
                }
            }
            Ok(shells) => shells.iter().for_each(|session| session_rows(session, self.now, &mut row)),
            Err(error) => row("Session", error.to_string()),
        }
        match &self.status.compositor {
            Ok(compositor) => compositor_rows(compositor, &mut row),
            Err(error) => row("Screen", error.to_string()),
        }
        for line in self.slots.iter().flat_map(Slots::lines) {
            row("Slot", line);
        }
        for line in self.boot.iter().flat_map(boot_lines) {
            row("Boot", line);
        }
        for frames in self.frames.iter().flatten() {
            row("Frames", counts_text(frames));
            if frames.frames > 0 {
                row("Times", times_text(frames));
            }
        }
        table(&rows)
    }
}

/// Tenths of a second are what people can tell apart.
fn seconds(micros: u64) -> String {
    format!("{:.1} s", micros as f64 / 1e6)
}

/// From power-on to the logo and to the page, with the stages in between.
fn boot_lines(boot: &Boot) -> Vec<String> {
    let Some(to_first_frame) = boot.to_first_frame() else {
        return vec!["not known: kioskd has shown no frame, or runs for a test".into()];
    };
    let stages = [
        ("firmware", boot.firmware),
        ("boot loader", boot.loader),
        ("kernel", boot.kernel),
        ("initrd", boot.initrd),
        ("system", boot.system),
    ];
    let stages = stages.into_iter().filter_map(|(name, micros)| Some(format!("{name} {}", seconds(micros?))));
    let mut lines = vec![format!("logo after {}: {}", seconds(to_first_frame), stages.collect::<Vec<_>>().join(", "))];
    lines.push(match (boot.to_page(), boot.page) {
        (Some(total), Some(page)) => format!("page after {}: {} after the logo", seconds(total), seconds(page)),
        _ => "no page yet".into(),
    });
    lines
}

/// A shell's stage and output.
fn place_text(place: &ShellOutput) -> String {
    match place.output.as_str() {
        "" => format!(": {} on no output, every one is another shell's", place.stage),
        output => format!(": {} on {output}", place.stage),
    }
}

fn session_rows(session: &SessionState, now: Option<u64>, row: &mut impl FnMut(&str, String)) {
    let ago = |micros: u64| time_between(micros, now?).map(span_text);
    let since = u64::try_from(session.since).ok().and_then(ago);
    let since = since.map(|span| format!(" for {span}")).unwrap_or_default();
    row("Session", format!("{}{since}", session.state));
    if !session.waiting_for.is_empty() {
        row("Waiting", session.waiting_for.clone());
    }
    // A command may have no page.
    let program = if session.url.is_empty() && session.browser_pid != 0 { "Program" } else { "Browser" };
    if !session.url.is_empty() {
        row("URL", session.url.clone());
    }
    let mut browser = match session.browser_pid {
        0 => "not running".to_owned(),
        pid => format!("pid {pid}"),
    };
    if session.memory_bytes > 0 {
        browser += &format!(", {} MiB", session.memory_bytes >> 20);
    }
    row(program, format!("{browser}, {} restart{}", session.restarts, if session.restarts == 1 { "" } else { "s" }));
    if session.refused > 0 {
        row("Refused", format!("{} times the page wanted to go where it may not (browser.allow)", session.refused));
    }
    if !session.restart_reason.is_empty() {
        row("Restart", format!("of the browser, when nobody uses the device: {}", session.restart_reason));
    }
    row(
        "Failure",
        match &session.last_failure {
            None => "none".into(),
            Some(failure) => {
                let when = ago(failure.at).map(|span| format!(", {span} ago")).unwrap_or_default();
                let action = if failure.action.is_empty() { String::new() } else { format!(" -> {}", failure.action) };
                // A past failure is marked as recovered.
                let recovered = if session.state == "ready" { " (recovered)" } else { "" };
                format!("{}{action}{when}{recovered}", failure.reason)
            }
        },
    );
}

fn compositor_rows(compositor: &CompositorState, row: &mut impl FnMut(&str, String)) {
    let how = [compositor.backend.as_str(), compositor.renderer.as_str()].join(", ");
    let vt = if compositor.active_vt > 0 { format!(", VT {}", compositor.active_vt) } else { String::new() };
    let which =
        if compositor.system_screen.is_empty() { String::new() } else { format!(": {}", compositor.system_screen) };
    row("Screen", format!("{}{which} ({how}{vt})", compositor.stage));
    if compositor.outputs.is_empty() {
        row("Output", "none".into());
    }
    for output in &compositor.outputs {
        row("Output", output_text(output) + without_a_shell(compositor, output));
    }
    for problem in &compositor.problems {
        row("Problem", problem.clone());
    }
}

/// On an output that is no shell's and shows no other output.
fn without_a_shell(compositor: &CompositorState, output: &OutputState) -> &'static str {
    let shown = compositor.shells.is_empty() || compositor.shells.iter().any(|place| place.output == output.name);
    if shown || !output.connected || !output.power || !output.mirror.is_empty() {
        return "";
    }
    "; no page: no shell is for it (`kioskctl mirror` shows another output's there, a [[shells]] table one of its own)"
}

fn counts_text(frames: &OutputFrames) -> String {
    let OutputFrames { output, direct, composed, lost_flips, missed_latches, .. } = frames;
    format!("{output}: {direct} direct, {composed} composed; {missed_latches} missed latches, {lost_flips} lost flips")
}

/// Of the last frames, milliseconds.
fn times_text(frames: &OutputFrames) -> String {
    let millis = |micros: u64| format!("{}.{:02}", micros / 1000, micros % 1000 / 10);
    let spread = |name: &str, times: Spread| {
        let [last, median, max] = [times.last, times.median, times.max].map(millis);
        format!("{name} {last} ms (median {median}, most {max})")
    };
    let parts =
        [spread("handling", frames.handling), spread("draw", frames.draw), spread("flip", frames.flip)].join(", ");
    format!("{}, last {}: {parts}", frames.output, frames.frames)
}

fn output_text(output: &OutputState) -> String {
    let identity = output.identity();
    let mut parts = vec![output.name.clone()];
    if !identity.is_empty() {
        parts.push(format!("({identity})"));
    }
    match (output.connected, output.power) {
        (false, _) => parts.push("not connected".into()),
        (true, false) if output.power_reason.is_empty() => parts.push("off".into()),
        (true, false) => parts.push(output.power_reason.clone()),
        (true, true) => parts.push(format!("on, {}", output.mode)),
    }
    let mut text = parts.join(" ");
    if output.rotation != 0 {
        text += &format!(", rotation {}", output.rotation);
    }
    text += &format!(", scale {}", output.scale);
    if !output.mirror.is_empty() {
        text += &format!(", mirror of {}", output.mirror);
    }
    if !output.scanout.is_empty() {
        text += &format!(", {}", output.scanout);
    }
    if !output.colours.is_empty() {
        text += &format!("; {}", output.colours);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_without_a_shell_says_so() {
        let output =
            |name: &str| OutputState { name: name.into(), connected: true, power: true, ..OutputState::default() };
        let place = ShellOutput { output: "DP-1".into(), ..ShellOutput::default() };
        let compositor = CompositorState { shells: vec![place], ..CompositorState::default() };
        let told = |output: &OutputState| without_a_shell(&compositor, output);
        assert_eq!(told(&output("DP-1")), "");
        assert!(told(&output("DP-2")).starts_with("; no page: no shell is for it"));
        assert_eq!(told(&OutputState { mirror: "DP-1".into(), ..output("DP-2") }), "");
        assert_eq!(told(&OutputState { power: false, ..output("DP-2") }), "");
        assert_eq!(without_a_shell(&CompositorState::default(), &output("DP-2")), "", "one that is too old to tell");
    }

    #[test]
    fn frames_are_told_in_two_lines() {
        let times = |last| Spread { last, median: 40, max: 12_345 };
        let frames = OutputFrames {
            output: "DP-1".into(),
            direct: 7,
            composed: 3,
            frames: 10,
            missed_latches: 1,
            handling: times(90),
            draw: times(1_200),
            flip: times(11_009),
            ..OutputFrames::default()
        };
        assert_eq!(counts_text(&frames), "DP-1: 7 direct, 3 composed; 1 missed latches, 0 lost flips");
        let told = "DP-1, last 10: handling 0.09 ms (median 0.04, most 12.34), draw 1.20 ms (median 0.04, most 12.34), \
                    flip 11.00 ms (median 0.04, most 12.34)";
        assert_eq!(times_text(&frames), told);
    }

    #[test]
    fn an_output_that_is_off_says_why() {
        let reason = "off by schedule until Mon 07:00".to_owned();
        let off = OutputState { name: "DP-1".into(), connected: true, scale: 1.0, ..OutputState::default() };
        assert_eq!(output_text(&off), "DP-1 off, scale 1");
        let told = OutputState { power_reason: reason, ..off };
        assert_eq!(output_text(&told), "DP-1 off by schedule until Mon 07:00, scale 1");
    }
}
