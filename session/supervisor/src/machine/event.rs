//! The machine's inputs and outputs: settings, events, effects.

use std::time::Duration;

#[cfg(doc)]
use super::Machine;
use super::{FailureKind, RestartReason};
use crate::recovery::{LastMeasures, Rung};
use kiosk_core::config::Url;
use kiosk_core::texts::Texts;

/// The machine's part of the configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The configured page.
    pub home: Url,
    /// The shell is another program than the browser, without a page.
    pub command: bool,
    /// Whether the server has to answer before the shell can be shown (a command may not need one).
    pub needs_server: bool,
    /// The program's name in messages.
    pub program: String,
    /// [`kiosk_core::config::Ready::timeout`].
    pub ready_timeout: Option<Duration>,
    /// The page reports itself when it is ready.
    pub explicit: bool,
    /// The texts for the screen.
    pub texts: Texts,
    /// The strong measures taken before this session.
    pub before: LastMeasures,
}

impl Settings {
    /// Whether there is nothing to show: the device is not set up yet.
    pub fn has_nothing(&self) -> bool {
        self.home.is_none() && !self.command
    }
}

/// An event. Events of a replaced browser are not passed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The control socket is connected, and the Wayland socket is known.
    CompositorUp {
        /// Process id, 0 when unknown: another number is another compositor.
        pid: u32,
    },
    /// There is no connection to the compositor.
    CompositorDown,
    /// Whether the shell has a mapped window, even if the splash covers it.
    Window {
        /// It has one; `None`: this compositor does not report it.
        mapped: Option<bool>,
    },
    /// The result of [`Effect::Probe`]: the server is up.
    ServerUp,
    /// The result of [`Effect::Probe`]: the server is not up; it is probed again later.
    ServerDown {
        /// One sentence, for people.
        reason: String,
    },
    /// The result of [`Effect::Probe`]: unknown; the browser tries, and probing goes on.
    ServerSilent {
        /// One sentence, for people.
        reason: String,
    },
    /// The result of [`Effect::Launch`]: the shell runs.
    Launched {
        /// Of the leader of its process group.
        pid: u32,
    },
    /// The result of [`Effect::Launch`]: it could not be started.
    LaunchFailed {
        /// One sentence, for people.
        reason: String,
    },
    /// The shell's process has exited, and all its children.
    Exited {
        /// Its exit status or signal, in words.
        how: String,
    },
    /// DevTools is attached to the page.
    Attached,
    /// DevTools is detached.
    Detached {
        /// Why its pipe has ended.
        reason: String,
    },
    /// The page's URL has changed.
    Moved {
        /// Where it is now.
        url: String,
    },
    /// The page is up, as `shell.ready.page` has it.
    PageUp,
    /// The page has loaded, but has painted nothing yet.
    PageLoaded,
    /// A page could not be opened, or was replaced by an error page.
    PageFailed {
        /// The URL that failed.
        url: String,
        /// The browser's error, or the server's status.
        reason: String,
        /// The browser shows an error page now.
        error_page: bool,
    },
    /// A server has answered a navigation with an error; the previous page is still shown.
    PageStale {
        /// The URL that failed.
        url: String,
        /// The server's status.
        reason: String,
        /// Whether to try again: the page is outdated, or navigated by itself.
        again: bool,
    },
    /// A navigation was blocked by `browser.allow`.
    Refused {
        /// The blocked URL.
        url: String,
    },
    /// Somebody looks at the page by DevTools, who may hold its scripts, or nobody any more.
    Inspected {
        /// Somebody does.
        open: bool,
    },
    /// The page's renderer is gone; the browser is still there.
    PageCrashed,
    /// `idle.reset`: open the first page and delete the last visitor's data. `number` is the compositor's.
    Reset {
        /// Identifies the reset in the report.
        number: u64,
    },
    /// The browser has cached a password that must be dropped, so it is restarted: Chromium has no command for that
    /// which keeps other pages' logins.
    PasswordKept,
    /// The browser has to be restarted when the device is idle.
    RestartDue {
        /// Why.
        why: RestartReason,
    },
    /// The device is idle.
    Idle,
    /// The result of [`Effect::ClearData`]; the page is blank now.
    DataCleared {
        /// What could not be deleted.
        error: Option<String>,
    },
    /// The page waits for a person to answer its dialog, or no longer does. It cannot answer pings meanwhile.
    Dialog {
        /// It waits.
        open: bool,
    },
    /// Another window of the browser covers the page, or no longer does.
    Covered {
        /// It is covered.
        covered: bool,
    },
    /// The document before does not let go of the page, so that what was ordered does not come.
    NotLeft,
    /// The result of [`Effect::Ping`] or [`Effect::Unstick`].
    Alive,
    /// A responsive page has waited for an animation frame for some seconds, or no longer does.
    FrameLate {
        /// It waits.
        late: bool,
    },
    /// The ping was lost, as the pinged document was replaced.
    PingLost,
    /// The result of [`Effect::Measure`].
    Measured {
        /// The work of the shell's processes since they started, as [`crate::launcher::work`] counts.
        work: u64,
    },
    /// The result of [`Effect::TakeMeasure`]: it is recorded, and may be taken.
    MeasureKept {
        /// Which.
        rung: Rung,
    },
    /// The result of [`Effect::TakeMeasure`], or kioskd's answer to a request to restart the device.
    MeasureRefused {
        /// The refused measure.
        rung: Rung,
        /// One sentence, for people.
        reason: String,
    },
    /// The compositor has pinged the shell's window, as the report with this number requested.
    WindowAsked {
        /// Of [`kiosk_core::api::Report::ping`].
        number: u64,
        /// The window's commits so far; `None`: this compositor does not count them.
        commits: Option<u64>,
    },
    /// The window has answered the ping.
    WindowAlive {
        /// The same.
        number: u64,
    },
    /// [`Machine::deadline`] has passed.
    Tick,
    /// The service shuts down.
    Shutdown,
}

/// An action for the daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Probe this URL's server; replaces an earlier probe.
    Probe {
        /// The page to open.
        url: Url,
    },
    /// Start the shell.
    Launch,
    /// Terminate the shell and its children.
    Kill {
        /// Time until SIGKILL.
        grace: Duration,
    },
    /// Open another document in the page.
    Navigate {
        /// Its URL.
        url: Url,
    },
    /// Load the page again.
    Reload {
        /// Past all caches.
        hard: bool,
    },
    /// Open a blank page, delete all pages' stored data, and ping.
    ClearData,
    /// Ping the page.
    Ping,
    /// Terminate the page's script, ping it, and reload it.
    Unstick,
    /// Kill the page's renderer process, not the browser.
    EndRenderer,
    /// Measure the work of the shell's processes.
    Measure,
    /// Start the next shell with an empty profile; the old one is kept as a copy.
    SetProfileAside,
    /// Record persistently that a measure is taken, for its budget.
    TakeMeasure {
        /// Which.
        rung: Rung,
        /// Why.
        reason: String,
    },
    /// Report a blocked navigation.
    Refused {
        /// The blocked URL.
        url: String,
        /// Number since the session began, this one included.
        count: u64,
    },
    /// A failure, for the log and D-Bus.
    Failed(Failure),
    /// Everything has ended: exit.
    Finish,
}

/// A failure and the reaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What has failed.
    pub kind: FailureKind,
    /// One sentence.
    pub reason: String,
    /// One sentence: the session's reaction, and when.
    pub action: String,
    /// What was ordered goes on: who waits for it waits on.
    pub goes_on: bool,
}
