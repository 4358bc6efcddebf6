//! Carries out the decisions of the [`Idle`](crate::idle::Idle) machine: shows its screens, asks the sessions for the
//! reset, clears the clipboard, and arms the timer for its deadlines. Without a deadline no timer is armed.

use kiosk_core::api::{Notice, Report, State};
use smithay::wayland::selection::{
    data_device::clear_data_device_selection, primary_selection::clear_primary_selection,
};

use super::Kiosk;
use crate::idle::Event;

impl Kiosk {
    /// Handles an event of use. Returns whether an input must not be passed on.
    pub fn idle_event(&mut self, event: Event) -> bool {
        let outcome = self.activity.idle.step(event, self.now());
        if let Some(number) = outcome.reset {
            tracing::info!(number, "idle reset started");
            self.forget_copied_by_x();
            clear_data_device_selection(&self.main_loop.display, &self.seat.seat);
            clear_primary_selection(&self.main_loop.display, &self.seat.seat);
            for shell in 0..self.stage.shells.len() {
                self.session.links.tell(shell, &Notice::Reset { number });
            }
            self.end_reset();
        }
        if outcome.gave_up {
            self.problem(
                "idle.reset: kiosk-session has not said that the page is reset; it is told again later".into(),
            );
        }
        for shell in outcome.at_rest {
            self.session.links.tell(shell, &Notice::Idle {});
        }
        for (shell, idle) in outcome.presence {
            self.session.links.tell(shell, &Notice::Presence { idle });
        }
        let screen = self.activity.idle.screen(&self.stage.texts);
        if self.stage.idle_screen != screen {
            if self.stage.idle_screen.is_none() {
                // A finger on the page may end the countdown and is withheld from then on: without the cancel the page
                // would see it down for ever.
                self.touch_cancel();
            }
            self.stage.idle_screen = screen;
            self.status.publisher.mark_changed();
            self.screens.request_redraw();
        }
        self.arm_idle_timer();
        outcome.swallow
    }

    /// Handles a session's report about its reset and its request to be told when idle. `new`: it is the session's
    /// first report.
    pub(crate) fn idle_report(&mut self, shell: usize, report: &Report, new: bool) {
        if self.activity.idle.notice_changed(shell, report.when_idle) {
            self.idle_event(Event::IdleNotice { shell, wants: report.when_idle });
        }
        self.page_listens(shell, report.listens);
        self.activity.idle.done_by(shell, report.reset);
        if self.activity.idle.is_resetting() && self.activity.idle.owed_by(shell).is_some() {
            self.idle_event(Event::Progress);
        }
        if let Some(number) = self.activity.idle.owed_by(shell).filter(|_| new) {
            self.session.links.tell(shell, &Notice::Reset { number });
        }
        self.end_reset();
    }

    /// Sets the page of a shell that subscribed to presence events; 0: none.
    pub(crate) fn page_listens(&mut self, shell: usize, listens: u64) {
        if self.activity.idle.listener_changed(shell, listens) {
            self.idle_event(Event::Listens { shell, listens: listens != 0 });
        }
    }

    /// Removes the reset's screen when all resets are done or hidden.
    pub(crate) fn end_reset(&mut self) {
        if !self.activity.idle.is_resetting() {
            return;
        }
        // A shell covered by the splash counts too: it is reset before it is shown again.
        let hidden = |shell: usize| {
            let state = self.stage.shells.get(shell).and_then(|shell| shell.readiness.state);
            matches!(state, Some(State::Waiting | State::Offline | State::Backoff | State::Stopped))
                || (!self.session.links.has(shell) && !self.stage.windows.any_mapped(shell))
        };
        let ready = |shell: usize| self.activity.idle.owed_by(shell).is_none() || hidden(shell);
        if (0..self.stage.shells.len()).all(ready) {
            self.idle_event(Event::Done);
        }
    }

    fn arm_idle_timer(&mut self) {
        let then = |kiosk: &mut Kiosk| {
            kiosk.idle_event(Event::Time);
        };
        self.arm(|kiosk| &mut kiosk.activity.idle.timer, self.activity.idle.deadline(), then);
    }
}
