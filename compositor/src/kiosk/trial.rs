//! Starts trials, reverts them when their time is up, and saves confirmed ones.

use std::time::Duration;

use super::{Kiosk, Settings};
use crate::{
    command::{CommandError, OutputChange},
    screens::{ScreenId, plan::Planned},
};

/// A temporary change lasts no longer than this.
const MAX_TRIAL: Duration = Duration::from_secs(3600);

impl Kiosk {
    /// The changes are in force; `before` is restored after this time.
    pub(crate) fn start_trial(
        &mut self,
        before: &[(ScreenId, Planned)],
        changes: &[(String, OutputChange)],
        revert_after: Duration,
    ) {
        let number = self.settings.trial.start(before, changes, self.screens.serial);
        self.after(revert_after.min(MAX_TRIAL), move |kiosk| kiosk.revert(number));
    }

    /// These screens got a saved state, which a trial must not revert.
    pub(crate) fn end_trial_of(&mut self, kept: &[(ScreenId, Planned)]) {
        let Self { settings: Settings { trial, .. }, screens, .. } = self;
        trial.forget(kept, |name| screens.by_name(name).map(|screen| screen.id));
    }

    fn revert(&mut self, number: u64) {
        let Some(before) = self.settings.trial.expire(number) else { return };
        tracing::info!("temporary screen change reverted: not confirmed in time");
        if let Err(error) = self.carry_out(&before) {
            self.problem(format!("a temporary screen change could not be reverted: {error}"));
        }
        self.status.publisher.mark_changed();
    }

    /// Saves the temporary change with this layout serial; 0: the current one.
    pub fn confirm(&mut self, serial: u32) -> Result<u32, CommandError> {
        let changes = self.settings.trial.confirm(serial, self.screens.serial)?;
        let planned = self.plan(&changes)?;
        self.keep(&planned, &changes)?;
        Ok(self.screens.serial)
    }
}
