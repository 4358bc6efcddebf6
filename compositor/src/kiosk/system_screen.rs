//! The screens that an operator lays over the page: put up, taken away, and answered with how much of the text is seen.
//! The answer waits for the fonts of the text, without which nobody knows how long it is.

use kiosk_splash::View;
use tokio::sync::oneshot;

use super::Kiosk;
use crate::{
    command::{CommandError, Reply},
    stage::SystemScreen,
};

/// Callers that wait at a time; one beyond is answered with what is known.
const MAX_WAITING: usize = 16;

type Answer = oneshot::Sender<Result<Reply, CommandError>>;

/// Who asked for a screen and was not answered yet, with what was to be shown.
#[derive(Default)]
pub struct Unanswered(Vec<(View, Answer)>);

impl Kiosk {
    /// Lays a screen over everything and answers as soon as its fonts are there.
    pub(crate) fn show(&mut self, screen: SystemScreen, answer: Answer) {
        let view = screen.view();
        self.stage.system_screen = Some(screen);
        self.publisher.mark_changed();
        self.screens.request_redraw();
        if self.stage.style.fonts.lacks(&view.text()) {
            // Not only when it is drawn: screens may be dark.
            self.stage.want_fonts();
            self.find_fonts();
        }
        if self.unanswered.0.len() < MAX_WAITING {
            self.unanswered.0.push((view, answer));
            self.answer_shown();
        } else {
            self.answer_with(&view, answer);
        }
    }

    /// Answers all whose text can be measured. Those whose fonts are looked for wait for
    /// [`crate::stage::fonts::PATIENCE`] at most.
    pub(crate) fn answer_shown(&mut self) {
        let fonts = self.stage.style.fonts.clone();
        let failed = self.stage.font_search_failed();
        let ready = |(view, _): &mut (View, Answer)| failed || !fonts.lacks(&view.text());
        let ready: Vec<_> = self.unanswered.0.extract_if(.., ready).collect();
        ready.into_iter().for_each(|(view, answer)| self.answer_with(&view, answer));
    }

    /// Answers all with what is known now.
    pub(crate) fn answer_all_shown(&mut self) {
        let all = std::mem::take(&mut self.unanswered.0);
        all.into_iter().for_each(|(view, answer)| self.answer_with(&view, answer));
    }

    fn answer_with(&self, view: &View, answer: Answer) {
        let lit = self.screens.iter().filter(|screen| screen.lit() && self.screens.mirror_source(screen.id).is_none());
        let cut = lit.filter_map(|screen| {
            let size = screen.picture_size();
            let (width, height) = (size.w.max(0).unsigned_abs(), size.h.max(0).unsigned_abs());
            kiosk_splash::cut_to(view, &self.stage.style, width, height, screen.scale())
        });
        let cut_to = cut.min().map(|characters| u32::try_from(characters).unwrap_or(u32::MAX));
        // A caller that has gone is not told.
        let _ = answer.send(Ok(Reply::Shown { cut_to }));
    }
}
