//! One step of the machine: deadlines, the event, and then everything that can be started.

use std::time::Duration;

use super::frames::Frames;
use super::hang_timer::{Due, HangTimer};
use super::health::ANSWER_TIMEOUT;
use super::parts::{Browser, Clearing, Compositor, DelayReason, Intent, Launch, Next, Page, ReadyClock, Server};
use super::{
    ATTACH_STALL, ATTACH_TIMEOUT, DETACH_TIMEOUT, EMPTY_PAGE, END_GRACE, Effect, Event, Failure, FailureKind,
    LOAD_STALL, LOAD_TIMEOUT, LOST_GRACE, MAX_UNFORGOTTEN, Machine, RestartCause,
};

type Effects = Vec<Effect>;

impl Machine {
    /// Handles `event` at `now`. Returns the effects, in order.
    pub fn step(&mut self, event: Event, now: Duration) -> Effects {
        let mut effects = Vec::new();
        self.expire(now, &mut effects);
        self.take(event, now, &mut effects);
        self.advance(now, &mut effects);
        effects
    }

    /// Handles expired deadlines.
    fn expire(&mut self, now: Duration, effects: &mut Effects) {
        if let Compositor::Lost { at, .. } = self.compositor
            && now >= at + super::COMPOSITOR_GRACE
            && self.running()
        {
            self.end_shell(LOST_GRACE, now, effects);
        }
        if let Page::Loading { empty_at: Some(at), .. } = self.page
            && now >= at
        {
            self.page_up(now);
        }
        self.expire_ending(now, effects);
        self.expire_page(now, effects);
        self.expire_health(now, effects);
        self.expire_window_ping(now, effects);
        self.expire_wanted(now);
        self.recovery.expire(now);
        if self.clock.at().is_some_and(|at| now >= at) {
            self.clock = ReadyClock::Over;
            // What has failed with the browser is told already.
            let waits = matches!(self.page, Page::Blank | Page::Loading { .. }) && self.trouble != DelayReason::Crashed;
            if self.intent == Intent::Run && waits && !self.shown() {
                let seconds = self.settings.ready_timeout.unwrap_or_default().as_secs();
                let reason = format!("not up after {seconds} s: {}", self.why_not_up());
                let action = "tried again".into();
                effects.push(Effect::Failed(Failure { kind: FailureKind::Timeout, reason, action, goes_on: false }));
            }
        }
    }

    fn expire_page(&mut self, now: Duration, effects: &mut Effects) {
        let (program, inspected, stall) = (&self.settings.program, self.inspected, self.load_stall());
        let (due, replaced) = match &mut self.page {
            Page::Lost { limit } if now >= *limit => {
                let reason = format!("{program} does not answer");
                return self.replace_shell(reason, now, effects);
            }
            Page::Starting(hang_timer) => (hang_timer.due(now), true),
            Page::Loading { hang_timer, .. } => {
                let due = hang_timer.due(now);
                if inspected && matches!(due, Due::Stalled(_) | Due::Endless(_)) {
                    // Its scripts may be held: it has all its time again.
                    *hang_timer = HangTimer::new(now, stall, LOAD_TIMEOUT);
                    return;
                }
                (due, false)
            }
            _ => return,
        };
        let seconds = match due {
            Due::Nothing => return,
            Due::Measure => return effects.push(Effect::Measure),
            Due::Stalled(time) | Due::Endless(time) => time.as_secs(),
        };
        if self.settings.command {
            return self.replace_shell(format!("{program} has shown no window for {seconds} s"), now, effects);
        }
        if replaced {
            let how = if matches!(due, Due::Stalled(_)) { "does nothing" } else { "has not come to its end" };
            let reason = format!("{program} does not answer: it {how} for {seconds} s");
            self.replace_shell(reason, now, effects);
        } else {
            let what = if self.settings.explicit { "no call of window.kiosk.ready()" } else { "nothing to be seen" };
            self.page_failed(format!("{what} for {seconds} s"), now, effects);
        }
    }

    fn take(&mut self, event: Event, now: Duration, effects: &mut Effects) {
        match event {
            Event::CompositorUp { pid } => self.compositor_up(pid, now, effects),
            Event::CompositorDown => {
                self.window_pings.no_answer();
                if let Compositor::Here { pid } = self.compositor {
                    self.compositor = Compositor::Lost { pid, at: now };
                }
            }
            Event::Window { mapped } => {
                self.window = mapped;
                match self.page {
                    Page::Loading { .. } if self.settings.command && !self.lacks_window() => self.page_up(now),
                    Page::Up { .. } if self.lacks_window() => self.await_window(now),
                    _ => {}
                }
            }
            Event::ServerUp => {
                if matches!(self.server, Server::Asking { .. }) {
                    self.server_up(now);
                }
            }
            Event::ServerDown { reason } => self.server_down(reason, now, effects),
            Event::ServerSilent { reason } => self.server_silent(reason, now, effects),
            Event::Launched { pid } => {
                if self.browser == Browser::Starting {
                    self.browser = Browser::Running { pid };
                    if self.lacks_window() {
                        self.await_window(now);
                    } else if self.settings.command {
                        self.page_up(now);
                    } else {
                        self.page = Page::Starting(HangTimer::new(now, ATTACH_STALL, ATTACH_TIMEOUT));
                    }
                }
            }
            Event::LaunchFailed { reason } => {
                if self.browser == Browser::Starting {
                    self.browser = Browser::None;
                    self.plan_launch(reason, "", now, effects);
                }
            }
            Event::Exited { how } => self.exited(&how, now, effects),
            Event::Attached => {
                if self.running() && matches!(self.page, Page::Starting(_) | Page::Lost { .. }) {
                    self.page = Page::Blank;
                }
            }
            Event::Detached { reason } => {
                if self.running() && self.page != Page::None {
                    self.reason = reason;
                    self.trouble = DelayReason::Crashed;
                    self.hide(now);
                    self.page = Page::Lost { limit: now + DETACH_TIMEOUT };
                }
            }
            Event::Moved { url } => self.moved(url),
            Event::PageUp => {
                if matches!(self.page, Page::Loading { .. }) {
                    self.page_up(now);
                }
            }
            Event::PageLoaded => {
                if let Page::Loading { empty_at, .. } = &mut self.page
                    && !self.settings.explicit
                {
                    *empty_at = Some(now + EMPTY_PAGE);
                }
            }
            Event::PageFailed { url, reason, error_page } => match self.page {
                Page::Loading { .. } => self.page_failed(reason, now, effects),
                // The page is replaced by an error page, or its own server is down.
                Page::Up { .. } if error_page || same_server(&url, self.target.as_str()) => {
                    self.page_failed(reason, now, effects);
                }
                Page::Up { .. } => {
                    effects.push(Effect::Failed(stayed(&url, &reason)));
                }
                Page::Starting(_) | Page::Lost { .. } | Page::None | Page::Blank | Page::EndingRenderer { .. } => {}
            },
            Event::PageStale { url, reason, again: false } => {
                effects.push(Effect::Failed(stayed(&url, &reason)));
            }
            Event::PageStale { url, reason, again: true } => self.page_stale(&url, reason, now, effects),
            Event::Refused { url } => {
                self.refused = self.refused.saturating_add(1);
                effects.push(Effect::Refused { url, count: self.refused });
            }
            Event::PageCrashed => self.page_crashed(now, effects),
            Event::Reset { number } => self.reset(number, now, effects),
            Event::PasswordKept if self.running() && self.intent == Intent::Run => self.restart(now, effects),
            Event::PasswordKept => {}
            Event::RestartDue { why } => self.restart_due(why, now),
            Event::Idle => self.nobody_there(now, effects),
            Event::DataCleared { error } => self.data_cleared(error, now, effects),
            Event::Dialog { open } => {
                self.dialog = open;
                self.watch_health(now);
            }
            Event::Inspected { open } => {
                self.inspected = open;
                self.frames = Frames::Fine;
                self.watch_health(now);
            }
            Event::Covered { covered } => self.is_covered(covered && self.running(), now),
            Event::NotLeft => self.not_left(now, effects),
            Event::Alive => self.alive(),
            Event::FrameLate { late } => self.frame_late(late, now),
            Event::PingLost => self.ask_again(now, effects),
            Event::Measured { work } => {
                if let Page::Starting(hang_timer) | Page::Loading { hang_timer, .. } = &mut self.page {
                    hang_timer.measured(work, now);
                }
            }
            Event::WindowAsked { number, commits } => self.window_asked(number, commits, now, effects),
            Event::WindowAlive { number } => self.window_alive(number),
            Event::MeasureKept { rung } => self.measure_kept(rung),
            Event::MeasureRefused { rung, reason } => self.measure_refused(rung, reason, effects),
            Event::Tick => {}
            Event::Shutdown => self.intent = Intent::Leave,
        }
    }

    /// Starts everything that can be started.
    pub(super) fn advance(&mut self, now: Duration, effects: &mut Effects) {
        if matches!(self.page, Page::Up { .. }) && self.covered.is_none() {
            self.reset_done = self.reset_wanted.take().unwrap_or(self.reset_done);
        }
        if matches!(self.intent, Intent::Leave | Intent::Renew) {
            match self.browser {
                // A shell that cannot be killed does not delay the exit.
                Browser::None | Browser::Stuck { .. } => effects.push(Effect::Finish),
                Browser::Running { .. } if !self.compositor.is_here() => self.end_shell(LOST_GRACE, now, effects),
                Browser::Running { .. } => self.end_shell(END_GRACE, now, effects),
                Browser::Starting | Browser::Ending { .. } => {}
            }
            return;
        }
        if self.intent == Intent::Stop {
            if self.running() {
                self.end_shell(END_GRACE, now, effects);
            }
            return;
        }
        if !self.compositor.is_here() {
            return;
        }
        match self.server {
            Server::Waiting { at, .. } if now < at => {}
            Server::Unknown if self.needs_server() => self.ask_server(0, effects),
            Server::Waiting { refusals, .. } if self.needs_server() => self.ask_server(refusals, effects),
            Server::Unknown | Server::Waiting { .. } => self.server = Server::Up,
            Server::Asking { .. } | Server::Up => {}
        }
        if self.may_launch() && self.launch.at().is_none_or(|at| now >= at) {
            self.launch = Launch::Now;
            self.browser = Browser::Starting;
            let cause = std::mem::replace(&mut self.restart_cause, RestartCause::Other);
            if self.launches > 0 {
                self.restart_causes.count(cause);
            }
            self.launches = self.launches.saturating_add(1);
            self.planned.launched(now);
            effects.push(Effect::Launch);
        }
        if self.running() && self.server == Server::Up {
            match self.page {
                Page::Up { next: Next::Open, .. } if self.wanted.is_some() => self.go_on(now, effects),
                Page::Blank | Page::Up { next: Next::Open, .. } => self.navigate(now, effects),
                Page::Up { next: Next::Reload, .. } => self.load(Effect::Reload { hard: false }, now, effects),
                _ => {}
            }
        }
    }

    /// Waits for a command's window as for a page.
    fn await_window(&mut self, now: Duration) {
        self.hide(now);
        let hang_timer = HangTimer::new(now, self.load_stall(), LOAD_TIMEOUT);
        self.page = Page::Loading { hang_timer, empty_at: None, over_page: false, answer_by: None };
    }

    pub(super) fn navigate(&mut self, now: Duration, effects: &mut Effects) {
        self.dialog = false;
        if self.clearing == Clearing::None {
            return self.load(Effect::Navigate { url: self.target.clone() }, now, effects);
        }
        self.clearing = Clearing::Ordered;
        self.hide(now);
        self.page = Page::Blank;
        self.load(Effect::ClearData, now, effects);
        if let Page::Loading { answer_by, .. } = &mut self.page {
            *answer_by = Some(now + ANSWER_TIMEOUT);
        }
    }

    /// The stored data is deleted: the configured page is next.
    fn data_cleared(&mut self, error: Option<String>, now: Duration, effects: &mut Effects) {
        if self.clearing != Clearing::Ordered || !matches!(self.page, Page::Loading { .. }) {
            return;
        }
        match error {
            None => {
                (self.clearing, self.unforgotten) = (Clearing::None, 0);
                let not_answered = match self.page {
                    Page::Loading { answer_by, .. } => answer_by,
                    _ => None,
                };
                self.navigate(now, effects);
                if let Page::Loading { answer_by, .. } = &mut self.page {
                    *answer_by = not_answered;
                }
            }
            Some(error) => {
                let reason = format!("the browser keeps what pages have stored: {error}");
                self.unforgotten += 1;
                if self.unforgotten > MAX_UNFORGOTTEN {
                    // Another browser may succeed; if none does, the profile is discarded.
                    self.replace_shell(reason, now, effects);
                } else {
                    self.clearing = Clearing::Wanted;
                    self.end_renderer(reason, now, effects);
                }
            }
        }
    }

    /// Loads the page by `order`; the previous page stays visible.
    pub(super) fn load(&mut self, order: Effect, now: Duration, effects: &mut Effects) {
        self.page = Page::Loading {
            hang_timer: HangTimer::new(now, self.load_stall(), LOAD_TIMEOUT),
            empty_at: None,
            over_page: self.shown(),
            answer_by: None,
        };
        self.wanted = None;
        self.not_up(now);
        effects.push(order);
    }

    pub(super) fn load_stall(&self) -> Duration {
        self.settings.ready_timeout.unwrap_or_default().max(LOAD_STALL)
    }

    /// Retries the pending navigation, as its server is up.
    fn go_on(&mut self, now: Duration, effects: &mut Effects) {
        let url = self.wanted.take().unwrap_or_else(|| self.target.clone());
        self.load(Effect::Navigate { url }, now, effects);
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

/// A navigation that came to nothing.
fn stayed(url: &str, reason: &str) -> Failure {
    let reason = format!("{url}: {reason}");
    Failure { kind: FailureKind::Server, reason, action: "stayed on the page".into(), goes_on: false }
}
