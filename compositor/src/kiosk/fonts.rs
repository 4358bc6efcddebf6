//! Searches fonts for the texts on the screens on a thread, as it reads hundreds of files. At most one thread at a
//! time; with no text on the screen, or one in the built-in face, there is none.

use std::{io, thread, time::Duration};

use kiosk_splash::{FontError, Fonts};
use smithay::reexports::calloop::channel::{self, Event};

use super::Kiosk;
use crate::stage::fonts::PATIENCE;

/// Why no search is begun.
#[derive(Debug, thiserror::Error)]
enum SearchError {
    /// The channel for its answer could not be added to the loop.
    #[error("the event loop does not take its answer: {0}")]
    Loop(String),
    /// The thread could not be started.
    #[error("no thread: {0}")]
    Thread(#[from] io::Error),
}

impl Kiosk {
    /// Starts a search if one is needed.
    pub(crate) fn find_fonts(&mut self) {
        let begun = self.now();
        let Some(texts) = self.stage.begin_font_search(begun) else { return };
        if let Err(error) = self.search_fonts(texts, begun) {
            tracing::warn!(%error, "installed fonts not searched: characters may be missing on the screen");
            self.stage.end_font_search(None);
            self.answer_shown();
        }
    }

    fn search_fonts(&mut self, texts: String, begun: Duration) -> Result<(), SearchError> {
        let (sender, receiver) = channel::channel();
        let (fonts, language) = (self.stage.style.fonts.clone(), self.stage.language.clone());
        let search = move || {
            // The loop is gone only when the process ends.
            let _ = sender.send(fonts.find(&texts, &language));
        };
        let inserted = self.main_loop.handle.insert_source(receiver, move |event, _, kiosk| match event {
            Event::Msg(found) => kiosk.fonts_found(found),
            Event::Closed => {
                kiosk.stage.font_search_closed(begun);
                kiosk.answer_shown();
            }
        });
        inserted.map_err(|error| SearchError::Loop(error.to_string()))?;
        thread::Builder::new().name("fonts".into()).spawn(search)?;
        // The text is shown then, found or not.
        self.after(PATIENCE, |kiosk| {
            kiosk.screens.request_redraw();
            kiosk.answer_all_shown();
        });
        Ok(())
    }

    fn fonts_found(&mut self, (fonts, error): (Fonts, Option<FontError>)) {
        tracing::debug!(?fonts, "fonts for the texts on the screens");
        if let Some(error) = error {
            self.problem(format!("splash.font: {error}"));
        }
        self.stage.end_font_search(Some(fonts));
        self.answer_shown();
        self.screens.request_redraw();
    }
}
