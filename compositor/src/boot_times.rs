//! When this boot had its first frame and its first page, for `kioskctl status --boot`. A kioskd that is restarted hours
//! later is not what people wait for at power-on: the first one of a boot leaves both in a file of the runtime directory,
//! which ends with the boot, and a later one tells them as they are there.

#![deny(clippy::indexing_slicing, clippy::string_slice)]

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kiosk_core::files::read_regular;
use serde::{Deserialize, Serialize};

/// In the runtime directory.
const FILE: &str = "boot-times.json";
/// Of that file, bytes.
const MAX_FILE: u64 = 4 << 10;

/// The moments, microseconds of CLOCK_MONOTONIC; 0: not yet, or not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BootTimes {
    /// A frame was on a display.
    pub first_frame: u64,
    /// A shell was seen, and nothing of ours over it.
    pub first_page: u64,
}

/// The moments with their file. The default keeps nothing: of a kioskd that is not what its machine is for.
#[derive(Debug, Default)]
pub struct BootRecord {
    times: BootTimes,
    file: Option<PathBuf>,
}

impl BootRecord {
    /// What this boot's first kioskd has left in the runtime directory, if there was one before.
    pub fn load(runtime_dir: &Path) -> Self {
        let file = runtime_dir.join(FILE);
        let times = match read_regular(&file, MAX_FILE) {
            Err(error) if error.kind() == ErrorKind::NotFound => BootTimes::default(),
            read => {
                let read = read.map_err(|error| error.to_string());
                read.and_then(|bytes| serde_json::from_slice(&bytes).map_err(|error| error.to_string())).unwrap_or_else(
                    |error| {
                        tracing::warn!(file = %file.display(), %error, "this boot's times can't be read: they are not told");
                        BootTimes::default()
                    },
                )
            }
        };
        Self { times, file: Some(file) }
    }

    /// As far as they are known.
    pub fn times(&self) -> BootTimes {
        self.times
    }

    /// The first frame of this process is on a display, at `now` on CLOCK_MONOTONIC.
    pub fn frame_presented(&mut self, now: Duration) {
        self.note(now, |times| &mut times.first_frame);
    }

    /// The first shell of this process is seen. Returns whether that is news.
    pub fn shell_shown(&mut self, now: Duration) -> bool {
        self.note(now, |times| &mut times.first_page)
    }

    fn note(&mut self, now: Duration, moment: impl Fn(&mut BootTimes) -> &mut u64) -> bool {
        let moment = moment(&mut self.times);
        if *moment != 0 {
            return false;
        }
        *moment = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        if let Some(file) = &self.file
            && let Err(error) = write(file, self.times)
        {
            tracing::debug!(file = %file.display(), %error, "this boot's times can't be kept");
        }
        true
    }
}

/// Gone with the boot: nothing is made durable.
fn write(file: &Path, times: BootTimes) -> std::io::Result<()> {
    let new = file.with_extension("new");
    std::fs::write(&new, serde_json::to_vec(&times)?)?;
    std::fs::rename(&new, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_process_tells_what_the_first_one_of_the_boot_left() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut first = BootRecord::load(directory.path());
        assert_eq!(first.times(), BootTimes::default());
        first.frame_presented(Duration::from_micros(7));
        assert!(first.shell_shown(Duration::from_micros(9)));
        assert!(!first.shell_shown(Duration::from_micros(12)));
        let mut second = BootRecord::load(directory.path());
        second.frame_presented(Duration::from_secs(1000));
        assert!(!second.shell_shown(Duration::from_secs(1000)));
        assert_eq!(second.times(), BootTimes { first_frame: 7, first_page: 9 });
    }

    #[test]
    fn a_file_that_is_none_of_ours_is_not_taken_and_replaced() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join(FILE), "{\"first-frame\": \"soon\"}").expect("written");
        let mut record = BootRecord::load(directory.path());
        assert_eq!(record.times(), BootTimes::default());
        record.frame_presented(Duration::from_micros(7));
        assert_eq!(BootRecord::load(directory.path()).times().first_frame, 7);
    }

    #[test]
    fn a_directory_that_cannot_be_written_costs_nothing_but_the_file() {
        let mut record = BootRecord::load(Path::new("/nonexistent"));
        record.frame_presented(Duration::from_micros(7));
        assert_eq!(record.times().first_frame, 7);
    }
}
