//! Detects a browser whose rendering is stuck although its page answers: the page waits for an animation frame, and the
//! compositor gets no commits of its window. Either alone is not a fault: a page may request frames without changes,
//! and a still page draws nothing.

use std::time::Duration;

use super::parts::Page;
use super::{Effect, Machine};

/// Time without a requested frame until rendering counts as stuck; with the ping intervals it is noticed within 40 s.
const FROZEN: Duration = Duration::from_secs(18);

/// The state of a late frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Frames {
    /// None is.
    #[default]
    Fine,
    /// The compositor is asked for the window's commits.
    Late,
    /// The number of commits at that moment; `asked`: it is asked again.
    Since { at: Duration, commits: u64, asked: bool },
}

impl Machine {
    /// The page reports whether a requested frame is late.
    pub(super) fn frame_late(&mut self, late: bool, now: Duration) {
        if !late || self.dialog || self.inspected || !matches!(self.page, Page::Up { .. }) {
            self.frames = Frames::Fine;
            return;
        }
        match &mut self.frames {
            // The window was not visible at the last ping, so it did not have to draw.
            Frames::Fine | Frames::Late | Frames::Since { asked: true, .. } => self.frames = Frames::Late,
            Frames::Since { asked, .. } => *asked = true,
        }
        self.window_pings.ask_now(now);
    }

    /// The window's number of commits, reported with a ping.
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
