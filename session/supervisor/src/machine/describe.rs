//! The machine's state for D-Bus, and as a line for the screen.

use super::Machine;
use super::parts::{Browser, BrowserAttempt, DelayReason, Intent, Launch, Page, ReadyClock, Server};
use kiosk_core::api::State;
use kiosk_core::texts::Text;

impl Machine {
    /// The state as `org.kioskd.Session1.State` has it.
    pub fn state(&self) -> State {
        // A session that restarts itself counts as starting.
        if !matches!(self.intent, Intent::Run | Intent::Renew) {
            return State::Stopped;
        }
        match (self.page, self.trouble) {
            // People see the covering window.
            (Page::Up { .. }, _) if self.covered.is_some() => State::Loading,
            (Page::Up { .. }, _) => State::Ready,
            _ if matches!(self.launch, Launch::Pause(_)) => State::Backoff,
            (_, DelayReason::Crashed) => State::Crashed,
            // The result is not known yet: the state does not change.
            (Page::Loading { .. }, DelayReason::None) if self.trying == BrowserAttempt::Away => State::Waiting,
            (Page::Loading { .. }, _) if self.trying != BrowserAttempt::Away => State::Loading,
            (_, DelayReason::Offline) => State::Offline,
            _ if self.server == Server::Up => State::Launching,
            _ => State::Waiting,
        }
    }

    /// One line; empty: nothing to say.
    pub(super) fn message(&self) -> String {
        if self.shown() {
            return String::new();
        }
        let say = |text, places: &[(&str, &str)]| self.settings.texts.say(text, places);
        if self.clock == ReadyClock::Over && self.intent == Intent::Run {
            let seconds = self.settings.ready_timeout.unwrap_or_default().as_secs();
            return say(Text::Overdue, &[("seconds", &seconds.to_string()), ("reason", &self.why_not_up())]);
        }
        match self.state() {
            State::Waiting => say(Text::Waiting, &[("server", &self.server_name())]),
            State::Launching => say(Text::Starting, &[]),
            // A program without a window has no page to load.
            State::Loading if self.settings.command => say(Text::Starting, &[]),
            State::Loading => say(Text::Loading, &[]),
            State::Offline => say(Text::Offline, &[("server", &self.server_name())]),
            State::Crashed => say(Text::Crashed, &[]),
            State::Backoff => say(Text::Backoff, &[("reason", &self.reason)]),
            State::Ready => String::new(),
            State::Stopped if self.intent == Intent::Leave => say(Text::Ending, &[]),
            // The compositor shows the welcome screen then.
            State::Stopped if self.settings.has_nothing() => String::new(),
            State::Stopped => say(Text::Stopped, &[]),
        }
    }

    /// Why there is no page, for people.
    pub(super) fn why_not_up(&self) -> String {
        if self.reason.is_empty() { self.waiting_for() } else { self.reason.clone() }
    }

    /// What the page or the window is waiting for, for people, from the first moment on; empty: it is shown, or is not
    /// wanted.
    pub fn waiting_for(&self) -> String {
        let program = &self.settings.program;
        let server = || format!("waiting for {}", self.server_name());
        match (self.browser, self.page) {
            _ if matches!(self.state(), State::Ready | State::Stopped) => String::new(),
            _ if !self.compositor.is_here() => "kioskd is not connected".into(),
            (Browser::Ending { .. } | Browser::Stuck { .. }, _) => format!("{program} is ending"),
            (Browser::None, _) if matches!(self.launch, Launch::Pause(_)) => {
                format!("a pause before {program} is started again")
            }
            (Browser::None, _) if self.settings.command && self.server != Server::Up => server(),
            (_, Page::Up { .. }) => "another window covers the page".into(),
            (_, Page::Loading { .. }) if self.settings.command => format!("{program} has shown no window yet"),
            (_, Page::Loading { .. }) if self.settings.explicit => {
                "the page has not called window.kiosk.ready()".into()
            }
            (_, Page::Loading { .. }) => format!("{} is loading", self.target),
            (_, Page::Starting(_) | Page::Lost { .. } | Page::None) => format!("{program} is starting"),
            (_, Page::Blank | Page::EndingRenderer { .. }) => server(),
        }
    }

    fn server_name(&self) -> String {
        match (self.target.host(), self.target.port()) {
            (Some(host), Some(80 | 443)) => host,
            (Some(host), Some(port)) => format!("{host}:{port}"),
            _ => self.target.to_string(),
        }
    }
}
