//! The document in the page's main frame: its identity and visibility, and whether the page is up.

use std::time::Duration;

use serde_json::{Value, json};

use super::navigation::is_same;
use super::orders::origin;
use super::unfit::Kind;
use super::wire::Purpose;
use super::{BLANK, Page, failure, worker};
use crate::machine::Event;
use kiosk_core::config::PageReady;

/// What is known of the document.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// The main frame; it has the id of its target. Empty: no page is attached yet.
    pub frame: String,
    loader: String,
    pub url: String,
    /// As the browser has it, such as `http://localhost:3000`; empty: not known, or none.
    pub origin: String,
    painted: bool,
    loaded: bool,
    pub called: bool,
    /// It is a page, in a process that lives: what it runs at its end has to be waited for.
    pub is_alive: bool,
    /// Its process has died: nothing answers until another one is opened.
    pub crashed: bool,
    /// It is the answer to a form that was sent (POST): loaded again, it would be sent again.
    pub posted: bool,
    pub kind: Kind,
    /// It is XML that the browser could read.
    pub well_formed: bool,
}

impl Document {
    /// Takes in a lifecycle event of the main frame. Returns whether it says something new.
    pub fn lifecycle(&mut self, parameters: &Value) -> bool {
        let current = parameters["loaderId"].as_str() == Some(self.loader.as_str());
        match parameters["name"].as_str() {
            Some("firstPaint" | "firstContentfulPaint") if current => self.painted = true,
            Some("load") if current => self.loaded = true,
            _ => return false,
        }
        true
    }

    /// All that can be waited for has come.
    pub fn all_there(&mut self) {
        (self.painted, self.loaded, self.called, self.well_formed) = (true, true, true, true);
    }
}

impl Page {
    /// A new document is in a frame.
    pub(super) fn document_changed(&mut self, frame: &Value, now: Duration) {
        if !frame["parentId"].is_null() {
            return;
        }
        let text = |key: &str| frame[key].as_str().unwrap_or_default().to_owned();
        let loader = frame["loaderId"].as_str();
        let other = self.is_other(loader, frame["url"].as_str().unwrap_or_default());
        let is_late = self.opening && self.committed && loader.is_some_and(|loader| self.strays.has(loader));
        if !other {
            self.end_leaving();
        }
        self.worker.has_answered();
        let was_requested = self.last_request.is_some();
        self.document = Document {
            frame: text("id"),
            loader: text("loaderId"),
            origin: text("securityOrigin"),
            url: std::mem::take(&mut self.document.url),
            posted: self
                .last_request
                .take()
                .is_some_and(|(url, posted)| posted && Some(url.as_str()) == frame["url"].as_str()),
            kind: Kind::of(frame),
            ..Document::default()
        };
        self.calls.document_changed();
        self.add_binding();
        if let Some(url) = frame["unreachableUrl"].as_str() {
            let reason = if was_requested {
                "the browser has an error page for it".to_owned()
            } else if origin(url).is_none() {
                // Blocked by the policy: a frame of another site has sent the page there.
                failure::of_forbidden(url)
            } else {
                self.suspect_worker();
                worker::WHY.to_owned()
            };
            return self.replaced(url.to_owned(), reason);
        }
        let url = text("url") + &text("urlFragment");
        if self.clearing.is_some() && url == BLANK {
            return self.page_left(now);
        }
        // The first page of all is blank, and stays hidden until another one is opened.
        let first = self.ordered.is_empty() && url == BLANK;
        if !first && !self.is_page(&url) {
            let reason = "the browser shows it in place of the page, and it is none that is allowed".to_owned();
            return self.replaced(url, reason);
        }
        if self.is_stray_pdf() {
            return self.replaced(url, "the browser shows a PDF in place of the page".to_owned());
        }
        self.document.is_alive = !first;
        if is_late {
            // It had no request that could be aborted, and is there in place of what was ordered.
            self.events.push(Event::NotLeft);
        } else if other {
            // Looked at as the one before it would be.
            self.leaving_is_due(now);
        } else {
            self.committed = true;
        }
        self.moved(url);
    }

    /// The page shows something that must not be visible.
    fn replaced(&mut self, url: String, reason: String) {
        self.opening = false;
        self.events.push(Event::PageFailed { url, reason, error_page: true });
    }

    /// A document that the page went to by itself, while another one is ordered.
    fn is_other(&self, loader: Option<&str>, url: &str) -> bool {
        self.opening && self.ordered_loader.as_deref() != loader && !is_same(url, &self.ordered)
    }

    /// What was opened by order, and what is allowed.
    fn is_page(&self, url: &str) -> bool {
        is_same(url, &self.ordered) || self.rules.allowed.permits(url)
    }

    pub(super) fn moved(&mut self, url: String) {
        if self.document.url != url {
            self.document.url.clone_from(&url);
            self.events.push(Event::Moved { url });
        }
    }

    /// The answer to [`Page::navigate`].
    pub(super) fn navigation_began(&mut self, error: Option<&str>, result: &Value) {
        self.worker.has_answered();
        if let Some(error) = error.or(result["errorText"].as_str()).filter(|error| !error.is_empty()) {
            if error == worker::FAILED && self.last_request.is_none() {
                self.suspect_worker();
                return self.open_failed(worker::WHY, false);
            }
            if error == failure::ABORTED && self.is_overtaken_by_the_document_before() {
                // What was ordered has not been looked at.
                self.end_leaving();
                return self.events.push(Event::NotLeft);
            }
            self.open_failed(&failure::of_network_error(error), false);
        } else if result["isDownload"] == true {
            self.open_failed("it is a file to download, not a page", false);
        } else if let Some(loader) = result["loaderId"].as_str() {
            // Said before the document comes.
            self.ordered_loader.get_or_insert_with(|| loader.to_owned());
        } else {
            // Another place of the same document: there is nothing to wait for.
            self.committed = true;
            self.document.all_there();
            self.judge();
        }
    }

    /// Whether what was opened is up now.
    pub(super) fn judge(&mut self) {
        if !self.opening || !self.committed {
            return;
        }
        let Document { painted, loaded, called, kind, well_formed, .. } = self.document;
        if kind == Kind::Xml && !well_formed {
            return;
        }
        let up = match self.rules.ready {
            PageReady::FirstPaint => painted,
            PageReady::Load => painted && loaded,
            PageReady::Explicit => called,
        };
        if up {
            self.opening = false;
            if self.rules.ready == PageReady::Explicit {
                self.send("Runtime.disable", json!({}), Purpose::Other);
                self.add_binding();
            }
            // There is no way back to what was before: a blank page, or another visitor's.
            self.send("Page.resetNavigationHistory", json!({}), Purpose::Other);
            // The browser starts with the focus in its hidden address bar.
            self.send("Page.bringToFront", json!({}), Purpose::Other);
            self.worker_is_past();
            self.events.push(Event::PageUp);
        } else if loaded {
            self.events.push(Event::PageLoaded);
        }
    }

    pub(super) fn open_failed(&mut self, reason: &str, error_page: bool) {
        if self.opening {
            self.opening = false;
            self.end_leaving();
            self.worker.has_answered();
            let url = self.ordered.clone();
            self.events.push(Event::PageFailed { url, reason: reason.to_owned(), error_page });
        }
    }
}
