//! The contract between the three programs: names, paths, and the messages of the private control socket.
//!
//! The control socket (`/run/kiosk/control.sock`, a Unix stream) carries one JSON object a line. The session
//! is the client: it connects, and sends a [`Report`] whenever something changed, and a
//! [`crate::page_calls::PageCall`] when its page asks for something. The compositor answers with [`Notice`]s. It works with no D-Bus, and is the only thing the splash depends on.

#![deny(clippy::indexing_slicing, clippy::string_slice)]

use serde::{Deserialize, Serialize};

use crate::page_calls::PageAnswer;

/// Directory of all sockets when the programs run as services.
pub const RUNTIME_DIR: &str = "/run/kiosk";
/// Environment variable that overrides [`RUNTIME_DIR`]: kioskd sets it for its children.
pub const RUNTIME_DIR_ENV: &str = "KIOSK_RUNTIME_DIR";
/// By which kioskd tells kiosk-session the X display that it has for commands of the configuration, such as `:0`: browsers
/// and containers have no use for one. Not `KIOSK_`, which is configuration.
pub const X_DISPLAY_ENV: &str = "KIOSKD_X_DISPLAY";
/// Environment variables `KIOSK_SECTION_KEY` are configuration; this one and [`RUNTIME_DIR_ENV`] are not.
pub const STATE_DIR_ENV: &str = "KIOSK_STATE_DIR";
/// Directory of `state.toml`.
pub const STATE_DIR: &str = "/var/lib/kiosk";
/// The private control socket, in the runtime directory.
pub const CONTROL_SOCKET: &str = "control.sock";
/// Peer-to-peer D-Bus of the compositor, in the runtime directory.
pub const COMPOSITOR_SOCKET: &str = "compositor.sock";
/// Peer-to-peer D-Bus of the session, in the runtime directory.
pub const SESSION_SOCKET: &str = "session.sock";
/// Where [`SESSION_SOCKET`] leads: a directory in the runtime directory in which kiosk-session's user makes names, and
/// nobody else. In the runtime directory itself only kioskd's does.
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

/// The Wayland socket for trusted tools, in the runtime directory.
pub const WAYLAND_ADMIN_SOCKET: &str = "wayland-admin";
/// Members may do everything over the peer-to-peer sockets.
pub const ADMIN_GROUP: &str = "kiosk-admin";

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
    /// For the web server's first answer.
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
    /// By command.
    Stopped,
}

/// From the session to the compositor, whole at each change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// Where this shell is on its way.
    pub state: State,
    /// The page wants a file of the visitor's: they are to choose. Gone when there is nothing to choose any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chooser: Option<Chooser>,
    /// One line for the person before the screen; empty: none.
    #[serde(default)]
    pub message: String,
    /// The page is not up in the time that `shell.ready.timeout` gives it: what is wrong is to be shown at length.
    #[serde(default)]
    pub overdue: bool,
    /// Process id of the shell, 0 while there is none.
    #[serde(default)]
    pub pid: u32,
    /// The shell's number among [`crate::config::Config::all_shells`].
    #[serde(default)]
    pub shell: u32,
    /// Of the last [`Notice::Reset`] that is done: the first page is seen, and nothing of the last visitor is left. 0:
    /// none yet.
    #[serde(default)]
    pub reset: u64,
    /// Wants to hear ([`Notice::Idle`]) when nobody has used the device for a while.
    #[serde(default)]
    pub when_idle: bool,
    /// Nothing milder has brought the page back: why the device is to be restarted (`health.reboot`); empty: it is not.
    #[serde(default)]
    pub reboot: String,
    /// Another number than before: the shell's window is to be asked whether it is alive. The answers are
    /// [`Notice::Pinged`].
    #[serde(default)]
    pub ping: u64,
    /// Its page wants to hear ([`Notice::Presence`]) when nobody is there any more, and when somebody is again. 0: no;
    /// another number than before is another page, which has heard of nothing yet.
    #[serde(default)]
    pub listens: u64,
    /// How often it was tried since the page was last up, rounded down: small numbers are exact.
    #[serde(default)]
    pub tried: u32,
    /// What came of the last try, for people; empty: nothing was wrong yet.
    #[serde(default)]
    pub reason: String,
}

/// Files that a chooser has at most, and characters of a name in it: all fit into one line, with what JSON adds.
pub const MAX_OFFERED: usize = 200;
/// See [`MAX_OFFERED`].
pub const MAX_NAME: usize = 60;

/// What a visitor chooses from for an upload (`browser.uploads`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Chooser {
    /// Tells one chooser of a session's from the next: the answer names it. From 1.
    pub number: u64,
    /// Several may be chosen.
    #[serde(default)]
    pub multiple: bool,
    /// At most [`MAX_OFFERED`], in the order in which they are shown.
    #[serde(default)]
    pub files: Vec<OfferedFile>,
    /// Files that are there beside them, and are not listed.
    #[serde(default)]
    pub unlisted: u32,
    /// Why there are none.
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
        /// [`Notice::Window`] will be said.
        #[serde(default)]
        tells_windows: bool,
        /// It takes [`crate::page_calls::PageCall`]s. One of before a newer session would end the connection.
        #[serde(default)]
        takes_calls: bool,
    },
    /// Whether a shell's client shows any window, hidden by the splash or not.
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
        /// Places in [`Chooser::files`]; empty: none is wanted, or nobody has chosen in time.
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
    /// Nobody is there any more (`idle.reset`): the first page is to be shown, and what the last visitor left to be
    /// forgotten.
    Reset {
        /// From 1; said again to a session that has not done it.
        number: u64,
    },
    /// The window of a shell that people see was asked for a sign of life (`xdg_wm_base.ping`), or has given it. A shell
    /// that has none is not asked.
    Pinged {
        /// Of [`Report::ping`].
        number: u64,
        /// It has answered.
        answers: bool,
        /// How often the shell's windows have drawn so far, all together: the same number as before is no frame since.
        /// `None`: none is to be drawn, for another virtual terminal has the screens.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commits: Option<u64>,
    },
    /// The device is not restarted.
    NoReboot {
        /// One sentence, for people.
        reason: String,
    },
    /// Nobody has used the device for a while; once for each time that [`Report::when_idle`] becomes true.
    Idle {},
    /// Nobody has used the device for a while, or somebody does again; while [`Report::listens`].
    Presence {
        /// Nobody is there.
        idle: bool,
    },
    /// The keyboard on the screen covers a part of the shell's, or no longer does.
    Keyboard {
        /// The shell's number.
        number: u32,
        /// From the left and top of the shell's screen, width and height, logical pixels; `None`: it is not there.
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
            };
            let line = serde_json::to_vec(&report).unwrap();
            assert!(line.len() < MAX_LINE, "{} bytes", line.len());
            assert_eq!(serde_json::from_slice::<Report>(&line).unwrap(), report);
        }
    }
}
