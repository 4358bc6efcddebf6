//! Page flips that never come: a driver that does not answer within a second is set up again, and after several in a
//! row the watchdog is not fed any more. One timer a second while frames are drawn, none while nothing changes.

use std::time::Duration;

use super::Kiosk;
use crate::screens::ScreenId;

/// A page flip that takes longer than this counts as lost.
const FLIP_TIMEOUT: Duration = Duration::from_secs(1);

/// Additional time for a flip event that is queued already.
const FLIP_GRACE: Duration = Duration::from_millis(100);

/// After so many lost page flips in a row the device counts as dead.
const MAX_LOST_FLIPS: u32 = 5;

/// The state of pending flips.
#[derive(Debug, Default)]
pub struct FlipWatch {
    /// The timer is armed.
    watching: bool,
    /// Lost flips since the last one that arrived.
    lost: u32,
}

impl FlipWatch {
    /// Whether frames can still reach a screen; otherwise the watchdog is not fed.
    pub fn can_draw(&self) -> bool {
        self.lost < MAX_LOST_FLIPS
    }

    /// Whether the timer is armed.
    pub fn is_watching(&self) -> bool {
        self.watching
    }

    /// Lost flips since the last one that arrived.
    pub fn lost(&self) -> u32 {
        self.lost
    }

    /// Handles a flip event.
    pub(crate) fn flipped(&mut self) {
        self.lost = 0;
    }
}

impl Kiosk {
    /// Watches pending flips while there are any.
    pub(crate) fn watch_flip(&mut self) {
        if std::mem::replace(&mut self.hardware.flips.watching, true) {
            return;
        }
        let seen = self.frames_drawn();
        self.after(FLIP_TIMEOUT, move |kiosk| {
            // Updates the frame counters on D-Bus as often.
            kiosk.status.publisher.mark_changed();
            if kiosk.overdue(&seen).is_empty() {
                kiosk.end_watch();
                return;
            }
            // After a stall of the machine this timer and the flip may be due in the same turn: handle the flip first.
            let seen = seen.clone();
            kiosk.after(FLIP_GRACE, move |kiosk| {
                for id in kiosk.overdue(&seen) {
                    kiosk.give_up_flip(id);
                }
                kiosk.end_watch();
            });
        });
    }

    fn end_watch(&mut self) {
        self.hardware.flips.watching = false;
        if self.screens.iter().any(|screen| screen.redraw.awaits_flip()) {
            self.watch_flip();
        }
    }

    fn frames_drawn(&self) -> Vec<(ScreenId, u64)> {
        self.screens.iter().map(|screen| (screen.id, screen.composed + screen.direct)).collect()
    }

    /// The screens that still wait for the flip of the frame that was pending when `seen` was taken.
    fn overdue(&self, seen: &[(ScreenId, u64)]) -> Vec<ScreenId> {
        let now = self.frames_drawn();
        let waiting = self.screens.iter().filter(|screen| screen.redraw.awaits_flip()).map(|screen| screen.id);
        waiting.filter(|id| seen.iter().any(|old| old.0 == *id && now.contains(old))).collect()
    }

    fn give_up_flip(&mut self, id: ScreenId) {
        let Some(screen) = self.screens.get_mut(id) else { return };
        screen.redraw.resume();
        screen.times.lost();
        let (name, head) = (screen.name.clone(), screen.head());
        self.hardware.flips.lost = self.hardware.flips.lost.saturating_add(1);
        if let Some(head) = head {
            self.hardware.backend.recover(head);
        }
        self.problem(format!(
            "{name}: the display driver did not answer a page flip within a second; the screen was set up again"
        ));
    }
}
