//! Probes the page's server until it is up, at short intervals, as the splash is shown meanwhile. If there is no answer
//! the browser tries as well and probing goes on: the page is opened as soon as either succeeds.

use std::time::Duration;

use super::parts::{BrowserAttempt, Page, Server};
use super::{Effect, MAX_PROBE_INTERVAL, MAX_TRY_INTERVAL, MIN_PROBE_INTERVAL, MIN_TRY_INTERVAL, Machine};
use kiosk_core::config::Url;

type Effects = Vec<Effect>;

impl Machine {
    pub(super) fn ask_server(&mut self, refusals: u32, effects: &mut Effects) {
        self.server = Server::Asking { refusals };
        effects.push(Effect::Probe { url: self.probed_url().clone() });
    }

    /// The server is up. If the browser has just failed with it, it waits, unless the server was down in between.
    pub(super) fn server_up(&mut self, now: Duration) {
        if let Some(at) = self.retry_at.filter(|at| now < *at) {
            self.server = Server::Waiting { at, refusals: 0 };
            return;
        }
        self.retry_at = None;
        self.server = Server::Up;
        let tried = std::mem::replace(&mut self.trying, BrowserAttempt::None) != BrowserAttempt::None;
        if tried && matches!(self.page, Page::Loading { over_page: false, .. }) {
            // The browser may still wait for its connection, up to a minute: navigate again.
            self.page = Page::Blank;
        }
    }

    /// The server is down.
    pub(super) fn server_down(&mut self, reason: String, now: Duration, effects: &mut Effects) {
        let Server::Asking { refusals } = self.server else { return };
        self.retry_at = None;
        self.still_silent(refusals, reason, now);
        let since = *self.silent_since.get_or_insert(now);
        let interval = MIN_TRY_INTERVAL.saturating_mul(1 << self.tries.min(8)).min(MAX_TRY_INTERVAL);
        if now >= since + interval {
            self.try_all_the_same(BrowserAttempt::Away, now, effects);
        }
    }

    /// The probe cannot tell; the browser may.
    pub(super) fn server_silent(&mut self, reason: String, now: Duration, effects: &mut Effects) {
        let Server::Asking { refusals } = self.server else { return };
        if self.settings.command || matches!(self.page, Page::Up { .. }) {
            return self.server_up(now);
        }
        let early = self.retry_at.is_some_and(|at| now < at);
        self.still_silent(refusals, reason, now);
        if !early {
            self.retry_at = None;
            self.try_all_the_same(BrowserAttempt::Unknown, now, effects);
        }
    }

    fn still_silent(&mut self, refusals: u32, reason: String, now: Duration) {
        if !matches!(self.page, Page::Loading { .. }) {
            self.reason = reason;
        }
        if !self.shown() {
            self.tried = self.tried.saturating_add(1);
        }
        let delay = MIN_PROBE_INTERVAL.saturating_mul(1 << refusals.min(8)).min(MAX_PROBE_INTERVAL);
        self.server = Server::Waiting { at: now + delay, refusals: refusals.saturating_add(1) };
    }

    fn try_all_the_same(&mut self, trying: BrowserAttempt, now: Duration, effects: &mut Effects) {
        if self.running() && self.page == Page::Blank {
            if trying == BrowserAttempt::Away {
                self.tries = self.tries.saturating_add(1);
            }
            self.trying = trying;
            self.navigate(now, effects);
        }
    }

    /// The URL whose server is probed.
    pub(super) fn probed_url(&self) -> &Url {
        self.wanted.as_ref().unwrap_or(&self.target)
    }

    /// Whether the server has to answer first.
    pub(super) fn needs_server(&self) -> bool {
        self.settings.needs_server && self.probed_url().is_web()
    }
}
