//! What goes into the machine and what comes out of it.

use std::time::Duration;

#[cfg(doc)]
use super::Machine;
use super::Why;
use crate::recovery::{Before, Rung};
use kiosk_core::config::Url;
use kiosk_core::texts::Texts;

/// What the machine has to know of the configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The configured page.
    pub home: Url,
    /// A Wayland client of its own, not the browser: there is no page to look after.
    pub command: bool,
    /// Whether the server has to answer before the shell can be shown (a command may not want a server).
    pub needs_server: bool,
    /// What the shell's program is called in messages.
    pub program: String,
    /// [`kiosk_core::config::Ready::timeout`].
    pub ready_timeout: Option<Duration>,
    /// The page itself says when it is ready.
    pub explicit: bool,
    /// What the person before the screen reads.
    pub texts: Texts,
    /// The strong measures of before this session.
    pub before: Before,
}

impl Settings {
    /// Whether there is nothing to show: the device is not set up yet.
    pub fn has_nothing(&self) -> bool {
        self.home.is_none() && !self.command
    }
}

/// What happened. Events of a browser that was replaced are not fed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The control socket is connected and has said where the screen is.
    CompositorUp {
        /// Process id, 0 when unknown: another number is another compositor.
        pid: u32,
    },
    /// The connection to it has ended, or was never there.
    CompositorDown,
    /// Whether the shell shows any window, hidden by the splash or not.
    Window {
        /// There is one; `None`: this compositor does not tell.
        mapped: Option<bool>,
    },
    /// The answer to [`Effect::Probe`]: the page can be opened.
    ServerUp,
    /// The answer to [`Effect::Probe`]: it can't yet, and is asked again later.
    ServerDown {
        /// One sentence, for people.
        reason: String,
    },
    /// The answer to [`Effect::Probe`]: there is none, and the browser may know more. It tries, and the server is asked on.
    ServerSilent {
        /// One sentence, for people.
        reason: String,
    },
    /// The answer to [`Effect::Launch`]: the shell runs.
    Launched {
        /// Of the leader of its process group.
        pid: u32,
    },
    /// The answer to [`Effect::Launch`]: it could not be started.
    LaunchFailed {
        /// One sentence, for people.
        reason: String,
    },
    /// The shell's process has ended, for whatever reason; all its children too.
    Exited {
        /// Its exit status or signal, in words.
        how: String,
    },
    /// The browser takes orders for its page.
    Attached,
    /// The browser no longer does.
    Detached {
        /// Why its pipe has ended.
        reason: String,
    },
    /// The page is at another URL.
    Moved {
        /// Where it is now.
        url: String,
    },
    /// The page is up, as `shell.ready.page` has it.
    PageUp,
    /// The page has loaded, and has painted nothing yet.
    PageLoaded,
    /// A page was not opened, or replaced by an error page.
    PageFailed {
        /// What was to be opened.
        url: String,
        /// The browser's error, or the server's status.
        reason: String,
        /// An error page is what the browser shows now.
        error_page: bool,
    },
    /// A server has answered with an error for what was to be in the page's place; what was shown before still is.
    PageStale {
        /// What was to be opened.
        url: String,
        /// The server's status.
        reason: String,
        /// It is tried again: the page is out of date, or was to go on by itself.
        again: bool,
    },
    /// The page wanted to go where it may not, and stayed.
    Refused {
        /// Where it wanted to go.
        url: String,
    },
    /// The page's renderer is gone; the browser is still there.
    PageCrashed,
    /// Nobody is there any more: home, and nothing of the last visitor left. `number` is the compositor's.
    Reset {
        /// Tells one reset from the next: the answer names it.
        number: u64,
    },
    /// The browser keeps a password that is to be forgotten: it is started anew. Chromium has no order for it that leaves
    /// other pages' logins alone.
    PasswordKept,
    /// The browser is to be started anew when nobody uses the device.
    RestartDue {
        /// Why.
        why: Why,
    },
    /// Nobody has used the device for a while.
    Idle,
    /// The answer to [`Effect::ClearData`]; the page is blank now.
    DataCleared {
        /// What the browser could not forget.
        error: Option<String>,
    },
    /// The page waits for a person to answer its dialog, or no longer does. It can't answer meanwhile.
    Dialog {
        /// It waits.
        open: bool,
    },
    /// Another window of the browser covers the page, or no longer does.
    Covered {
        /// It is covered.
        covered: bool,
    },
    /// The answer to [`Effect::Ping`] or [`Effect::Unstick`].
    Alive,
    /// The page, which is alive, has asked for a frame some seconds ago that has not come, or no longer waits for one.
    FrameLate {
        /// It waits.
        late: bool,
    },
    /// No answer to these will come: the document that was asked has made way for another one, which says nothing about
    /// that one.
    PingLost,
    /// The answer to [`Effect::Measure`].
    Measured {
        /// What the shell's processes have done since they started, as [`crate::launcher::work`] counts.
        work: u64,
    },
    /// The answer to [`Effect::TakeMeasure`]: it is written down, and may be taken.
    MeasureKept {
        /// Which.
        rung: Rung,
    },
    /// The answer to [`Effect::TakeMeasure`], or kioskd's to a report that asked for the device's restart.
    MeasureRefused {
        /// What is not done.
        rung: Rung,
        /// One sentence, for people.
        reason: String,
    },
    /// The compositor has asked the shell's window for a sign of life, as the report with this number wanted.
    WindowAsked {
        /// Of [`kiosk_core::api::Report::ping`].
        number: u64,
        /// How often the window has drawn so far; `None`: this compositor does not count.
        commits: Option<u64>,
    },
    /// The window has answered.
    WindowAlive {
        /// The same.
        number: u64,
    },
    /// [`Machine::deadline`] has passed.
    Tick,
    /// The service is to end.
    Shutdown,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Ask the server for this URL; an answer that no longer interests is not to come.
    Probe {
        /// The page that is wanted.
        url: Url,
    },
    /// Start the shell.
    Launch,
    /// End the shell and everything it started.
    Kill {
        /// How long it has to end in order; then it is killed.
        grace: Duration,
    },
    /// Open another document in the page.
    Navigate {
        /// Where it is.
        url: Url,
    },
    /// Load the page again.
    Reload {
        /// Past all caches.
        hard: bool,
    },
    /// Leave the page, and then forget what all pages have stored; ask for a sign of life as well.
    ClearData,
    /// Ask the page for a sign of life.
    Ping,
    /// End what runs in the page, ask it for a sign of life, and load it again.
    Unstick,
    /// End the page's process by force, not the browser.
    EndRenderer,
    /// Say how much the shell's processes have done.
    Measure,
    /// Have the next shell start with an empty profile; a copy of the old one is kept.
    SetProfileAside,
    /// Write down, so that it outlives this session and this boot, that a measure is taken; its budget depends on it.
    TakeMeasure {
        /// Which.
        rung: Rung,
        /// Why.
        reason: String,
    },
    /// Tell that the page wanted to go where it may not.
    Refused {
        /// Where it wanted to go.
        url: String,
        /// Since the session began, this one included.
        count: u64,
    },
    /// A failure for the log, the memory and whoever listens.
    Failed(Failure),
    /// All is ended: leave.
    Finish,
}

/// What went wrong and what is done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// One sentence.
    pub reason: String,
    /// One sentence: what the session does about it, and when.
    pub action: String,
}
