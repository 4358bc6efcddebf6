//! The state machine of the session: what happened goes in, what to do comes out. No I/O and no clock in it;
//! [`crate::daemon`] feeds it and performs the effects, and tests drive it by the thousand.
//!
//! The browser starts on a blank page as soon as there is a compositor, while the web server may still be
//! starting: the splash hides it. The page is opened when both are there.

mod commands;
mod describe;
mod event;
#[cfg(test)]
mod tests;
mod transitions;
mod turn;

use std::time::Duration;

use crate::recovery::{Backoff, Ladder};
use kiosk_core::api::{Report, State};
use kiosk_core::config::Url;

pub use commands::{Command, Refusal};
pub use event::{Effect, Event, Failure, Settings};

/// From the compositor's disappearance until the shell is ended: it has lost its screen, and mostly ends by
/// itself; a compositor that merely lost this connection is back sooner.
const COMPOSITOR_GRACE: Duration = Duration::from_secs(1);
/// From the browser's start until it answers, at first. Longer than a cold start takes nearly everywhere; where it is
/// not, each start that was ended gives the next one twice the time: otherwise none would ever come to its end.
const ATTACH_LIMIT: Duration = Duration::from_secs(60);
/// A browser that does not answer by then hangs, on any machine.
const ATTACH_LONGEST: Duration = Duration::from_secs(480);
/// From the end of the browser's answers until it is ended.
const DETACH_LIMIT: Duration = Duration::from_secs(5);
/// From opening the page until something of it is seen, at least.
const LOAD_LIMIT: Duration = Duration::from_secs(60);
/// A page that has loaded and painted nothing for this long is meant to be empty.
const EMPTY_PAGE: Duration = Duration::from_secs(5);
/// Between two questions whether the page is alive, and for their answer.
const HEALTH_INTERVAL: Duration = Duration::from_secs(10);
/// Up for this long: earlier failures are forgotten.
const STABLE: Duration = Duration::from_secs(60);
/// First wait between two questions to the server; doubled up to [`PROBE_LONGEST`].
const PROBE_FIRST: Duration = Duration::from_millis(100);
/// The server mostly starts after us, and every moment of it is one of the splash.
const PROBE_LONGEST: Duration = Duration::from_millis(500);
/// What an orderly end may take.
pub const END_GRACE: Duration = Duration::from_secs(3);
/// What it may take for a browser that is known not to answer or to have lost its screen.
const LOST_GRACE: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Browser {
    None,
    /// [`Effect::Launch`] is being carried out.
    Starting,
    Running {
        pid: u32,
    },
    /// [`Effect::Kill`] is being carried out.
    Ending,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Server {
    /// Not asked, or its answer no longer counts.
    Unknown,
    Asking,
    /// It did not answer; asked again at `at`.
    Waiting {
        at: Duration,
    },
    Up,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Page {
    /// The browser does not take orders yet; it is ended at `limit`.
    Starting {
        limit: Duration,
    },
    /// It does not take orders any more, or there is none; it is ended at `limit`.
    None {
        limit: Option<Duration>,
    },
    /// Blank, or what it shows is not to be seen.
    Blank,
    Loading {
        limit: Duration,
        /// It counts as up then, painted or not.
        empty_at: Option<Duration>,
    },
    Up {
        since: Duration,
    },
}

/// Why things are not simply on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    None,
    Offline,
    Crashed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Health {
    at: Duration,
    asked: bool,
}

/// The session. [`Machine::step`] and [`Machine::command`] are its only inputs.
#[derive(Debug, Clone)]
pub struct Machine {
    settings: Settings,
    /// What is to be shown: home, or what was opened by command.
    target: Url,
    /// Where the page is; empty: nowhere yet.
    current: String,
    wanted: bool,
    leaving: bool,
    compositor: Option<u32>,
    /// The last compositor's process, and when it went.
    lost: Option<(u32, Duration)>,
    server: Server,
    probes: u32,
    browser: Browser,
    /// Not before this moment.
    launch_at: Option<Duration>,
    /// That moment is far enough to be called a pause.
    pausing: bool,
    page: Page,
    /// A page that was up is still what people see.
    shown: bool,
    dialog: bool,
    health: Option<Health>,
    trouble: Trouble,
    launches: u32,
    /// For a browser's start; kept once it was enough, as the next start takes as long.
    attach_limit: Duration,
    browser_backoff: Backoff,
    page_backoff: Backoff,
    ladder: Ladder,
    stable_at: Option<Duration>,
    /// Since when it is not up, for the ready timeout; `None`: up, stopped, or already said.
    overdue_at: Option<Duration>,
    overdue: bool,
    /// Why it is not up, for messages.
    reason: String,
}

impl Machine {
    /// A session that wants to run, at `now` on a monotonic clock.
    pub fn new(settings: Settings, now: Duration) -> Self {
        let overdue_at = settings.ready_timeout.map(|timeout| now + timeout);
        Machine {
            target: settings.home.clone(),
            settings,
            current: String::new(),
            wanted: true,
            leaving: false,
            compositor: None,
            lost: None,
            server: Server::Unknown,
            probes: 0,
            browser: Browser::None,
            launch_at: None,
            pausing: false,
            page: Page::None { limit: None },
            shown: false,
            dialog: false,
            health: None,
            trouble: Trouble::None,
            launches: 0,
            attach_limit: ATTACH_LIMIT,
            browser_backoff: Backoff::default(),
            page_backoff: Backoff::default(),
            ladder: Ladder::default(),
            stable_at: None,
            overdue_at,
            overdue: false,
            reason: String::new(),
        }
    }

    /// When [`Event::Tick`] is due; `None`: only another event can change anything.
    pub fn deadline(&self) -> Option<Duration> {
        let active = self.wanted && !self.leaving && self.compositor.is_some();
        let server = match self.server {
            Server::Waiting { at } if active => Some(at),
            _ => None,
        };
        let (page, empty) = match self.page {
            Page::Starting { limit } => (Some(limit), None),
            Page::None { limit } => (limit, None),
            Page::Loading { limit, empty_at } => (Some(limit), empty_at),
            Page::Blank | Page::Up { .. } => (None, None),
        };
        let lost = self.lost.map(|(_, at)| at + COMPOSITOR_GRACE).filter(|_| self.running());
        let launch = self.launch_at.filter(|_| active && self.may_launch());
        let health = self.health.map(|health| health.at);
        [server, page, empty, lost, launch, health, self.stable_at, self.overdue_at].into_iter().flatten().min()
    }

    /// What the compositor is to know. While a page that was up is loaded again or another one is opened, it
    /// hears `ready`: the last frame stays.
    pub fn report(&self) -> Report {
        let state = if self.shown { State::Ready } else { self.state() };
        let overdue = self.overdue && self.wanted && !self.shown;
        Report { state, message: self.message(), overdue, pid: self.pid(), shell: 0 }
    }

    /// How often the shell was started anew since the first time.
    pub fn restarts(&self) -> u32 {
        self.launches.saturating_sub(1)
    }

    /// The shell's process id, 0: none.
    pub fn pid(&self) -> u32 {
        match self.browser {
            Browser::Running { pid } => pid,
            _ => 0,
        }
    }

    /// Where the page is, or is to be.
    pub fn url(&self) -> &str {
        if self.current.is_empty() { self.target.as_str() } else { &self.current }
    }

    /// A browser starts while its server does; a command is told the URL, and has to find it answering.
    fn may_launch(&self) -> bool {
        self.browser == Browser::None && (!self.settings.command || self.server == Server::Up)
    }

    fn running(&self) -> bool {
        matches!(self.browser, Browser::Running { .. })
    }
}
