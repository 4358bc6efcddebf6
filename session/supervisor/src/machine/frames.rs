//! The page waits for a frame that does not come, and the compositor gets none of its window either: the browser's drawing
//! is stuck, although the page answers. Either of them alone is no fault: a page may ask for frames in which nothing
//! changes, and one that is still draws nothing.

use std::time::Duration;

use super::parts::Page;
use super::{Effect, Machine};

/// So long nothing is drawn that was asked for: with the heartbeats that tell of it, it is noticed within 40 s.
const FROZEN: Duration = Duration::from_secs(18);

/// What is known of a frame that is late.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Frames {
    /// None is.
    #[default]
    Fine,
    /// The compositor is asked how much the window has drawn.
    Late,
    /// It had drawn so much at that moment; `asked`: and is asked again.
    Since { at: Duration, commits: u64, asked: bool },
}

impl Machine {
    /// The page has said whether a frame that it asked for is late.
    pub(super) fn frame_late(&mut self, late: bool, now: Duration) {
        if !late || self.dialog || !matches!(self.page, Page::Up { .. }) {
            self.frames = Frames::Fine;
            return;
        }
        match &mut self.frames {
            // Nobody saw the window when it was asked last: nothing that was to be drawn had to be.
            Frames::Fine | Frames::Late | Frames::Since { asked: true, .. } => self.frames = Frames::Late,
            Frames::Since { asked, .. } => *asked = true,
        }
        self.pulse.ask_now(now);
    }

    /// So many times the window has drawn something, as the compositor says when it is asked for a sign of life.
    pub(super) fn window_drawn(&mut self, commits: u64, now: Duration, effects: &mut Vec<Effect>) {
        match self.frames {
            Frames::Fine => {}
            Frames::Since { at, commits: before, .. } if before == commits && now >= at + FROZEN => {
                let reason = format!("the page waits for frames, and {} draws none", self.settings.program);
                self.replace_shell(reason, now, effects);
            }
            Frames::Since { at, commits: before, .. } if before == commits => {
                self.frames = Frames::Since { at, commits, asked: false };
            }
            Frames::Late | Frames::Since { .. } => self.frames = Frames::Since { at: now, commits, asked: false },
        }
    }
}
