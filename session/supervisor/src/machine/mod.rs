//! The state machine of the session: what happened goes in, what to do comes out. No I/O and no clock in it;
//! [`crate::daemon`] feeds it and performs the effects, and tests drive it by the thousand.
//!
//! The browser starts on a blank page as soon as there is a compositor, while the web server may still be
//! starting: the splash hides it. The page is opened when both are there.

mod commands;
mod describe;
mod event;
mod frames;
mod health;
mod measures;
mod parts;
mod patience;
mod planned;
mod pulse;
mod server;
mod stuck;
#[cfg(test)]
mod tests;
mod transitions;
mod turn;

use std::time::Duration;

use crate::recovery::{Measures, Recovery};
use kiosk_core::api::{Report, State};
use kiosk_core::config::Url;

pub use commands::{Command, Refusal};
pub use event::{Effect, Event, Failure, Settings};
use frames::Frames;
use parts::{Browser, Clearing, Compositor, Intent, Launch, Page, ReadyClock, Server, Trouble, Try};
use planned::Planned;
pub use planned::Why;
use pulse::Pulse;

/// From the compositor's disappearance until the shell is ended: it has lost its screen, and mostly ends by
/// itself; a compositor that merely lost this connection is back sooner.
const COMPOSITOR_GRACE: Duration = Duration::from_secs(1);
/// A browser that has not answered by then hangs, on any machine, whatever it does meanwhile.
const ATTACH_TIMEOUT: Duration = Duration::from_secs(480);
/// Without any work done for this long a browser that starts is dead, not slow. A disk that is woken up, or a machine
/// that swaps, takes seconds for one read.
const ATTACH_STALL: Duration = Duration::from_secs(30);
/// From the end of the browser's answers until it is ended.
const DETACH_TIMEOUT: Duration = Duration::from_secs(5);
/// From opening the page until something of it is seen, at least, when nothing is done meanwhile: a server may take a
/// minute for its first byte.
const LOAD_STALL: Duration = Duration::from_secs(90);
/// A page that works for this long and shows nothing is in a loop.
const LOAD_TIMEOUT: Duration = Duration::from_secs(480);
/// A page that has loaded and painted nothing for this long is meant to be empty.
const EMPTY_PAGE: Duration = Duration::from_secs(5);
/// Up for this long: earlier failures are forgotten.
const STABLE: Duration = Duration::from_secs(60);
/// First wait between two questions to the server; doubled up to [`MAX_PROBE_INTERVAL`].
const MIN_PROBE_INTERVAL: Duration = Duration::from_millis(100);
/// The server mostly starts after us, and every moment of it is one of the splash.
const MAX_PROBE_INTERVAL: Duration = Duration::from_millis(500);
/// Without an answer of the server for this long the browser tries by itself, behind the splash: it may have the page
/// from a service worker or a cache, or know a certificate that we do not. Doubled with each try up to [`MAX_TRY_INTERVAL`].
const MIN_TRY_INTERVAL: Duration = Duration::from_secs(5);
const MAX_TRY_INTERVAL: Duration = Duration::from_secs(300);
/// For the server of an address that the page wanted to go to by itself: a restart of it takes no longer.
const WANTED_LIMIT: Duration = Duration::from_secs(120);
/// What an orderly end may take.
pub const END_GRACE: Duration = Duration::from_secs(3);
/// What it may take for a browser that is known not to answer or to have lost its screen.
const LOST_GRACE: Duration = Duration::from_millis(500);

/// How often in a row a browser may fail to forget what pages have stored.
const MAX_UNFORGOTTEN: u32 = 2;

/// The session. [`Machine::step`] and [`Machine::command`] are its only inputs.
#[derive(Debug, Clone)]
pub struct Machine {
    settings: Settings,
    /// What is to be shown: home, or what was opened by command.
    target: Url,
    /// The address in the page's place that its server had an error for, while that is tried again: the page's own, or
    /// where it wanted to go. The server of `target` is not asked meanwhile.
    wanted: Option<Url>,
    /// When that is given up; `None`: it is the page's own address, or nothing.
    wanted_until: Option<Duration>,
    /// Where the page is; empty: nowhere yet.
    current: String,
    intent: Intent,
    compositor: Compositor,
    /// [`Event::Window`], of whatever shell it was.
    window: Option<bool>,
    server: Server,
    /// Since when it has not answered, as long as nothing is shown.
    silent_since: Option<Duration>,
    /// The browser could not show what its server answered: not again before, as long as that answers.
    retry_at: Option<Duration>,
    /// Tries of the browser without an answer of the server.
    tries: u32,
    /// What goes on of that.
    trying: Try,
    browser: Browser,
    launch: Launch,
    page: Page,
    /// The page waits for a person's answer to its dialog, and can give no sign of life.
    dialog: bool,
    clearing: Clearing,
    /// How often in a row that has failed.
    unforgotten: u32,
    /// The reset that has been asked for, and the last one that is done.
    reset_wanted: Option<u64>,
    reset_done: u64,
    /// Another window covers the page since then.
    covered: Option<Duration>,
    pulse: Pulse,
    frames: Frames,
    trouble: Trouble,
    planned: Planned,
    launches: u32,
    /// Addresses that the page wanted to go to and may not.
    refused: u64,
    recovery: Recovery,
    measures: Measures,
    /// kioskd is asked to restart the device, for this reason; empty: it is not.
    reboot: String,
    clock: ReadyClock,
    /// Why it is not up, for messages.
    reason: String,
    /// How often it was tried since it was last up, to no avail: questions to the server, starts and loads.
    tried: u32,
}

/// To one digit: the person before the screen reads it, and a number that counts every question keeps the screen from
/// being still.
fn rounded(count: u32) -> u32 {
    let unit = 10u32.pow(count.checked_ilog10().unwrap_or(0));
    count / unit * unit
}

impl Machine {
    /// A session that wants to run, at `now` on a clock that never goes back.
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
            trying: Try::None,
            browser: Browser::None,
            launch: Launch::Now,
            page: Page::None,
            dialog: false,
            clearing: Clearing::None,
            unforgotten: 0,
            reset_wanted: None,
            reset_done: 0,
            covered: None,
            pulse: Pulse::default(),
            frames: Frames::Fine,
            trouble: Trouble::None,
            planned: Planned::default(),
            launches: 0,
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

    /// When [`Event::Tick`] is due; `None`: only another event can change anything.
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
            self.pulse.deadline(self.settings.command),
        ];
        self.page.deadlines().into_iter().chain(others).flatten().min()
    }

    /// What the compositor is to know. While a page that was up is loaded again or another one is opened, it
    /// hears `ready`: the last frame stays.
    pub fn report(&self) -> Report {
        let state = match self.state() {
            _ if self.shown() => State::Ready,
            // The blank page on the way is not to be seen.
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
            ping: self.pulse.number(),
            listens: 0,
            tried: rounded(self.tried),
            reason: if self.tried > 0 { self.reason.clone() } else { String::new() },
        }
    }

    /// How often the shell was started anew since the first time.
    pub fn restarts(&self) -> u32 {
        self.launches.saturating_sub(1)
    }

    /// How often the page wanted to go where it may not.
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

    /// Where the page is, or is to be; empty: the shell is a command that wants no page.
    pub fn url(&self) -> &str {
        if self.settings.command && !self.settings.needs_server {
            return "";
        }
        if self.current.is_empty() { self.target.as_str() } else { &self.current }
    }

    /// A browser starts while its server does; a command is told the URL, and has to find it answering.
    fn may_launch(&self) -> bool {
        self.browser == Browser::None && (!self.settings.command || self.server == Server::Up)
    }

    fn running(&self) -> bool {
        matches!(self.browser, Browser::Running { .. })
    }

    /// A command without a window shows nothing yet, as far as the compositor tells. Where it may take for ever nobody
    /// waits.
    fn lacks_window(&self) -> bool {
        self.settings.command && self.window == Some(false) && self.settings.ready_timeout.is_some()
    }

    /// A page that was up is what people see.
    fn shown(&self) -> bool {
        matches!(self.page, Page::Up { .. } | Page::Loading { over_page: true, .. })
    }
}
