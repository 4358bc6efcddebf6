//! Which screens show the capture notice (`[capture] notice`): those of which a client has captured a frame and waits
//! for the next, or has captured one recently. The notice is part of the picture, so a client gets one more frame when
//! it appears and one when it disappears; it depends on clients, never on frames, so that it does not trigger itself.

use std::{collections::BTreeMap, time::Duration};

use super::Captures;
use crate::{deadline_timer::DeadlineTimer, kiosk::Kiosk, screens::ScreenId};

/// How long the notice stays after the last capture: tools that poll are faster, and people have time to read it.
const LATELY: Duration = Duration::from_secs(10);

/// The state of the notices.
#[derive(Default)]
pub struct Announced {
    /// Time of each screen's last capture.
    taken: BTreeMap<ScreenId, Duration>,
    /// Screens with a notice.
    shown: Vec<ScreenId>,
    timer: DeadlineTimer,
}

impl Announced {
    pub(super) fn taken(&mut self, screen: ScreenId, now: Duration) {
        self.taken.insert(screen, now);
    }

    pub(super) fn forget(&mut self, screen: ScreenId) {
        self.taken.remove(&screen);
        self.shown.retain(|shown| *shown != screen);
    }
}

impl Captures {
    /// Whether this screen shows the notice.
    pub fn is_announced(&self, screen: ScreenId) -> bool {
        self.notice.shown.contains(&screen)
    }

    fn is_watched(&self, screen: ScreenId, now: Duration) -> bool {
        let Some(taken) = self.notice.taken.get(&screen) else { return false };
        now.saturating_sub(*taken) < LATELY || self.waiting.iter().any(|copy| copy.view.screen == screen)
    }

    pub(crate) fn notice_timer(&mut self) -> &mut DeadlineTimer {
        &mut self.notice.timer
    }

    /// When the first notice ends, of screens without a pending copy.
    pub(crate) fn unwatched_at(&self) -> Option<Duration> {
        let waits = |screen: ScreenId| self.waiting.iter().any(|copy| copy.view.screen == screen);
        let taken = |screen: &ScreenId| self.notice.taken.get(screen).map(|taken| *taken + LATELY);
        self.notice.shown.iter().filter(|screen| !waits(**screen)).filter_map(taken).min()
    }
}

impl Kiosk {
    /// Shows and removes notices; called before frames are drawn.
    pub(crate) fn follow_notices(&mut self) {
        let captures = &self.protocols.captures;
        if captures.notice.taken.is_empty() {
            return;
        }
        let now = self.now();
        let wanted = |screen: &ScreenId| self.settings.config.capture.notice && captures.is_watched(*screen, now);
        let shown: Vec<ScreenId> = captures.notice.taken.keys().copied().filter(wanted).collect();
        let changed = |screen: &&ScreenId| shown.contains(screen) != captures.is_announced(**screen);
        let news: Vec<ScreenId> = captures.notice.taken.keys().filter(changed).copied().collect();
        let notice = &mut self.protocols.captures.notice;
        notice.shown = shown;
        for screen in news {
            self.request_redraw(screen);
        }
        self.arm_notice();
    }

    /// After a capture at the end of this turn, makes sure of a next turn, which shows the notice.
    pub(super) fn wake_for_notice(&mut self) {
        let captures = &self.protocols.captures;
        let is_news = |screen: &ScreenId| captures.notice.taken.contains_key(screen) && !captures.is_announced(*screen);
        let now = self.now();
        let due = captures.notice.taken.keys().any(|screen| is_news(screen) && captures.is_watched(*screen, now));
        if self.settings.config.capture.notice && due {
            self.after(Duration::ZERO, |_| {});
        }
    }
}
