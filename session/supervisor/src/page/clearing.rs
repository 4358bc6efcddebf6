//! Deletes a visitor's data. First everything that could store more is ended: scripts are stopped, windows are closed,
//! the page and its frames are left, and their unload handlers have run. Only then is data removed.

use std::time::Duration;

use serde_json::json;

use super::wire::Purpose;
use super::{BLANK, Page};
use crate::machine::Event;

/// Time limit until the page is left. A hung frame does not stop its scripts, and handlers may run although they are
/// stopped. Then the process of the page is ended: nothing is lost by it.
const LEFT_LIMIT: Duration = Duration::from_secs(3);

/// Time limit from leaving the page until all windows and frames are gone.
const GONE_LIMIT: Duration = Duration::from_secs(5);

/// Wait for unload handlers, which run after the session is gone: Chromium ends them after half a second.
const HANDLERS_LIMIT: Duration = Duration::from_secs(1);

/// How far it has come.
#[derive(Debug)]
pub(super) struct Clearing {
    /// The blank page has to be there by then.
    leave_by: Duration,
    /// What went wrong.
    error: Option<String>,
    /// The blank page is there; windows and frames have to be gone by then.
    left: Option<Duration>,
    /// They are gone, and what they run at their end is over then.
    over: Option<Duration>,
    /// All is being removed.
    ordered: bool,
}

impl Clearing {
    fn begin(now: Duration) -> Self {
        Clearing { leave_by: now + LEFT_LIMIT, error: None, left: None, over: None, ordered: false }
    }

    /// When it does not go on by itself; `None`: all is being removed.
    pub fn deadline(&self) -> Option<Duration> {
        Some(self.over.or(self.left).unwrap_or(self.leave_by)).filter(|_| !self.ordered)
    }
}

impl Page {
    /// Leaves the page and all windows, so that they can store nothing more, and then forgets cookies, caches, what any
    /// page has stored, and history.
    pub fn clear_data(&mut self, now: Duration) {
        self.begin_order(now);
        // It has a time limit of its own.
        self.end_leaving();
        self.doom_windows();
        // What did not answer an earlier attempt is asked again.
        self.wire.forget_clearing();
        self.clearing = Some(Clearing::begin(now));
        let own = self.session.iter().filter(|_| !self.document.crashed);
        let sessions: Vec<String> =
            own.cloned().chain(self.windows.sessions()).chain(self.frames.iter().cloned()).collect();
        for session in &sessions {
            self.wire.send(Some(session), "Runtime.terminateExecution", json!({}), Purpose::Other);
        }
        if sessions.is_empty() {
            return self.quiet();
        }
        self.ping();
        // Handlers that run when a page is left store things after that.
        for session in sessions {
            let quiet = Purpose::Quiet { session: session.clone() };
            self.wire.send(Some(&session), "Emulation.setScriptExecutionDisabled", json!({ "value": true }), quiet);
        }
    }

    /// The scripts of one of them are stopped, or it is gone.
    pub(super) fn quiet(&mut self) {
        if self.clearing.as_ref().is_some_and(|clearing| clearing.left.is_none()) && self.wire.all_quiet() {
            self.close_windows();
            BLANK.clone_into(&mut self.ordered);
            self.send("Page.navigate", json!({ "url": BLANK }), Purpose::Leave);
        }
    }

    fn run_scripts(&mut self, purpose: Purpose) {
        self.send("Emulation.setScriptExecutionDisabled", json!({ "value": false }), purpose);
    }

    /// The blank page can't be had.
    pub(super) fn not_left(&mut self, error: &str) {
        if self.clearing.is_some() {
            self.run_scripts(Purpose::Other);
            self.data_cleared(Some(error.to_owned()));
        }
    }

    /// The blank page is there.
    pub(super) fn page_left(&mut self, now: Duration) {
        if let Some(clearing) = &mut self.clearing {
            clearing.left = Some(now + GONE_LIMIT);
        }
        self.look_whether_alone(now);
    }

    /// Only unload handlers could still store data.
    pub(super) fn look_whether_alone(&mut self, now: Duration) {
        let is_alone = self.windows.is_empty() && self.frames.is_empty();
        if let Some(clearing) = self.clearing.as_mut().filter(|clearing| clearing.left.is_some()) {
            clearing.over = is_alone.then(|| clearing.over.unwrap_or(now + HANDLERS_LIMIT));
        }
    }

    fn forget_all(&mut self) {
        let Some(clearing) = &mut self.clearing else { return };
        clearing.ordered = true;
        self.run_scripts(Purpose::Clear);
        self.send("Network.clearBrowserCookies", json!({}), Purpose::Clear);
        self.send("Network.clearBrowserCache", json!({}), Purpose::Clear);
        // Of all origins, with the session storage that goes by tabs.
        let all = json!({ "origin": "*", "storageTypes": "all" });
        self.send("Storage.clearDataForOrigin", all, Purpose::Clear);
        self.send("Emulation.resetPageScaleFactor", json!({}), Purpose::Other);
        self.send("Page.resetNavigationHistory", json!({}), Purpose::Other);
    }

    pub(super) fn expire_clearing(&mut self, now: Duration) {
        let Some(clearing) = self.clearing.as_ref().filter(|clearing| clearing.deadline().is_some_and(|at| now >= at))
        else {
            return;
        };
        match (clearing.over, clearing.left) {
            (Some(_), _) => self.forget_all(),
            (None, Some(_)) => self.not_left("a window or a frame of the page does not end"),
            (None, None) => self.not_left("the page, or a window or a frame of it, can't be stopped and left"),
        }
    }

    /// One of the things that are to be forgotten is, or can't be.
    pub(super) fn cleared(&mut self, error: Option<&str>) {
        let Some(clearing) = &mut self.clearing else { return };
        if let Some(error) = error {
            clearing.error.get_or_insert_with(|| error.to_owned());
        }
        if self.wire.is_waiting_for(&Purpose::Clear) {
            return;
        }
        // Configured cookies are not a visitor's: set them again.
        self.set_cookies(Purpose::Cookies);
        if !self.wire.is_waiting_for(&Purpose::Cookies) {
            self.cookies_set();
        }
    }

    /// The configured cookies are there again. Returns whether that was waited for.
    pub(super) fn cookies_set(&mut self) -> bool {
        let Some(clearing) = self.clearing.as_mut().filter(|clearing| clearing.ordered) else { return false };
        let error = clearing.error.take();
        self.data_cleared(error);
        true
    }

    fn data_cleared(&mut self, error: Option<String>) {
        self.clearing = None;
        self.opening = false;
        self.events.push(Event::DataCleared { error });
    }
}
