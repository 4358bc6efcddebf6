//! Temporary changes of the screens: they go back by themselves unless someone who sees the result confirms them.
//!
//! [`Kiosk::apply`] starts a trial; what comes meanwhile (another trial, a hotplug, a change of another screen)
//! does not make it last.

use std::time::Duration;

use crate::{
    command::{CommandError, OutputChange},
    kiosk::Kiosk,
    screens::{ScreenId, plan::Planned},
};

/// How long a temporary change lasts at most.
const LONGEST: Duration = Duration::from_secs(3600);

/// Changes that are in force and not confirmed.
#[derive(Debug, Default)]
pub struct Trial {
    /// How the screens were before the first of them; empty: there is no trial.
    before: Vec<(ScreenId, Planned)>,
    /// What was asked for, to be saved when it is confirmed.
    changes: Vec<(String, OutputChange)>,
    /// The layout that the newest of them made.
    serial: u32,
    /// Counts trials, so that a timer knows whether it is still meant.
    number: u64,
}

impl Kiosk {
    /// The changes are in force; `before` is restored after this time.
    pub(crate) fn start_trial(
        &mut self,
        before: &[(ScreenId, Planned)],
        changes: &[(String, OutputChange)],
        revert_after: Duration,
    ) {
        let serial = self.screens.serial;
        let trial = &mut self.trial;
        for (id, state) in before {
            match trial.before.iter_mut().find(|(known, _)| known == id) {
                // It is only there once somebody asked for another.
                Some((_, known)) => known.brightness = known.brightness.or(state.brightness),
                None => trial.before.push((*id, *state)),
            }
        }
        trial.changes.extend_from_slice(changes);
        trial.serial = serial;
        trial.number += 1;
        let number = trial.number;
        self.after(revert_after.min(LONGEST), move |kiosk| kiosk.revert(number));
    }

    /// These screens were given a state for good: it is not to be undone.
    pub(crate) fn end_trial_of(&mut self, kept: &[(ScreenId, Planned)]) {
        let Self { trial, screens, .. } = self;
        let is_kept = |id: &ScreenId| kept.iter().any(|(other, _)| other == id);
        trial.before.retain(|(id, _)| !is_kept(id));
        trial.changes.retain(|(name, _)| screens.by_name(name).is_some_and(|screen| !is_kept(&screen.id)));
    }

    /// The time is up: unless the trial is over or was prolonged by another one, it is undone.
    fn revert(&mut self, number: u64) {
        if self.trial.number != number || self.trial.before.is_empty() {
            return;
        }
        tracing::info!("a temporary change of the screens goes back: it was not confirmed");
        let before = std::mem::take(&mut self.trial.before);
        self.trial.changes.clear();
        if let Err(error) = self.carry_out(&before) {
            self.problem(format!("a temporary screen change could not be reverted: {error}"));
        }
        self.changed = true;
    }

    /// Keeps the temporary change that made this layout; 0: whichever is on trial.
    pub fn confirm(&mut self, serial: u32) -> Result<u32, CommandError> {
        if serial != 0 && serial != self.trial.serial && serial != self.screens.serial {
            return Err(CommandError::StaleSerial(format!(
                "layout {serial} is not in force any more; it is {}",
                self.screens.serial
            )));
        }
        if self.trial.before.is_empty() {
            return Err(CommandError::NotFound(
                "there is no temporary change to confirm: it went back, or was confirmed already".into(),
            ));
        }
        let changes = std::mem::take(&mut self.trial.changes);
        self.trial.before.clear();
        let planned = self.plan(&changes)?;
        self.keep(&planned, &changes)?;
        Ok(self.screens.serial)
    }
}
