//! The browser's other windows: tabs and popups that the page opened, or a key. Each is attached, and treated as
//! `browser.new-windows` says. An unwanted one is released first and closed then: closing a window while it is held by
//! the debugger leaves its opener without input for ever.

use std::time::Duration;

use serde_json::{Value, json};

use super::Page;
use super::denied::Feature;
use super::unfit::Kind;
use super::wire::Purpose;
use crate::machine::Event;
use kiosk_core::config::{NewWindows, masked};

/// Most windows besides the page; further ones are closed.
pub(super) const MAX_WINDOWS: usize = 8;
/// A window that is to be opened in place of the page may be blank for so long: some are given their address late.
const BLANK_LIMIT: Duration = Duration::from_secs(3);
/// A window over the page is reported after this time; most are closed sooner.
const COVERED: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disposition {
    /// Its first address is opened in place of the page.
    Taken { until: Duration },
    /// It stays, centred above the page.
    Popup,
    /// It is closed as soon as it is not held any more.
    ToClose,
}

#[derive(Debug)]
struct Window {
    session: String,
    target: String,
    disposition: Disposition,
    /// The browser has not yet said that it is let go of.
    held: bool,
    /// There is something in it to be seen.
    filled: bool,
}

/// All but the page itself.
#[derive(Debug, Default)]
pub(super) struct Windows {
    list: Vec<Window>,
    /// Since when one covers the page.
    covered_at: Option<Duration>,
    /// The session has been told.
    told: bool,
    /// The browser's number of the window that the page is in, where that matters.
    of_page: Option<i64>,
}

impl Windows {
    pub fn deadline(&self) -> Option<Duration> {
        let blank = self.list.iter().filter_map(|window| match window.disposition {
            Disposition::Taken { until } => Some(until),
            _ => None,
        });
        let covered = self.covered_at.filter(|_| !self.told).map(|at| at + COVERED);
        blank.chain(covered).min()
    }

    /// The disposition of the window whose main frame this is.
    pub fn disposition(&self, frame: &str) -> Option<Disposition> {
        self.list.iter().find(|window| window.target == frame).map(|window| window.disposition)
    }

    /// The disposition of the window behind this session.
    pub fn fate_of_session(&self, session: &str) -> Option<Disposition> {
        self.list.iter().find(|window| window.session == session).map(|window| window.disposition)
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Of all of them.
    pub fn sessions(&self) -> Vec<String> {
        self.list.iter().map(|window| window.session.clone()).collect()
    }

    fn of_target(&mut self, target: &str) -> Option<&mut Window> {
        self.list.iter_mut().find(|window| window.target == target)
    }

    fn covers(&self) -> bool {
        self.list.iter().any(|window| window.disposition != Disposition::Popup)
    }
}

impl Page {
    pub(super) fn window_came(&mut self, session: &str, target: &str, now: Duration) {
        let rule = self.rules.browser.new_windows;
        let disposition = match rule {
            _ if self.windows.list.len() >= MAX_WINDOWS || self.clearing.is_some() => Disposition::ToClose,
            NewWindows::Same => Disposition::Taken { until: now + BLANK_LIMIT },
            NewWindows::Popup => Disposition::Popup,
            NewWindows::Deny => Disposition::ToClose,
        };
        tracing::debug!(?disposition, target, "a window came");
        let (session, target) = (session.to_owned(), target.to_owned());
        self.windows.list.push(Window { session, target, disposition, held: true, filled: false });
        self.look_above(now);
    }

    /// Asks which of the browser's windows this page is in: a tab in the page's own would cover it, and is no popup.
    pub(super) fn ask_for_window(&mut self, session: &str, target: &str) {
        if self.rules.browser.new_windows == NewWindows::Popup {
            let purpose = Purpose::WindowOf { target: target.to_owned() };
            self.wire.send(Some(session), "Browser.getWindowForTarget", json!({}), purpose);
        }
    }

    /// The answer.
    pub(super) fn window_known(&mut self, target: &str, answer: &Value, now: Duration) {
        let number = answer["windowId"].as_i64();
        if target == self.document.frame {
            self.windows.of_page = number;
            return;
        }
        let is_tab = number.is_some() && number == self.windows.of_page;
        if let Some(window) =
            self.windows.of_target(target).filter(|window| is_tab && window.disposition == Disposition::Popup)
        {
            window.disposition = Disposition::Taken { until: now + BLANK_LIMIT };
        }
        self.look_above(now);
    }

    pub(super) fn window_went(&mut self, session: &str, now: Duration) {
        self.dialog_closed(session);
        self.windows.list.retain(|window| window.session != session);
        self.look_above(now);
        self.gone(session, now);
    }

    /// The browser holds this window no longer.
    pub(super) fn released(&mut self, target: &str) {
        let Some(window) = self.windows.of_target(target) else { return };
        window.held = false;
        if window.disposition == Disposition::ToClose {
            self.close_window(target);
        }
    }

    /// Closes the window whose main frame this is, as soon as it is not held any more.
    pub(super) fn close_window(&mut self, target: &str) {
        let Some(window) = self.windows.of_target(target) else { return };
        window.disposition = Disposition::ToClose;
        if !window.held {
            self.wire.send(None, "Target.closeTarget", json!({ "targetId": target }), Purpose::Other);
        }
    }

    /// The window did not get what it wanted to show. With nothing else in it, it is of no use.
    pub(super) fn close_if_blank(&mut self, target: &str) {
        if self.windows.of_target(target).is_some_and(|window| !window.filled) {
            self.close_window(target);
        }
    }

    /// What comes in them from now on is taken back; they are closed later.
    pub(super) fn doom_windows(&mut self) {
        self.windows.list.iter_mut().for_each(|window| window.disposition = Disposition::ToClose);
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
        tracing::info!(url = masked(url), "page of a new window opened in place of the page");
        let referrer = request.pointer("/headers/Referer").and_then(Value::as_str).unwrap_or_default();
        self.send("Page.navigate", json!({ "url": url, "referrer": referrer }), Purpose::Other);
    }

    /// A page has made a document for a new window, such as a receipt: nothing was asked of a server.
    fn filled_without_request(&mut self, target: &str, frame: &Value) {
        let url = frame["url"].as_str().unwrap_or_default();
        if url.starts_with("blob:") && Kind::of(frame) != Kind::Pdf {
            return self.take_over(target, &json!({ "url": url }));
        }
        if Kind::of(frame) == Kind::Pdf {
            self.denied.say(Feature::Pdf);
        }
        self.refused(url);
        self.close_window(target);
    }

    pub(super) fn happened_in_window(&mut self, session: &str, method: &str, parameters: &Value) {
        let Some(window) = self.windows.list.iter_mut().find(|window| window.session == session) else { return };
        let target = window.target.clone();
        match method {
            "Page.frameNavigated" if parameters.pointer("/frame/parentId").is_none_or(Value::is_null) => {
                let url = parameters.pointer("/frame/url").and_then(Value::as_str).unwrap_or_default();
                window.filled |= url != "about:blank";
                if matches!(window.disposition, Disposition::Taken { .. }) && url != "about:blank" {
                    return self.filled_without_request(&target, &parameters["frame"]);
                }
                if parameters.pointer("/frame/unreachableUrl").is_some_and(|url| !url.is_null()) {
                    tracing::info!("window with an error page closed");
                    self.close_window(&target);
                }
            }
            // A page may be written into a window that was opened without an address.
            "Page.lifecycleEvent" if parameters["name"] == "firstContentfulPaint" => window.filled = true,
            "Page.frameScheduledNavigation" if self.navigation_scheduled(parameters, true) => {
                self.close_if_blank(&target)
            }
            "Inspector.targetCrashed" => self.close_window(&target),
            _ => {}
        }
    }

    pub(super) fn expire_windows(&mut self, now: Duration) {
        let blank = self
            .windows
            .list
            .iter()
            .filter(|window| matches!(window.disposition, Disposition::Taken { until } if now >= until));
        let blank: Vec<String> = blank.map(|window| window.target.clone()).collect();
        for target in blank {
            tracing::info!("blank new window closed");
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
