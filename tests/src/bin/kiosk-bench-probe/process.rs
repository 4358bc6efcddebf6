//! What `/proc` says about a process with all its threads.

use std::fs;

use anyhow::{Context, Result};
use kiosk_tests::sample::Memory;

/// Nanoseconds on a processor, all threads.
pub fn processor_time(pid: u32) -> Result<u64> {
    sum_over_threads(pid, "schedstat", |text| text.split_whitespace().next().and_then(|field| field.parse().ok()))
}

/// How often any thread went to sleep of its own will: each wake-up ends so, and being preempted is none.
pub fn switches(pid: u32) -> Result<u64> {
    sum_over_threads(pid, "status", |text| field(text, "voluntary_ctxt_switches:"))
}

pub fn memory(pid: u32) -> Result<Memory> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = fs::read_to_string(&path).context(path)?;
    Ok(Memory { pss_kib: field(&text, "Pss:").context("Pss")?, rss_kib: field(&text, "Rss:").context("Rss")? })
}

fn sum_over_threads(pid: u32, file: &str, value: impl Fn(&str) -> Option<u64>) -> Result<u64> {
    let directory = format!("/proc/{pid}/task");
    let mut sum = 0;
    for thread in fs::read_dir(&directory).with_context(|| directory.clone())? {
        // A thread may end while we count.
        if let Ok(text) = fs::read_to_string(thread?.path().join(file)) {
            sum += value(&text).with_context(|| format!("{directory}/*/{file} is not as expected"))?;
        }
    }
    Ok(sum)
}

fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_works_is_seen_to_work() {
        let pid = std::process::id();
        let (time, woken) = (processor_time(pid).unwrap(), switches(pid).unwrap());
        std::thread::sleep(std::time::Duration::from_millis(5));
        assert!((0..2_000_000).fold(1_u64, |a, n| a.wrapping_mul(n | 1)) != 0);
        assert!(processor_time(pid).unwrap() > time);
        assert!(switches(pid).unwrap() > woken);
        assert!(memory(pid).unwrap().pss_kib > 0);
    }

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let status = "Name:\tx\nvoluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t3\n";
        assert_eq!(field(status, "voluntary_ctxt_switches:"), Some(7));
        assert_eq!(field(status, "nonvoluntary_ctxt_switches:"), Some(3));
        assert_eq!(field(status, "Pss:"), None);
    }
}
