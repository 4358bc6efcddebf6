//! Browsers of an earlier kiosk-session that was killed, and the marks they left in the profile. Looked for once,
//! at the first start of the browser; later ones are ended with their process group.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// For all of them together to be gone.
const END_LIMIT: Duration = Duration::from_secs(2);

/// Ends every process that works on `profile`, by force, and waits for that.
pub fn end_browsers(profile: &Path) {
    let argument = format!("--user-data-dir={}", profile.display());
    let processes: Vec<_> = running(&argument).collect();
    let limit = Instant::now() + END_LIMIT;
    if !processes.is_empty() {
        tracing::warn!(processes = processes.len(), "the browser of an earlier session is ended");
    }
    for pidfd in processes {
        let ended = pidfd_send_signal(&pidfd, Signal::KILL).map_err(io::Error::from).and_then(|()| {
            let rest = limit.saturating_duration_since(Instant::now());
            let rest = Timespec::try_from(rest).map_err(io::Error::other)?;
            poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&rest)).map_err(io::Error::from)
        });
        if let Err(error) = ended {
            tracing::warn!(%error, "a browser of an earlier session could not be ended");
        }
    }
}

/// The processes (handles of them) whose command line has `argument`, held so that their numbers can't be others' by the time they
/// are signalled.
fn running(argument: &str) -> impl Iterator<Item = OwnedFd> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter_map(Pid::from_raw);
    numbers.filter_map(move |pid| {
        if !works_on(pid, argument) {
            return None;
        }
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).ok()?;
        works_on(pid, argument).then_some(pidfd)
    })
}

/// The browser's helpers rewrite their command line into one string with spaces.
fn works_on(pid: Pid, argument: &str) -> bool {
    let Ok(line) = std::fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())) else { return false };
    line.split(|byte| matches!(byte, 0 | b' ')).any(|word| word == argument.as_bytes())
}

/// Takes the marks away by which a browser tells that its profile is in use. Only when nobody uses it.
pub fn remove_marks(profile: &Path) {
    // The socket is in a directory of its own elsewhere, made for it.
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
                tracing::warn!(%error, name, "the profile's old mark can't be removed");
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn only_browsers_of_this_profile_are_ended() {
        let profile = format!("/nowhere/profile-{}", std::process::id());
        let sleeper = |profile: &str| {
            // The shell keeps its command line: two commands are no exec.
            let words = ["-c", "sleep 60; true", "x", &format!("--user-data-dir={profile}")];
            Command::new("sh").args(words).spawn().unwrap()
        };
        let (mut ours, mut other) = (sleeper(&profile), sleeper(&format!("{profile}-b")));
        end_browsers(Path::new(&profile));
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ours.wait().unwrap()), Some(9));
        assert!(other.try_wait().unwrap().is_none());
        other.kill().unwrap();
        other.wait().unwrap();
    }

    #[test]
    fn marks_go_and_nothing_else() {
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
