//! Publishes the state of a shell's session: to the compositor as a [`Report`], to D-Bus as a [`Status`], and to the
//! service manager by the [`crate::daemon::board`].

use super::Daemon;
use super::inspection::Inspection;
use crate::bus::{self, Status};
use crate::machine::Machine;
use crate::page::Page;
use kiosk_core::api::{Report, State};
use kiosk_core::config::masked;
use kiosk_core::text::shortened;

/// Longest message for the screen, characters: URLs in it may have megabytes, but a line of the control socket is
/// bounded.
const MAX_CHARACTERS: usize = 500;

/// The state machine's report, with its shell's number, cut to fit the control socket.
pub(super) fn report_of(number: usize, machine: &Machine, page: Option<&Page>) -> Report {
    let report = machine.report();
    let message = shortened(&masked(&report.message), MAX_CHARACTERS);
    let reboot = shortened(&masked(&report.reboot), MAX_CHARACTERS);
    let reason = shortened(&masked(&report.reason), MAX_CHARACTERS);
    Report { shell: number as u32, message, reboot, reason, listens: page.map_or(0, Page::listens), ..report }
}

impl Daemon {
    /// Publishes the state, if it changed.
    pub(super) fn publish(&mut self) {
        let page = self.shell.as_ref().and_then(|shell| shell.page.as_ref());
        let told = self.inspection.as_ref().and_then(Inspection::told);
        let (inspector, inspected_until) = told.unwrap_or_default();
        let report = Report {
            chooser: self.chooser(),
            inspector,
            inspected_until,
            ..report_of(self.number, &self.machine, page)
        };
        let state = self.machine.state();
        let (url, restarts, pid) = (self.machine.url(), self.machine.restarts(), self.machine.pid());
        let refused = self.machine.refused();
        let since = self.clock.boot_micros();
        let before = self.status.borrow().state;
        self.board.seen(self.number, state == State::Ready);
        self.status.send_if_modified(|status| {
            let restart_reason = self.machine.restart_reason().to_owned();
            let waiting_for = shortened(&self.machine.waiting_for(), MAX_CHARACTERS);
            let restart_causes = self.machine.restart_causes().clone();
            let told = Status { restart_reason, restart_causes, waiting_for, ..status.clone() };
            let mut new = Status { url: url.to_owned(), restarts, refused, pid, ..told };
            if new.state != state {
                new.state = state;
                new.since = since;
                new.readies += u64::from(state == State::Ready);
            }
            let modified = new != *status;
            *status = new;
            modified
        });
        if before != state {
            tracing::info!(state = bus::state_name(state), url = masked(url), text = report.message, "state");
        }
        self.report.send_if_modified(|old| {
            let modified = *old != report;
            if modified {
                let text = if report.message.is_empty() { bus::state_name(state) } else { &report.message };
                if old.message != report.message || old.state != report.state {
                    self.board.tell(self.number, text);
                }
                old.clone_from(&report);
            }
            modified
        });
    }
}
