//! The strong measures of the ladder, as the daemon keeps them: in a small file in the session's directory, so that their
//! budgets go on over restarts and boots. What of them there is at a moment is decided here, whether one is taken in
//! [`crate::recovery`].

use std::path::PathBuf;
use std::time::Duration;

use super::Daemon;
use crate::daemon::Input;
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
    /// The time of this boot is to be written down again.
    ticks: bool,
}

impl Kept {
    /// Those of this shell.
    pub fn read(directories: &Directories) -> Self {
        let path = directories.base.join(FILE);
        let moments = Moments::read(&path, since_boot()).unwrap_or_else(|error| {
            tracing::warn!(%error, "what was done before is not known: no strong measure is taken before its time");
            Moments::unknown(&NAMES, since_boot())
        });
        Kept { path, moments, ticks: false }
    }

    /// For the machine, which begins now.
    pub fn before(&self) -> Before {
        let [profile, session, reboot] = NAMES.map(|name| self.moments.ago(name, since_boot()));
        Before { profile, session, reboot }
    }

    /// What brought this session about: why the last one had itself started anew, or the device, when that has just been.
    /// It is told once.
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

    /// Whether some budget is still counted.
    fn is_young(&self) -> bool {
        NAMES.iter().any(|name| self.moments.ago(name, since_boot()).is_some_and(|ago| ago < LONGEST_BUDGET))
    }

    /// The time until now counts at the next boot: at the session's end, and now and then for a device whose power is cut.
    pub fn keep(&mut self) {
        if !self.moments.is_empty()
            && let Err(error) = self.moments.write(&self.path, since_boot())
        {
            tracing::warn!(%error, "what was done can't be kept");
        }
    }
}

/// No budget counts what is longer ago.
const LONGEST_BUDGET: Duration = Duration::from_secs(25 * 3600);
/// How often the time of this boot is written down while a budget is counted.
const KEEP_INTERVAL: Duration = Duration::from_secs(3600);
/// A measure that is longer ago has nothing to do with this start: a device takes no longer for its boot.
const OCCASION: Duration = Duration::from_secs(300);

impl Daemon {
    /// Said to the machine before each of its turns.
    pub(super) fn tell_measures(&mut self) {
        // One shell's trouble is not to take the page of another one away; and one of them speaks for all.
        let alone = self.number == 0 && !self.board.others_seen(self.number);
        let session = alone && (self.board.is_managed() || self.kioskd_restarts_us);
        self.machine.set_measures(Measures { profile: true, session, reboot: alone && self.reboot });
    }

    /// Has the time of this boot written down in an hour, as long as a budget is counted by it: a device that is cut off
    /// from its power each evening would stay within them for ever.
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

    /// The hour is over.
    pub(super) fn time_kept(&mut self) {
        self.kept.ticks = false;
        self.kept.keep();
        self.keep_time();
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
        self.keep_time();
    }
}
