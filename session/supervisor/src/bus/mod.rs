//! `org.kioskd.Session1` on D-Bus: on the system bus where there is one, and always on `session.sock` in the
//! runtime directory, where every client has a connection of its own.
//!
//! [`crate::daemon`] publishes a [`Status`] and answers [`Call`]s; nothing here depends on how a session works.

mod console;
mod inspect;
mod object;
mod service;
mod socket;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::machine::{Command, Counts, FailureKind, Refusal, RestartCause};
use kiosk_core::api::State;
use kiosk_core::authority::Authority;
use kiosk_core::config::{Allowed, Url};

use self::service::SessionService;

pub use console::Console;
pub use inspect::{Inspect, InspectOrder, InspectRefusal};
pub use object::Session;

/// A command for the session; dropping it unanswered tells the caller that the session is ending.
#[derive(Debug)]
pub struct Call {
    /// The command.
    pub command: Command,
    /// Takes the answer; the receiver may be gone.
    pub reply: oneshot::Sender<Result<(), Refusal>>,
}

/// The session as D-Bus shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The same as in the report to the compositor.
    pub state: State,
    /// The page that is shown or wanted, passwords masked.
    pub url: String,
    /// Since when the state holds, microseconds of CLOCK_BOOTTIME.
    pub since: u64,
    /// Restarts of the shell since the session began.
    pub restarts: u32,
    /// Blocked navigations.
    pub refused: u32,
    /// Why the browser will be restarted when the device is idle; empty: no restart is due.
    pub restart_reason: String,
    /// What the page is waiting for, a sentence; empty: it is shown, or is not wanted.
    pub waiting_for: String,
    /// Reason, action, and when, microseconds of CLOCK_BOOTTIME; empty and 0: none yet.
    pub last_failure: (String, String, u64),
    /// The shell's process, 0: none.
    pub pid: u32,
    /// How often the state became ready: a change emits a signal.
    pub readies: u64,
    /// Number of failures, of which `last_failure` is the last.
    pub failures: u64,
    /// The same by what has failed.
    pub failure_counts: Counts<FailureKind>,
    /// Restarts of the shell by their cause.
    pub restart_causes: Counts<RestartCause>,
}

/// All shells, by number.
pub type Shells = Arc<[Shared]>;

/// The data of one shell that all connections share.
#[derive(Clone)]
pub struct Shared {
    /// The newest status.
    pub status: watch::Receiver<Status>,
    /// To the session's loop; bounded.
    pub calls: mpsc::Sender<Call>,
    /// The configured page, whose scheme may be opened besides http and https.
    pub home: Url,
    /// Which web pages may be opened.
    pub allowed: Allowed,
    /// The output that the shell is configured for.
    pub output: String,
    /// Whether it is a browser.
    pub browses: bool,
    /// Who listens to its console.
    pub console: Console,
    /// The way to look at its page by DevTools.
    pub inspect: Inspect,
    /// The same for all shells.
    pub authority: Authority,
}

/// Where the objects are served.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// Where `session.sock` is made.
    pub runtime_dir: PathBuf,
    /// The address of the message bus; `None`: no bus.
    pub bus: Option<String>,
}

/// Serves for ever. Each notification of `look` checks that `session.sock` still exists, as a restarted compositor may
/// have recreated the directory.
pub async fn serve(endpoints: Endpoints, shells: Vec<Shared>, look: Arc<Notify>) {
    let listen = Box::new(move || socket::listen(&endpoints.runtime_dir));
    let service = Arc::new(SessionService(shells.into()));
    kiosk_bus::serve(kiosk_bus::Endpoints { listen, bus: endpoints.bus, look }, service).await;
}

/// The state's name on D-Bus.
pub fn state_name(state: State) -> &'static str {
    match state {
        State::Waiting => "waiting",
        State::Launching => "launching",
        State::Loading => "loading",
        State::Ready => "ready",
        State::Offline => "offline",
        State::Crashed => "crashed",
        State::Backoff => "backoff",
        State::Stopped => "stopped",
    }
}
