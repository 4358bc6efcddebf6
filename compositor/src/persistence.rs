//! Writes the saved state when it changes. Settings that change many times a second (brightness by a slider) are
//! written at once the first time and then at intervals, to spare the flash. What is saved is decided in
//! [`crate::transaction`] and [`crate::input`].

#![deny(clippy::indexing_slicing, clippy::string_slice)]

use std::{path::PathBuf, time::Duration};

use kiosk_core::config::{SaveError, SavedState};

use crate::kiosk::Kiosk;

/// Shortest interval between writes of quickly changing settings; a power cut loses at most this much.
const SAVE_INTERVAL: Duration = Duration::from_secs(3);

/// The saved state and its directory.
#[derive(Default)]
pub struct Saved {
    /// The saved state.
    pub state: SavedState,
    /// The directory of `state.toml`; `None`: nothing is written.
    pub directory: Option<PathBuf>,
    /// The interval since the last write is running.
    resting: bool,
    /// There are changes that are not written yet.
    unwritten: bool,
}

impl Saved {
    /// With the state read at start-up.
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

    /// Writes the state now, or within [`SAVE_INTERVAL`] of the last write.
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

    /// Writes pending changes at exit.
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
