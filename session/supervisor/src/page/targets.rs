//! DevTools' targets: attaches to each page, window and frame with a process of its own, sets it up before its first
//! request, and notices that it is gone. Called by [`Page::take`].

use std::time::Duration;

use serde_json::{Value, json};

use super::wire::Purpose;
use super::{Page, permissions, script, sign_in};
use crate::machine::Event;

/// Most tracked frames with a process of their own, of all windows. Of a page with more the oldest are not waited for
/// when it is left.
const MAX_FRAMES: usize = 256;

impl Page {
    /// What holds for the whole browser, before any page is known.
    pub(super) fn begin(&mut self) {
        // Held until its session is set up, so that every request can be checked.
        let pages = json!({
            "autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true,
            "filter": [{ "type": "page" }],
        });
        // With the questions for a password: none is asked of a visitor.
        let paused = json!({ "patterns": sign_in::patterns(), "handleAuthRequests": true });
        self.wire.send(None, "Fetch.enable", paused, Purpose::Setup);
        // They are there before anything is asked for.
        self.set_cookies(Purpose::Cookies);
        self.wire.send(None, "Target.setAutoAttach", pages, Purpose::Other);
        let downloads = match &self.rules.browser.downloads {
            None => json!({ "behavior": "deny" }),
            Some(directory) => json!({ "behavior": "allow", "downloadPath": directory.display().to_string() }),
        };
        self.wire.send(None, "Browser.setDownloadBehavior", downloads, Purpose::Other);
        self.wire.send(None, "Browser.grantPermissions", permissions::everywhere(), Purpose::Other);
    }

    /// The first page is ours.
    pub(super) fn attached(&mut self, parameters: &Value, now: Duration) {
        let (session, target) = (parameters["sessionId"].as_str(), &parameters["targetInfo"]);
        let (Some(session), Some(id)) = (session, target["targetId"].as_str()) else { return };
        if self.console_attached(session, id) || self.inspection_attached(session, id) {
            return;
        }
        if target["type"] == "iframe" {
            // A frame in a process of its own needs the same set-up. Its documents are checked like all others.
            self.set_up_frame(session, &Purpose::Other);
            self.frame_came(session);
            self.wire.send(Some(session), "Runtime.runIfWaitingForDebugger", json!({}), Purpose::Other);
            return;
        }
        let first = self.session.is_none() && self.document.frame.is_empty() && target["type"] == "page";
        self.set_up(session, first);
        let purpose = if first { Purpose::Setup } else { Purpose::Release { target: id.to_owned() } };
        if first {
            self.session = Some(session.to_owned());
            id.clone_into(&mut self.document.frame);
        } else {
            self.window_came(session, id, now);
        }
        // Before it is released, so that its disposition is known at its first request.
        self.ask_for_window(session, id);
        self.wire.send(Some(session), "Runtime.runIfWaitingForDebugger", json!({}), purpose);
        self.open_console();
    }

    /// What every window gets. Of the first one all has to have worked before it is used.
    fn set_up(&mut self, session: &str, first: bool) {
        let purpose = if first { Purpose::Setup } else { Purpose::Other };
        self.set_up_frame(session, &purpose);
        let mut send = |method: &str, parameters: Value| {
            self.wire.send(Some(session), method, parameters, purpose.clone());
        };
        send("Inspector.enable", json!({}));
        send("Page.setLifecycleEventsEnabled", json!({ "enabled": true }));
    }

    /// What every page gets, and every frame that has a process of its own.
    fn set_up_frame(&mut self, session: &str, purpose: &Purpose) {
        let source = json!({ "source": script::of(&self.rules.browser, &self.rules.api), "runImmediately": true });
        let frames = json!({
            "autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true,
            "filter": [{ "type": "iframe" }],
        });
        let binding = json!({ "name": script::BINDING });
        // Chromium's own chooser would show the device's files. It is only intercepted where `Page` is enabled.
        let choosers = json!({ "enabled": true, "cancel": self.rules.browser.uploads.is_none() });
        self.wire.send(Some(session), "Page.enable", json!({}), purpose.clone());
        self.wire.send(Some(session), "Page.setInterceptFileChooserDialog", choosers, purpose.clone());
        self.wire.send(Some(session), "Runtime.addBinding", binding, purpose.clone());
        self.wire.send(Some(session), "Page.addScriptToEvaluateOnNewDocument", source, purpose.clone());
        self.wire.send(Some(session), "Target.setAutoAttach", frames, purpose.clone());
    }

    pub(super) fn detached(&mut self, parameters: &Value, now: Duration) {
        let Some(session) = parameters["sessionId"].as_str() else { return };
        if self.console_detached(session) || self.inspection_detached(session) {
            return;
        }
        self.frame_left(session, None, now);
        if self.session.as_deref() == Some(session) {
            self.session = None;
            self.dialog_closed(session);
            self.events.push(Event::Detached { reason: "the page was closed".into() });
        } else if let Some(index) = self.frames.iter().position(|own| own == session) {
            self.frames.remove(index);
            self.gone(session, now);
        } else {
            self.window_went(session, now);
        }
    }

    fn frame_came(&mut self, session: &str) {
        if self.frames.len() >= MAX_FRAMES {
            self.frames.pop_front();
        }
        self.frames.push_back(session.to_owned());
        if self.clearing.is_some() {
            let stopped = json!({ "value": true });
            self.wire.send(Some(session), "Emulation.setScriptExecutionDisabled", stopped, Purpose::Other);
        }
    }

    /// A window or a frame is no more: nothing of it is waited for.
    pub(super) fn gone(&mut self, session: &str, now: Duration) {
        self.wire.forget(&Purpose::Quiet { session: session.to_owned() });
        self.wire.forget(&Purpose::Runs { session: session.to_owned() });
        if self.clearing.is_some() {
            self.quiet();
            self.look_whether_alone(now);
        }
    }
}
