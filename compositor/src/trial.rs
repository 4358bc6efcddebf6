//! Temporary changes of the screens, which are reverted unless they are confirmed in time. Other events (another trial,
//! a hotplug, a change of another screen) do not make a trial permanent.
//!
//! No I/O and no clock: the root starts a trial, arms the timer, and carries out the result.

use crate::{
    command::{CommandError, OutputChange},
    screens::{ScreenId, plan::Planned},
};

/// Why there is nothing to confirm.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrialError {
    /// The layout has changed since.
    #[error("layout {serial} is not in force any more; it is {in_force}")]
    Stale {
        /// The caller's serial.
        serial: u32,
        /// The current serial.
        in_force: u32,
    },
    /// There is no trial.
    #[error("there is no temporary change to confirm: it went back, or was confirmed already")]
    None,
}

impl From<TrialError> for CommandError {
    fn from(error: TrialError) -> Self {
        match error {
            TrialError::Stale { .. } => Self::StaleSerial(error.to_string()),
            TrialError::None => Self::NotFound(error.to_string()),
        }
    }
}

/// Changes that are in force but not confirmed.
#[derive(Debug, Default)]
pub struct Trial {
    /// The screens' states before the first change; empty: there is no trial.
    before: Vec<(ScreenId, Planned)>,
    /// The changes, to be saved when they are confirmed.
    changes: Vec<(String, OutputChange)>,
    /// The layout serial of the newest change.
    serial: u32,
    /// Counts trials, so that outdated timers are recognised.
    number: u64,
}

impl Trial {
    /// Whether a trial is in progress.
    pub fn is_on(&self) -> bool {
        !self.before.is_empty()
    }

    /// The changes are in force and made the layout `serial`. Returns the trial's number, for [`Trial::expire`].
    pub fn start(&mut self, before: &[(ScreenId, Planned)], changes: &[(String, OutputChange)], serial: u32) -> u64 {
        for (id, state) in before {
            match self.before.iter_mut().find(|(known, _)| known == id) {
                // The first trial has a screen's original state; its brightness is known only from the first change of
                // it.
                Some((_, known)) => known.brightness = known.brightness.or(state.brightness),
                None => self.before.push((*id, *state)),
            }
        }
        self.changes.extend_from_slice(changes);
        self.serial = serial;
        self.number += 1;
        self.number
    }

    /// Drops these screens from the trial, as their new state was saved. `screen` finds a screen by name.
    pub fn forget(&mut self, kept: &[(ScreenId, Planned)], screen: impl Fn(&str) -> Option<ScreenId>) {
        let is_kept = |id: &ScreenId| kept.iter().any(|(other, _)| other == id);
        self.before.retain(|(id, _)| !is_kept(id));
        self.changes.retain(|(name, _)| screen(name).is_some_and(|id| !is_kept(&id)));
    }

    /// The timer of a trial. Returns the states to restore; `None`: the trial has ended or was extended.
    pub fn expire(&mut self, number: u64) -> Option<Vec<(ScreenId, Planned)>> {
        if self.number != number || self.before.is_empty() {
            return None;
        }
        self.changes.clear();
        Some(std::mem::take(&mut self.before))
    }

    /// Ends the trial with this layout serial, 0: any; `in_force` is the current one. Returns its changes, to be saved.
    pub fn confirm(&mut self, serial: u32, in_force: u32) -> Result<Vec<(String, OutputChange)>, TrialError> {
        if serial != 0 && serial != self.serial && serial != in_force {
            return Err(TrialError::Stale { serial, in_force });
        }
        if self.before.is_empty() {
            return Err(TrialError::None);
        }
        self.before.clear();
        Ok(std::mem::take(&mut self.changes))
    }
}

#[cfg(test)]
mod tests {
    use kiosk_core::config::{Brightness, Rotation, ScaleFactor};

    use super::*;

    fn state(percent: Option<u8>) -> Planned {
        Planned {
            power: true,
            rotation: Default::default(),
            scale: ScaleFactor::ONE,
            auto_scale: false,
            mode: None,
            position: None,
            mirror: None,
            brightness: percent.map(|percent| Brightness::try_from(i64::from(percent)).unwrap()),
        }
    }

    fn change(name: &str) -> (String, OutputChange) {
        (name.into(), OutputChange { rotation: Some(Rotation::R90), ..OutputChange::default() })
    }

    #[test]
    fn a_second_trial_prolongs_the_first_and_restores_what_was_before_it() {
        let mut trial = Trial::default();
        let first = trial.start(&[(ScreenId(1), state(None))], &[change("DP-1")], 5);
        let second = trial.start(&[(ScreenId(1), state(Some(40)))], &[change("DP-1")], 6);
        assert_eq!(trial.expire(first), None);
        assert_eq!(trial.expire(second), Some(vec![(ScreenId(1), state(Some(40)))]));
        assert_eq!(trial.expire(second), None, "once");
    }

    #[test]
    fn only_the_layout_that_is_on_trial_is_confirmed() {
        let mut trial = Trial::default();
        assert!(matches!(trial.confirm(0, 4), Err(TrialError::None)));
        let number = trial.start(&[(ScreenId(1), state(None))], &[change("DP-1")], 5);
        assert!(matches!(trial.confirm(4, 7), Err(TrialError::Stale { serial: 4, in_force: 7 })));
        assert_eq!(trial.confirm(5, 7), Ok(vec![change("DP-1")]));
        assert_eq!(trial.expire(number), None);
    }

    #[test]
    fn changes_kept_during_a_trial_survive_its_revert() {
        let mut trial = Trial::default();
        let before = [(ScreenId(1), state(None)), (ScreenId(2), state(None))];
        let number = trial.start(&before, &[change("DP-1"), change("DP-2")], 5);
        trial.forget(&before[..1], |name| Some(ScreenId(if name == "DP-1" { 1 } else { 2 })));
        assert_eq!(trial.expire(number), Some(before[1..].to_vec()));
    }
}
