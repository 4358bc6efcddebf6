//! The transitions of single events and deadlines: start, exit and failures of shell and page.

use std::time::Duration;

use super::frames::Frames;
use super::health::HEALTH_INTERVAL;
use super::parts::{
    Browser, BrowserAttempt, Clearing, Compositor, DelayReason, Health, Intent, Launch, Next, Page, ReadyClock, Server,
};
use super::{
    END_GRACE, Effect, Failure, FailureKind, LOST_GRACE, MAX_PROBE_INTERVAL, Machine, RestartCause, STABLE,
    WANTED_LIMIT,
};
use crate::recovery::{Measures, Rung};
use kiosk_core::config::Url;

type Effects = Vec<Effect>;

/// The exit of a program without an error.
const DONE: &str = "exit status 0";

impl Machine {
    pub(super) fn compositor_up(&mut self, pid: u32, now: Duration, effects: &mut Effects) {
        let before = self.compositor.last_pid();
        self.compositor = Compositor::Here { pid };
        if self.window_pings.is_seen() {
            // A pending ping of the last compositor is void.
            self.window_pings.forget();
            self.window_pings.seen(now);
        }
        // A shell cannot move to another compositor.
        if before.is_some_and(|before| before != pid) && self.running() {
            self.end_shell(LOST_GRACE, now, effects);
        }
        if before.is_some_and(|before| before != pid) {
            // The pause and the reset numbers belonged to the last compositor.
            self.launch = Launch::Now;
            (self.reset_wanted, self.reset_done) = (None, 0);
        }
    }

    pub(super) fn exited(&mut self, how: &str, now: Duration, effects: &mut Effects) {
        let unexpected = self.running();
        if !unexpected && !matches!(self.browser, Browser::Ending { .. } | Browser::Stuck { .. }) {
            return;
        }
        self.no_longer_stuck();
        self.browser = Browser::None;
        self.gone(now);
        if !self.compositor.is_here() {
            // It exited because of the compositor: not a failure.
            self.trouble = DelayReason::None;
            self.reason.clear();
        } else if unexpected && self.intent == Intent::Run {
            // It went to the background, or has finished.
            let background = self.settings.command && how == DONE;
            let stays = if background { ": a shell must stay in the foreground" } else { "" };
            self.shell_failed(format!("{} ended: {how}{stays}", self.settings.program), now, effects);
        }
    }

    /// The shell has failed and is restarted after the back-off, or a stronger measure is taken.
    fn shell_failed(&mut self, reason: String, now: Duration, effects: &mut Effects) {
        let measures = Measures { profile: !self.settings.command, ..self.measures };
        let rung = self.recovery.ladder.browser_trouble(measures, now);
        if rung > Rung::Browser {
            effects.push(Effect::TakeMeasure { rung, reason: reason.clone() });
        }
        match rung {
            Rung::Profile => {
                effects.push(Effect::SetProfileAside);
                // An empty profile has no stored data.
                self.clearing = Clearing::None;
                self.plan_launch(reason, "with an empty profile (the old one is kept aside)", now, effects);
            }
            // Unless it cannot be recorded.
            Rung::Session => self.plan_launch(reason, "by a new kiosk-session, else", now, effects),
            Rung::Reboot => self.plan_launch(reason, "after a restart of the device, else", now, effects),
            Rung::Reload | Rung::Renderer | Rung::Browser => self.plan_launch(reason, "", now, effects),
        }
    }

    pub(super) fn plan_launch(&mut self, reason: String, how: &str, now: Duration, effects: &mut Effects) {
        let delay = self.recovery.browser.next_delay();
        let pause = delay >= Duration::from_secs(1);
        self.launch = if pause { Launch::Pause(now + delay) } else { Launch::Soon(now + delay) };
        self.trouble = DelayReason::Crashed;
        let action = format!("started again {how} after {} s", delay.as_secs_f32()).replace("  ", " ");
        self.restart_cause = RestartCause::Failure;
        self.failed(FailureKind::Browser, reason, action, effects);
    }

    /// Terminates a failed shell, to start another one.
    pub(super) fn replace_shell(&mut self, reason: String, now: Duration, effects: &mut Effects) {
        self.end_shell(END_GRACE, now, effects);
        self.gone(now);
        self.shell_failed(reason, now, effects);
    }

    /// [`Event::Exited`](super::Event::Exited) will follow.
    pub(super) fn end_shell(&mut self, grace: Duration, now: Duration, effects: &mut Effects) {
        self.browser = Self::ending(grace, now);
        self.page = Page::None;
        self.covered = None;
        self.window_pings.forget();
        self.frames = Frames::Fine;
        effects.push(Effect::Kill { grace });
    }

    /// The shell is gone: resets the state of its page and of the server.
    pub(super) fn gone(&mut self, now: Duration) {
        self.page = Page::None;
        // The next shell has no window yet, and events of the last one's may come late.
        self.window = self.window.map(|_| false);
        self.covered = None;
        self.window_pings.forget();
        self.frames = Frames::Fine;
        self.current.clear();
        (self.server, self.trying) = (Server::Unknown, BrowserAttempt::None);
        self.dialog = false;
        self.hide(now);
    }

    /// The page is not up any more; the caller sets its new state.
    pub(super) fn hide(&mut self, now: Duration) {
        (self.wanted, self.wanted_until) = (None, None);
        self.recovery.not_up();
        self.not_up(now);
    }

    /// Starts the ready timeout, unless it runs.
    pub(super) fn not_up(&mut self, now: Duration) {
        if self.clock == ReadyClock::Off && self.intent == Intent::Run {
            self.clock = ReadyClock::started(self.settings.ready_timeout, now);
        }
    }

    pub(super) fn page_up(&mut self, now: Duration) {
        if self.clearing != Clearing::None {
            // A page loaded for another reason may be the previous visitor's.
            self.page = Page::Blank;
            self.server = Server::Unknown;
            return;
        }
        self.page = Page::Up { health: Health::Fine(now + HEALTH_INTERVAL), next: Next::Stay };
        self.trouble = DelayReason::None;
        self.reboot.clear();
        if std::mem::replace(&mut self.trying, BrowserAttempt::None) != BrowserAttempt::None {
            // The browser has succeeded where the probe did not.
            self.server = Server::Up;
        }
        (self.silent_since, self.retry_at, self.tries, self.wanted_until) = (None, None, 0, None);
        self.clock = ReadyClock::Off;
        self.reason.clear();
        self.tried = 0;
        self.recovery.up_until(now + STABLE);
        self.watch_health(now);
        self.window_pings.seen(now);
    }

    /// The page could not be opened: probe the server again.
    pub(super) fn page_failed(&mut self, reason: String, now: Duration, effects: &mut Effects) {
        self.hide(now);
        self.page = Page::Blank;
        self.silent_since = None;
        if std::mem::replace(&mut self.trying, BrowserAttempt::None) == BrowserAttempt::Away {
            // The server is known to be down; nothing changes.
            self.server = Server::Waiting { at: now + MAX_PROBE_INTERVAL, refusals: 0 };
            return;
        }
        let delay = self.recovery.page.next_delay();
        self.trouble = DelayReason::Offline;
        // Probed soon nevertheless: if it is down, the retry need not wait.
        self.retry_at = Some(now + delay);
        self.server = Server::Waiting { at: now + delay.min(MAX_PROBE_INTERVAL), refusals: 0 };
        let reason = format!("{}: {reason}", self.target);
        self.failed(FailureKind::Server, reason, "opened again when the server answers".into(), effects);
    }

    /// The page's URL has changed. A navigation by the page itself is not undone.
    pub(super) fn moved(&mut self, url: String) {
        if let Page::Up { next, .. } = &mut self.page
            && self.wanted.is_some()
            && !same_document(&self.current, &url)
        {
            *next = Next::Stay;
            (self.wanted, self.wanted_until) = (None, None);
        }
        if self.trying != BrowserAttempt::None
            && matches!(self.page, Page::Loading { .. })
            && !same_document(&self.current, &url)
        {
            // The attempt has succeeded: the probe's result does not start another one.
            (self.trying, self.server) = (BrowserAttempt::None, Server::Up);
        }
        self.current = url;
    }

    /// Gives up a pending navigation after a time: its visitor is gone, and the page must not change under the next
    /// one.
    pub(super) fn expire_wanted(&mut self, now: Duration) {
        if self.wanted_until.is_some_and(|until| now >= until)
            && let Page::Up { next: next @ Next::Open, .. } = &mut self.page
        {
            *next = Next::Stay;
            (self.wanted, self.wanted_until, self.server) = (None, None, Server::Up);
        }
    }

    /// The server has answered with an error: the shown page stays, and is reloaded when the server is up.
    pub(super) fn page_stale(&mut self, url: &str, reason: String, now: Duration, effects: &mut Effects) {
        match self.page {
            Page::Loading { over_page: true, .. } | Page::Up { .. } => {}
            Page::Loading { over_page: false, .. } => return self.page_failed(reason, now, effects),
            _ => return,
        }
        let delay = self.recovery.page.next_delay();
        let until = self.wanted_until;
        self.page_up(now);
        self.recovery.not_up();
        if let Page::Up { next, .. } = &mut self.page {
            *next = if same_document(&self.current, url) { Next::Reload } else { Next::Open };
        }
        self.wanted = Url::parse(url).ok().filter(|url| !same_document(url.as_str(), self.target.as_str()));
        let elsewhere = self.wanted.is_some() && matches!(self.page, Page::Up { next: Next::Open, .. });
        // Counted from the first error.
        self.wanted_until = elsewhere.then(|| until.unwrap_or(now + WANTED_LIMIT));
        self.server = Server::Waiting { at: now + delay, refusals: 0 };
        let reason = format!("{url}: {reason}");
        self.failed(FailureKind::Server, reason, "the page before it stays until the server is well".into(), effects);
    }

    pub(super) fn failed(&mut self, kind: FailureKind, reason: String, action: String, effects: &mut Effects) {
        self.reason.clone_from(&reason);
        if !self.shown() {
            self.tried = self.tried.saturating_add(1);
        }
        effects.push(Effect::Failed(Failure { kind, reason, action, goes_on: false }));
    }
}

/// Whether both URLs are of the same document: a request's has no fragment, and browsers add a slash to a bare host.
fn same_document(one: &str, other: &str) -> bool {
    let document = |url: &str| url.split('#').next().unwrap_or_default().trim_end_matches('/').to_owned();
    document(one) == document(other)
}
