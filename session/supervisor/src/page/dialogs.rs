//! Dialogs of the page and of the windows beside it: shown to people, or answered for them, as `browser.dialogs` has
//! it. An invisible dialog is answered at once, an unanswered one after a time. An open dialog blocks its page, and
//! every page in the same process: a popup's dialog blocks its opener.

use std::time::Duration;

use serde_json::{Value, json};

use super::Page;
use super::windows::Disposition;
use super::wire::Purpose;
use crate::machine::Event;
use kiosk_core::config::Answer;

/// An open dialog.
#[derive(Debug)]
pub(super) struct OpenDialog {
    /// Of the page or the window that it is in; each has one at a time.
    session: String,
    /// `None`: it stays until it is answered.
    dismiss_at: Option<Duration>,
}

impl OpenDialog {
    pub fn deadline(&self) -> Option<Duration> {
        self.dismiss_at
    }
}

impl Page {
    pub(super) fn dialog_opened(&mut self, session: &str, parameters: &Value, now: Duration) {
        let kind = parameters["type"].as_str().unwrap_or_default();
        let in_page = self.session.as_deref() == Some(session);
        let seen =
            if in_page { !self.opening } else { self.windows.fate_of_session(session) == Some(Disposition::Popup) };
        match self.answer_to(kind, in_page) {
            // Our own picture covers the page, or the window is about to be closed.
            Answer::Show if !seen => {
                tracing::debug!(kind, "a dialog that nobody sees is dismissed");
                self.answer_dialog(session, kind == "beforeunload", parameters);
            }
            Answer::Show => {
                let dismiss_at = self.rules.browser.dialogs.after.map(|after| now + after);
                self.forget_dialog(session);
                self.dialogs.push(OpenDialog { session: session.to_owned(), dismiss_at });
                self.tell_of_dialogs();
            }
            answer => self.answer_dialog(session, answer == Answer::Accept, parameters),
        }
    }

    pub(super) fn dialog_closed(&mut self, session: &str) {
        self.forget_dialog(session);
        self.tell_of_dialogs();
    }

    /// Dismisses open dialogs, which would block a navigation.
    pub(super) fn dismiss_dialogs(&mut self) {
        for dialog in std::mem::take(&mut self.dialogs) {
            self.dismiss(&dialog.session);
        }
        self.tell_of_dialogs();
    }

    pub(super) fn expire_dialogs(&mut self, now: Duration) {
        let (due, open) = std::mem::take(&mut self.dialogs)
            .into_iter()
            .partition(|dialog| dialog.dismiss_at.is_some_and(|at| now >= at));
        self.dialogs = open;
        let due: Vec<OpenDialog> = due;
        for dialog in due {
            tracing::info!("unanswered dialog dismissed");
            self.dismiss(&dialog.session);
        }
        self.tell_of_dialogs();
    }

    fn forget_dialog(&mut self, session: &str) {
        self.dialogs.retain(|dialog| dialog.session != session);
    }

    /// The session hears of the first that opens and of the last that is closed.
    fn tell_of_dialogs(&mut self) {
        let open = !self.dialogs.is_empty();
        if self.dialog_told != open {
            self.dialog_told = open;
            self.events.push(Event::Dialog { open });
        }
    }

    fn answer_to(&self, kind: &str, in_page: bool) -> Answer {
        let dialogs = &self.rules.browser.dialogs;
        match kind {
            "alert" => dialogs.alert,
            "confirm" => dialogs.confirm,
            "prompt" => dialogs.prompt,
            // "Leave this page?": the command to open another page has decided that.
            "beforeunload" if self.opening && in_page => Answer::Accept,
            "beforeunload" => dialogs.beforeunload,
            _ => Answer::Dismiss,
        }
    }

    fn dismiss(&mut self, session: &str) {
        let no = json!({ "accept": false });
        self.wire.send(Some(session), "Page.handleJavaScriptDialog", no, Purpose::Other);
    }

    fn answer_dialog(&mut self, session: &str, accept: bool, dialog: &Value) {
        let text = dialog["defaultPrompt"].as_str().unwrap_or_default();
        let answer = json!({ "accept": accept, "promptText": text });
        self.wire.send(Some(session), "Page.handleJavaScriptDialog", answer, Purpose::Other);
    }
}
