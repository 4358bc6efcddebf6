//! The shell's memory: the sum over its process group, read on request.

use std::fs;

/// The memory of the process group that `leader` leads, bytes: proportional set sizes, or private pages where the
/// kernel does not show them.
pub fn of_group(leader: u32) -> u64 {
    let Ok(entries) = fs::read_dir("/proc") else { return 0 };
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    numbers.filter(|pid| group(*pid) == Some(leader)).map(of_process).sum()
}

/// The third field behind the program's name, which may have spaces and parentheses in it.
pub(crate) fn group(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(2)?.parse().ok()
}

fn of_process(pid: u32) -> u64 {
    proportional(pid).or_else(|| private(pid)).unwrap_or(0)
}

fn proportional(pid: u32) -> Option<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    kib_field(&rollup, "Pss:")
}

/// A sandboxed process does not show its maps.
fn private(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    kib_field(&status, "RssAnon:")
}

/// The value of `Name:   123 kB`, in bytes.
fn kib_field(text: &str, name: &str) -> Option<u64> {
    let kib: u64 = text.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB")?.parse().ok())?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_group_takes_memory_and_a_missing_one_none() {
        let own = group(std::process::id()).unwrap();
        assert!(of_group(own) > 1_000_000);
        assert_eq!(of_group(u32::MAX), 0);
        assert!(private(std::process::id()).unwrap() > 0);
    }
}
