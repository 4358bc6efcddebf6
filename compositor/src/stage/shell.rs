//! One shell on the stage: its session's readiness, and the cover over it.

use std::time::Duration;

use kiosk_core::{
    api::State,
    texts::{Text, Texts},
};
use kiosk_splash::{Progress, Report, View};

use super::{SystemScreen, chooser::Chooser, splash::Cover};

/// The session's last report.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Readiness {
    /// False without a session (a plain command): a mapped window is enough.
    pub wait_for_session: bool,
    /// `None` before the first report.
    pub state: Option<State>,
    /// A line for people.
    pub message: String,
    /// The page is not up within `shell.ready.timeout`.
    pub overdue: bool,
    /// Number of failed attempts.
    pub tried: u32,
    /// Reason of the last failure; empty: none.
    pub reason: String,
    /// Who looks at the page by DevTools, and until which time of day; `None`: nobody.
    pub inspector: Option<(String, String)>,
}

impl Readiness {
    /// Whether the session allows the shell to be shown: also during a reload, as the last frame is better than a
    /// splash.
    fn shell_may_show(&self) -> bool {
        !self.wait_for_session || self.state == Some(State::Ready) || self.state == Some(State::Loading)
    }
}

/// Waits longer than this are explained.
const LONG: Duration = Duration::from_secs(15);
/// Most characters of the report in the QR code: more makes it unreadable on small screens.
const MAX_CODE: usize = 280;

/// Start of a long wait.
#[derive(Debug, Clone, PartialEq)]
struct LongWait {
    /// Monotonic.
    since: Duration,
    /// Time of day.
    at: String,
}

/// A shell's place on the stage.
#[derive(Debug, Clone, PartialEq)]
pub struct ShellStage {
    /// The cover over the shell's windows.
    pub cover: Cover,
    /// The page's readiness, from the session's reports.
    pub readiness: Readiness,
    /// The page's own message, over this shell only.
    pub note: Option<SystemScreen>,
    /// The list of files for an upload, over this shell only.
    pub chooser: Option<Chooser>,
    /// The number of the last list that was closed here; the session may still report it.
    pub chosen: u64,
    /// The current long wait.
    waits: Option<LongWait>,
    /// The page was ready once since its window was mapped; a later reload keeps the picture.
    was_ready: bool,
}

impl ShellStage {
    /// Under the splash.
    pub fn new(wait_for_session: bool) -> Self {
        Self {
            cover: Cover::Shown { since: Duration::ZERO },
            note: None,
            chooser: None,
            chosen: 0,
            readiness: Readiness { wait_for_session, state: None, message: String::new(), ..Readiness::default() },
            waits: None,
            was_ready: false,
        }
    }

    /// Handles the session's report; `at`: the local time.
    pub fn reported(&mut self, now: Duration, at: impl FnOnce() -> String) {
        let waiting =
            matches!(self.readiness.state, Some(State::Waiting | State::Offline | State::Crashed | State::Backoff));
        match &self.waits {
            Some(_) if waiting => {}
            _ => self.waits = waiting.then(|| LongWait { since: now, at: at() }),
        }
    }

    /// The splash with the session's message, and its start if the wait is long; if the page is overdue, the
    /// diagnostics with `report`.
    pub fn splash(&self, report: &Report, texts: &Texts, now: Duration) -> View {
        let message = &self.readiness.message;
        if self.readiness.overdue {
            let mut report = report.clone();
            report.lines.insert(0, message.clone());
            report.code =
                kiosk_core::text::shortened(&format!("{}\n{}", report.code, report.lines.join("\n")), MAX_CODE);
            return View::Diagnostics(report);
        }
        let long = self.waits.as_ref().filter(|waits| now.saturating_sub(waits.since) >= LONG);
        if let Some(waits) = long.filter(|_| !message.is_empty()) {
            let since = texts.say(Text::Since, &[("time", &waits.at)]);
            let Readiness { tried, reason, .. } = &self.readiness;
            let detail = match (tried, reason.as_str()) {
                (0, _) | (_, "") => since,
                _ => {
                    let tried = texts.say_counted(Text::Tried, *tried as usize, &[("reason", reason)]);
                    format!("{since}\n{tried}")
                }
            };
            return View::Waiting { message: message.clone(), detail };
        }
        View::Splash {
            message: Some(self.readiness.message.clone()).filter(|message| !message.is_empty()),
            progress: Progress::Indeterminate,
        }
    }

    /// Whether the splash has to cover the shell: until the session says ready **and** the shell has a real buffer
    /// (`mapped`); again as soon as either fails.
    fn unready(&mut self, mapped: bool) -> bool {
        if !mapped || !self.readiness.shell_may_show() {
            self.was_ready = false;
        } else if !self.readiness.wait_for_session || self.readiness.state == Some(State::Ready) {
            self.was_ready = true;
        }
        !self.was_ready
    }

    /// Updates the cover. `system_screen`: one covers everything; `splash`: there is a splash to fade. Returns whether
    /// that changes the picture.
    pub fn update_cover(&mut self, mapped: bool, system_screen: bool, splash: bool, now: Duration) -> bool {
        let needed = self.unready(mapped) || system_screen;
        if !splash && !system_screen {
            // Without a splash there is no fade.
            let cover = if needed { self.cover } else { Cover::Gone };
            let cover = if needed && cover == Cover::Gone { Cover::Shown { since: now } } else { cover };
            return std::mem::replace(&mut self.cover, cover) != cover;
        }
        self.cover.update(needed, now)
    }

    /// The session's connection is closed: a shell that is still mapped stays visible.
    pub fn session_gone(&mut self, mapped: bool) {
        self.readiness.overdue = false;
        // What it handed out has ended with it.
        self.readiness.inspector = None;
        if !mapped {
            self.readiness.state = None;
        } else if self.readiness.state == Some(State::Ready) {
            self.readiness.state = Some(State::Loading);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_wait_says_since_when_and_what_was_tried() {
        let rules = [];
        let (german, second) = (Texts::new("de-AT", &rules), Duration::from_secs(1));
        let mut shell = ShellStage::new(true);
        shell.readiness.state = Some(State::Waiting);
        shell.readiness.message = "Warten auf localhost:3000".into();
        shell.reported(second, || "16:40".into());
        let seen = |shell: &ShellStage, now| shell.splash(&Report::default(), &german, now);
        assert!(matches!(seen(&shell, LONG), View::Splash { .. }), "too short to need a word");
        let detail = |shell: &ShellStage| match seen(shell, LONG + second) {
            View::Waiting { detail, .. } => detail,
            other => panic!("{other:?}"),
        };
        assert_eq!(detail(&shell), "seit 16:40");
        shell.readiness.tried = 1;
        shell.readiness.reason = "HTTP 500".into();
        assert_eq!(detail(&shell), "seit 16:40\nein Versuch: HTTP 500");
        shell.readiness.tried = 30;
        shell.readiness.reason = "localhost:3000 refuses the connection".into();
        shell.reported(2 * second, || "16:41".into());
        assert_eq!(detail(&shell), "seit 16:40\n30 Versuche, zuletzt: localhost:3000 refuses the connection");
    }
}
