//! Uploads: connects the page's file input, the directory of `browser.uploads` and the compositor's list.
//! [`crate::page`] decides when a page may ask; [`crate::uploads`] which files are offered.

use std::path::PathBuf;

use super::Daemon;
use crate::daemon::Input;
use crate::page::{Page, UploadTask};
use crate::uploads::{self, Found};
use kiosk_core::api::{Chooser, State};

/// The result of the thread that reads the directory.
#[derive(Debug)]
pub(crate) enum UploadAnswer {
    /// The files to offer.
    Found(Found),
    /// Full paths of the chosen files; `None`: one of them is not a file any more.
    Seen(Option<Vec<PathBuf>>),
}

impl Daemon {
    /// The list for the compositor, while a visible page waits for it.
    pub(super) fn chooser(&self) -> Option<Chooser> {
        let page = self.shell.as_ref()?.page.as_ref()?;
        page.chooser().filter(|_| self.machine.state() == State::Ready).cloned()
    }

    /// The visitor has chosen or cancelled.
    pub(super) fn chosen(&mut self, number: u64, files: &[u32]) {
        let now = self.clock.now();
        if let Some(page) = self.page() {
            page.chosen(number, files, now);
            self.page_events();
        }
    }

    /// The compositor is gone: cancels the list.
    pub(super) fn dismiss_chooser(&mut self) {
        let now = self.clock.now();
        if let Some(page) = self.page() {
            page.dismiss_chooser(now);
            self.page_events();
        }
    }

    /// Starts the look-up that the page needs.
    pub(super) fn look_at_files(&mut self) {
        let Some(task) = self.page().and_then(Page::take_upload_task) else { return };
        // The answer if no thread can be started.
        let (number, unseen) = match task {
            UploadTask::Find { number, .. } => (number, UploadAnswer::Found(Found::not_there())),
            UploadTask::LookAgain { number, .. } => (number, UploadAnswer::Seen(None)),
        };
        let (generation, inputs) = (self.launches, self.inputs.clone());
        let directory = self.configured.browser_settings.uploads.clone().filter(|_| !self.looks_at_files);
        let Some(directory) = directory else {
            tracing::warn!("directory of browser.uploads does not respond");
            return self.answer_upload(number, unseen);
        };
        // Not a thread of the runtime, which would be joined at exit.
        let thread = std::thread::Builder::new().name("uploads".into());
        let begun = thread.spawn(move || {
            let answer = match task {
                UploadTask::Find { kinds, .. } => UploadAnswer::Found(uploads::find(&directory, &kinds)),
                UploadTask::LookAgain { files, .. } => UploadAnswer::Seen(uploads::look_again(&directory, &files)),
            };
            let _ = inputs.send(Input::Uploads { generation, number, answer });
        });
        match begun {
            Ok(_) => self.looks_at_files = true,
            Err(error) => {
                tracing::warn!(%error, "no thread to read files for an upload");
                self.answer_upload(number, unseen);
            }
        }
    }

    /// Handles the thread's result.
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
