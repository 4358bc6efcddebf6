//! The state machine of the session: events go in, effects come out. No I/O and no clock; [`crate::daemon`] feeds it
//! and performs the effects, and property tests drive it with thousands of sequences.
//!
//! The browser starts on a blank page as soon as there is a compositor, while the web server may still be starting: the
//! splash hides it. The page is opened when both are ready.

mod commands;
mod counts;
mod describe;
mod event;
mod frames;
mod hang_timer;
mod health;
mod measures;
mod parts;
mod planned;
mod server;
mod step;
mod stuck;
#[cfg(test)]
mod tests;
mod transitions;
mod window_pings;

use std::time::Duration;

use crate::recovery::{Measures, Recovery};
use kiosk_core::api::{Report, State};
use kiosk_core::config::Url;

pub use commands::{Command, Refusal};
pub use counts::{Counts, FailureKind, RestartCause};
pub use event::{Effect, Event, Failure, Settings};
use frames::Frames;
use parts::{Browser, BrowserAttempt, Clearing, Compositor, DelayReason, Intent, Launch, Page, ReadyClock, Server};
use planned::Planned;
pub use planned::RestartReason;
use window_pings::WindowPings;

/// Time from the compositor's disappearance until the shell is terminated: it usually exits by itself; a compositor
/// that only lost this connection returns sooner.
const COMPOSITOR_GRACE: Duration = Duration::from_secs(1);
/// Longest time until a started browser answers, on any machine, whatever it does meanwhile.
const ATTACH_TIMEOUT: Duration = Duration::from_secs(480);
/// A starting browser that does no work for this long is dead, not slow. A disk that spins up, or swapping, takes
/// seconds for one read.
const ATTACH_STALL: Duration = Duration::from_secs(30);
/// Time from DevTools' disconnect until the browser is terminated.
const DETACH_TIMEOUT: Duration = Duration::from_secs(5);
/// Time limit from opening the page to its first paint without any work done: a server may take a minute for its first
/// byte.
const LOAD_STALL: Duration = Duration::from_secs(90);
/// A page that works for this long without painting is in a loop.
const LOAD_TIMEOUT: Duration = Duration::from_secs(480);
/// A loaded page that has painted nothing for this long is intentionally empty.
const EMPTY_PAGE: Duration = Duration::from_secs(5);
/// After this time up, earlier failures are forgotten.
const STABLE: Duration = Duration::from_secs(60);
/// First interval between probes; doubled up to [`MAX_PROBE_INTERVAL`].
const MIN_PROBE_INTERVAL: Duration = Duration::from_millis(100);
/// Short, as the server often starts after us, and the splash is shown until it is up.
const MAX_PROBE_INTERVAL: Duration = Duration::from_millis(500);
/// Without an answer of the server for this long the browser tries behind the splash: it may have the page from a
/// service worker or a cache, or know a certificate that we do not. Doubled with each attempt up to
/// [`MAX_TRY_INTERVAL`].
const MIN_TRY_INTERVAL: Duration = Duration::from_secs(5);
const MAX_TRY_INTERVAL: Duration = Duration::from_secs(300);
/// Time limit for the server of an address that the page navigated to by itself: a server's restart takes no longer.
const WANTED_LIMIT: Duration = Duration::from_secs(120);
/// Time for an orderly exit.
pub const END_GRACE: Duration = Duration::from_secs(3);
/// The same for a browser that does not answer or has lost its compositor.
const LOST_GRACE: Duration = Duration::from_millis(500);

/// Most consecutive failures to delete the pages' stored data.
const MAX_UNFORGOTTEN: u32 = 2;

/// The session. [`Machine::step`] and [`Machine::command`] are its only inputs.
#[derive(Debug, Clone)]
pub struct Machine {
    settings: Settings,
    /// The URL to show: the configured page, or the one opened by command.
    target: Url,
    /// The URL of a navigation that its server answered with an error, while it is retried: the page's own, or where it
    /// navigated to. The server of `target` is not probed meanwhile.
    wanted: Option<Url>,
    /// When that is given up; `None`: it is the page's own URL, or there is none.
    wanted_until: Option<Duration>,
    /// The page's current URL; empty: none yet.
    current: String,
    intent: Intent,
    compositor: Compositor,
    /// The last [`Event::Window`].
    window: Option<bool>,
    server: Server,
    /// Since when the server has not answered, while nothing is shown.
    silent_since: Option<Duration>,
    /// The browser failed to load what its server answered: not before this time again, while the server answers.
    retry_at: Option<Duration>,
    /// Attempts of the browser without an answer of the server.
    tries: u32,
    /// The current attempt.
    trying: BrowserAttempt,
    browser: Browser,
    launch: Launch,
    page: Page,
    /// The page has an open dialog, and cannot answer pings.
    dialog: bool,
    /// Somebody looks at it by DevTools, and may hold its scripts.
    inspected: bool,
    clearing: Clearing,
    /// Consecutive failures of it.
    unforgotten: u32,
    /// The requested reset, and the last completed one.
    reset_wanted: Option<u64>,
    reset_done: u64,
    /// Since when another window covers the page.
    covered: Option<Duration>,
    /// Until then another process that dies may be one of those that were killed with the page's.
    more_may_die: Option<Duration>,
    window_pings: WindowPings,
    frames: Frames,
    trouble: DelayReason,
    planned: Planned,
    launches: u32,
    /// Why the next one is, where something has said so.
    restart_cause: RestartCause,
    restart_causes: Counts<RestartCause>,
    /// Number of blocked navigations.
    refused: u64,
    recovery: Recovery,
    measures: Measures,
    /// The reason of a pending request to restart the device; empty: none.
    reboot: String,
    clock: ReadyClock,
    /// Why the page is not up, for messages.
    reason: String,
    /// Failed attempts since it was last up: probes, starts and loads.
    tried: u32,
}

/// Rounds to one digit: shown on the screen, an exact count would redraw it at each probe.
fn rounded(count: u32) -> u32 {
    let unit = 10u32.pow(count.checked_ilog10().unwrap_or(0));
    count / unit * unit
}

impl Machine {
    /// A session that wants to run, at `now` on a monotonic clock.
    pub fn new(settings: Settings, now: Duration) -> Self {
        let timeout = settings.ready_timeout.filter(|_| !settings.has_nothing());
        let clock = ReadyClock::started(timeout, now);
        Machine {
            target: settings.home.clone(),
            wanted: None,
            wanted_until: None,
            current: String::new(),
            intent: if settings.has_nothing() { Intent::Stop } else { Intent::Run },
            compositor: Compositor::Unknown,
            window: None,
            server: Server::Unknown,
            silent_since: None,
            retry_at: None,
            tries: 0,
            trying: BrowserAttempt::None,
            browser: Browser::None,
            launch: Launch::Now,
            page: Page::None,
            dialog: false,
            inspected: false,
            clearing: Clearing::None,
            unforgotten: 0,
            reset_wanted: None,
            reset_done: 0,
            covered: None,
            more_may_die: None,
            window_pings: WindowPings::default(),
            frames: Frames::Fine,
            trouble: DelayReason::None,
            planned: Planned::default(),
            launches: 0,
            restart_cause: RestartCause::Other,
            restart_causes: Counts::default(),
            refused: 0,
            recovery: Recovery::after(settings.before),
            measures: Measures::default(),
            reboot: String::new(),
            clock,
            reason: String::new(),
            tried: 0,
            settings,
        }
    }

    /// When [`Event::Tick`] is due; `None`: no deadline.
    pub fn deadline(&self) -> Option<Duration> {
        let active = self.intent == Intent::Run && self.compositor.is_here();
        let server = match self.server {
            Server::Waiting { at, .. } if active => Some(at),
            _ => None,
        };
        let lost = match self.compositor {
            Compositor::Lost { at, .. } if self.running() => Some(at + COMPOSITOR_GRACE),
            _ => None,
        };
        let ending = match self.browser {
            Browser::Ending { limit: at } | Browser::Stuck { again: at } => Some(at),
            _ => None,
        };
        let launch = self.launch.at().filter(|_| active && self.may_launch());
        let covered = self.covered.filter(|_| self.running()).map(|since| since + health::COVERED_TIMEOUT);
        let wanted = self.wanted_until.filter(|_| self.page.opens_next());
        let others = [
            server,
            lost,
            ending,
            launch,
            covered,
            wanted,
            self.recovery.stable_at(),
            self.clock.at(),
            self.window_pings.deadline(self.settings.command),
        ];
        self.page.deadlines().into_iter().chain(others).flatten().min()
    }

    /// The report for the compositor. While a page that was up is reloaded or another one is opened, it is `ready`: the
    /// last frame stays.
    pub fn report(&self) -> Report {
        let state = match self.state() {
            _ if self.shown() => State::Ready,
            // The intermediate blank page must not be visible.
            State::Loading if self.clearing != Clearing::None => State::Launching,
            state => state,
        };
        let overdue = self.clock == ReadyClock::Over && self.intent == Intent::Run && !self.shown();
        Report {
            state,
            chooser: None,
            message: self.message(),
            overdue,
            pid: self.pid(),
            shell: 0,
            reset: self.reset_done,
            when_idle: self.planned.waits() && self.running(),
            reboot: self.reboot.clone(),
            ping: self.window_pings.number(),
            listens: 0,
            tried: rounded(self.tried),
            reason: if self.tried > 0 { self.reason.clone() } else { String::new() },
            inspector: String::new(),
            inspected_until: 0,
        }
    }

    /// Number of restarts of the shell.
    pub fn restarts(&self) -> u32 {
        self.launches.saturating_sub(1)
    }

    /// Why the shell was restarted, and how often.
    pub fn restart_causes(&self) -> &Counts<RestartCause> {
        &self.restart_causes
    }

    /// Number of blocked navigations.
    pub fn refused(&self) -> u32 {
        u32::try_from(self.refused).unwrap_or(u32::MAX)
    }

    /// The shell's process id, 0: none.
    pub fn pid(&self) -> u32 {
        match self.browser {
            Browser::Running { pid } => pid,
            _ => 0,
        }
    }

    /// The page's current or wanted URL; empty: the shell is a command without a page.
    pub fn url(&self) -> &str {
        if self.settings.command && !self.settings.needs_server {
            return "";
        }
        if self.current.is_empty() { self.target.as_str() } else { &self.current }
    }

    /// A browser may start before its server is up; a command that gets the URL may not.
    fn may_launch(&self) -> bool {
        self.browser == Browser::None && (!self.settings.command || self.server == Server::Up)
    }

    fn running(&self) -> bool {
        matches!(self.browser, Browser::Running { .. })
    }

    /// Whether a command has no window yet, as reported by the compositor, and a ready timeout is configured.
    fn lacks_window(&self) -> bool {
        self.settings.command && self.window == Some(false) && self.settings.ready_timeout.is_some()
    }

    /// Whether a page that was up is visible.
    fn shown(&self) -> bool {
        matches!(self.page, Page::Up { .. } | Page::Loading { over_page: true, .. })
    }
}
