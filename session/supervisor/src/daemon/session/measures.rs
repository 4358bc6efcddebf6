//! Stores the strong measures of the ladder in a small file in the session's directory, so that their budgets last over
//! restarts and boots. Which measures are available is decided here, whether one is taken in [`crate::recovery`].

use std::path::PathBuf;
use std::time::Duration;

use super::Daemon;
use crate::daemon::Input;
use crate::machine::Event;
use crate::profile::Directories;
use crate::recovery::{LastMeasures, Measures, Rung};
use kiosk_core::config::masked;
use kiosk_core::moments::{Moments, since_boot};

/// In the session's directory.
const FILE: &str = "measures.json";
/// The names in the file, of [`Rung::Profile`], [`Rung::Session`] and [`Rung::Reboot`].
const NAMES: [&str; 3] = ["profile", "session", "reboot"];

/// The measures taken, and their file.
pub(super) struct Kept {
    path: PathBuf,
    moments: Moments,
    /// The timer to save the run time is armed.
    ticks: bool,
}

impl Kept {
    /// Those of this shell.
    pub fn read(directories: &Directories) -> Self {
        let path = directories.base.join(FILE);
        let moments = Moments::read(&path, since_boot()).unwrap_or_else(|error| {
            tracing::warn!(%error, "record of strong measures unreadable: all count as just taken");
            Moments::unknown(&NAMES, since_boot())
        });
        Kept { path, moments, ticks: false }
    }

    /// The measures taken before, for a new state machine.
    pub fn before(&self) -> LastMeasures {
        let [profile, session, reboot] = NAMES.map(|name| self.moments.ago(name, since_boot()));
        LastMeasures { profile, session, reboot }
    }

    /// Why this session was started, if the last one had itself or the device restarted just now. Returned once.
    pub fn occasion(&mut self) -> Option<(String, String)> {
        let just = |name| self.moments.ago(name, since_boot()).is_some_and(|ago| ago < OCCASION);
        let action = match () {
            () if just("reboot") => "the device was to be restarted",
            () if just("session") => "kiosk-session was started anew",
            () => return None,
        };
        let reason = self.moments.take_reason();
        self.keep();
        (!reason.is_empty()).then(|| (reason, action.to_owned()))
    }

    /// Whether a measure still counts against a budget.
    fn is_young(&self) -> bool {
        NAMES.iter().any(|name| self.moments.ago(name, since_boot()).is_some_and(|ago| ago < LONGEST_BUDGET))
    }

    /// Saves the run time of this boot: at the session's end, and periodically in case of a power cut.
    pub fn keep(&mut self) {
        if !self.moments.is_empty()
            && let Err(error) = self.moments.write(&self.path, since_boot())
        {
            tracing::warn!(%error, "record of strong measures not written");
        }
    }
}

/// The longest budget.
const LONGEST_BUDGET: Duration = Duration::from_secs(25 * 3600);
/// How often the run time is saved while a budget is in use.
const KEEP_INTERVAL: Duration = Duration::from_secs(3600);
/// An older measure is not the cause of this start: a boot takes less time.
const OCCASION: Duration = Duration::from_secs(300);

impl Daemon {
    /// Tells the state machine the available measures before each turn.
    pub(super) fn tell_measures(&mut self) {
        // One shell's failure must not take another shell's page away; and only the first shell decides.
        let alone = self.number == 0 && !self.board.others_seen(self.number);
        let session = alone && (self.board.is_managed() || self.kioskd_restarts_us);
        self.machine.set_measures(Measures { profile: true, session, reboot: alone && self.reboot });
    }

    /// Saves the run time hourly while a budget is in use: for a device that is switched off every evening the budgets
    /// would never end otherwise.
    pub(super) fn keep_time(&mut self) {
        if self.kept.ticks || !self.kept.is_young() {
            return;
        }
        self.kept.ticks = true;
        let inputs = self.inputs.clone();
        tokio::spawn(async move {
            tokio::time::sleep(KEEP_INTERVAL).await;
            let _ = inputs.send(Input::KeepTime);
        });
    }

    /// The timer for the run time.
    pub(super) fn time_kept(&mut self) {
        self.kept.ticks = false;
        self.kept.keep();
        self.keep_time();
    }

    /// Records a measure; an event reports whether it may be taken.
    pub(super) fn take_measure(&mut self, rung: Rung, reason: &str) {
        let name = match rung {
            Rung::Session => NAMES[1],
            Rung::Reboot => NAMES[2],
            _ => NAMES[0],
        };
        let now = since_boot();
        self.kept.moments.add(name, &masked(reason), now);
        self.happened.push_back(match self.kept.moments.write(&self.kept.path, now) {
            Ok(()) => Event::MeasureKept { rung },
            Err(error) => Event::MeasureRefused { rung, reason: error.to_string() },
        });
        self.keep_time();
    }
}
