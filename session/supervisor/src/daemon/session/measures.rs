//! The strong measures of the ladder, as the daemon keeps them: in a small file in the session's directory, so that their
//! budgets go on over restarts and boots. What of them there is at a moment is decided here, whether one is taken in
//! [`crate::recovery`].

use std::path::PathBuf;

use super::Daemon;
use crate::machine::Event;
use crate::profile::Directories;
use crate::recovery::{Before, Measures, Rung};
use kiosk_core::config::masked;
use kiosk_core::moments::{Moments, since_boot};

/// In the session's directory.
const FILE: &str = "measures.json";
/// The names in it, of [`Rung::Profile`], [`Rung::Session`] and [`Rung::Reboot`].
const NAMES: [&str; 3] = ["profile", "session", "reboot"];

/// What was done, and where that is kept.
pub(super) struct Kept {
    path: PathBuf,
    moments: Moments,
}

impl Kept {
    /// Those of this shell.
    pub fn read(directories: &Directories) -> Self {
        let path = directories.base.join(FILE);
        let moments = Moments::read(&path, since_boot()).unwrap_or_else(|error| {
            tracing::warn!(%error, "what was done before is not known: no strong measure is taken before its time");
            Moments::unknown(&NAMES, since_boot())
        });
        Kept { path, moments }
    }

    /// For the machine, which begins now.
    pub fn before(&self) -> Before {
        let [profile, session, reboot] = NAMES.map(|name| self.moments.ago(name, since_boot()));
        Before { profile, session, reboot }
    }

    /// What brought this session about: why the last one had itself started anew, or the device, when that has just been.
    pub fn occasion(&self) -> Option<(String, String)> {
        let just = |name| self.moments.ago(name, since_boot()).is_some_and(|ago| ago < OCCASION);
        let action = match () {
            () if just("reboot") => "the device was to be restarted",
            () if just("session") => "kiosk-session was started anew",
            () => return None,
        };
        Some((self.moments.reason().to_owned(), action.to_owned()))
    }

    /// The session ends in order: the time until now counts at the next boot.
    pub fn end(&mut self) {
        if !self.moments.is_empty()
            && let Err(error) = self.moments.write(&self.path, since_boot())
        {
            tracing::warn!(%error, "what was done can't be kept");
        }
    }
}

/// A measure that is longer ago has nothing to do with this start: a device takes no longer for its boot.
const OCCASION: std::time::Duration = std::time::Duration::from_secs(300);

impl Daemon {
    /// Said to the machine before each of its turns.
    pub(super) fn tell_measures(&mut self) {
        // One shell's trouble is not to take the page of another one away; and one of them speaks for all.
        let alone = self.number == 0 && !self.board.others_seen(self.number);
        let session = alone && (self.board.is_managed() || self.kioskd_restarts_us);
        self.machine.set_measures(Measures { profile: true, session, reboot: alone && self.reboot });
    }

    /// A measure is to be taken: whether it may be follows as an event.
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
    }
}
