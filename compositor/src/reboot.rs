//! Restarts the device as the last step of a session whose page does not come up: only with `health.reboot`, on the
//! device's own screens, and within a budget that is kept over boots, so that it never loops. The session asks on the
//! control socket; the decision is made here, in case the session is compromised. logind restarts the device on behalf
//! of the active session on the seat, kioskd's, without further rights.

use std::{path::Path, time::Duration};

use kiosk_core::moments::{Moments, since_boot};
use smithay::reexports::calloop::channel::{self, Event as ChannelEvent};

use crate::{
    kiosk::Kiosk,
    logind::{self, LogindError},
};
use kiosk_core::api::Notice;

/// The file of the budget, in the state directory.
const FILE: &str = "reboots.json";
/// The measure's name in that file.
const NAME: &str = "reboot";
/// Shortest time between two restarts.
const APART: Duration = Duration::from_secs(3600);
/// Most restarts within a day of run time.
const MOST: usize = 3;
const DAY: Duration = Duration::from_secs(24 * 3600);
/// How often the run time of this boot is saved.
const KEEP_INTERVAL: Duration = Duration::from_secs(3600);

/// Why the device is not restarted.
#[derive(Debug, thiserror::Error)]
pub enum RebootError {
    /// Disabled by the configuration.
    #[error("health.reboot is false")]
    NotConfigured,
    /// It runs in a window, or in a test.
    #[error("kioskd does not run on the device's own screens")]
    NotOurs,
    /// A restart has been asked for already.
    #[error("a restart has been asked for")]
    UnderWay,
    /// The last one is too recent.
    #[error("the device was restarted {} min ago, and is at most once an hour", .0.as_secs() / 60)]
    TooSoon(Duration),
    /// The budget is used up.
    #[error("the device was restarted {MOST} times within a day of its running, and is not more often")]
    TooOften,
    /// The budget's file could not be written.
    #[error("the restart can't be written down, and without that it could become a loop: {0}")]
    NotKept(String),
    /// logind refused or did not answer.
    #[error("logind does not restart the device: {0}")]
    Logind(#[from] LogindError),
}

/// Takes a restart from the budget in `directory`, at `now` since boot, and saves that before the restart.
fn take(directory: Option<&Path>, reason: &str, now: Duration) -> Result<(), RebootError> {
    let directory = directory.ok_or_else(|| RebootError::NotKept("there is no state directory".into()))?;
    let path = directory.join(FILE);
    let mut moments = Moments::read(&path, now).unwrap_or_else(|error| {
        tracing::warn!(%error, "time of the last restart unknown: taken for just now");
        let unknown = Moments::unknown(&[NAME], now);
        // Replaces the unreadable file, so that later requests can be counted.
        let _ = unknown.clone().write(&path, now);
        unknown
    });
    if let Some(ago) = moments.ago(NAME, now).filter(|ago| *ago < APART) {
        return Err(RebootError::TooSoon(ago));
    }
    if moments.within(NAME, DAY, now) >= MOST {
        return Err(RebootError::TooOften);
    }
    moments.add(NAME, reason, now);
    moments.write(&path, now).map_err(|error| RebootError::NotKept(error.to_string()))
}

/// Saves the run time of this boot. Returns whether any restart still counts against the budget.
fn keep_time(directory: &Path, now: Duration) -> bool {
    let path = directory.join(FILE);
    let Ok(mut moments) = Moments::read(&path, now) else { return false };
    if !moments.is_empty()
        && let Err(error) = moments.write(&path, now)
    {
        tracing::warn!(%error, "run time of this boot not saved");
    }
    moments.within(NAME, DAY, now) > 0
}

/// Asks logind on this bus to restart the device, without a prompt; `None`: the system bus.
fn order(bus: Option<&str>) -> Result<(), LogindError> {
    logind::ask(bus, "/org/freedesktop/login1", "org.freedesktop.login1.Manager", "Reboot", &(false))
}

impl Kiosk {
    /// Handles a session's request to restart the device, with its reason; empty: no request.
    pub(crate) fn reboot_requested(&mut self, shell: usize, reason: &str) {
        let requested = &mut self.main_loop.lifecycle.reboot_requested;
        if reason.is_empty() {
            requested.remove(&shell);
            return;
        }
        if !requested.insert(shell) {
            return;
        }
        if let Err(error) = self.reboot(shell, reason) {
            self.reboot_refused(shell, &error);
        }
    }

    fn reboot(&mut self, shell: usize, reason: &str) -> Result<(), RebootError> {
        if !self.settings.config.health.reboot {
            return Err(RebootError::NotConfigured);
        }
        if self.hardware.backend.name() != "kms" {
            return Err(RebootError::NotOurs);
        }
        if self.main_loop.lifecycle.reboots {
            return Err(RebootError::UnderWay);
        }
        take(self.settings.saved.directory.as_deref(), reason, since_boot())?;
        self.main_loop.lifecycle.reboots = true;
        self.problem(format!("the device is restarted: {reason}"));
        let (answers, answered) = channel::channel();
        let inserted = self.main_loop.handle.insert_source(answered, move |event, _, kiosk| {
            if let ChannelEvent::Msg(Err(error)) = event {
                kiosk.main_loop.lifecycle.reboots = false;
                kiosk.reboot_refused(shell, &RebootError::Logind(error));
            }
        });
        if let Err(error) = inserted {
            tracing::warn!(%error, "no channel for logind's answer");
        }
        std::thread::spawn(move || {
            // The loop is gone only when the process ends.
            let _ = answers.send(order(None));
        });
        Ok(())
    }

    fn reboot_refused(&mut self, shell: usize, error: &RebootError) {
        let reason = error.to_string();
        self.problem(format!("no restart of the device: {reason}"));
        self.session.links.tell(shell, &Notice::NoReboot { reason });
    }

    /// Called at start-up, and each hour while a restart counts against the budget: some devices are switched off every
    /// evening.
    pub(crate) fn keep_reboot_time(&mut self) {
        if self.settings.config.health.reboot
            && let Some(directory) = &self.settings.saved.directory
            && keep_time(directory, since_boot())
        {
            self.after(KEEP_INTERVAL, Kiosk::keep_reboot_time);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3600;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn try_at(directory: &Path, seconds: u64) -> Option<String> {
        take(Some(directory), "no page", at(seconds)).err().map(|error| error.to_string())
    }

    #[test]
    fn logind_is_asked_to_restart_without_asking_anybody_else() {
        let logind = crate::logind::fake::Logind::start();
        for refuses in [false, true] {
            let (answer, (path, interactive)) = logind.exchange::<bool>(refuses, |bus| order(Some(bus)));
            assert_eq!((answer.is_err(), path.as_str(), interactive), (refuses, "/org/freedesktop/login1", false));
        }
    }

    #[test]
    fn one_an_hour_and_three_a_day() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        assert_eq!(try_at(path, 600), None);
        let soon = try_at(path, 600 + 25 * 60);
        assert_eq!(soon.as_deref(), Some("the device was restarted 25 min ago, and is at most once an hour"));
        assert_eq!(try_at(path, 600 + HOUR), None);
        assert_eq!(try_at(path, 600 + 2 * HOUR), None);
        let often = try_at(path, 600 + 23 * HOUR).unwrap();
        assert!(often.starts_with("the device was restarted 3 times within a day"), "{often}");
        assert_eq!(try_at(path, 600 + 24 * HOUR), None, "the first is a day ago");
    }

    #[test]
    fn a_device_whose_page_never_comes_up_again_restarts_three_times_in_a_day_of_running() {
        let directory = tempfile::tempdir().unwrap();
        let mut boots = Vec::new();
        let mut total = 0;
        // Boots that each ask every minute, and are restarted or cut off after two days.
        while total < 40 * 24 * HOUR {
            let restarted = (1..2 * 24 * 60).find(|minute| try_at(directory.path(), minute * 60).is_none());
            total += restarted.map_or(48 * HOUR, |minute| minute * 60);
            if restarted.is_some() {
                boots.push(total);
            }
        }
        assert!(boots.len() >= 30, "{boots:?}");
        for (index, from) in boots.iter().enumerate() {
            let day = boots[index..].iter().take_while(|at| **at < from + 24 * HOUR).count();
            assert!(day <= MOST, "{boots:?}");
            assert!(boots.get(index + 1).is_none_or(|next| next - from >= HOUR), "{boots:?}");
        }
    }

    #[test]
    fn a_reboot_that_cannot_be_recorded_is_not_done() {
        let directory = tempfile::tempdir().unwrap();
        assert!(take(None, "no page", at(1)).is_err());
        let gone = directory.path().join("gone");
        assert!(try_at(&gone, 1).unwrap().starts_with("the restart can't be written down"));
        let path = directory.path().join(FILE);
        std::fs::write(&path, "garbage").unwrap();
        assert!(try_at(directory.path(), 5000).unwrap().contains("0 min ago"));
        assert!(try_at(directory.path(), 5000 + HOUR).unwrap().contains("3 times"), "as often as it may");
        assert_eq!(try_at(directory.path(), 5000 + 24 * HOUR), None);
    }

    #[test]
    fn the_time_of_a_boot_that_ends_in_order_counts() {
        let directory = tempfile::tempdir().unwrap();
        keep_time(directory.path(), at(1));
        assert!(!directory.path().join(FILE).exists(), "nothing to keep");
        assert_eq!(try_at(directory.path(), 5 * HOUR), None);
        keep_time(directory.path(), at(5 * HOUR + 50 * 60));
        assert!(try_at(directory.path(), 60).unwrap().contains("51 min ago"));
        assert_eq!(try_at(directory.path(), 11 * 60), None);
    }
}
