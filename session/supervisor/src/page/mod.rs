//! The page, seen through the DevTools protocol: messages of the browser in, events for the session and
//! messages to the browser out. No I/O; [`crate::daemon`] moves the messages.
//!
//! No browser error page is ever shown for a page that could not be fetched: every document's response is
//! paused (`Fetch`), and one that failed is taken back, so that the old page stays. Errors that the browser
//! makes up without a request are seen when their page is committed (`unreachableUrl`).

mod failure;
mod orders;
mod response;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::machine::Event;
use kiosk_core::config::{PageReady, StatusRanges};

/// What is called by `window.kiosk.ready()`.
const BINDING: &str = "__kioskReady";
/// `window.kiosk` is there in every mode, so that a page need not know the configuration.
const KIOSK_OBJECT: &str = "if (window === window.top) Object.defineProperty(window, 'kiosk', { value: \
     Object.freeze({ ready() { if (typeof __kioskReady === 'function') __kioskReady(''); } }) });";

/// What a message sent was for; its answer is read accordingly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Navigate,
    Reload,
    Ping,
    /// Attaching: a failure leaves the page without control.
    Setup,
    Other,
}

/// The page's side of one browser, from its start to its end.
#[derive(Debug)]
pub struct Page {
    ready: PageReady,
    http_status: StatusRanges,
    last_id: u64,
    pending: VecDeque<(u64, Asked)>,
    outgoing: Vec<Value>,
    events: Vec<Event>,
    session: Option<String>,
    /// The main frame; at first it has the target's id.
    frame: String,
    /// The document in the main frame.
    loader: String,
    url: String,
    painted: bool,
    loaded: bool,
    called: bool,
    /// [`Page::navigate`] or [`Page::reload`] has not come to an end.
    opening: bool,
    /// What was opened has replaced the document before it.
    committed: bool,
}

impl Page {
    /// A page whose readiness and status codes are judged by these.
    pub fn new(ready: PageReady, http_status: StatusRanges) -> Self {
        let mut page = Page {
            ready,
            http_status,
            last_id: 0,
            pending: VecDeque::new(),
            outgoing: Vec::new(),
            events: Vec::new(),
            session: None,
            frame: String::new(),
            loader: String::new(),
            url: String::new(),
            painted: false,
            loaded: false,
            called: false,
            opening: false,
            committed: false,
        };
        let pages = json!({
            "autoAttach": true, "waitForDebuggerOnStart": false, "flatten": true,
            "filter": [{ "type": "page" }],
        });
        page.send("Target.setAutoAttach", pages, Asked::Other);
        page
    }

    /// Messages to the browser since the last call, in order.
    pub fn take_outgoing(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.outgoing)
    }

    /// What happened since the last call, in order.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Takes in one message of the browser.
    pub fn take(&mut self, message: &Value) {
        if let Some(id) = message["id"].as_u64() {
            if let Some(index) = self.pending.iter().position(|(asked, _)| *asked == id)
                && let Some((_, asked)) = self.pending.remove(index)
            {
                let latest = !self.pending.iter().any(|(_, later)| matches!(later, Asked::Navigate | Asked::Reload));
                self.answered(asked, latest, message);
            }
            return;
        }
        let method = message["method"].as_str().unwrap_or_default();
        let parameters = &message["params"];
        if method == "Target.attachedToTarget" {
            self.attached(parameters);
        } else if method == "Target.detachedFromTarget" {
            if self.session.is_some() && parameters["sessionId"].as_str() == self.session.as_deref() {
                self.session = None;
                self.events.push(Event::Detached { reason: "the page was closed".into() });
            }
        } else if self.session.is_some() && message["sessionId"].as_str() == self.session.as_deref() {
            self.happened(method, parameters);
        }
    }

    /// The first page is ours; what it opens in windows of their own is left alone.
    fn attached(&mut self, parameters: &Value) {
        let (session, target) = (parameters["sessionId"].as_str(), &parameters["targetInfo"]);
        let (Some(session), Some(frame)) = (session, target["targetId"].as_str()) else { return };
        if self.session.is_some() || target["type"] != "page" {
            return;
        }
        self.session = Some(session.to_owned());
        frame.clone_into(&mut self.frame);
        self.send("Inspector.enable", json!({}), Asked::Setup);
        self.send("Page.enable", json!({}), Asked::Setup);
        self.send("Page.setLifecycleEventsEnabled", json!({ "enabled": true }), Asked::Setup);
        self.send("Page.addScriptToEvaluateOnNewDocument", json!({ "source": KIOSK_OBJECT }), Asked::Setup);
        let documents = json!({ "patterns": [{ "resourceType": "Document", "requestStage": "Response" }] });
        self.send("Fetch.enable", documents, Asked::Setup);
    }

    fn answered(&mut self, asked: Asked, latest: bool, message: &Value) {
        let error = message["error"]["message"].as_str();
        match asked {
            Asked::Setup => match error {
                Some(error) => self.events.push(Event::Detached { reason: error.to_owned() }),
                // Some are answered by the browser, some by the page's process, in any order. A page opened before
                // all of them are loses those that were on their way, and is never heard of.
                None if self.pending.iter().any(|(_, asked)| *asked == Asked::Setup) => {}
                None => self.events.push(Event::Attached),
            },
            Asked::Ping if error.is_none() => self.events.push(Event::Alive),
            Asked::Navigate | Asked::Reload if !latest => {}
            Asked::Navigate => {
                let result = &message["result"];
                if let Some(error) = error.or(result["errorText"].as_str()).filter(|error| !error.is_empty()) {
                    self.open_failed(&failure::of_network_error(error), false);
                } else if result["isDownload"] == true {
                    self.open_failed("it is a file to download, not a page", false);
                } else if result["loaderId"].is_null() {
                    // Another place of the same document: there is nothing to wait for.
                    self.committed = true;
                    self.painted = true;
                    self.loaded = true;
                    self.called = true;
                    self.judge();
                }
            }
            Asked::Reload => {
                if let Some(error) = error {
                    self.open_failed(error, false);
                }
            }
            Asked::Ping | Asked::Other => {
                if let Some(error) = error {
                    tracing::debug!(error, "the browser refused an order");
                }
            }
        }
    }

    fn happened(&mut self, method: &str, parameters: &Value) {
        let in_main_frame = parameters["frameId"].as_str() == Some(self.frame.as_str());
        match method {
            "Fetch.requestPaused" => self.response_paused(parameters, in_main_frame),
            "Page.frameNavigated" => self.document_changed(&parameters["frame"]),
            "Page.navigatedWithinDocument" if in_main_frame => {
                if let Some(url) = parameters["url"].as_str() {
                    self.moved(url.to_owned());
                }
            }
            "Page.lifecycleEvent" if in_main_frame => {
                let current = parameters["loaderId"].as_str() == Some(self.loader.as_str());
                match parameters["name"].as_str() {
                    Some("firstPaint" | "firstContentfulPaint") if current => self.painted = true,
                    Some("load") if current => self.loaded = true,
                    _ => return,
                }
                self.judge();
            }
            "Runtime.bindingCalled" if parameters["name"] == BINDING => {
                self.called = true;
                self.judge();
            }
            // "Leave this page?": whoever orders another page has decided that.
            "Page.javascriptDialogOpening" if parameters["type"] == "beforeunload" => {
                self.send("Page.handleJavaScriptDialog", json!({ "accept": true }), Asked::Other);
            }
            "Page.javascriptDialogOpening" => self.events.push(Event::Dialog { open: true }),
            "Page.javascriptDialogClosed" => self.events.push(Event::Dialog { open: false }),
            "Inspector.targetCrashed" => {
                self.opening = false;
                self.events.push(Event::PageCrashed);
            }
            "Inspector.detached" => {
                let reason = parameters["reason"].as_str().unwrap_or("the page is out of control");
                self.events.push(Event::Detached { reason: reason.to_owned() });
            }
            _ => {}
        }
    }

    /// A new document is in a frame.
    fn document_changed(&mut self, frame: &Value) {
        if !frame["parentId"].is_null() {
            return;
        }
        let text = |key: &str| frame[key].as_str().unwrap_or_default().to_owned();
        self.frame = text("id");
        self.loader = text("loaderId");
        self.painted = false;
        self.loaded = false;
        self.called = false;
        if let Some(url) = frame["unreachableUrl"].as_str() {
            let reason = "the browser has an error page for it".to_owned();
            self.opening = false;
            self.events.push(Event::PageFailed { url: url.to_owned(), reason, error_page: true });
            return;
        }
        self.committed = true;
        self.moved(text("url") + &text("urlFragment"));
    }

    fn moved(&mut self, url: String) {
        if self.url != url {
            self.url.clone_from(&url);
            self.events.push(Event::Moved { url });
        }
    }

    /// Whether what was opened is up now.
    fn judge(&mut self) {
        if !self.opening || !self.committed {
            return;
        }
        let up = match self.ready {
            PageReady::FirstPaint => self.painted,
            PageReady::Load => self.painted && self.loaded,
            PageReady::Explicit => self.called,
        };
        if up {
            self.opening = false;
            if self.ready == PageReady::Explicit {
                self.send("Runtime.disable", json!({}), Asked::Other);
            }
            self.events.push(Event::PageUp);
        } else if self.loaded {
            self.events.push(Event::PageLoaded);
        }
    }

    fn open_failed(&mut self, reason: &str, error_page: bool) {
        if self.opening {
            self.opening = false;
            let url = self.url.clone();
            self.events.push(Event::PageFailed { url, reason: reason.to_owned(), error_page });
        }
    }
}
