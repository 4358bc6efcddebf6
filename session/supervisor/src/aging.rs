//! Reasons to restart a browser that has run for long: its program was replaced by an upgrade, or its memory grows.
//! [`crate::daemon`] measures while the page is up; the measurements are judged here. Reads `/proc` and the unit's
//! cgroup, and changes nothing.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Interval between checks of the program, each of which reads one link.
pub const LOOK_INTERVAL: Duration = Duration::from_secs(60);
/// Interval between measurements of the memory, for each of which the kernel walks all pages of the browser.
pub const MEASURE_INTERVAL: Duration = Duration::from_secs(600);
/// Measurements that are kept: a day.
const MAX_SAMPLES: usize = 144;
/// Measurements needed for a trend, six hours, so that a page's start does not count as one.
const LEAST_SAMPLES: usize = 36;
/// The growth that counts: this fraction, a quarter.
const LEAST_GROWTH: u64 = 4;
/// How far ahead the trend is extrapolated.
const AHEAD: u64 = 24 * 3600;
/// Per cent of the limit that are too much.
const FULL: u64 = 80;
/// Consecutive measurements above that, as a page may need a lot for a moment.
const FULL_SAMPLES: usize = 3;

/// Whether the program file of this process has been replaced by another one.
pub fn is_replaced(pid: u32) -> bool {
    let Ok(link) = fs::read_link(format!("/proc/{pid}/exe")) else { return false };
    let program = link.to_str().and_then(|link| link.strip_suffix(" (deleted)"));
    program.is_some_and(|program| Path::new(program).exists())
}

/// The browser's memory limit, bytes: of our unit and those above it, else the machine's memory. `None`: unknown.
pub fn memory_limit() -> Option<u64> {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let path = own.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default().to_owned();
    let root = PathBuf::from("/sys/fs/cgroup");
    let folders = Path::new(&path).ancestors().map(|part| root.join(part).join("memory.max"));
    let limits = folders.filter_map(|file| fs::read_to_string(file).ok()?.trim().parse::<u64>().ok());
    let machine = crate::browser::machine_memory().map(|kib| kib * 1024);
    limits.chain(machine).min()
}

/// The browser's memory since it was started, one measurement each [`MEASURE_INTERVAL`].
#[derive(Debug, Default)]
pub struct MemoryTrend {
    /// The first measurement, when the page was up.
    first: Option<u64>,
    samples: VecDeque<u64>,
}

impl MemoryTrend {
    /// Adds a measurement of `bytes` out of `limit`. Returns the reason for a restart, for a person, if there is one.
    pub fn take(&mut self, bytes: u64, limit: u64) -> Option<String> {
        if self.samples.len() >= MAX_SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back(bytes);
        let first = *self.first.get_or_insert(bytes);
        let too_much = |bytes: &u64| *bytes / FULL >= limit / 100;
        // Memory that the page needed from the beginning is needed by a new browser too, which would be restarted
        // endlessly.
        let has_grown = |bytes: &u64| bytes.saturating_sub(first) >= first / LEAST_GROWTH;
        let is_full = |bytes: &u64| too_much(bytes) && has_grown(bytes);
        if self.samples.len() >= FULL_SAMPLES && self.samples.iter().rev().take(FULL_SAMPLES).all(is_full) {
            return Some(format!("the browser takes {} MiB of {}", mib(bytes), mib(limit)));
        }
        let (first, last, hours) = self.growth()?;
        let seconds = hours * 3600;
        let ahead = last.saturating_add((last - first).saturating_mul(AHEAD) / seconds.max(1));
        too_much(&ahead).then(|| {
            format!(
                "the browser's memory grows: from {} to {} MiB in {hours} h, of {}",
                mib(first),
                mib(last),
                mib(limit)
            )
        })
    }

    /// The growth from the minimum of the first quarter to that of the last, if every quarter grew: garbage between
    /// collections does not count.
    fn growth(&self) -> Option<(u64, u64, u64)> {
        if self.samples.len() < LEAST_SAMPLES {
            return None;
        }
        let samples: Vec<u64> = self.samples.iter().copied().collect();
        let least: Vec<u64> =
            samples.chunks(samples.len().div_ceil(4)).filter_map(|part| part.iter().min().copied()).collect();
        let (first, last) = (*least.first()?, *least.last()?);
        let grew = least.is_sorted_by(|one, next| one < next) && last - first >= first / LEAST_GROWTH;
        let apart = samples.len() as u64 * MEASURE_INTERVAL.as_secs() * 3 / 4;
        grew.then_some((first, last, (apart / 3600).max(1)))
    }
}

fn mib(bytes: u64) -> u64 {
    bytes >> 20
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    /// When it is said of a browser that takes so much after so many measurements, within a month; hours.
    fn said(memory: impl Fn(u64) -> u64) -> Option<(u64, String)> {
        let mut trend = MemoryTrend::default();
        (0..30 * 144).find_map(|number| Some((number / 6, trend.take(memory(number) * MIB, 2000 * MIB)?)))
    }

    #[test]
    fn a_leak_is_said_long_before_the_limit_and_what_comes_and_goes_is_none() {
        assert_eq!(said(|_| 500), None);
        // The page is filled in its first hours, and then it is as it is.
        assert_eq!(said(|number| 300 + number.min(60) * 2), None);
        // Garbage that is collected each two hours.
        assert_eq!(said(|number| 400 + number % 12 * 60), None);
        // 12 MiB an hour, with garbage: 2000 are full after five days.
        let (hours, words) = said(|number| 300 + number * 2 + number % 12 * 20).unwrap();
        assert!((24..110).contains(&hours), "{hours}: {words}");
        // 60 MiB an hour.
        let (hours, words) = said(|number| 300 + number * 10).unwrap();
        assert!(hours < 7, "{hours}");
        assert!(words.starts_with("the browser's memory grows: from 300 to "), "{words}");
    }

    #[test]
    fn a_browser_that_is_near_its_limit_is_said_after_half_an_hour() {
        let (hours, words) = said(|number| if number == 3 || number > 9 { 1700 } else { 400 }).unwrap();
        assert_eq!((hours, words.as_str()), (2, "the browser takes 1700 MiB of 2000"));
    }

    #[test]
    fn a_page_that_needs_that_much_from_the_beginning_is_left_alone_until_it_has_grown() {
        assert_eq!(said(|_| 1700), None);
        assert_eq!(said(|number| if number == 0 { 1500 } else { 1800 }), None);
        // A month's measurements are not remembered, the first one is.
        let (hours, words) = said(|number| if number < 1000 { 1500 } else { 1900 }).unwrap();
        assert_eq!((hours, words.as_str()), (1002 / 6, "the browser takes 1900 MiB of 2000"));
    }

    #[test]
    fn a_program_is_replaced_when_another_one_is_in_its_place() {
        let base = tempfile::tempdir().unwrap();
        let program = base.path().join("sleeps");
        std::fs::copy("/bin/sleep", &program).unwrap();
        let mut child = std::process::Command::new(&program).arg("60").spawn().unwrap();
        assert!(!is_replaced(child.id()));
        std::fs::remove_file(&program).unwrap();
        assert!(!is_replaced(child.id()), "an upgrade is under way");
        std::fs::copy("/bin/sleep", &program).unwrap();
        assert!(is_replaced(child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!is_replaced(u32::MAX));
        assert!(memory_limit().unwrap() > 1_000_000);
    }
}
