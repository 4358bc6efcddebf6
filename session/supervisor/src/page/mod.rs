//! The browser's pages, seen through the DevTools protocol: messages of the browser in, events for the session and
//! messages to the browser out. No I/O and no clock; [`crate::daemon`] moves the messages and says what time it is.
//!
//! The first page is *the* page. Every other one is attached too, so that it can be closed: see [`windows`]. No page is
//! left waiting for the debugger, as which we are attached.
//!
//! No browser error page is ever shown for a page that could not be fetched, and none for one that is not allowed:
//! the requests and responses of all documents, in all windows, are paused (`Fetch`) and judged in [`navigation`].

#![deny(clippy::string_slice)]

mod calls;
mod clearing;
mod console;
mod denied;
mod dialogs;
mod document;
mod failure;
mod frames;
mod inspect;
mod inspect_rules;
mod layout_width;
mod leaving;
mod navigation;
mod orders;
mod permissions;
mod script;
mod sign_in;
mod strays;
mod targets;
#[cfg(test)]
mod tests;
mod unfit;
mod uploads;
mod windows;
mod wire;
mod worker;

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::Value;

use crate::machine::Event;
use crate::sign_in::SignIn;
pub use calls::{Ask, Back, CallError};
use calls::{Budget, Calls};
use clearing::Clearing;
use console::Console;
use denied::{Denied, Feature};
use dialogs::OpenDialog;
use document::Document;
pub use failure::{BLOCKED, UNKNOWN};
pub use inspect::Inspected;
use inspect::Inspection;
use kiosk_core::config::{Allowed, Api, BrowserSettings, PageReady, StatusRanges};
use leaving::Leaving;
use permissions::Permissions;
use strays::Strays;
pub use uploads::UploadTask;
use uploads::Uploads;
use windows::Windows;
use wire::{Purpose, Wire};
use worker::Worker;

/// The first page, and the page while data is deleted.
const BLANK: &str = "about:blank";

/// What is configured of the page.
#[derive(Debug, Clone)]
pub struct Rules {
    /// When the page counts as up (`shell.ready.page`).
    pub ready: PageReady,
    /// Statuses of the server's with which its answer is shown (`shell.ready.http-status`).
    pub http_status: StatusRanges,
    /// What is to hold for every page: windows, dialogs, permissions.
    pub browser: BrowserSettings,
    /// What may be shown.
    pub allowed: Allowed,
    /// Which documents may ask the kiosk for something.
    pub api: Api,
    /// Passwords, cookies and headers that the browser sends; empty: none.
    pub sign_in: SignIn,
}

/// The page's side of one browser, from its start to its end.
#[derive(Debug)]
pub struct Page {
    rules: Rules,
    wire: Wire,
    events: Vec<Event>,
    /// Of the page; `None`: it is not there yet, or is gone.
    session: Option<String>,
    document: Document,
    /// [`Page::navigate`] or [`Page::reload`] has not come to an end.
    opening: bool,
    /// What was opened has replaced the document before it.
    committed: bool,
    /// Address that was last opened by order.
    ordered: String,
    /// The page's last navigation of its own was a link or a form.
    by_person: bool,
    /// It sends a form, in the request's body.
    by_form: bool,
    /// The document that an order leads away from.
    leaving: Option<Leaving>,
    /// The page's service worker.
    worker: Worker,
    /// The browser's identifier of the document that was ordered last, as soon as that is known.
    ordered_loader: Option<String>,
    /// What the document before has begun since.
    strays: Strays,
    /// [`Page::clear_data`] has not come to an end.
    clearing: Option<Clearing>,
    windows: Windows,
    /// Sessions of frames that have a process of their own, oldest first.
    frames: VecDeque<String>,
    /// Where the page goes, and whether with a form.
    last_request: Option<(String, bool)>,
    /// The browser's number for that navigation, and for one that a later order has overtaken.
    navigation: Option<String>,
    overtaken: Option<String>,
    /// Its number for the navigation that was ordered last, as soon as that is known.
    ordered_navigation: Option<String>,
    /// What pages wanted of the device and did not get, by kind.
    denied: Denied,
    /// Those that people see.
    dialogs: Vec<OpenDialog>,
    /// The session knows that there is one.
    dialog_told: bool,
    uploads: Uploads,
    permissions: Permissions,
    /// Requests whose question for a password was answered, and whether it was the proxy's; oldest first.
    answered: VecDeque<(String, bool)>,
    /// What the page asks of the kiosk.
    calls: Calls,
    /// How often the page tells how wide its screen is.
    widths: Budget,
    /// The session was told that a frame is late.
    frame_late: bool,
    console: Console,
    inspection: Inspection,
}

impl Page {
    /// The pages of a browser that starts, under these rules.
    pub fn new(rules: Rules) -> Self {
        let mut page = Page {
            rules,
            wire: Wire::default(),
            events: Vec::new(),
            session: None,
            document: Document::default(),
            opening: false,
            committed: false,
            ordered: String::new(),
            by_person: false,
            by_form: false,
            leaving: None,
            worker: Worker::default(),
            ordered_loader: None,
            strays: Strays::default(),
            clearing: None,
            windows: Windows::default(),
            frames: VecDeque::new(),
            last_request: None,
            navigation: None,
            overtaken: None,
            ordered_navigation: None,
            denied: Denied::default(),
            dialogs: Vec::new(),
            dialog_told: false,
            uploads: Uploads::default(),
            permissions: Permissions::default(),
            answered: VecDeque::new(),
            calls: Calls::default(),
            widths: Budget::default(),
            frame_late: false,
            console: Console::default(),
            inspection: Inspection::default(),
        };
        page.begin();
        page
    }

    /// Messages to the browser since the last call, in order.
    pub fn take_outgoing(&mut self) -> Vec<Value> {
        self.wire.take_outgoing()
    }

    /// What happened since the last call, in order.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// When [`Page::tick`] is due; `None`: only a message can change anything.
    pub fn deadline(&self) -> Option<Duration> {
        let clearing = self.clearing.as_ref().and_then(Clearing::deadline);
        self.dialogs
            .iter()
            .filter_map(OpenDialog::deadline)
            .chain(self.windows.deadline())
            .chain(clearing)
            .chain(self.leaving.as_ref().and_then(Leaving::deadline))
            .chain(self.worker.deadline())
            .chain(self.uploads.deadline())
            .min()
    }

    /// Does what is due at `now`.
    pub fn tick(&mut self, now: Duration) {
        self.expire_dialogs(now);
        self.expire_windows(now);
        self.expire_leaving(now);
        self.expire_worker(now);
        self.expire_clearing(now);
        self.expire_chooser(now);
    }

    /// Takes in one message of the browser.
    pub fn take(&mut self, message: &Value, now: Duration) {
        if self.inspector_gets(message) {
            return;
        }
        if let Some(id) = message["id"].as_u64() {
            if let Some(purpose) = self.wire.answered(id) {
                self.answered(&purpose, message, now);
            }
            return;
        }
        let method = message["method"].as_str().unwrap_or_default();
        let parameters = &message["params"];
        if message["sessionId"].as_str().is_some_and(|session| self.console_said(session, method, parameters)) {
            return;
        }
        self.look_at_frames(method, message["sessionId"].as_str(), parameters, now);
        match (method, message["sessionId"].as_str()) {
            ("Page.javascriptDialogOpening", Some(session)) => self.dialog_opened(session, parameters, now),
            ("Page.javascriptDialogClosed", Some(session)) => self.dialog_closed(session),
            ("Target.attachedToTarget", _) => self.attached(parameters, now),
            ("Target.detachedFromTarget", _) => self.detached(parameters, now),
            ("Runtime.bindingCalled", Some(session)) => self.called(session, parameters, now),
            ("Page.fileChooserOpened", Some(session)) => self.file_wanted(session, parameters, now),
            ("Fetch.requestPaused", _) => self.paused(parameters, now),
            ("Fetch.authRequired", _) => self.asked_for_password(parameters),
            (_, Some(session)) if self.session.as_deref() == Some(session) => {
                self.happened(session, method, parameters, now);
            }
            (_, Some(session)) => self.happened_in_window(session, method, parameters),
            _ => {}
        }
    }

    /// A file that was to be chosen for a document is of no use to the next one.
    fn look_at_frames(&mut self, method: &str, session: Option<&str>, parameters: &Value, now: Duration) {
        let Some(session) = session else { return };
        match method {
            "Page.frameNavigated" => {
                let frame = &parameters["frame"];
                let whole = frame["parentId"].is_null();
                self.frame_left(session, frame["id"].as_str().filter(|_| !whole), now);
            }
            "Page.frameDetached" => self.frame_left(session, parameters["frameId"].as_str(), now),
            "Inspector.targetCrashed" => self.frame_left(session, None, now),
            _ => {}
        }
    }

    /// A script of ours says something; so may one of the page's.
    fn called(&mut self, session: &str, parameters: &Value, now: Duration) {
        if parameters["name"] != script::BINDING {
            return;
        }
        match parameters["payload"].as_str() {
            Some("ready") if self.session.as_deref() == Some(session) => {
                self.document.called = true;
                self.judge();
            }
            // As good as an answer to a ping.
            Some(script::ALIVE) if self.session.as_deref() == Some(session) => self.events.push(Event::Alive),
            Some("print") => self.denied.say(Feature::Print),
            // Windows above the page and frames with a process of their own have sessions of their own.
            Some(text) if self.session.as_deref() == Some(session) => {
                if let Some(width) = layout_width::told(text) {
                    self.width_told(width, now);
                } else if let Some(context) = parameters["executionContextId"].as_i64() {
                    self.asked_by_script(context, text, now);
                }
            }
            _ => {}
        }
    }

    fn answered(&mut self, purpose: &Purpose, message: &Value, now: Duration) {
        let error = message.pointer("/error/message").and_then(Value::as_str);
        match purpose {
            Purpose::Setup => match error {
                Some(error) => self.events.push(Event::Detached { reason: error.to_owned() }),
                None => self.set_up_as_far_as(),
            },
            Purpose::Cookies => {
                if error.is_some() {
                    // Without the error's text, which might quote a cookie.
                    tracing::warn!("browser refused cookies of browser.sign-in");
                }
                if !self.cookies_set() {
                    self.set_up_as_far_as();
                }
            }
            Purpose::Context { document, context } => {
                self.context_known(*document, *context, &message["result"], now);
            }
            Purpose::Runs { .. } => {}
            Purpose::WellFormed => self.errors_told(&message["result"]),
            Purpose::Quiet { .. } => self.quiet(),
            Purpose::Leave => {
                if let Some(error) = error {
                    self.not_left(error);
                }
            }
            Purpose::Clear => self.cleared(error),
            Purpose::Ping if error.is_none() => {
                self.frames_told(&message["result"]);
                self.events.push(Event::Alive);
            }
            // A new document came between: it is asked in its turn.
            Purpose::Ping if error.is_some_and(failure::is_navigated) => self.events.push(Event::PingLost),
            Purpose::WindowOf { target } => self.window_known(target, &message["result"], now),
            Purpose::Workers => self.workers_told(&message["result"]),
            Purpose::Release { target } => self.released(target),
            Purpose::Console => {
                if let Some(error) = error {
                    self.console_refused(error);
                }
            }
            Purpose::Inspect => {
                if let Some(error) = error {
                    self.inspection_refused(error);
                }
            }
            Purpose::Input { number } => self.input_described(*number, error, &message["result"], now),
            Purpose::CancelInput { session } => self.input_resolved(session, &message["result"]),
            Purpose::Navigate | Purpose::Reload if self.wire.is_opening() => {}
            Purpose::Navigate => self.navigation_began(error, &message["result"]),
            Purpose::Reload => {
                if error.is_some() && self.opening {
                    // There is no document to be loaded again: such as one that does so itself at the moment.
                    self.end_leaving();
                    self.events.push(Event::NotLeft);
                }
            }
            Purpose::Ping | Purpose::Other => {
                if let Some(error) = error {
                    tracing::debug!(error, "the browser refused an order");
                }
            }
        }
    }

    /// Some commands are answered by the browser, some by the page's process, in any order. If the page is opened
    /// before all are answered, pending ones are lost.
    fn set_up_as_far_as(&mut self) {
        let waits = [Purpose::Setup, Purpose::Cookies].iter().any(|purpose| self.wire.is_waiting_for(purpose));
        if self.session.is_some() && !waits {
            self.events.push(Event::Attached);
        }
    }

    fn happened(&mut self, session: &str, method: &str, parameters: &Value, now: Duration) {
        let in_main_frame = parameters["frameId"].as_str() == Some(self.document.frame.as_str());
        match method {
            "Page.frameNavigated" => self.document_changed(&parameters["frame"], now),
            "Page.frameStartedNavigating" if in_main_frame => self.navigation_started(parameters, now),
            "Page.navigatedWithinDocument" if in_main_frame => {
                if let Some(url) = parameters["url"].as_str() {
                    self.moved(url.to_owned());
                }
            }
            "Page.domContentEventFired" => self.look_for_errors(),
            "Page.lifecycleEvent" if in_main_frame && self.document.lifecycle(parameters) => self.judge(),
            // It has ended without another document.
            "Page.frameStoppedLoading" if in_main_frame && !self.opening => self.worker.has_answered(),
            "Page.frameScheduledNavigation" if in_main_frame => {
                self.navigation_scheduled(parameters, false);
            }
            "Inspector.targetCrashed" => {
                self.opening = false;
                (self.document.is_alive, self.document.crashed) = (false, true);
                self.end_leaving();
                self.worker.has_answered();
                self.dialog_closed(session);
                self.events.push(Event::PageCrashed);
            }
            "Inspector.detached" => {
                let reason = parameters["reason"].as_str().unwrap_or("the page is out of control");
                self.events.push(Event::Detached { reason: reason.to_owned() });
            }
            _ => {}
        }
    }
}
