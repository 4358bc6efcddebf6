//! Pings the page, and takes the steps of [`crate::recovery::Ladder`] when it does not answer.

use std::time::Duration;

use super::parts::{BrowserAttempt, DelayReason, Health, Page, Server};
use super::{Effect, Failure, FailureKind, Machine};
use crate::recovery::Rung;

/// Interval between pings.
pub(super) const HEALTH_INTERVAL: Duration = Duration::from_secs(10);
/// Time limit for the answer, so that a hung page is noticed within 15 s. If only the machine is slow, the first step
/// does no harm.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_millis(4500);
/// If we notice a deadline this late, we were not running ourselves (suspend, overload), and a missing answer says
/// nothing about the page.
const LATE: Duration = Duration::from_secs(2);
/// Time limit until a killed renderer is reported.
const RENDERER_TIMEOUT: Duration = Duration::from_secs(5);
/// The page may have been on its way to another process when all were killed: that one's end is reported after the page's.
const MORE_DIE: Duration = Duration::from_secs(2);
/// Time limit for another window over the page to be closed.
pub(super) const COVERED_TIMEOUT: Duration = Duration::from_secs(10);

type Effects = Vec<Effect>;

impl Machine {
    /// Pings while the page is up and nothing keeps it from answering.
    pub(super) fn watch_health(&mut self, now: Duration) {
        let watched = !self.dialog && !self.inspected && !self.settings.command;
        if let Page::Up { health, .. } = &mut self.page {
            *health = if watched { Health::Fine(now + HEALTH_INTERVAL) } else { Health::NotAsked };
        }
        if let Page::Loading { answer_by, .. } = &mut self.page
            && (self.dialog || self.inspected)
        {
            *answer_by = None;
        }
    }

    /// The page has answered.
    pub(super) fn alive(&mut self) {
        match &mut self.page {
            Page::Up { health, .. } => {
                if let Health::Asked(by) = *health {
                    let asked = by.saturating_sub(ANSWER_TIMEOUT);
                    *health = Health::Fine(asked + HEALTH_INTERVAL);
                }
            }
            Page::Loading { answer_by, .. } => *answer_by = None,
            _ => {}
        }
    }

    /// The ping was lost with its document: pings the next one. A page that hung before gets no more time.
    pub(super) fn ask_again(&mut self, now: Duration, effects: &mut Effects) {
        match self.page {
            Page::Up { health: Health::Asked(_), .. } => self.ask(now, effects),
            Page::Loading { answer_by: Some(_), .. } => effects.push(Effect::Ping),
            _ => {}
        }
    }

    pub(super) fn expire_health(&mut self, now: Duration, effects: &mut Effects) {
        match self.page {
            Page::Up { health: Health::Fine(at), .. } if now >= at => self.ask(now, effects),
            Page::Up { health: Health::Asked(by), .. } if now >= by + LATE => self.ask(now, effects),
            Page::Up { health: Health::Asked(by), .. } if now >= by => {
                self.trouble_with_page("the page does not answer any more", Rung::Reload, now, effects);
            }
            Page::Loading { answer_by: Some(by), .. } if now >= by => {
                self.trouble_with_page("the page does not answer any more", Rung::Reload, now, effects);
            }
            Page::EndingRenderer { limit } if now >= limit => {
                self.replace_shell("the page's process can't be ended".into(), now, effects);
            }
            _ => {}
        }
        if self.covered.is_some_and(|since| now >= since + COVERED_TIMEOUT) && self.running() {
            self.replace_shell("a window that can't be closed covers the page".into(), now, effects);
        }
    }

    fn ask(&mut self, now: Duration, effects: &mut Effects) {
        if let Page::Up { health, .. } = &mut self.page {
            *health = Health::Asked(now + ANSWER_TIMEOUT);
        }
        effects.push(Effect::Ping);
    }

    /// The page's renderer has crashed.
    pub(super) fn page_crashed(&mut self, now: Duration, effects: &mut Effects) {
        if !self.running() || !self.page.is_attached() {
            return;
        }
        if matches!(self.page, Page::EndingRenderer { .. }) {
            self.more_may_die = Some(now + MORE_DIE);
            return self.load_again();
        }
        if self.more_may_die.take().is_some_and(|until| now < until) {
            return self.load_again();
        }
        self.trouble_with_page("the page's process died", Rung::Renderer, now, effects);
    }

    fn trouble_with_page(&mut self, reason: &str, mildest: Rung, now: Duration, effects: &mut Effects) {
        let died = mildest == Rung::Renderer;
        match self.recovery.ladder.page_trouble(mildest, now) {
            Rung::Reload => {
                self.failed(FailureKind::Page, reason.to_owned(), "loaded again".into(), effects);
                self.load(Effect::Unstick, now, effects);
                if let Page::Loading { answer_by, .. } = &mut self.page {
                    *answer_by = Some(now + ANSWER_TIMEOUT);
                }
            }
            Rung::Renderer => {
                self.hide(now);
                self.trouble = DelayReason::Crashed;
                self.failed(FailureKind::Page, reason.to_owned(), "loaded again in a new process".into(), effects);
                if died {
                    self.load_again();
                } else {
                    self.page = Page::EndingRenderer { limit: now + RENDERER_TIMEOUT };
                    effects.push(Effect::EndRenderer);
                }
            }
            Rung::Browser | Rung::Profile | Rung::Session | Rung::Reboot => {
                self.replace_shell(reason.to_owned(), now, effects)
            }
        }
    }

    /// The document before does not let go: its process is killed, as it is to go anyway, and what was ordered goes on.
    pub(super) fn not_left(&mut self, now: Duration, effects: &mut Effects) {
        if !matches!(self.page, Page::Loading { .. }) || !self.running() {
            return;
        }
        self.end_renderer("the page before does not let go, or a service worker does not answer".into(), now, effects);
    }

    /// Ends the page's process, after which what was ordered is tried again.
    pub(super) fn end_renderer(&mut self, reason: String, now: Duration, effects: &mut Effects) {
        self.hide(now);
        (self.trouble, self.trying) = (DelayReason::None, BrowserAttempt::None);
        self.page = Page::EndingRenderer { limit: now + RENDERER_TIMEOUT };
        self.reason.clone_from(&reason);
        self.tried = self.tried.saturating_add(1);
        effects.push(Effect::EndRenderer);
        let action = "its process is ended".into();
        effects.push(Effect::Failed(Failure { kind: FailureKind::Page, reason, action, goes_on: true }));
    }

    /// The page has to be loaded again, after a new probe of its server.
    fn load_again(&mut self) {
        self.page = Page::Blank;
        self.server = Server::Unknown;
    }

    /// Another window covers the page, or no longer does.
    pub(super) fn is_covered(&mut self, covered: bool, now: Duration) {
        self.covered = match (covered, self.covered) {
            (true, None) => Some(now),
            (true, since) => since,
            (false, _) => None,
        };
    }
}
