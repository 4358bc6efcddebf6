//! Uploads (`browser.uploads`). Chromium's own chooser never opens, as it shows the whole file system. The input's
//! accepted kinds are read, the daemon finds such files, the compositor shows the list, and the browser gets the chosen
//! files.
//!
//! One at a time, with a time limit; it ends with its document. A page cannot occupy the screen by repeated requests:
//! Chromium lets it ask only within seconds of a person's touch, and within [`PAUSE`] of the last one it is not even
//! answered.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::Page;
use super::denied::Feature;
use super::windows::Disposition;
use super::wire::Purpose;
use crate::uploads::{Found, Kinds};
use kiosk_core::api::{Chooser, Nothing};

/// Time limit for the browser and the drive. A sleeping drive takes ten seconds.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
/// Time limit for the visitor, in case the compositor does not end it earlier.
const CHOICE_LIMIT: Duration = Duration::from_secs(15 * 60);
/// From the end of one until the next: no visitor reacts sooner.
const PAUSE: Duration = Duration::from_secs(1);
/// Tells the input what it would hear from the browser itself. (HTML, 4.10.5.1.17)
const CANCEL: &str = "function () { this.dispatchEvent(new Event('cancel', { bubbles: true })); }";

/// What the daemon is to do for an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadTask {
    /// Look for files, and answer with [`Page::files_found`].
    Find {
        /// Of the chooser.
        number: u64,
        /// What the page takes.
        kinds: Kinds,
    },
    /// See whether these are still there, and answer with [`Page::files_seen`].
    LookAgain {
        /// Of the chooser.
        number: u64,
        /// Below the directory.
        files: Vec<PathBuf>,
    },
}

/// What is waited for.
#[derive(Debug)]
enum Step {
    /// The browser says what the input is like.
    Input,
    /// The daemon looks at the directory.
    Files,
    /// The visitor chooses. The paths are of the chooser's files, in their order.
    Choice(Chooser, Vec<PathBuf>),
}

#[derive(Debug)]
struct Open {
    number: u64,
    session: String,
    frame: String,
    /// The browser's number of the input.
    node: i64,
    multiple: bool,
    step: Step,
    until: Duration,
}

/// The chooser, if there is one.
#[derive(Debug, Default)]
pub(super) struct Uploads {
    open: Option<Open>,
    /// The number of the last one.
    last: u64,
    /// None is opened before.
    pause_until: Duration,
    task: Option<UploadTask>,
}

impl Uploads {
    pub fn deadline(&self) -> Option<Duration> {
        self.open.as_ref().map(|open| open.until)
    }
}

/// Bits of the numbers of one browser's choosers: more than a visitor can open.
const CHOOSER_BITS: u32 = 32;

impl Page {
    /// The compositor has seen the numbers of earlier browsers: none is used again.
    pub fn number_choosers_from(&mut self, browser: u64) {
        self.uploads.last = browser << CHOOSER_BITS;
    }

    /// What the daemon is to do, once.
    pub fn take_upload_task(&mut self) -> Option<UploadTask> {
        self.uploads.task.take()
    }

    /// What the visitor is to be shown.
    pub fn chooser(&self) -> Option<&Chooser> {
        match self.uploads.open.as_ref().map(|open| &open.step) {
            Some(Step::Choice(chooser, _)) => Some(chooser),
            _ => None,
        }
    }

    /// A page wants a file.
    pub(super) fn file_wanted(&mut self, session: &str, parameters: &Value, now: Duration) {
        if self.rules.browser.uploads.is_none() {
            // The browser has told the input already.
            return self.denied.say(Feature::Upload);
        }
        // Without an input it is one of the pickers of the file system's API, which has failed for the page by now.
        let Some(node) = parameters["backendNodeId"].as_i64() else { return self.denied.say(Feature::Picker) };
        let of_window = self.windows.fate_of_session(session);
        let seen =
            of_window.map_or(!self.opening && self.clearing.is_none(), |disposition| disposition == Disposition::Popup);
        if !seen || self.uploads.open.is_some() {
            return self.cancel_input(session, node);
        }
        if now < self.uploads.pause_until {
            return self.denied.say(Feature::UploadAgain);
        }
        self.uploads.last += 1;
        let number = self.uploads.last;
        self.uploads.open = Some(Open {
            number,
            session: session.to_owned(),
            frame: parameters["frameId"].as_str().unwrap_or_default().to_owned(),
            node,
            multiple: parameters["mode"] == "selectMultiple",
            step: Step::Input,
            until: now + ANSWER_LIMIT,
        });
        self.wire.send(Some(session), "DOM.describeNode", json!({ "backendNodeId": node }), Purpose::Input { number });
    }

    /// What the browser says of the input.
    pub(super) fn input_described(&mut self, number: u64, error: Option<&str>, answer: &Value, now: Duration) {
        let Some(open) = self.uploads.open.as_mut().filter(|open| open.number == number) else { return };
        let attributes = answer.pointer("/node/attributes").and_then(Value::as_array);
        let attributes: &[Value] = attributes.map(Vec::as_slice).unwrap_or_default();
        let value = |name: &str| {
            let pairs = attributes.chunks_exact(2).find(|pair| pair.first().is_some_and(|own| own == name));
            pairs.and_then(|pair| pair.last()).and_then(Value::as_str)
        };
        if error.is_some() || value("webkitdirectory").is_some() {
            self.denied.say(Feature::Picker);
            return self.dismiss_chooser(now);
        }
        open.step = Step::Files;
        let kinds = Kinds::of(value("accept").unwrap_or_default());
        self.uploads.task = Some(UploadTask::Find { number, kinds });
    }

    /// The answer to [`UploadTask::Find`].
    pub fn files_found(&mut self, number: u64, found: Found, now: Duration) {
        let open = self.uploads.open.as_mut().filter(|open| open.number == number);
        let Some(open) = open.filter(|open| matches!(open.step, Step::Files)) else { return };
        let Found { files, unlisted, nothing } = found;
        let nothing = if files.is_empty() { nothing } else { Nothing::default() };
        let (files, paths) = files.into_iter().map(|file| (file.offered, file.path)).unzip();
        let chooser = Chooser { number, multiple: open.multiple, files, unlisted, nothing };
        open.step = Step::Choice(chooser, paths);
        open.until = now + CHOICE_LIMIT;
    }

    /// The visitor has chosen these of the chooser's files, or none.
    pub fn chosen(&mut self, number: u64, files: &[u32], now: Duration) {
        let Some(open) = self.uploads.open.as_mut().filter(|open| open.number == number) else { return };
        let Step::Choice(_, paths) = &open.step else { return };
        let most = if open.multiple { paths.len() } else { 1 };
        let path = |place: &u32| usize::try_from(*place).ok().and_then(|place| paths.get(place)).cloned();
        let files: Vec<PathBuf> = files.iter().filter_map(path).take(most).collect();
        if files.is_empty() {
            return self.dismiss_chooser(now);
        }
        open.step = Step::Files;
        open.until = now + ANSWER_LIMIT;
        self.uploads.task = Some(UploadTask::LookAgain { number, files });
    }

    /// The answer to [`UploadTask::LookAgain`]: whole paths; `None`: one of them is no file any more.
    pub fn files_seen(&mut self, number: u64, files: Option<Vec<PathBuf>>, now: Duration) {
        if self.uploads.open.as_ref().is_none_or(|open| open.number != number) {
            return;
        }
        let Some(files) = files else {
            tracing::info!("a file that was chosen for an upload is not there any more");
            return self.dismiss_chooser(now);
        };
        let Some(open) = self.end_chooser(now) else { return };
        tracing::info!(count = files.len(), "chosen files passed to the page");
        let files = json!({ "files": files, "backendNodeId": open.node });
        self.wire.send(Some(&open.session), "DOM.setFileInputFiles", files, Purpose::Other);
    }

    /// The choice is cancelled: the page goes on without a file.
    pub fn dismiss_chooser(&mut self, now: Duration) {
        if let Some(open) = self.end_chooser(now) {
            self.cancel_input(&open.session, open.node);
        }
    }

    /// The page is about to be another: the next may ask at once.
    pub(super) fn drop_chooser(&mut self) {
        self.dismiss_chooser(Duration::ZERO);
        self.uploads.pause_until = Duration::ZERO;
    }

    pub(super) fn expire_chooser(&mut self, now: Duration) {
        if self.uploads.open.as_ref().is_some_and(|open| now >= open.until) {
            tracing::info!("file chooser cancelled: time is up");
            self.dismiss_chooser(now);
        }
    }

    /// A frame of this session has another document, or is gone (`None`: all of them): no file is waited for there.
    pub(super) fn frame_left(&mut self, session: &str, frame: Option<&str>, now: Duration) {
        let left = |open: &Open| open.session == session && frame.is_none_or(|frame| frame == open.frame);
        if self.uploads.open.as_ref().is_some_and(left) {
            self.end_chooser(now);
        }
    }

    fn end_chooser(&mut self, now: Duration) -> Option<Open> {
        let open = self.uploads.open.take()?;
        self.uploads.task = None;
        self.uploads.pause_until = now + PAUSE;
        Some(open)
    }

    fn cancel_input(&mut self, session: &str, node: i64) {
        let purpose = Purpose::CancelInput { session: session.to_owned() };
        self.wire.send(Some(session), "DOM.resolveNode", json!({ "backendNodeId": node }), purpose);
    }

    /// The browser has a name for the input.
    pub(super) fn input_resolved(&mut self, session: &str, answer: &Value) {
        let Some(object) = answer.pointer("/object/objectId").and_then(Value::as_str) else { return };
        let call = json!({ "objectId": object, "functionDeclaration": CANCEL, "silent": true });
        self.wire.send(Some(session), "Runtime.callFunctionOn", call, Purpose::Other);
        self.wire.send(Some(session), "Runtime.releaseObject", json!({ "objectId": object }), Purpose::Other);
    }
}
