//! One shell on the stage: whether its session says it is ready, and whether our own picture covers it.

use std::time::Duration;

use kiosk_core::{
    api::State,
    texts::{Text, Texts},
};
use kiosk_splash::{Progress, Report, View};

use super::{SystemScreen, chooser::Chooser, splash::Cover};

/// What the session last said, and whether it counts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Readiness {
    /// Without a session (a plain command), a window is all that is waited for.
    pub wait_for_session: bool,
    /// `None` before the first report.
    pub state: Option<State>,
    /// A line for people before the screen.
    pub message: String,
    /// The page should have been up by now.
    pub overdue: bool,
    /// How often it was tried, and what came of the last time; none where nothing was wrong.
    pub tried: u32,
    /// Of the last time; empty: nothing.
    pub reason: String,
}

impl Readiness {
    /// Whether the session lets the shell's picture be shown: also while it loads, for the last frame of a reload is
    /// better than a splash.
    fn shell_may_show(&self) -> bool {
        !self.wait_for_session || self.state == Some(State::Ready) || self.state == Some(State::Loading)
    }
}

/// Shorter waits need no explanation.
const LONG: Duration = Duration::from_secs(15);
/// Characters of the report that a QR code takes along: more makes it too fine to be read on small screens.
const MAX_CODE: usize = 280;

/// Since when the page is waited for.
#[derive(Debug, Clone, PartialEq)]
struct Waits {
    /// Monotonic.
    since: Duration,
    /// Time of day.
    at: String,
}

/// A shell's place on the stage.
#[derive(Debug, Clone, PartialEq)]
pub struct ShellStage {
    /// What lies over the shell's windows.
    pub cover: Cover,
    /// How far the page is, by the session's reports.
    pub readiness: Readiness,
    /// A message of the page's own, over it alone.
    pub note: Option<SystemScreen>,
    /// From which a visitor chooses what the page uploads; over the shell.
    pub chooser: Option<Chooser>,
    /// The number of the last one that has come to its end here; the session may still speak of it.
    pub chosen: u64,
    /// It waits for something that does not come.
    waits: Option<Waits>,
    /// The page was ready once since its window came; a later reload keeps the picture.
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

    /// The session has reported; `at`: the time of day, for people.
    pub fn reported(&mut self, now: Duration, at: impl FnOnce() -> String) {
        let waiting =
            matches!(self.readiness.state, Some(State::Waiting | State::Offline | State::Crashed | State::Backoff));
        match &self.waits {
            Some(_) if waiting => {}
            _ => self.waits = waiting.then(|| Waits { since: now, at: at() }),
        }
    }

    /// The splash, with what the session says, and since when where that is long; when the page is overdue all that may
    /// be the reason, beside `report`, which says what the device is.
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
                    let tried = texts.say(Text::Tried, &[("count", &tried.to_string()), ("reason", reason)]);
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

    /// Brings the cover up to date. `system_screen`: one covers everything; `splash`: there is a picture of ours to
    /// fade. Returns whether that changes the picture.
    pub fn update_cover(&mut self, mapped: bool, system_screen: bool, splash: bool, now: Duration) -> bool {
        let needed = self.unready(mapped) || system_screen;
        if !splash && !system_screen {
            // The shell is bare, or the background is.
            let cover = if needed { self.cover } else { Cover::Gone };
            let cover = if needed && cover == Cover::Gone { Cover::Shown { since: now } } else { cover };
            return std::mem::replace(&mut self.cover, cover) != cover;
        }
        self.cover.update(needed, now)
    }

    /// The session's connection is gone: if the shell lives on, its picture stays until it goes.
    pub fn session_gone(&mut self, mapped: bool) {
        self.readiness.overdue = false;
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
        shell.readiness.tried = 30;
        shell.readiness.reason = "localhost:3000 refuses the connection".into();
        shell.reported(2 * second, || "16:41".into());
        assert_eq!(detail(&shell), "seit 16:40\n30 Versuche, zuletzt: localhost:3000 refuses the connection");
    }
}
