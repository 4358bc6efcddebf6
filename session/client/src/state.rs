//! The state of both services, read from their properties.

use std::collections::BTreeMap;
use std::time::Duration;

use kiosk_core::api::session_path;
use kiosk_core::config::{identity, syntax};
use serde::{Deserialize, Serialize};

use super::{ClientError, Peer, Properties, values as client};

/// `org.kioskd.Session1`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct SessionState {
    /// The output that the shell is configured for.
    pub output: String,
    /// As in the schema of `status`.
    pub state: String,
    /// Of the page, or of the one that it is to become.
    pub url: String,
    /// Microseconds, CLOCK_BOOTTIME.
    pub since: i64,
    /// Of the browser, since the start.
    pub restarts: i64,
    /// Blocked navigations.
    pub refused: i64,
    /// Why the browser is restarted when nobody uses the device; empty: it is not.
    pub restart_reason: String,
    /// What the page is waiting for; empty: it is shown, or is not wanted.
    pub waiting_for: String,
    /// Also one that is over.
    pub last_failure: Option<LastFailure>,
    /// Of the browser with its helpers; 0: unknown.
    pub memory_bytes: i64,
    /// 0: none.
    pub browser_pid: i64,
    /// By what has failed, since the start: a fixed set of words. Of this machine alone.
    #[serde(skip)]
    pub failures: BTreeMap<String, i64>,
    /// Starts of the browser after the first, by their cause: a fixed set of words. Of this machine alone.
    #[serde(skip)]
    pub restart_causes: BTreeMap<String, i64>,
}

/// What went wrong last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastFailure {
    /// What went wrong, for people.
    pub reason: String,
    /// What was done about it.
    pub action: String,
    /// Microseconds, CLOCK_BOOTTIME.
    pub at: u64,
}

/// `org.kioskd.Compositor1` and its outputs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct CompositorState {
    /// Of kioskd.
    pub version: String,
    /// `kms`, `winit` or `headless`.
    pub backend: String,
    /// `gles` or `pixman`.
    pub renderer: String,
    /// What people see: `splash`, `shell` or `system-screen`.
    pub stage: String,
    /// The screen of kioskd's own that is shown: `message`, `pairing` or `welcome`; empty: none.
    pub system_screen: String,
    /// Of each shell, by number.
    pub shells: Vec<ShellOutput>,
    /// In the foreground; 0: unknown or none.
    pub active_vt: i64,
    /// When this boot had its first frame, microseconds of CLOCK_MONOTONIC; 0: unknown.
    pub first_frame: i64,
    /// And its first page; 0: not yet, or unknown.
    pub first_page: i64,
    /// Of the screen layout.
    pub serial: i64,
    /// Warnings and configuration errors since the start.
    pub problems: Vec<String>,
    /// Connected ones first, then by position and name: the first is the primary one.
    pub outputs: Vec<OutputState>,
}

/// A shell's output.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct ShellOutput {
    /// Its output; empty: it has none.
    pub output: String,
    /// What its output shows.
    pub stage: String,
}

/// `org.kioskd.Output1`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct OutputState {
    /// Of the connector.
    pub name: String,
    /// Of the display; empty: unknown, as with the next two.
    pub make: String,
    /// Of the display.
    pub model: String,
    /// Of the display.
    pub serial_number: String,
    /// Whether a display is.
    pub connected: bool,
    /// Whether it is on.
    pub power: bool,
    /// Why it is off; empty: it is on.
    pub power_reason: String,
    /// The one in use.
    pub mode: Mode,
    /// As the display lists them.
    pub modes: Vec<ListedMode>,
    /// Degrees, clockwise as the viewer sees it.
    pub rotation: i64,
    /// Pixels a logical pixel.
    pub scale: f64,
    /// Logical pixels.
    pub position: [i64; 2],
    /// The output whose picture it shows; empty: its own.
    pub mirror: String,
    /// Per cent, -1: no control of it.
    pub brightness: i64,
    /// How the picture reaches the display: `direct`, `planes` or `composited`, with the reason.
    pub scanout: String,
    /// How the colours are changed and until when; empty: they are not.
    pub colours: String,
    /// Frames that were painted.
    pub frames_composed: i64,
    /// Frames that were a client's buffer as it is.
    pub frames_direct: i64,
}

/// Resolution and refresh rate; a width of 0: none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Mode {
    /// Pixels.
    pub width: i64,
    /// Pixels.
    pub height: i64,
    /// Refresh rate.
    pub millihertz: i64,
}

/// A mode in the list of a display.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ListedMode {
    /// What it is.
    #[serde(flatten)]
    pub mode: Mode,
    /// The display prefers it.
    pub preferred: bool,
    /// Each picture has every second line only. An older kioskd does not say.
    #[serde(default)]
    pub interlaced: bool,
}

impl SessionState {
    /// Of each shell, by number; never empty.
    pub async fn read_all(peer: &Peer) -> Result<Vec<Self>, ClientError> {
        let all = peer.properties().await?;
        let mut sessions = vec![SessionState::from_properties(&all, 0)];
        for number in 1..client::array(&all, "Shells").len() {
            sessions.push(SessionState::from_properties(&peer.properties_of(&session_path(number)).await?, number));
        }
        Ok(sessions)
    }

    fn from_properties(all: &Properties, number: usize) -> Self {
        SessionState {
            output: client::array(all, "Shells").into_iter().nth(number).unwrap_or_default(),
            state: client::text(all, "State"),
            url: client::text(all, "Url"),
            since: client::integer(all, "Since"),
            restarts: client::integer(all, "Restarts"),
            refused: client::integer(all, "Refused"),
            restart_reason: client::text(all, "RestartReason"),
            waiting_for: client::text(all, "WaitingFor"),
            last_failure: client::failure(all, "LastFailure").map(|(reason, action, at)| LastFailure {
                reason,
                action,
                at,
            }),
            memory_bytes: client::integer(all, "MemoryBytes"),
            browser_pid: client::integer(all, "BrowserPid"),
            failures: client::counts(all, "Failures"),
            restart_causes: client::counts(all, "RestartCauses"),
        }
    }
}

impl CompositorState {
    /// With all outputs.
    pub async fn read(peer: &Peer) -> Result<Self, ClientError> {
        let all = peer.properties().await?;
        let objects = peer.objects().await?;
        let mut outputs: Vec<OutputState> = objects
            .values()
            .filter_map(|interfaces| interfaces.get("org.kioskd.Output1"))
            .map(OutputState::from_properties)
            .collect();
        outputs.sort_by(|a, b| (!a.connected, a.position, &a.name).cmp(&(!b.connected, b.position, &b.name)));
        Ok(CompositorState {
            version: client::text(&all, "Version"),
            backend: client::text(&all, "Backend"),
            renderer: client::text(&all, "Renderer"),
            stage: client::text(&all, "Stage"),
            system_screen: client::text(&all, "SystemScreen"),
            shells: client::pairs(&all, "Shells")
                .into_iter()
                .map(|(output, stage)| ShellOutput { output, stage })
                .collect(),
            active_vt: client::integer(&all, "ActiveVt"),
            first_frame: client::integer(&all, "FirstFrame"),
            first_page: client::integer(&all, "FirstPage"),
            serial: client::integer(&all, "Serial"),
            problems: client::array(&all, "Problems"),
            outputs,
        })
    }
}

impl OutputState {
    fn from_properties(all: &Properties) -> Self {
        let [width, height, millihertz] = client::triple(all, "Mode");
        let [x, y, _] = client::triple(all, "Position");
        OutputState {
            name: client::text(all, "Name"),
            make: client::text(all, "Make"),
            model: client::text(all, "Model"),
            serial_number: client::text(all, "SerialNumber"),
            connected: client::boolean(all, "Connected"),
            power: client::boolean(all, "Power"),
            power_reason: client::text(all, "PowerReason"),
            mode: Mode { width, height, millihertz },
            modes: client::modes(all, "Modes")
                .into_iter()
                .zip(client::booleans(all, "Interlaced").into_iter().chain(std::iter::repeat(false)))
                .map(|(([width, height, millihertz], preferred), interlaced)| ListedMode {
                    mode: Mode { width, height, millihertz },
                    preferred,
                    interlaced,
                })
                .collect(),
            rotation: client::integer(all, "Rotation"),
            scale: client::float(all, "Scale"),
            position: [x, y],
            mirror: client::text(all, "Mirror"),
            brightness: client::integer(all, "Brightness"),
            scanout: client::text(all, "Scanout"),
            colours: client::text(all, "Colours"),
            frames_composed: client::integer(all, "FramesComposed"),
            frames_direct: client::integer(all, "FramesDirect"),
        }
    }

    /// As configuration tables name it.
    pub fn identity(&self) -> String {
        identity(&self.make, &self.model, &self.serial_number)
    }
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.width == 0 {
            return f.write_str("-");
        }
        write!(f, "{}x{}", self.width, self.height)?;
        match u32::try_from(self.millihertz) {
            Ok(millihertz) if millihertz > 0 => write!(f, "@{}", syntax::hertz_text(millihertz)),
            _ => Ok(()),
        }
    }
}

/// Microseconds of CLOCK_BOOTTIME.
pub fn now() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    seconds.saturating_mul(1_000_000).saturating_add(u64::try_from(now.tv_nsec).unwrap_or_default() / 1000)
}

/// Time since a moment of CLOCK_BOOTTIME, microseconds; `None`: it is not set.
pub fn time_since(micros: u64) -> Option<Duration> {
    time_between(micros, now())
}

/// Time from one moment of a clock to another, microseconds; `None`: the first is not set, or it is the later one.
pub fn time_between(micros: u64, now: u64) -> Option<Duration> {
    now.checked_sub(micros).filter(|_| micros > 0).map(Duration::from_micros)
}

/// Its two largest units.
pub fn span_text(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [("d", seconds / 86_400), ("h", seconds / 3600 % 24), ("min", seconds / 60 % 60), ("s", seconds % 60)];
    let shown = units.iter().skip_while(|(_, count)| *count == 0).take(2).filter(|(_, count)| *count > 0);
    let text: Vec<String> = shown.map(|(unit, count)| format!("{count} {unit}")).collect();
    if text.is_empty() { "0 s".into() } else { text.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_show_their_two_largest_units() {
        for (seconds, text) in [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3661, "1 h 1 min"), (180_000, "2 d 2 h")] {
            assert_eq!(span_text(Duration::from_secs(seconds)), text);
        }
    }
}
