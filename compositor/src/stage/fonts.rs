//! The state of the font search for the texts on the screens. [`Stage::prepare_splash`] and [`Stage::prepare_keyboard`]
//! ask before they paint; the root searches on a thread. Until the fonts are found the previous picture stays, for a
//! bounded time. No I/O.

use std::time::Duration;

use kiosk_core::texts::Text;
use kiosk_splash::{Fonts, View};

use super::{Stage, SystemScreen};

/// How long a text waits for its fonts: afterwards it is shown with a box for each missing glyph, and redrawn when the
/// fonts come. Hundreds of fonts on a slow card take a second.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// The search for the fonts of the texts that are shown.
#[derive(Debug, Default)]
pub enum FontSearch {
    /// No search is needed.
    #[default]
    None,
    /// A search has to be started.
    Wanted,
    /// Running since this time.
    UnderWay(Duration),
    /// The thread failed: no search is started again.
    Failed,
}

impl Stage {
    /// Whether this view has to wait for its fonts; requests a search if so.
    pub(super) fn awaits_fonts(&mut self, view: &View, now: Duration) -> bool {
        self.awaits_letters(&view.text(), now)
    }

    /// The same for any text.
    pub(super) fn awaits_letters(&mut self, text: &str, now: Duration) -> bool {
        if !self.style.fonts.lacks(text) {
            return false;
        }
        self.want_fonts();
        match self.font_search {
            FontSearch::None | FontSearch::Wanted => true,
            FontSearch::UnderWay(since) => now.saturating_sub(since) < PATIENCE,
            FontSearch::Failed => false,
        }
    }

    /// Requests a search, unless one is running.
    pub fn want_fonts(&mut self) {
        if let FontSearch::None = self.font_search {
            self.font_search = FontSearch::Wanted;
        }
    }

    /// Starts a requested search. Returns the texts of all screens; `None`: no search is due.
    pub fn begin_font_search(&mut self, now: Duration) -> Option<String> {
        if !matches!(self.font_search, FontSearch::Wanted) {
            return None;
        }
        self.font_search = FontSearch::UnderWay(now);
        let shells = (0..self.shells.len()).map(Some);
        let mut views: Vec<View> = shells.chain([None]).map(|shell| self.view(shell, "", now)).collect();
        // It may be under the idle screen.
        views.extend(self.system_screen.as_ref().map(SystemScreen::view));
        let mut texts: Vec<String> = views.iter().map(View::text).collect();
        texts.push(self.keyboard.text());
        texts.push(self.texts.say(Text::Watched, &[]));
        Some(texts.join("\n"))
    }

    /// Takes the search's result; `None`: it failed.
    pub fn end_font_search(&mut self, found: Option<Fonts>) {
        self.font_search = if found.is_some() { FontSearch::None } else { FontSearch::Failed };
        // A result for an earlier style is dropped.
        if let Some(found) = found.filter(|found| found.requests_same_as(&self.style.fonts)) {
            self.style.fonts = found;
        }
    }

    /// Whether the search failed.
    pub fn font_search_failed(&self) -> bool {
        matches!(self.font_search, FontSearch::Failed)
    }

    /// The thread of the search that started at `begun` has ended. Another search may have started since its answer.
    pub fn font_search_closed(&mut self, begun: Duration) {
        if matches!(self.font_search, FontSearch::UnderWay(since) if since == begun) {
            self.font_search = FontSearch::Failed;
        }
    }
}
