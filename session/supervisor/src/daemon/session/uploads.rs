//! A page's wish for a file of the visitor's, between the page, the directory of `browser.uploads` and the compositor.
//! What may be asked and when is decided in [`crate::page`]; what is a file to choose in [`crate::uploads`].

use std::path::PathBuf;

use super::Daemon;
use crate::daemon::Input;
use crate::page::{Page, UploadWish};
use crate::uploads::{self, Found};
use kiosk_core::api::{Chooser, State};

/// What the thread that looks at the directory says.
#[derive(Debug)]
pub(crate) enum UploadAnswer {
    /// What may be chosen.
    Found(Found),
    /// Whole paths of what was chosen; `None`: one is no file any more.
    Seen(Option<Vec<PathBuf>>),
}

impl Daemon {
    /// What the compositor is to show, as long as there is a page to be seen that asks.
    pub(super) fn chooser(&self) -> Option<Chooser> {
        let page = self.shell.as_ref()?.page.as_ref()?;
        page.chooser().filter(|_| self.machine.state() == State::Ready).cloned()
    }

    /// The visitor has chosen, or does not want to.
    pub(super) fn chosen(&mut self, number: u64, files: &[u32]) {
        let now = self.clock.now();
        if let Some(page) = self.page() {
            page.chosen(number, files, now);
            self.page_events();
        }
    }

    /// There is no screen any more to choose on.
    pub(super) fn dismiss_chooser(&mut self) {
        let now = self.clock.now();
        if let Some(page) = self.page() {
            page.dismiss_chooser(now);
            self.page_events();
        }
    }

    /// Begins what the page wants done with files.
    pub(super) fn look_at_files(&mut self) {
        let Some(wish) = self.page().and_then(Page::take_upload_wish) else { return };
        // What is said where nobody can look.
        let (number, unseen) = match wish {
            UploadWish::Find { number, .. } => (number, UploadAnswer::Found(Found::not_there())),
            UploadWish::LookAgain { number, .. } => (number, UploadAnswer::Seen(None)),
        };
        let (generation, inputs) = (self.launches, self.inputs.clone());
        let directory = self.configured.browser_settings.uploads.clone().filter(|_| !self.looks_at_files);
        let Some(directory) = directory else {
            tracing::warn!("the directory of browser.uploads does not answer");
            return self.answer_upload(number, unseen);
        };
        // Not one of the runtime's threads: those are waited for when the program ends.
        let thread = std::thread::Builder::new().name("uploads".into());
        let begun = thread.spawn(move || {
            let answer = match wish {
                UploadWish::Find { kinds, .. } => UploadAnswer::Found(uploads::find(&directory, &kinds)),
                UploadWish::LookAgain { files, .. } => UploadAnswer::Seen(uploads::look_again(&directory, &files)),
            };
            let _ = inputs.send(Input::Uploads { generation, number, answer });
        });
        match begun {
            Ok(_) => self.looks_at_files = true,
            Err(error) => {
                tracing::warn!(%error, "there is no thread to look at files for an upload");
                self.answer_upload(number, unseen);
            }
        }
    }

    /// The thread has come to its end.
    pub(super) fn files_looked_at(&mut self, generation: u64, number: u64, answer: UploadAnswer) {
        self.looks_at_files = false;
        if generation == self.launches {
            self.answer_upload(number, answer);
            self.page_events();
        }
    }

    fn answer_upload(&mut self, number: u64, answer: UploadAnswer) {
        let now = self.clock.now();
        let Some(page) = self.page() else { return };
        match answer {
            UploadAnswer::Found(found) => page.files_found(number, found, now),
            UploadAnswer::Seen(files) => page.files_seen(number, files, now),
        }
    }
}
