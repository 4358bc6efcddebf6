//! Writes what outlives a restart, when something that is kept has changed. What changes many times a second (a
//! brightness by a slider) is written at once the first time and then only now and then: the flash of an appliance
//! does not last for ever. Never decides what is kept: see [`crate::transaction`] and [`crate::input`].

use std::{path::PathBuf, time::Duration};

use kiosk_core::config::{SaveError, SavedState};

use crate::kiosk::Kiosk;

/// Between two writes of what changes in passing. A power cut loses no more than what came after the first of them.
const SAVE_INTERVAL: Duration = Duration::from_secs(3);

/// Changes that outlive a restart, and where they are kept (`None`: nowhere).
#[derive(Default)]
pub struct Saved {
    /// What was kept so far.
    pub state: SavedState,
    /// Where `state.toml` is; `None`: kept until the end of the program.
    pub directory: Option<PathBuf>,
    /// Something was written in passing a moment ago.
    resting: bool,
    /// There is something that is not written yet.
    unwritten: bool,
}

impl Saved {
    /// With what was read at the start.
    pub fn new(state: SavedState, directory: Option<PathBuf>) -> Self {
        Self { state, directory, ..Self::default() }
    }
}

impl Kiosk {
    /// Writes the state now, whole.
    pub(crate) fn save(&mut self) -> Result<(), SaveError> {
        self.settings.saved.unwritten = false;
        let Saved { state, directory, .. } = &self.settings.saved;
        directory.as_ref().map_or(Ok(()), |directory| state.save(directory))
    }

    /// Writes the state now, or within [`SAVE_INTERVAL`] if that was done a moment ago.
    pub(crate) fn save_in_passing(&mut self) -> Result<(), SaveError> {
        if self.settings.saved.resting {
            self.settings.saved.unwritten = true;
            return Ok(());
        }
        self.save()?;
        self.settings.saved.resting = true;
        self.after(SAVE_INTERVAL, |kiosk| {
            kiosk.settings.saved.resting = false;
            if kiosk.settings.saved.unwritten {
                let saved = kiosk.save_in_passing();
                kiosk.note_unsaved(saved);
            }
        });
        Ok(())
    }

    /// Writes what is not written yet: the program ends.
    pub fn save_rest(&mut self) {
        if self.settings.saved.unwritten {
            let saved = self.save();
            self.note_unsaved(saved);
        }
    }

    fn note_unsaved(&mut self, saved: Result<(), SaveError>) {
        if let Err(error) = saved {
            self.problem(error.to_string());
        }
    }
}
