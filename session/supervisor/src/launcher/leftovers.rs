//! Cleans up after an earlier kiosk-session that was killed: its shells' processes, and a browser's lock files in its
//! profile. Done once: at the first start of a shell, and at the start of the session for shells that are not
//! configured any more. The processes also when a command has ended: what it left in the background.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, getpid, pidfd_open, pidfd_send_signal};

use crate::profile::Directories;

/// In the environment of a shell and its children: the session's directory. Without the prefix `KIOSK_`, which marks
/// configuration.
pub const MARK_ENV: &str = "SHELL_OF_KIOSK_SESSION";
/// Time limit for all of them to exit.
const END_TIMEOUT: Duration = Duration::from_secs(2);

/// Cleans up after shells that are not configured any more: kills the processes of shells with the number `shells` or
/// higher, and removes their profiles' lock files. The profiles stay, as the configuration may come back.
pub fn end_unconfigured(directories: &Directories, shells: usize) {
    for unused in directories.others(shells) {
        end_shells(&unused.base, &unused.profile);
        remove_marks(&unused.profile);
    }
}

/// Kills every process that has the session's mark in its environment or uses `profile`, and waits for their exit.
pub fn end_shells(directory: &Path, profile: &Path) {
    let mark = format!("{MARK_ENV}={}", directory.display());
    let argument = format!("--user-data-dir={}", profile.display());
    let processes: Vec<_> = running(&mark, &argument).collect();
    let limit = Instant::now() + END_TIMEOUT;
    if !processes.is_empty() {
        tracing::warn!(processes = processes.len(), "killing processes of an earlier shell");
    }
    for pidfd in processes {
        let ended = pidfd_send_signal(&pidfd, Signal::KILL).map_err(io::Error::from).and_then(|()| {
            let rest = limit.saturating_duration_since(Instant::now());
            let rest = Timespec::try_from(rest).map_err(io::Error::other)?;
            poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&rest)).map_err(io::Error::from)
        });
        if let Err(error) = ended {
            tracing::warn!(%error, "shell of an earlier session not killed");
        }
    }
}

/// pidfds of these processes, so that no reused id is signalled.
fn running(mark: &str, argument: &str) -> impl Iterator<Item = OwnedFd> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter_map(Pid::from_raw);
    numbers.filter(|pid| *pid != getpid()).filter_map(move |pid| {
        if !is_ours(pid, mark, argument) {
            return None;
        }
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).ok()?;
        is_ours(pid, mark, argument).then_some(pidfd)
    })
}

/// A browser's helpers may hide environment and arguments, but die with the browser; some rewrite their arguments into
/// one string with spaces.
fn is_ours(pid: Pid, mark: &str, argument: &str) -> bool {
    let read = |file: &str| std::fs::read(format!("/proc/{}/{file}", pid.as_raw_nonzero())).unwrap_or_default();
    let has_mark = read("environ").split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes());
    has_mark || read("cmdline").split(|byte| matches!(byte, 0 | b' ')).any(|word| word == argument.as_bytes())
}

/// Removes the lock files by which a browser marks its profile as in use. Only when no process uses it.
pub fn remove_marks(profile: &Path) {
    // The socket is in a temporary directory of its own.
    let socket = profile.join("SingletonSocket");
    if let Ok(target) = std::fs::read_link(&socket)
        && target.file_name().is_some_and(|name| name == "SingletonSocket")
        && let Some(directory) = target.parent()
    {
        let _ = std::fs::remove_file(&target);
        let _ = std::fs::remove_file(directory.join("SingletonCookie"));
        let _ = std::fs::remove_dir(directory);
    }
    for name in ["SingletonLock", "SingletonCookie", "SingletonSocket"] {
        match std::fs::remove_file(profile.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, name, "profile's lock file not removed");
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::{Child, Command};

    /// A process with these arguments and this mark.
    fn sleeper(profile: &str, directory: &str) -> Child {
        // The shell keeps its command line: two commands are no exec.
        let words = ["-c", "sleep 60; true", "x", &format!("--user-data-dir={profile}")];
        let child = Command::new("sh").args(words).env(MARK_ENV, directory).process_group(0).spawn().unwrap();
        let line = format!("/proc/{}/cmdline", child.id());
        // The kernel fills it in a moment after the start is reported.
        while std::fs::read(&line).unwrap().is_empty() {
            std::thread::yield_now();
        }
        child
    }

    #[test]
    fn only_shells_of_this_session_are_ended() {
        let own = format!("/nowhere/{}", std::process::id());
        let mut marked = sleeper("/x", &own);
        let mut browser = sleeper(&format!("{own}/profile"), "/y");
        let mut other = sleeper(&format!("{own}/profile-b"), &format!("{own}-b"));
        end_shells(Path::new(&own), Path::new(&format!("{own}/profile")));
        assert_eq!(marked.wait().unwrap().signal(), Some(9));
        assert_eq!(browser.wait().unwrap().signal(), Some(9));
        assert!(other.try_wait().unwrap().is_none());
        for child in [&marked, &browser, &other] {
            super::super::end_group(Pid::from_child(child));
        }
        other.wait().unwrap();
    }

    #[test]
    fn only_the_markers_of_a_shell_are_removed() {
        let base = tempfile::tempdir().unwrap();
        let (profile, elsewhere) = (base.path().join("profile"), base.path().join("org.chromium.X"));
        std::fs::create_dir_all(&profile).unwrap();
        std::fs::create_dir_all(&elsewhere).unwrap();
        std::fs::write(elsewhere.join("SingletonSocket"), "").unwrap();
        std::fs::write(profile.join("Cookies"), "").unwrap();
        std::os::unix::fs::symlink(elsewhere.join("SingletonSocket"), profile.join("SingletonSocket")).unwrap();
        std::os::unix::fs::symlink("oldhost-4711", profile.join("SingletonLock")).unwrap();
        remove_marks(&profile);
        let left: Vec<_> = std::fs::read_dir(&profile).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["Cookies"]);
        assert!(!elsewhere.exists());
    }
}
