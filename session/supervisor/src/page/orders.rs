//! What the browser is told by the session.

use serde_json::{Value, json};

use super::wire::Asked;
use super::{BINDING, BLANK, Page};
use crate::machine::Event;
use kiosk_core::config::PageReady;

impl Page {
    /// Opens `url`, and closes whatever is above the page.
    pub fn navigate(&mut self, url: &str) {
        self.open();
        url.clone_into(&mut self.ordered);
        self.send("Page.navigate", json!({ "url": url }), Asked::Navigate);
    }

    /// Loads the page again, past all caches when `hard`, and closes whatever is above it.
    pub fn reload(&mut self, hard: bool) {
        self.open();
        self.ordered.clone_from(&self.document.url);
        self.send("Page.reload", json!({ "ignoreCache": hard }), Asked::Reload);
    }

    /// Asks for a sign of life of the page itself, not of the browser around it.
    pub fn ping(&mut self) {
        self.send("Runtime.evaluate", json!({ "expression": "1", "silent": true }), Asked::Ping);
    }

    /// Ends what runs in the page, asks it for a sign of life, and loads it again. The first is done by the page's
    /// process even when its main thread hangs.
    pub fn unstick(&mut self) {
        self.send("Runtime.terminateExecution", json!({}), Asked::Other);
        self.ping();
        self.reload(false);
    }

    /// Leaves the page, so that it can store nothing more, and then forgets cookies, caches, what any page has stored,
    /// and history.
    pub fn clear_data(&mut self) {
        self.open();
        self.clearing = Some(None);
        self.send("Runtime.terminateExecution", json!({}), Asked::Other);
        self.ping();
        // Handlers that run when a page is left store things after that.
        self.run_scripts(false, Asked::Quiet);
    }

    /// No script of the page runs any more.
    pub(super) fn leave(&mut self) {
        if self.clearing.is_some() {
            BLANK.clone_into(&mut self.ordered);
            self.send("Page.navigate", json!({ "url": BLANK }), Asked::Leave);
        }
    }

    fn run_scripts(&mut self, run: bool, asked: Asked) {
        self.send("Emulation.setScriptExecutionDisabled", json!({ "value": !run }), asked);
    }

    /// The blank page can't be had.
    pub(super) fn not_left(&mut self, error: &str) {
        if self.clearing.is_some() {
            self.run_scripts(true, Asked::Other);
            self.data_cleared(Some(error.to_owned()));
        }
    }

    /// The blank page is there.
    pub(super) fn page_left(&mut self) {
        self.run_scripts(true, Asked::Clear);
        self.send("Network.clearBrowserCookies", json!({}), Asked::Clear);
        self.send("Network.clearBrowserCache", json!({}), Asked::Clear);
        // Of all origins, with the session storage that goes by tabs.
        let all = json!({ "origin": "*", "storageTypes": "all" });
        self.send("Storage.clearDataForOrigin", all, Asked::Clear);
        self.send("Emulation.resetPageScaleFactor", json!({}), Asked::Other);
        self.send("Page.resetNavigationHistory", json!({}), Asked::Other);
    }

    /// One of the things that are to be forgotten is, or can't be.
    pub(super) fn cleared(&mut self, error: Option<&str>) {
        let Some(so_far) = &mut self.clearing else { return };
        if let Some(error) = error {
            so_far.get_or_insert_with(|| error.to_owned());
        }
        let so_far = so_far.clone();
        if self.wire.is_waiting_for(&Asked::Clear) {
            return;
        }
        // Those that are configured are nobody's.
        self.set_cookies(Asked::Cookies);
        if !self.wire.is_waiting_for(&Asked::Cookies) {
            self.data_cleared(so_far);
        }
    }

    /// The configured cookies are there again. Returns whether that was waited for.
    pub(super) fn cookies_set(&mut self) -> bool {
        let Some(so_far) = self.clearing.clone() else { return false };
        self.data_cleared(so_far);
        true
    }

    fn data_cleared(&mut self, error: Option<String>) {
        self.clearing = None;
        self.opening = false;
        self.events.push(Event::DataCleared { error });
    }

    fn open(&mut self) {
        self.clearing = None;
        self.opening = true;
        self.committed = false;
        self.dismiss_dialogs();
        self.close_windows();
        if self.rules.ready == PageReady::Explicit {
            // Only while it is waited for: with it come all console messages of the page.
            self.send("Runtime.enable", json!({}), Asked::Other);
            self.send("Runtime.addBinding", json!({ "name": BINDING }), Asked::Other);
        }
    }

    /// To the page.
    pub(super) fn send(&mut self, method: &str, parameters: Value, asked: Asked) {
        self.wire.send(self.session.as_deref(), method, parameters, asked);
    }
}

/// Scheme, host and port of a web page's URL.
pub(super) fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"))?;
    let host = rest.split(['/', '?', '#']).next()?;
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    Some(format!("{scheme}://{host}"))
}
