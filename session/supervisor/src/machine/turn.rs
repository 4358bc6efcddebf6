//! One turn of the machine: what is due, what the event means, and then whatever can be begun.

use std::time::Duration;

use super::{
    ATTACH_LONGEST, Browser, DETACH_LIMIT, EMPTY_PAGE, END_GRACE, Effect, Event, Failure, HEALTH_INTERVAL, Health,
    LOAD_LIMIT, LOST_GRACE, Machine, PROBE_FIRST, PROBE_LONGEST, Page, Server, Trouble,
};

type Effects = Vec<Effect>;

impl Machine {
    /// Takes `event` in at `now` and says what to do, in this order.
    pub fn step(&mut self, event: Event, now: Duration) -> Effects {
        let mut effects = Vec::new();
        self.expire(now, &mut effects);
        self.take(event, now, &mut effects);
        self.advance(now, &mut effects);
        effects
    }

    /// What the passing of time alone has decided.
    fn expire(&mut self, now: Duration, effects: &mut Effects) {
        if let Some((_, at)) = self.lost
            && now >= at + super::COMPOSITOR_GRACE
            && self.running()
        {
            self.end_shell(LOST_GRACE, effects);
        }
        match self.page {
            Page::Starting { limit } | Page::None { limit: Some(limit) } if now >= limit && self.running() => {
                if matches!(self.page, Page::Starting { .. }) {
                    self.attach_limit = (self.attach_limit * 2).min(ATTACH_LONGEST);
                }
                let reason = format!("{} does not answer", self.settings.program);
                self.replace_shell(reason, now, effects);
            }
            Page::Loading { empty_at: Some(at), .. } if now >= at => self.page_up(now),
            Page::Loading { limit, .. } if now >= limit => {
                let what =
                    if self.settings.explicit { "no call of window.kiosk.ready()" } else { "nothing to be seen" };
                self.page_failed(format!("{what} for {} s", self.load_limit().as_secs()), now, effects);
            }
            _ => {}
        }
        if let Some(health) = self.health
            && now >= health.at
        {
            if health.asked {
                let reason = "the page does not answer any more".to_owned();
                self.replace_shell(reason, now, effects);
            } else {
                self.health = Some(Health { at: now + HEALTH_INTERVAL, asked: true });
                effects.push(Effect::Ping);
            }
        }
        if self.stable_at.is_some_and(|at| now >= at) {
            self.stable_at = None;
            self.browser_backoff.reset();
            self.page_backoff.reset();
        }
        if self.overdue_at.is_some_and(|at| now >= at) {
            self.overdue_at = None;
            self.overdue = true;
        }
    }

    fn take(&mut self, event: Event, now: Duration, effects: &mut Effects) {
        match event {
            Event::CompositorUp { pid } => self.compositor_up(pid, effects),
            Event::CompositorDown => {
                if let Some(pid) = self.compositor.take() {
                    self.lost = Some((pid, now));
                }
            }
            Event::ServerUp => {
                if self.server == Server::Asking {
                    self.server = Server::Up;
                    self.probes = 0;
                }
            }
            Event::ServerDown { reason } => {
                if self.server == Server::Asking {
                    let delay = PROBE_FIRST.saturating_mul(1 << self.probes.min(8)).min(PROBE_LONGEST);
                    self.probes = self.probes.saturating_add(1);
                    self.server = Server::Waiting { at: now + delay };
                    self.reason = reason;
                }
            }
            Event::Launched { pid } => {
                if self.browser == Browser::Starting {
                    self.browser = Browser::Running { pid };
                    if self.settings.command {
                        self.page_up(now);
                    } else {
                        self.page = Page::Starting { limit: now + self.attach_limit };
                    }
                }
            }
            Event::LaunchFailed { reason } => {
                if self.browser == Browser::Starting {
                    self.browser = Browser::None;
                    self.plan_launch(reason, now, effects);
                }
            }
            Event::Exited { how } => self.exited(&how, now, effects),
            Event::Attached => {
                if self.running() && matches!(self.page, Page::Starting { .. } | Page::None { .. }) {
                    self.page = Page::Blank;
                }
            }
            Event::Detached { reason } => {
                if self.running() && !matches!(self.page, Page::None { limit: None }) {
                    self.reason = reason;
                    self.trouble = Trouble::Crashed;
                    self.hide(now);
                    self.page = Page::None { limit: Some(now + DETACH_LIMIT) };
                }
            }
            Event::Moved { url } => self.current = url,
            Event::PageUp => {
                if matches!(self.page, Page::Loading { .. }) {
                    self.page_up(now);
                }
            }
            Event::PageLoaded => {
                if let Page::Loading { limit, .. } = self.page
                    && !self.settings.explicit
                {
                    self.page = Page::Loading { limit, empty_at: Some(now + EMPTY_PAGE) };
                }
            }
            Event::PageFailed { url, reason, error_page } => match self.page {
                Page::Loading { .. } => self.page_failed(reason, now, effects),
                // What an error page covers is not to be seen; and the page's own server has gone.
                Page::Up { .. } if error_page || same_server(&url, self.target.as_str()) => {
                    self.page_failed(reason, now, effects);
                }
                Page::Up { .. } => {
                    let failure = Failure { reason: format!("{url}: {reason}"), action: "stayed on the page".into() };
                    effects.push(Effect::Failed(failure));
                }
                Page::Starting { .. } | Page::None { .. } | Page::Blank => {}
            },
            Event::PageCrashed => self.page_crashed(now, effects),
            Event::Dialog { open } => {
                self.dialog = open;
                self.watch_health(now);
            }
            Event::Alive => {
                if let Some(health) = &mut self.health {
                    health.asked = false;
                }
            }
            Event::Tick => {}
            Event::Shutdown => self.leaving = true,
        }
    }

    /// Begins what can be begun.
    pub(super) fn advance(&mut self, now: Duration, effects: &mut Effects) {
        if self.leaving {
            match self.browser {
                Browser::None => effects.push(Effect::Finish),
                Browser::Running { .. } if self.compositor.is_none() => self.end_shell(LOST_GRACE, effects),
                Browser::Running { .. } => self.end_shell(END_GRACE, effects),
                Browser::Starting | Browser::Ending => {}
            }
            return;
        }
        if !self.wanted {
            if self.running() {
                self.end_shell(END_GRACE, effects);
            }
            return;
        }
        if self.compositor.is_none() {
            return;
        }
        match self.server {
            Server::Waiting { at } if now < at => {}
            Server::Unknown | Server::Waiting { .. } if self.needs_server() => self.ask_server(effects),
            Server::Unknown | Server::Waiting { .. } => self.server = Server::Up,
            Server::Asking | Server::Up => {}
        }
        if self.may_launch() && self.launch_at.is_none_or(|at| now >= at) {
            self.launch_at = None;
            self.pausing = false;
            self.browser = Browser::Starting;
            self.launches = self.launches.saturating_add(1);
            effects.push(Effect::Launch);
        }
        if self.running() && self.page == Page::Blank && self.server == Server::Up {
            self.navigate(now, effects);
        }
    }

    fn ask_server(&mut self, effects: &mut Effects) {
        self.server = Server::Asking;
        effects.push(Effect::Probe { url: self.target.clone() });
    }

    pub(super) fn navigate(&mut self, now: Duration, effects: &mut Effects) {
        self.page = Page::Loading { limit: now + self.load_limit(), empty_at: None };
        self.dialog = false;
        self.watch_health(now);
        effects.push(Effect::Navigate { url: self.target.clone() });
    }

    pub(super) fn load_limit(&self) -> Duration {
        self.settings.ready_timeout.unwrap_or_default().max(LOAD_LIMIT)
    }

    /// The target as seen by the server: whether it has to answer first.
    fn needs_server(&self) -> bool {
        self.settings.needs_server && self.target.is_web()
    }
}

/// Whether both URLs are of the same scheme, host and port.
fn same_server(one: &str, other: &str) -> bool {
    let parse = |text: &str| kiosk_core::config::Url::parse(text).ok();
    match (parse(one), parse(other)) {
        (Some(one), Some(other)) if one.is_web() => {
            (one.scheme(), one.host(), one.port()) == (other.scheme(), other.host(), other.port())
        }
        _ => false,
    }
}
