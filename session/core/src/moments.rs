//! When strong measures were taken (a discarded profile, a restart of the session or the device), kept over restarts
//! and boots so that their budgets can be enforced. Times are of CLOCK_BOOTTIME plus the recorded run time of earlier
//! boots, never of the wall clock, which may jump by years. Unknown time counts as none: at worst a budget lasts
//! longer.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::durable::replace;
use crate::files::read_regular;
use crate::text::{printable, shortened};

/// Of the file, bytes.
const MAX_FILE: u64 = 16 << 10;
/// Most moments remembered of each measure, the latest.
const MAX_MOMENTS: usize = 8;
/// Of a reason that is kept, characters.
const MAX_REASON: usize = 300;

/// Why the moments cannot be stored.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", path.display())]
pub struct MomentsError {
    path: PathBuf,
    why: String,
}

/// Since the machine's boot, suspended time included.
pub fn since_boot() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The moments of measures, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moments {
    /// When this was written, seconds of CLOCK_BOOTTIME.
    at: i64,
    /// Seconds of that boot's CLOCK_BOOTTIME; what was before it is negative.
    moments: BTreeMap<String, Vec<i64>>,
    /// Why the last of them was taken.
    #[serde(default)]
    reason: String,
}

impl Moments {
    /// What is in the file at `path`, at `now` since the boot; no file: nothing. Errors: it can't be read, or is none of
    /// ours.
    pub fn read(path: &Path, now: Duration) -> Result<Self, MomentsError> {
        let wrong = |why: String| MomentsError { path: path.to_owned(), why };
        let bytes = match read_regular(path, MAX_FILE) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            read => read.map_err(|error| wrong(error.to_string()))?,
        };
        let mut read: Self = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        // A clock behind the recorded one is of another boot. A later one is taken for the same boot: if it is not,
        // more time has passed than is counted.
        let earlier = if read.at > seconds(now) { read.at } else { 0 };
        for moments in read.moments.values_mut() {
            // A moment in the future means a damaged file; it must not block a measure for years.
            moments.iter_mut().for_each(|moment| *moment = moment.saturating_sub(earlier).min(seconds(now)));
            moments.sort_unstable();
            moments.drain(..moments.len().saturating_sub(MAX_MOMENTS));
        }
        read.at = seconds(now);
        Ok(read)
    }

    /// In place of a file that cannot be read: assumes that the budgets of these measures were used up just now.
    pub fn unknown(names: &[&str], now: Duration) -> Self {
        let just_now = vec![seconds(now); MAX_MOMENTS];
        let moments = names.iter().map(|name| ((*name).to_owned(), just_now.clone())).collect();
        Self { at: seconds(now), moments, reason: String::new() }
    }

    /// The measure is taken at `now`, for this reason.
    pub fn add(&mut self, name: &str, reason: &str, now: Duration) {
        let moments = self.moments.entry(name.to_owned()).or_default();
        moments.push(seconds(now));
        moments.drain(..moments.len().saturating_sub(MAX_MOMENTS));
        self.reason = shortened(&printable(reason), MAX_REASON);
    }

    /// Writes them whole; after that they outlive a power cut.
    pub fn write(&mut self, path: &Path, now: Duration) -> Result<(), MomentsError> {
        let wrong = |why: String| MomentsError { path: path.to_owned(), why };
        self.at = seconds(now);
        let text = serde_json::to_vec(self).map_err(|error| wrong(error.to_string()))?;
        replace(path, &path.with_extension("new"), &text).map_err(|error| wrong(error.to_string()))
    }

    /// No measure was ever taken.
    pub fn is_empty(&self) -> bool {
        self.moments.is_empty()
    }

    /// How long ago the measure was taken for the last time; `None`: never.
    pub fn ago(&self, name: &str, now: Duration) -> Option<Duration> {
        self.moments.get(name)?.last().map(|moment| age(*moment, now))
    }

    /// How often it was taken within the last `period`, as far as is remembered.
    pub fn within(&self, name: &str, period: Duration, now: Duration) -> usize {
        let moments = self.moments.get(name).into_iter().flatten();
        moments.filter(|moment| age(**moment, now) < period).count()
    }

    /// Why the last measure was taken, returned once; empty afterwards.
    pub fn take_reason(&mut self) -> String {
        std::mem::take(&mut self.reason)
    }
}

fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

fn age(moment: i64, now: Duration) -> Duration {
    Duration::from_secs(u64::try_from(seconds(now).saturating_sub(moment)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3600;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn time_goes_on_over_restarts_and_boots_and_none_that_is_not_known_is_counted() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("measures.json");
        let mut moments = Moments::read(&path, at(50)).unwrap();
        assert!(moments.is_empty() && moments.ago("reboot", at(50)).is_none());
        moments.add("reboot", "no page", at(1000));
        moments.write(&path, at(1000)).unwrap();
        // A restart of the program.
        let same = Moments::read(&path, at(1600)).unwrap();
        assert_eq!((same.ago("reboot", at(1600)), same.clone().take_reason().as_str()), (Some(at(600)), "no page"));
        // Another boot: what the last one ran on is not known.
        let mut next = Moments::read(&path, at(7)).unwrap();
        assert_eq!(next.ago("reboot", at(7)), Some(at(7)));
        // It ended in order after two hours, and the third boot goes on from there.
        next.write(&path, at(2 * HOUR)).unwrap();
        let third = Moments::read(&path, at(9)).unwrap();
        assert_eq!(third.ago("reboot", at(9)), Some(at(2 * HOUR + 9)));
        // A boot that has run for longer than the file is old counts too little, never too much.
        let late = Moments::read(&path, at(3 * HOUR)).unwrap();
        assert_eq!(late.ago("reboot", at(3 * HOUR)), Some(at(3 * HOUR)));
        assert_eq!(
            (late.within("reboot", at(4 * HOUR), at(3 * HOUR)), late.within("reboot", at(HOUR), at(3 * HOUR))),
            (1, 0)
        );
    }

    #[test]
    fn what_is_remembered_is_bounded_and_a_damaged_file_counts_as_just_now() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("measures.json");
        let mut moments = Moments::default();
        for second in 0..1000 {
            moments.add("reboot", &"long".repeat(1000), at(second));
        }
        moments.write(&path, at(1000)).unwrap();
        assert!(std::fs::metadata(&path).unwrap().len() < 1000);
        assert_eq!(Moments::read(&path, at(1000)).unwrap().within("reboot", at(HOUR), at(1000)), MAX_MOMENTS);
        // Moments that are still to come are not believed.
        std::fs::write(&path, "{\"at\":5,\"moments\":{\"reboot\":[9000000000000000000, -9223372036854775808]}}")
            .unwrap();
        assert_eq!(Moments::read(&path, at(10)).unwrap().ago("reboot", at(10)), Some(at(0)));
        for damaged in ["", "{\"at\":", "[]", "{\"at\":1,\"moments\":{},\"more\":1}"] {
            std::fs::write(&path, damaged).unwrap();
            let error = Moments::read(&path, at(10)).unwrap_err().to_string();
            assert!(error.contains("measures.json: "), "{error}");
        }
        let unknown = Moments::unknown(&["reboot"], at(10));
        assert_eq!((unknown.ago("reboot", at(10)), unknown.ago("other", at(10))), (Some(at(0)), None));
        let missing = directory.path().join("none/measures.json");
        assert!(Moments::default().write(&missing, at(1)).unwrap_err().to_string().contains("none/measures.json: "));
    }
}
