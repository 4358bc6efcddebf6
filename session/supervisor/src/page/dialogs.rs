//! The page's own dialogs: shown to people, or answered for them, as `browser.dialogs` has it. One that nobody can see
//! is answered at once, and one that nobody answers after a time: it stops the page as long as it is open.

use std::time::Duration;

use serde_json::{Value, json};

use super::Page;
use super::wire::Asked;
use crate::machine::Event;
use kiosk_core::config::Answer;

/// One that people see.
#[derive(Debug)]
pub(super) struct OpenDialog {
    /// `None`: it stays until somebody answers.
    dismiss_at: Option<Duration>,
}

impl OpenDialog {
    pub fn deadline(&self) -> Option<Duration> {
        self.dismiss_at
    }
}

impl Page {
    pub(super) fn dialog_opened(&mut self, parameters: &Value, now: Duration) {
        let kind = parameters["type"].as_str().unwrap_or_default();
        let session = self.session.clone();
        match self.answer_to(kind) {
            // Nobody sees it: our own picture covers the page.
            Answer::Show if self.opening => {
                tracing::debug!(kind, "a dialog before the page was up is dismissed");
                self.answer_dialog(session.as_deref(), kind == "beforeunload", parameters);
            }
            Answer::Show => {
                let dismiss_at = self.rules.browser.dialogs.after.map(|after| now + after);
                self.dialog = Some(OpenDialog { dismiss_at });
                self.events.push(Event::Dialog { open: true });
            }
            answer => self.answer_dialog(session.as_deref(), answer == Answer::Accept, parameters),
        }
    }

    pub(super) fn dialog_closed(&mut self) {
        if self.dialog.take().is_some() {
            self.events.push(Event::Dialog { open: false });
        }
    }

    /// A dialog in another window: it is shown there, or answered.
    pub(super) fn dialog_in_window(&mut self, session: &str, parameters: &Value) {
        match self.answer_to(parameters["type"].as_str().unwrap_or_default()) {
            Answer::Show => {}
            answer => self.answer_dialog(Some(session), answer == Answer::Accept, parameters),
        }
    }

    /// The page is about to be another: its open dialog would keep it.
    pub(super) fn answer_dialog_for_another_page(&mut self) {
        if self.dialog.is_some() {
            self.send("Page.handleJavaScriptDialog", json!({ "accept": false }), Asked::Other);
            self.dialog_closed();
        }
    }

    pub(super) fn expire_dialog(&mut self, now: Duration) {
        if self.dialog.as_ref().and_then(OpenDialog::deadline).is_some_and(|at| now >= at) {
            tracing::info!("a dialog that nobody answered is dismissed");
            self.answer_dialog_for_another_page();
        }
    }

    fn answer_to(&self, kind: &str) -> Answer {
        let dialogs = &self.rules.browser.dialogs;
        match kind {
            "alert" => dialogs.alert,
            "confirm" => dialogs.confirm,
            "prompt" => dialogs.prompt,
            // "Leave this page?": whoever orders another page has decided that.
            "beforeunload" if self.opening => Answer::Accept,
            "beforeunload" => dialogs.beforeunload,
            _ => Answer::Dismiss,
        }
    }

    fn answer_dialog(&mut self, session: Option<&str>, accept: bool, dialog: &Value) {
        let text = dialog["defaultPrompt"].as_str().unwrap_or_default();
        let answer = json!({ "accept": accept, "promptText": text });
        self.wire.send(session, "Page.handleJavaScriptDialog", answer, Asked::Other);
    }
}
