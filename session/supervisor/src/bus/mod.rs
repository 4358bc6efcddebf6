//! `org.kioskd.Session1` on D-Bus: on the system bus where there is one, and always on `session.sock` in the
//! runtime directory, where every client has a connection of its own.
//!
//! [`crate::daemon`] publishes a [`Status`] and answers [`Call`]s; nothing here knows how a session works.

mod object;
mod service;
mod socket;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::machine::{Command, Refusal};
use kiosk_core::api::State;
use kiosk_core::authority::Authority;
use kiosk_core::config::{Allowed, Url};

use self::service::SessionService;

pub use object::Session;

/// A command on its way to the session; dropped unanswered, the caller hears that the session is ending.
#[derive(Debug)]
pub struct Call {
    /// What is wanted.
    pub command: Command,
    /// Where the answer goes; nobody may be waiting any more.
    pub reply: oneshot::Sender<Result<(), Refusal>>,
}

/// The session as D-Bus shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// As the report tells it to the compositor.
    pub state: State,
    /// The page that is shown or wanted, passwords masked.
    pub url: String,
    /// Since when the state holds, microseconds of CLOCK_BOOTTIME.
    pub since: u64,
    /// Of the shell, since the session began.
    pub restarts: u32,
    /// Addresses that the page wanted to go to and may not.
    pub refused: u32,
    /// Why the browser is restarted when nobody uses the device; empty: it is not.
    pub restart_reason: String,
    /// Reason, action, and when, microseconds of CLOCK_BOOTTIME; empty and 0: none yet.
    pub last_failure: (String, String, u64),
    /// The shell's process, 0: none.
    pub pid: u32,
    /// How often the state became ready, and how often something failed: a change is a signal.
    pub readies: u64,
    /// Counts what `last_failure` shows the last of.
    pub failures: u64,
}

/// All shells, by number.
pub type Shells = Arc<[Shared]>;

/// What every connection works with, for one shell.
#[derive(Clone)]
pub struct Shared {
    /// The newest status.
    pub status: watch::Receiver<Status>,
    /// To the session's loop; bounded.
    pub calls: mpsc::Sender<Call>,
    /// The configured page: decides which schemes may be opened besides the web's.
    pub home: Url,
    /// Which web pages may be opened.
    pub allowed: Allowed,
    /// The output that the shell is configured for.
    pub output: String,
    /// The same for all shells.
    pub authority: Authority,
}

/// Where the object is to be.
#[derive(Debug, Clone)]
pub struct Places {
    /// Where `session.sock` is made.
    pub runtime_dir: PathBuf,
    /// The address of the message bus; `None`: no bus.
    pub bus: Option<String>,
}

/// Serves for ever. Each notification of `look` makes sure that `session.sock` is still there: the directory may
/// have been made anew by a restarted compositor.
pub async fn serve(places: Places, shells: Vec<Shared>, look: Arc<Notify>) {
    let listen = Box::new(move || socket::listen(&places.runtime_dir));
    let service = Arc::new(SessionService(shells.into()));
    kiosk_bus::serve(kiosk_bus::Places { listen, bus: places.bus, look }, service).await;
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
