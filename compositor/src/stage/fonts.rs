//! Whether the fonts are there that the texts on the screens need. [`Stage::prepare_splash`] and
//! [`Stage::prepare_keyboard`] ask before they paint; the root looks for them on a thread. Until they are found the
//! picture before stays, for a bounded time. No I/O.

use std::time::Duration;

use kiosk_core::texts::Text;
use kiosk_splash::{Fonts, View};

use super::{Stage, SystemScreen};

/// How long a text waits for its letters: afterwards it is shown with a box for each that is missing, and with the
/// letters as soon as they come. Hundreds of fonts on a slow card take a second.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// The search for the fonts of the texts that are shown.
#[derive(Debug, Default)]
pub enum FontSearch {
    /// Nothing is missing, or nothing was asked for yet.
    #[default]
    None,
    /// To be begun.
    Wanted,
    /// On its thread, since then.
    UnderWay(Duration),
    /// Its thread failed: none is begun any more.
    Failed,
}

impl Stage {
    /// Whether this view has to wait for its letters; notes that they are wanted.
    pub(super) fn awaits_fonts(&mut self, view: &View, now: Duration) -> bool {
        self.awaits_letters(&view.text(), now)
    }

    /// The same of any text.
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

    /// Has them looked for, unless they are already.
    pub fn want_fonts(&mut self) {
        if let FontSearch::None = self.font_search {
            self.font_search = FontSearch::Wanted;
        }
    }

    /// The texts of all screens, when fonts for them are to be looked for: once a time.
    pub fn begin_font_search(&mut self, now: Duration) -> Option<String> {
        if !matches!(self.font_search, FontSearch::Wanted) {
            return None;
        }
        self.font_search = FontSearch::UnderWay(now);
        let shells = (0..self.shells.len()).map(Some);
        let mut views: Vec<View> = shells.chain([None]).map(|shell| self.view(shell, "", now)).collect();
        // Under the screen that asks whether anybody is there.
        views.extend(self.system_screen.as_ref().map(SystemScreen::view));
        let mut texts: Vec<String> = views.iter().map(View::text).collect();
        texts.push(self.keyboard.text());
        texts.push(self.texts.say(Text::Watched, &[]));
        Some(texts.join("\n"))
    }

    /// What the search found; `None`: it failed.
    pub fn end_font_search(&mut self, found: Option<Fonts>) {
        self.font_search = if found.is_some() { FontSearch::None } else { FontSearch::Failed };
        // For the style of before it is of no use.
        if let Some(found) = found.filter(|found| found.has_the_wish_of(&self.style.fonts)) {
            self.style.fonts = found;
        }
    }

    /// Whether no more fonts will come.
    pub fn font_search_failed(&self) -> bool {
        matches!(self.font_search, FontSearch::Failed)
    }

    /// The search that was begun then is over, however it ended: its thread is gone. Another may have been begun since it
    /// answered.
    pub fn font_search_closed(&mut self, begun: Duration) {
        if matches!(self.font_search, FontSearch::UnderWay(since) if since == begun) {
            self.font_search = FontSearch::Failed;
        }
    }
}
