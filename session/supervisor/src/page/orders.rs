//! The session's commands to the browser.

use std::time::Duration;

use serde_json::{Value, json};

use super::Page;
use super::frames::QUESTION;
use super::script::BINDING;
use super::strays::Strays;
use super::unfit;
use super::wire::Purpose;
use crate::sign_in::SignIn;
use kiosk_core::config::PageReady;

impl Page {
    /// Opens `url`, and closes all windows above the page.
    pub fn navigate(&mut self, url: &str, now: Duration) {
        if self.is_bare(url) {
            return self.reload(false, now);
        }
        self.open(now);
        url.clone_into(&mut self.ordered);
        self.last_request = None;
        self.consider_worker(url, now);
        self.send("Page.navigate", json!({ "url": unfit::address(url) }), Purpose::Navigate);
    }

    /// Reloads the page, bypassing caches when `hard`, and closes all windows above it. A page that is the response to
    /// a form would be submitted again, such as an order or a payment, and one that a script made has ended with the
    /// page of that script: the last page opened by command is loaded instead.
    pub fn reload(&mut self, hard: bool, now: Duration) {
        if self.document.posted || self.document.url.starts_with("blob:") {
            tracing::info!(
                "page is a form's response or a script's, which is not loaded again: opening the previous page"
            );
            let url = std::mem::take(&mut self.ordered);
            return self.navigate(&url, now);
        }
        self.open(now);
        self.ordered.clone_from(&self.document.url);
        self.consider_worker(&self.ordered.clone(), now);
        self.send("Page.reload", json!({ "ignoreCache": hard }), Purpose::Reload);
    }

    /// Pings the page itself, not the browser around it.
    pub fn ping(&mut self) {
        self.send("Runtime.evaluate", json!({ "expression": QUESTION, "silent": true }), Purpose::Ping);
    }

    /// Terminates the page's script, pings it, and reloads it. The first works even if the page's main thread hangs.
    pub fn unstick(&mut self, now: Duration) {
        self.send("Runtime.terminateExecution", json!({}), Purpose::Other);
        self.ping();
        self.reload(false, now);
        // The ladder has a time limit of its own, and its next step.
        self.end_leaving();
    }

    fn open(&mut self, now: Duration) {
        self.begin_order(now);
        self.close_windows();
    }

    pub(super) fn begin_order(&mut self, now: Duration) {
        self.clearing = None;
        self.opening = true;
        self.committed = false;
        self.begin_leaving(now);
        self.ordered_loader = None;
        self.strays = Strays::default();
        self.worker.has_answered();
        self.overtaken = self.navigation.take();
        self.ordered_navigation = None;
        self.dismiss_dialogs();
        self.drop_chooser();
        if self.rules.ready == PageReady::Explicit {
            // Enabled only for this, as it also sends all console messages of the page.
            self.send("Runtime.enable", json!({}), Purpose::Other);
            self.add_binding();
        }
    }

    /// Has the script tell us things. Without `Runtime` being enabled this holds for the page's process: it is said again
    /// with each document, which may have a new one, and what a page says before that is lost.
    pub(super) fn add_binding(&mut self) {
        self.send("Runtime.addBinding", json!({ "name": BINDING }), Purpose::Other);
        self.hear_again();
    }

    /// Passwords, cookies and headers that the browser sends from now on.
    pub fn set_sign_in(&mut self, sign_in: SignIn) {
        self.rules.sign_in = sign_in;
    }

    /// To the page.
    pub(super) fn send(&mut self, method: &str, parameters: Value, purpose: Purpose) {
        self.wire.send(self.session.as_deref(), method, parameters, purpose);
    }
}

/// Scheme, host and port of a web page's URL.
pub(super) fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"))?;
    let host = rest.split(['/', '?', '#']).next()?;
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    Some(format!("{scheme}://{host}"))
}
