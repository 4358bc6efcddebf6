//! The contract between the three programs: names, paths, and the messages of the private control socket.
//!
//! The control socket (`/run/kiosk/control.sock`, a Unix stream) carries one JSON object a line. The session
//! is the client: it connects, and sends a [`Report`] whenever something changed, and a
//! [`crate::page_calls::PageCall`] when its page asks for something. The compositor answers with [`Notice`]s. It works with no D-Bus, and is the only thing the splash depends on.

use std::{ops::RangeInclusive, time::Duration};

use serde::{Deserialize, Serialize};

use crate::page_calls::PageAnswer;

/// Directory of all sockets when the programs run as services.
pub const RUNTIME_DIR: &str = "/run/kiosk";
/// Environment variable that overrides [`RUNTIME_DIR`]: kioskd sets it for its children.
pub const RUNTIME_DIR_ENV: &str = "KIOSK_RUNTIME_DIR";
/// Environment variable by which kioskd tells kiosk-session its X display, such as `:0`, for commands of the
/// configuration (not for browsers and containers). It has no `KIOSK_` prefix, which marks configuration.
pub const X_DISPLAY_ENV: &str = "KIOSKD_X_DISPLAY";
/// Environment variables `KIOSK_SECTION_KEY` are configuration; this one and [`RUNTIME_DIR_ENV`] are not.
pub const STATE_DIR_ENV: &str = "KIOSK_STATE_DIR";
/// Directory of `state.toml`.
pub const STATE_DIR: &str = "/var/lib/kiosk";
/// The private control socket, in the runtime directory.
pub const CONTROL_SOCKET: &str = "control.sock";
/// The X display `:0` for a session that is a service of its own, in the runtime directory; its unit has that directory as
/// `/tmp/.X11-unix`. There with `[x11] enabled`.
pub const X_SOCKET: &str = "x11/X0";
/// Peer-to-peer D-Bus of the compositor, in the runtime directory.
pub const COMPOSITOR_SOCKET: &str = "compositor.sock";
/// Peer-to-peer D-Bus of the session, in the runtime directory.
pub const SESSION_SOCKET: &str = "session.sock";
/// Where [`SESSION_SOCKET`] leads: a directory in the runtime directory in which only kiosk-session's user may create
/// files. Only kioskd's user may do so in the runtime directory itself.
pub const SESSION_DIR: &str = "session";

/// Where [`SESSION_SOCKET`] leads, from the runtime directory.
pub fn session_socket_target() -> String {
    format!("{SESSION_DIR}/{SESSION_SOCKET}")
}

/// The first shell's Wayland socket, in the runtime directory.
pub const WAYLAND_SOCKET: &str = "wayland-0";

/// The Wayland socket of the shell with this number, in the runtime directory.
pub fn shell_socket(number: usize) -> String {
    format!("wayland-{number}")
}

/// The Wayland socket of the command in cage's place (`kioskd -- COMMAND`), in the runtime directory.
pub const WAYLAND_COMMAND_SOCKET: &str = "wayland-command";

/// The Wayland socket of an on-screen keyboard of another program (`[keyboard] use = "external"`), in the runtime
/// directory.
pub const WAYLAND_KEYBOARD_SOCKET: &str = "wayland-keyboard";
/// Members may open that socket.
pub const KEYBOARD_GROUP: &str = "kiosk-keyboard";

/// The Wayland socket for trusted tools, in the runtime directory.
pub const WAYLAND_ADMIN_SOCKET: &str = "wayland-admin";
/// Members may do everything over the peer-to-peer sockets.
pub const ADMIN_GROUP: &str = "kiosk-admin";

/// Allowed times until a temporary change of outputs is undone unless it is confirmed.
pub const REVERT_AFTER: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);
/// Allowed times of a pairing screen: a code that is valid for longer is not safe.
pub const PAIRING_EXPIRES: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(24 * 3600);

/// Allowed times for which somebody looks at a page by DevTools.
pub const INSPECT_TIME: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);
/// Longest name of who does, characters: it is shown on the screen.
pub const MAX_INSPECTOR: usize = 64;

/// The session's well-known name on the system bus, and the name of its objects' interface.
pub const SESSION_INTERFACE: &str = "org.kioskd.Session1";
/// D-Bus object of the first shell.
pub const SESSION_PATH: &str = "/org/kioskd/Session1";

/// The D-Bus object of the shell with this number.
pub fn session_path(number: usize) -> String {
    if number == 0 { SESSION_PATH.to_owned() } else { format!("{SESSION_PATH}/shells/{number}") }
}

/// Longest line on the control socket, bytes; a longer one closes the connection.
pub const MAX_LINE: usize = 64 * 1024;

/// The runtime directory in force: [`RUNTIME_DIR_ENV`], else `/run/kiosk`.
pub fn runtime_dir() -> std::path::PathBuf {
    std::env::var_os(RUNTIME_DIR_ENV).filter(|v| !v.is_empty()).map_or_else(|| RUNTIME_DIR.into(), Into::into)
}

/// Where the session is on its way to the page. The names are those of `org.kioskd.Session1.State`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Waiting for the web server's first answer.
    #[default]
    Waiting,
    /// The browser has been started and has not yet shown a window.
    Launching,
    /// The page is being fetched.
    Loading,
    /// The page has painted: the splash may go. In a [`Report`] also while a page that was up is loaded again or
    /// another one is opened by command: the last frame stays, and D-Bus has `loading`.
    Ready,
    /// The server stopped answering, or the page could not be loaded.
    Offline,
    /// The browser or the page died; recovery is under way.
    Crashed,
    /// Too many failures: the next try comes after a delay.
    Backoff,
    /// Stopped by command.
    Stopped,
}

/// The session's state, sent whole to the compositor at each change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// How far this shell is on the way to its page.
    pub state: State,
    /// The page asks the visitor for files to upload. `None`: there is nothing to choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chooser: Option<Chooser>,
    /// One line for the person before the screen; empty: none.
    #[serde(default)]
    pub message: String,
    /// The page is not up within `shell.ready.timeout`: show the diagnostics screen.
    #[serde(default)]
    pub overdue: bool,
    /// Process id of the shell, 0 while there is none.
    #[serde(default)]
    pub pid: u32,
    /// The shell's number among [`crate::config::Config::all_shells`].
    #[serde(default)]
    pub shell: u32,
    /// Number of the last [`Notice::Reset`] that was completed: the first page is shown, the last visitor's data is
    /// removed. 0: none yet.
    #[serde(default)]
    pub reset: u64,
    /// It wants one [`Notice::Idle`] when the device has not been used for a while.
    #[serde(default)]
    pub when_idle: bool,
    /// Why the device is to be restarted (`health.reboot`), after all milder steps failed; empty: no restart is asked
    /// for.
    #[serde(default)]
    pub reboot: String,
    /// A new number asks the compositor to ping the shell's window; it answers with [`Notice::Pinged`].
    #[serde(default)]
    pub ping: u64,
    /// Not 0: its page wants [`Notice::Presence`] when the device becomes idle and when it is used again. A new number
    /// is a new page, which has been told nothing yet.
    #[serde(default)]
    pub listens: u64,
    /// Number of attempts since the page was last up; large numbers are rounded down.
    #[serde(default)]
    pub tried: u32,
    /// Why the last attempt failed, for people; empty: none has failed yet.
    #[serde(default)]
    pub reason: String,
    /// Who looks at the page by DevTools, for a line on its screen; empty: nobody.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub inspector: String,
    /// Until when, seconds since 1970.
    #[serde(default)]
    pub inspected_until: u64,
}

/// Most files in a chooser. With names of [`MAX_NAME`] characters they fit into one line of [`MAX_LINE`] bytes of JSON.
pub const MAX_OFFERED: usize = 200;
/// Longest name of a file in a chooser, characters; see [`MAX_OFFERED`].
pub const MAX_NAME: usize = 60;

/// The list from which a visitor chooses files to upload (`browser.uploads`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Chooser {
    /// Identifies the chooser within the session; the answer repeats it. Counts from 1.
    pub number: u64,
    /// Several may be chosen.
    #[serde(default)]
    pub multiple: bool,
    /// At most [`MAX_OFFERED`], in the order in which they are shown.
    #[serde(default)]
    pub files: Vec<OfferedFile>,
    /// Number of further files that are not listed.
    #[serde(default)]
    pub unlisted: u32,
    /// Why there are no files.
    #[serde(default)]
    pub nothing: Nothing,
}

/// A file that may be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedFile {
    /// For people: printable, of at most [`MAX_NAME`] characters, with the folders below the directory.
    pub name: String,
    /// Bytes.
    pub size: u64,
}

/// Why a chooser has no files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nothing {
    /// There is none in the directory.
    #[default]
    Empty,
    /// There are files, and none is of a kind that the page takes.
    OfNoKind,
    /// The directory is not there, or can't be read: no stick is plugged in.
    NotThere,
}

/// From the compositor to the session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "notice")]
pub enum Notice {
    /// First, once a connection: where the shell connects to.
    Hello {
        /// Of the first shell.
        #[serde(default)]
        wayland_display: String,
        /// Of each shell, by number.
        #[serde(default)]
        wayland_displays: Vec<String>,
        /// The compositor sends [`Notice::Window`].
        #[serde(default)]
        tells_windows: bool,
        /// The compositor takes [`crate::page_calls::PageCall`]s. An older one, without this field, closes the
        /// connection at the first.
        #[serde(default)]
        takes_calls: bool,
    },
    /// Whether a shell's client has a mapped window, even if the splash covers it.
    Window {
        /// There is one.
        mapped: bool,
        /// The shell's number.
        #[serde(default)]
        number: u32,
    },
    /// The visitor has chosen.
    Chosen {
        /// [`Chooser::number`].
        number: u64,
        /// Indices into [`Chooser::files`]; empty: cancelled, or no choice within the time limit.
        files: Vec<u32>,
    },
    /// Whether a shell's own picture is what people see (false: splash or a system screen).
    Visible {
        /// Whether the shell's picture is seen.
        shell: bool,
        /// The shell's number.
        #[serde(default)]
        number: u32,
    },
    /// Asks for the first page and for the removal of the last visitor's data (`idle.reset`).
    Reset {
        /// Counts from 1; repeated to a new connection until the session reports it as done.
        number: u64,
    },
    /// A visible window of the shell was sent `xdg_wm_base.ping`, or has answered. A shell without a visible window is
    /// not pinged.
    Pinged {
        /// Of [`Report::ping`].
        number: u64,
        /// It has answered.
        answers: bool,
        /// Frames that all of the shell's windows have drawn so far. `None`: none is expected, as another virtual
        /// terminal has the screens.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commits: Option<u64>,
    },
    /// The restart of the device was refused.
    NoReboot {
        /// One sentence, for people.
        reason: String,
    },
    /// The device has not been used for a while; sent once each time [`Report::when_idle`] becomes true.
    Idle {},
    /// The device became idle, or is used again; sent while [`Report::listens`] is not 0.
    Presence {
        /// It is idle.
        idle: bool,
    },
    /// The keyboard on the screen covers a part of the shell's, or no longer does.
    Keyboard {
        /// The shell's number.
        number: u32,
        /// x, y, width and height on the shell's screen, logical pixels; `None`: it is hidden.
        area: Option<(i32, i32, i32, i32)>,
    },
    /// To the session that has sent the call.
    Answer(PageAnswer),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_report_fits_into_a_line() {
        let file = OfferedFile { name: "\u{1f4c4}".repeat(MAX_NAME), size: u64::MAX };
        let quoted = OfferedFile { name: "\\\"".repeat(MAX_NAME / 2), size: u64::MAX };
        for file in [file, quoted] {
            let files = vec![file; MAX_OFFERED];
            let nothing = Nothing::NotThere;
            let chooser = Chooser { number: u64::MAX, multiple: true, files, unlisted: u32::MAX, nothing };
            let report = Report {
                state: State::Launching,
                message: "\u{1f4c4}".repeat(500),
                overdue: true,
                pid: u32::MAX,
                shell: u32::MAX,
                reset: u64::MAX,
                when_idle: true,
                reboot: "\u{1f4c4}".repeat(500),
                ping: u64::MAX,
                listens: u64::MAX,
                chooser: Some(chooser),
                tried: u32::MAX,
                reason: "\u{1f4c4}".repeat(500),
                inspector: "\u{1f4c4}".repeat(MAX_INSPECTOR),
                inspected_until: u64::MAX,
            };
            let line = serde_json::to_vec(&report).unwrap();
            assert!(line.len() < MAX_LINE, "{} bytes", line.len());
            assert_eq!(serde_json::from_slice::<Report>(&line).unwrap(), report);
        }
    }
}
