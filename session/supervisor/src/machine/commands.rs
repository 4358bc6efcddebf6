//! Commands to the session. Each is accepted or refused at once; its success shows in the state.

use std::time::Duration;

use super::parts::{BrowserAttempt, Clearing, DelayReason, Intent, Launch, Page, ReadyClock, Server};
use super::{END_GRACE, Effect, Machine, RestartCause};
use kiosk_core::config::Url;

/// The methods of `org.kioskd.Session1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Loads the page again, in the same browser.
    Reload {
        /// Past all caches.
        hard: bool,
    },
    /// Shows another page.
    Open {
        /// Of a scheme and a server that are allowed.
        url: Url,
    },
    /// Shows the configured page.
    Home,
    /// Restarts the shell.
    Restart,
    /// Stops the shell.
    Stop,
    /// Starts a stopped shell; no effect on a running one.
    Start,
    /// Deletes the pages' stored data, and opens the configured page.
    ClearData,
}

impl Command {
    /// Whether it succeeds only when the page is shown.
    pub fn shows_page(&self) -> bool {
        !matches!(self, Command::Stop | Command::Start)
    }
}

/// Why a command is refused, one sentence for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The page did not come up, with the reason.
    #[error("the page is not shown: {0}")]
    Failed(String),
    /// The caller's time limit is over; the session still tries. With what it is waiting for.
    #[error("the page is not shown yet, the session goes on trying (kioskctl status, kioskctl wait ready): {0}")]
    NotYet(String),
    /// By `kioskctl stop`.
    #[error("the session is stopped: start it first (kioskctl start)")]
    Stopped,
    /// `shell.url` is empty.
    #[error("no page is configured yet: set shell.url in /etc/kiosk/config.toml")]
    NotSetUp,
    /// It is being started, or waits for the server.
    #[error("the browser is not up yet: try again when it is (kioskctl wait ready)")]
    NoBrowser,
    /// The shell is not a browser and has no page.
    #[error("the shell is a command or a container, not a browser: it can be restarted, stopped and started")]
    NotABrowser,
}

impl Machine {
    /// Carries out `command` at `now`. Returns the effects, in order.
    pub fn command(&mut self, command: Command, now: Duration) -> Result<Vec<Effect>, Refusal> {
        let mut effects = Vec::new();
        match command {
            Command::Stop if self.settings.has_nothing() => {}
            _ if self.settings.has_nothing() => return Err(Refusal::NotSetUp),
            Command::Restart => {
                self.restart(now, &mut effects);
                self.restart_cause = RestartCause::Order;
            }
            Command::Stop => self.stop(now, &mut effects),
            Command::Start => self.start(now),
            _ if self.settings.command => return Err(Refusal::NotABrowser),
            _ if self.intent != Intent::Run => return Err(Refusal::Stopped),
            Command::Reload { hard } => self.reload(hard, now, &mut effects),
            Command::Open { url } => self.open(url, now, &mut effects),
            Command::Home => self.open(self.settings.home.clone(), now, &mut effects),
            Command::ClearData => {
                if !self.running() || !self.page.is_attached() {
                    return Err(Refusal::NoBrowser);
                }
                self.clearing = Clearing::Wanted;
                self.open(self.settings.home.clone(), now, &mut effects);
            }
        }
        self.advance(now, &mut effects);
        Ok(effects)
    }

    fn reload(&mut self, hard: bool, now: Duration, effects: &mut Vec<Effect>) {
        if matches!(self.page, Page::Up { .. }) {
            self.load(Effect::Reload { hard }, now, effects);
        } else {
            self.try_now(now, effects);
        }
    }

    fn open(&mut self, url: Url, now: Duration, effects: &mut Vec<Effect>) {
        self.target = url;
        (self.wanted, self.wanted_until) = (None, None);
        self.try_now(now, effects);
    }

    /// Opens the target as soon as possible: at once in a visible page, else when its server answers.
    fn try_now(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        if self.shown() {
            self.navigate(now, effects);
            return;
        }
        (self.server, self.trying) = (Server::Unknown, BrowserAttempt::None);
        if matches!(self.page, Page::Loading { .. }) {
            self.page = Page::Blank;
        }
    }

    /// Whether [`super::Event::Reset`] with this number has been neither carried out nor started.
    pub fn is_new_reset(&self, number: u64) -> bool {
        number != self.reset_done && self.reset_wanted != Some(number)
    }

    /// Resets the session for the next visitor. Data that cannot be deleted now is deleted before another page is
    /// shown.
    pub(super) fn reset(&mut self, number: u64, now: Duration, effects: &mut Vec<Effect>) {
        if !self.is_new_reset(number) {
            return;
        }
        self.reset_wanted = Some(number);
        if self.settings.command {
            // A program that is not a browser is reset by a restart.
            if self.intent == Intent::Run {
                self.restart(now, effects);
            }
            return;
        }
        self.clearing = Clearing::Wanted;
        self.target = self.settings.home.clone();
        if self.intent == Intent::Run {
            self.try_now(now, effects);
        }
    }

    pub(super) fn restart(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        self.start(now);
        self.launch = Launch::Now;
        self.trouble = DelayReason::None;
        self.server = Server::Unknown;
        if self.running() {
            self.end_shell(END_GRACE, now, effects);
        }
    }

    fn start(&mut self, now: Duration) {
        if self.intent == Intent::Stop {
            self.intent = Intent::Run;
            self.recovery.forget_waits();
            self.launch = Launch::Now;
            self.not_up(now);
        }
    }

    fn stop(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        if self.intent == Intent::Run {
            self.intent = Intent::Stop;
        }
        self.clock = ReadyClock::Off;
        self.reboot.clear();
        self.recovery.not_up();
        self.trouble = DelayReason::None;
        self.reason.clear();
        self.target = self.settings.home.clone();
        self.server = Server::Unknown;
        if self.running() {
            self.end_shell(END_GRACE, now, effects);
        }
    }
}
