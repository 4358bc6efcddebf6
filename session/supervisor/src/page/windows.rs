//! The browser's other windows: tabs and popups that the page opened, or a key. Each is attached, and lives only as far
//! as `browser.new-windows` lets it. One that is not to be is let go of first and closed then: a window that is closed
//! while it is held leaves its opener without input for ever.

use std::time::Duration;

use serde_json::{Value, json};

use super::Page;
use super::wire::Asked;
use crate::machine::Event;
use kiosk_core::config::{NewWindows, masked};

/// Windows beside the page, at most; a page that opens more of them gets no further ones.
pub(super) const MAX_WINDOWS: usize = 8;
/// A window that is to be opened in place of the page may be blank for so long: some are given their address late.
const BLANK_LIMIT: Duration = Duration::from_secs(3);
/// Whoever waits for the page is told of a window over it after this long; most are closed sooner.
const COVERED: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Its first address is opened in place of the page.
    Taken { until: Duration },
    /// It stays, centred above the page.
    Popup,
    /// It is closed as soon as it is not held any more.
    Doomed { released: bool },
}

#[derive(Debug)]
struct Window {
    session: String,
    target: String,
    fate: Fate,
}

/// All but the page itself.
#[derive(Debug, Default)]
pub(super) struct Windows {
    list: Vec<Window>,
    /// Since when one covers the page.
    covered_at: Option<Duration>,
    /// The session has been told.
    told: bool,
}

impl Windows {
    pub fn deadline(&self) -> Option<Duration> {
        let blank = self.list.iter().filter_map(|window| match window.fate {
            Fate::Taken { until } => Some(until),
            _ => None,
        });
        let covered = self.covered_at.filter(|_| !self.told).map(|at| at + COVERED);
        blank.chain(covered).min()
    }

    /// The fate of the window whose main frame this is.
    pub fn fate(&self, frame: &str) -> Option<Fate> {
        self.list.iter().find(|window| window.target == frame).map(|window| window.fate)
    }

    fn covers(&self) -> bool {
        self.list.iter().any(|window| window.fate != Fate::Popup)
    }
}

impl Page {
    pub(super) fn window_came(&mut self, session: &str, target: &str, now: Duration) {
        let rule = self.rules.browser.new_windows;
        let fate = match rule {
            _ if self.windows.list.len() >= MAX_WINDOWS => Fate::Doomed { released: false },
            NewWindows::Same => Fate::Taken { until: now + BLANK_LIMIT },
            NewWindows::Popup => Fate::Popup,
            NewWindows::Deny => Fate::Doomed { released: false },
        };
        tracing::debug!(?fate, target, "a window came");
        self.windows.list.push(Window { session: session.to_owned(), target: target.to_owned(), fate });
        self.look_above(now);
    }

    pub(super) fn window_went(&mut self, session: &str, now: Duration) {
        self.windows.list.retain(|window| window.session != session);
        self.look_above(now);
    }

    /// The browser holds this window no longer.
    pub(super) fn released(&mut self, target: &str) {
        let window = self.windows.list.iter_mut().find(|window| window.target == target);
        if let Some(Window { fate: Fate::Doomed { released }, .. }) = window {
            *released = true;
            self.wire.send(None, "Target.closeTarget", json!({ "targetId": target }), Asked::Other);
        }
    }

    /// Closes the window whose main frame this is. It is not held: it has asked for something.
    pub(super) fn close_window(&mut self, target: &str) {
        if let Some(window) = self.windows.list.iter_mut().find(|window| window.target == target) {
            window.fate = Fate::Doomed { released: true };
            self.wire.send(None, "Target.closeTarget", json!({ "targetId": target }), Asked::Other);
        }
    }

    /// Closes all of them.
    pub(super) fn close_windows(&mut self) {
        let targets: Vec<String> = self.windows.list.iter().map(|window| window.target.clone()).collect();
        targets.iter().for_each(|target| self.close_window(target));
    }

    /// Opens what a window wanted to show in place of the page.
    pub(super) fn take_over(&mut self, target: &str, request: &Value) {
        self.close_window(target);
        let url = request["url"].as_str().unwrap_or_default();
        if !self.rules.allowed.permits(url) {
            return self.refused(url);
        }
        tracing::info!(url = masked(url), "a new window's page is opened in place of the page");
        let referrer = request["headers"]["Referer"].as_str().unwrap_or_default();
        self.send("Page.navigate", json!({ "url": url, "referrer": referrer }), Asked::Other);
    }

    pub(super) fn happened_in_window(&mut self, session: &str, method: &str, parameters: &Value) {
        let Some(window) = self.windows.list.iter().find(|window| window.session == session) else { return };
        match method {
            "Page.javascriptDialogOpening" => self.dialog_in_window(session, parameters),
            "Page.frameScheduledNavigation" => self.navigation_scheduled(parameters),
            "Inspector.targetCrashed" => {
                let target = window.target.clone();
                self.close_window(&target);
            }
            _ => {}
        }
    }

    pub(super) fn expire_windows(&mut self, now: Duration) {
        let blank =
            self.windows.list.iter().filter(|window| matches!(window.fate, Fate::Taken { until } if now >= until));
        let blank: Vec<String> = blank.map(|window| window.target.clone()).collect();
        for target in blank {
            tracing::info!("a new window that stayed blank is closed");
            self.close_window(&target);
        }
        if !self.windows.told && self.windows.covered_at.is_some_and(|at| now >= at + COVERED) {
            self.windows.told = true;
            self.events.push(Event::Covered { covered: true });
        }
    }

    /// Whether the page is what is seen.
    fn look_above(&mut self, now: Duration) {
        match (self.windows.covers(), self.windows.covered_at) {
            (true, None) => self.windows.covered_at = Some(now),
            (false, Some(_)) => {
                self.windows.covered_at = None;
                if std::mem::take(&mut self.windows.told) {
                    self.events.push(Event::Covered { covered: false });
                }
            }
            _ => {}
        }
    }
}
