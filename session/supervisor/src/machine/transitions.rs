//! What single events and deadlines do to the state: the shell's coming and going, the page's, and their failures.

use std::time::Duration;

use super::frames::Frames;
use super::health::HEALTH_INTERVAL;
use super::parts::{
    Browser, Clearing, Compositor, Health, Intent, Launch, Next, Page, ReadyClock, Server, Trouble, Try,
};
use super::{END_GRACE, Effect, Failure, LOST_GRACE, MAX_PROBE_INTERVAL, Machine, STABLE, WANTED_LIMIT};
use crate::recovery::{Measures, Rung};
use kiosk_core::config::Url;

type Effects = Vec<Effect>;

/// How a program ends that found nothing wrong.
const DONE: &str = "exit status 0";

impl Machine {
    pub(super) fn compositor_up(&mut self, pid: u32, now: Duration, effects: &mut Effects) {
        let before = self.compositor.last_pid();
        self.compositor = Compositor::Here { pid };
        if self.pulse.is_seen() {
            // What the last one was asked, it does not answer any more.
            self.pulse.forget();
            self.pulse.seen(now);
        }
        // A shell can't change its compositor: the one of the last is without a screen.
        if before.is_some_and(|before| before != pid) && self.running() {
            self.end_shell(LOST_GRACE, now, effects);
        }
        if before.is_some_and(|before| before != pid) {
            // The pause was for the last compositor's failures, and it counted its resets itself.
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
            // It went with its screen: nothing is wrong with it.
            self.trouble = Trouble::None;
            self.reason.clear();
        } else if unexpected && self.intent == Intent::Run {
            // It has gone to the background, or did all that it does.
            let background = self.settings.command && how == DONE;
            let stays = if background { ": a shell must stay in the foreground" } else { "" };
            self.shell_failed(format!("{} ended: {how}{stays}", self.settings.program), now, effects);
        }
    }

    /// The shell has come to nothing, and is started again after the wait that is due: with the strongest means, as a
    /// new one.
    fn shell_failed(&mut self, reason: String, now: Duration, effects: &mut Effects) {
        let measures = Measures { profile: !self.settings.command, ..self.measures };
        let rung = self.recovery.ladder.browser_trouble(measures, now);
        if rung > Rung::Browser {
            effects.push(Effect::TakeMeasure { rung, reason: reason.clone() });
        }
        match rung {
            Rung::Profile => {
                effects.push(Effect::SetProfileAside);
                // An empty one has nothing to be forgotten.
                self.clearing = Clearing::None;
                self.plan_launch(reason, "with an empty profile (the old one is kept aside)", now, effects);
            }
            // Unless that can't be written down.
            Rung::Session => self.plan_launch(reason, "by a new kiosk-session, else", now, effects),
            Rung::Reboot => self.plan_launch(reason, "after a restart of the device, else", now, effects),
            Rung::Reload | Rung::Renderer | Rung::Browser => self.plan_launch(reason, "", now, effects),
        }
    }

    pub(super) fn plan_launch(&mut self, reason: String, how: &str, now: Duration, effects: &mut Effects) {
        let delay = self.recovery.browser.next_delay();
        let pause = delay >= Duration::from_secs(1);
        self.launch = if pause { Launch::Pause(now + delay) } else { Launch::Soon(now + delay) };
        self.trouble = Trouble::Crashed;
        let action = format!("started again {how} after {} s", delay.as_secs_f32()).replace("  ", " ");
        self.failed(reason, action, effects);
    }

    /// Ends a shell that is of no use any more, for another one.
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
        self.pulse.forget();
        self.frames = Frames::Fine;
        effects.push(Effect::Kill { grace });
    }

    /// There is no shell: its page, and what is known of the server, are gone with it.
    pub(super) fn gone(&mut self, now: Duration) {
        self.page = Page::None;
        // The next one has none yet, and what the compositor says of the last one's may come late.
        self.window = self.window.map(|_| false);
        self.covered = None;
        self.pulse.forget();
        self.frames = Frames::Fine;
        self.current.clear();
        (self.server, self.trying) = (Server::Unknown, Try::None);
        self.dialog = false;
        self.hide(now);
    }

    /// What was up is no longer; the caller says what is.
    pub(super) fn hide(&mut self, now: Duration) {
        (self.wanted, self.wanted_until) = (None, None);
        self.recovery.not_up();
        self.not_up(now);
    }

    /// Starts the clock of the ready timeout, if it does not run.
    pub(super) fn not_up(&mut self, now: Duration) {
        if self.clock == ReadyClock::Off && self.intent == Intent::Run {
            self.clock = ReadyClock::started(self.settings.ready_timeout, now);
        }
    }

    pub(super) fn page_up(&mut self, now: Duration) {
        if self.clearing != Clearing::None {
            // What was loaded for another reason is the page of before, or has what it stored.
            self.page = Page::Blank;
            self.server = Server::Unknown;
            return;
        }
        self.page = Page::Up { health: Health::Fine(now + HEALTH_INTERVAL), next: Next::Stay };
        self.trouble = Trouble::None;
        self.reboot.clear();
        if std::mem::replace(&mut self.trying, Try::None) != Try::None {
            // It was asked all the time whether it answers, and the browser knew more.
            self.server = Server::Up;
        }
        (self.silent_since, self.retry_at, self.tries, self.wanted_until) = (None, None, 0, None);
        self.clock = ReadyClock::Off;
        self.reason.clear();
        self.tried = 0;
        self.recovery.up_until(now + STABLE);
        self.watch_health(now);
        self.pulse.seen(now);
    }

    /// The page could not be opened: back to asking the server.
    pub(super) fn page_failed(&mut self, reason: String, now: Duration, effects: &mut Effects) {
        self.hide(now);
        self.page = Page::Blank;
        self.silent_since = None;
        if std::mem::replace(&mut self.trying, Try::None) == Try::Away {
            // That the server does not answer is known, and nothing has changed.
            self.server = Server::Waiting { at: now + MAX_PROBE_INTERVAL, refusals: 0 };
            return;
        }
        let delay = self.recovery.page.next_delay();
        self.trouble = Trouble::Offline;
        // Asked soon all the same: when it turns out to be away there is nothing to wait for.
        self.retry_at = Some(now + delay);
        self.server = Server::Waiting { at: now + delay.min(MAX_PROBE_INTERVAL), refusals: 0 };
        let reason = format!("{}: {reason}", self.target);
        self.failed(reason, "opened again when the server answers".into(), effects);
    }

    /// The page is at another address. One that it went to by itself is not taken away again for what it was to be.
    pub(super) fn moved(&mut self, url: String) {
        if let Page::Up { next, .. } = &mut self.page
            && self.wanted.is_some()
            && !same_document(&self.current, &url)
        {
            *next = Next::Stay;
            (self.wanted, self.wanted_until) = (None, None);
        }
        if self.trying != Try::None && matches!(self.page, Page::Loading { .. }) && !same_document(&self.current, &url)
        {
            // The try has come to something: what the server answers now is no reason for another one.
            (self.trying, self.server) = (Try::None, Server::Up);
        }
        self.current = url;
    }

    /// Where the page was to go is given up after a time: whoever wanted it has gone by then, and a page that changes
    /// under somebody else's hands is worse than one that stays.
    pub(super) fn expire_wanted(&mut self, now: Duration) {
        if self.wanted_until.is_some_and(|until| now >= until)
            && let Page::Up { next: next @ Next::Open, .. } = &mut self.page
        {
            *next = Next::Stay;
            (self.wanted, self.wanted_until, self.server) = (None, None, Server::Up);
        }
    }

    /// The server has answered for the page with an error: what is shown stays, and is loaded again when it is well.
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
        // From the first error on, however often it is tried.
        self.wanted_until = elsewhere.then(|| until.unwrap_or(now + WANTED_LIMIT));
        self.server = Server::Waiting { at: now + delay, refusals: 0 };
        let reason = format!("{url}: {reason}");
        self.failed(reason, "the page before it stays until the server is well".into(), effects);
    }

    pub(super) fn failed(&mut self, reason: String, action: String, effects: &mut Effects) {
        self.reason.clone_from(&reason);
        if !self.shown() {
            self.tried = self.tried.saturating_add(1);
        }
        effects.push(Effect::Failed(Failure { reason, action }));
    }
}

/// Whether both addresses are of one document: a request's has no fragment, and a browser adds a slash to a bare host.
fn same_document(one: &str, other: &str) -> bool {
    let document = |url: &str| url.split('#').next().unwrap_or_default().trim_end_matches('/').to_owned();
    document(one) == document(other)
}
