//! What single events and deadlines do to the state: the shell's coming and going, the page's, and their failures.

use std::time::Duration;

use super::{
    Browser, END_GRACE, Effect, Failure, HEALTH_INTERVAL, Health, LOST_GRACE, Machine, Page, STABLE, Server, Trouble,
};
use crate::recovery::Rung;

type Effects = Vec<Effect>;

impl Machine {
    pub(super) fn compositor_up(&mut self, pid: u32, effects: &mut Effects) {
        let before = self.compositor.or(self.lost.map(|(pid, _)| pid));
        self.compositor = Some(pid);
        self.lost = None;
        // A shell can't change its compositor: the one of the last is without a screen.
        if before.is_some_and(|before| before != pid) && self.running() {
            self.end_shell(LOST_GRACE, effects);
        }
        if before.is_some_and(|before| before != pid) {
            // The pause was for the last compositor's failures.
            self.launch_at = None;
            self.pausing = false;
        }
    }

    pub(super) fn exited(&mut self, how: &str, now: Duration, effects: &mut Effects) {
        let unexpected = self.running();
        if !unexpected && self.browser != Browser::Ending {
            return;
        }
        self.browser = Browser::None;
        self.gone(now);
        if self.compositor.is_none() {
            // It went with its screen: nothing is wrong with it.
            self.trouble = Trouble::None;
            self.reason.clear();
        } else if unexpected && self.wanted && !self.leaving {
            self.plan_launch(format!("{} ended: {how}", self.settings.program), now, effects);
        }
    }

    /// The shell has failed and is started again after the wait that is due.
    pub(super) fn plan_launch(&mut self, reason: String, now: Duration, effects: &mut Effects) {
        let delay = self.browser_backoff.next_delay();
        self.pausing = delay >= Duration::from_secs(1);
        self.launch_at = Some(now + delay);
        self.trouble = Trouble::Crashed;
        self.failed(reason, format!("started again after {} s", delay.as_secs_f32()), effects);
    }

    /// Ends a shell that is of no use any more, for another one.
    pub(super) fn replace_shell(&mut self, reason: String, now: Duration, effects: &mut Effects) {
        self.end_shell(END_GRACE, effects);
        self.gone(now);
        self.plan_launch(reason, now, effects);
    }

    /// [`Event::Exited`](super::Event::Exited) will follow.
    pub(super) fn end_shell(&mut self, grace: Duration, effects: &mut Effects) {
        self.browser = Browser::Ending;
        self.page = Page::None { limit: None };
        self.health = None;
        self.shown = false;
        effects.push(Effect::Kill { grace });
    }

    /// There is no shell: its page, and what is known of the server, are gone with it.
    pub(super) fn gone(&mut self, now: Duration) {
        self.page = Page::None { limit: None };
        self.current.clear();
        self.server = Server::Unknown;
        self.dialog = false;
        self.hide(now);
    }

    /// What was up is no longer.
    pub(super) fn hide(&mut self, now: Duration) {
        self.shown = false;
        self.health = None;
        self.stable_at = None;
        self.not_up(now);
    }

    /// Starts the clock of the ready timeout, if it does not run.
    pub(super) fn not_up(&mut self, now: Duration) {
        if self.overdue_at.is_none() && !self.overdue && self.wanted {
            self.overdue_at = self.settings.ready_timeout.map(|timeout| now + timeout);
        }
    }

    pub(super) fn page_up(&mut self, now: Duration) {
        self.page = Page::Up { since: now };
        self.shown = true;
        self.trouble = Trouble::None;
        self.overdue = false;
        self.overdue_at = None;
        self.reason.clear();
        self.stable_at = Some(now + STABLE);
        self.watch_health(now);
    }

    /// Health is asked for while the page is up and nothing keeps it from answering.
    pub(super) fn watch_health(&mut self, now: Duration) {
        let watched = matches!(self.page, Page::Up { .. }) && !self.dialog && !self.settings.command;
        self.health = watched.then_some(Health { at: now + HEALTH_INTERVAL, asked: false });
    }

    /// The page could not be opened: back to asking the server.
    pub(super) fn page_failed(&mut self, reason: String, now: Duration, effects: &mut Effects) {
        let delay = self.page_backoff.next_delay();
        self.hide(now);
        self.page = Page::Blank;
        self.trouble = Trouble::Offline;
        self.server = Server::Waiting { at: now + delay };
        self.probes = 0;
        let reason = format!("{}: {reason}", self.target);
        self.failed(reason, "opened again when the server answers".into(), effects);
    }

    pub(super) fn page_crashed(&mut self, now: Duration, effects: &mut Effects) {
        if !self.running() || matches!(self.page, Page::Starting { .. } | Page::None { .. }) {
            return;
        }
        let reason = "the page's process died".to_owned();
        match self.ladder.next_rung(now) {
            Rung::LoadAgain => {
                self.hide(now);
                self.page = Page::Blank;
                self.trouble = Trouble::Crashed;
                self.failed(reason, "loaded again".into(), effects);
                // The server may have answered for this page long ago.
                self.server = Server::Unknown;
            }
            Rung::RestartBrowser => self.replace_shell(reason, now, effects),
        }
    }

    pub(super) fn failed(&mut self, reason: String, action: String, effects: &mut Effects) {
        self.reason.clone_from(&reason);
        effects.push(Effect::Failed(Failure { reason, action }));
    }
}
