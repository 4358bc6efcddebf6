//! Measures the work of the shell's processes, and finds its renderers. Read from `/proc` on request; unreadable
//! processes count as nothing.

use rustix::process::{Pid, Signal, kill_process};

use crate::memory::group;

/// Bytes read or written that count as one unit of work: what a slow disk moves in a hundredth of a second.
const BYTES_A_UNIT: u64 = 64 * 1024;

/// The work of all processes in the group that `leader` leads, since they started: hundredths of a second of a
/// processor, pages that had to be read from a disk, and blocks of 64 KiB read or written.
pub fn of_group(leader: u32) -> u64 {
    members(leader).map(of_process).sum()
}

/// Kills the renderers in the process group that `leader` leads. Returns their number.
pub fn end_renderers(leader: u32) -> usize {
    let renderers = members(leader).filter(|pid| is_renderer(*pid));
    let ended = renderers.filter_map(|pid| Pid::from_raw(pid.cast_signed())).filter(|pid| {
        // Its id is not reused before the browser has reaped it.
        kill_process(*pid, Signal::KILL).is_ok()
    });
    ended.count()
}

fn members(leader: u32) -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    numbers.filter(move |pid| group(*pid) == Some(leader))
}

fn of_process(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let io = std::fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
    let bytes: u64 = ["rchar:", "wchar:"].into_iter().filter_map(|name| field(&io, name)).sum();
    ticks(&stat).unwrap_or(0) + bytes / BYTES_A_UNIT
}

/// `majflt`, `utime` and `stime`, the 12th, 14th and 15th field (proc_pid_stat(5)); the name before them may have
/// spaces and parentheses in it.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    [9, 11, 12].into_iter().map(|index| fields.get(index)?.parse::<u64>().ok()).sum()
}

fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

/// Some rewrite their arguments into one string with spaces.
fn is_renderer(pid: u32) -> bool {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.split(|byte| matches!(byte, 0 | b' ')).any(|word| word == b"--type=renderer")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::{Child, Command, Stdio};

    fn in_own_group(script: &str) -> Child {
        Command::new("sh").args(["-c", script]).process_group(0).spawn().unwrap()
    }

    fn grows(pid: u32, within: std::time::Duration) -> bool {
        let (end, before) = (std::time::Instant::now() + within, of_group(pid));
        while std::time::Instant::now() < end {
            if of_group(pid) > before + 5 {
                return true;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        false
    }

    #[test]
    fn the_work_of_a_group_is_that_of_all_its_processes() {
        let mut busy = in_own_group("while :; do :; done & wait");
        assert!(grows(busy.id(), std::time::Duration::from_secs(10)));
        crate::launcher::end_group(Pid::from_child(&busy));
        busy.wait().unwrap();
        let mut idle = in_own_group("sleep 60; true");
        assert!(!grows(idle.id(), std::time::Duration::from_millis(500)));
        crate::launcher::end_group(Pid::from_child(&idle));
        idle.wait().unwrap();
        assert_eq!(of_group(u32::MAX), 0);
    }

    #[test]
    fn only_renderers_of_the_group_are_ended() {
        // A shell that waits for input forks no child, which would have the same command line until its exec and count
        // as another renderer.
        let words = ["-c", "read line", "x", "--type=renderer"];
        let waits = || {
            let mut command = Command::new("sh");
            command.args(words).stdin(Stdio::piped());
            command
        };
        let mut leader = in_own_group("sleep 60; true");
        let group = leader.id().cast_signed();
        let mut renderer = waits().process_group(group).spawn().unwrap();
        let mut foreign = waits().process_group(0).spawn().unwrap();
        let has_line = |pid: u32| !std::fs::read(format!("/proc/{pid}/cmdline")).unwrap().is_empty();
        while !has_line(renderer.id()) || !has_line(foreign.id()) {
            std::thread::yield_now();
        }
        assert_eq!(end_renderers(leader.id()), 1);
        assert_eq!(renderer.wait().unwrap().signal(), Some(9));
        assert!(foreign.try_wait().unwrap().is_none() && leader.try_wait().unwrap().is_none());
        for child in [&mut leader, &mut foreign] {
            crate::launcher::end_group(Pid::from_child(child));
            child.wait().unwrap();
        }
    }
}
