//! The page's server: asked until it answers, quickly, for every moment of it is one of the splash. Where it says nothing
//! the browser tries as well, and the server is asked on: the page is there as soon as either of them can have it.

use std::time::Duration;

use super::parts::{Page, Server, Try};
use super::{Effect, MAX_PROBE_INTERVAL, MAX_TRY_INTERVAL, MIN_PROBE_INTERVAL, MIN_TRY_INTERVAL, Machine};
use kiosk_core::config::Url;

type Effects = Vec<Effect>;

impl Machine {
    pub(super) fn ask_server(&mut self, refusals: u32, effects: &mut Effects) {
        self.server = Server::Asking { refusals };
        effects.push(Effect::Probe { url: self.asked_for().clone() });
    }

    /// It answers. Where the browser had no use for that answer a moment ago it is given time, unless the server was away
    /// in between.
    pub(super) fn server_up(&mut self, now: Duration) {
        if let Some(at) = self.retry_at.filter(|at| now < *at) {
            self.server = Server::Waiting { at, refusals: 0 };
            return;
        }
        self.retry_at = None;
        self.server = Server::Up;
        let tried = std::mem::replace(&mut self.trying, Try::None) != Try::None;
        if tried && matches!(self.page, Page::Loading { over_page: false, .. }) {
            // The browser may be waiting for its connection still, a minute long: it is told again.
            self.page = Page::Blank;
        }
    }

    /// It does not answer.
    pub(super) fn server_down(&mut self, reason: String, now: Duration, effects: &mut Effects) {
        let Server::Asking { refusals } = self.server else { return };
        self.retry_at = None;
        self.still_silent(refusals, reason, now);
        let since = *self.silent_since.get_or_insert(now);
        let patience = MIN_TRY_INTERVAL.saturating_mul(1 << self.tries.min(8)).min(MAX_TRY_INTERVAL);
        if now >= since + patience {
            self.try_all_the_same(Try::Away, now, effects);
        }
    }

    /// It says nothing that we understand, and the browser may.
    pub(super) fn server_silent(&mut self, reason: String, now: Duration, effects: &mut Effects) {
        let Server::Asking { refusals } = self.server else { return };
        if self.settings.command || matches!(self.page, Page::Up { .. }) {
            return self.server_up(now);
        }
        let early = self.retry_at.is_some_and(|at| now < at);
        self.still_silent(refusals, reason, now);
        if !early {
            self.retry_at = None;
            self.try_all_the_same(Try::Unknown, now, effects);
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

    fn try_all_the_same(&mut self, trying: Try, now: Duration, effects: &mut Effects) {
        if self.running() && self.page == Page::Blank {
            if trying == Try::Away {
                self.tries = self.tries.saturating_add(1);
            }
            self.trying = trying;
            self.navigate(now, effects);
        }
    }

    /// Whose server is asked.
    pub(super) fn asked_for(&self) -> &Url {
        self.wanted.as_ref().unwrap_or(&self.target)
    }

    /// Whether the server has to answer first.
    pub(super) fn needs_server(&self) -> bool {
        self.settings.needs_server && self.asked_for().is_web()
    }
}
