//! The child: a command in cage's place, or our own kiosk-session where no service manager starts it.

#![deny(clippy::indexing_slicing, clippy::string_slice)]

use std::{
    io,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus},
    time::Duration,
};

use kiosk_core::api::{RUNTIME_DIR_ENV, X_DISPLAY_ENV};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use smithay::reexports::calloop::{Interest, Mode, PostAction, generic::Generic};

use crate::{kiosk::Kiosk, lifecycle::Exit, limits::descriptors};

/// The kind of child, which decides what its exit means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// `kioskd -- COMMAND`: kioskd exits with it, with its status.
    Command(Vec<String>),
    /// kiosk-session: restarted when it exits.
    Session {
        /// The file of `--config`; `None`: the layered configuration.
        config: Option<PathBuf>,
    },
}

/// Longest delay before kiosk-session is restarted.
const MAX_DELAY: Duration = Duration::from_secs(10);
/// Delay before the first restart: short enough to be back within a second.
const MIN_DELAY: Duration = Duration::from_millis(300);
/// A session that ran this long counts as healthy: the delay starts over.
const HEALTHY: Duration = Duration::from_secs(30);

/// Exit status of a command that could not be found, by the shells' convention.
const NOT_FOUND: u8 = 127;

/// A cloneable description of what to start.
#[derive(Debug, Clone)]
pub struct Launch {
    /// Which program, and what its exit means.
    pub role: Role,
    /// Path of the Wayland socket that it, or its first shell, takes.
    pub wayland: PathBuf,
    /// Where the sockets are: the child finds them by it.
    pub runtime_dir: PathBuf,
}

/// Starts the child and watches it.
pub fn start(kiosk: &mut Kiosk, launch: Launch) {
    start_after_failures(kiosk, launch, 0);
}

fn start_after_failures(kiosk: &mut Kiosk, launch: Launch, failures: u32) {
    let started = kiosk.now();
    let child = match spawn(&launch, kiosk.clients.x11.display().as_deref()) {
        Ok(child) => child,
        Err(error) => {
            let program = program(&launch.role);
            kiosk.problem(format!("{} could not be started: {error}", program.display()));
            match launch.role {
                Role::Command(_) => kiosk.stop(Exit(NOT_FOUND)),
                Role::Session { .. } => again(kiosk, launch, failures),
            }
            return;
        }
    };
    if let Err(error) = watch(kiosk, child, launch, failures, started) {
        tracing::error!(%error, "child not watched");
        kiosk.stop(Exit(1));
    }
}

fn spawn(launch: &Launch, display: Option<&str>) -> io::Result<Child> {
    let mut command = Command::new(program(&launch.role));
    match &launch.role {
        Role::Command(words) => {
            command.args(words.iter().skip(1));
        }
        Role::Session { config } => {
            if let Some(config) = config {
                command.arg("--config").arg(config);
            }
        }
    }
    // A path works for every client, independent of its XDG_RUNTIME_DIR.
    command
        .env("WAYLAND_DISPLAY", &launch.wayland)
        .env(RUNTIME_DIR_ENV, &launch.runtime_dir)
        .env("XDG_SESSION_TYPE", "wayland")
        .env_remove("DISPLAY")
        .env_remove(X_DISPLAY_ENV)
        .env_remove("NOTIFY_SOCKET")
        .env_remove("WATCHDOG_USEC")
        .env_remove("WATCHDOG_PID")
        .env_remove("WAYLAND_SOCKET")
        // A process group of its own: it is ended as a whole, and does not get our Ctrl+C.
        .process_group(0);
    if let Some(display) = display {
        let name = match launch.role {
            Role::Command(_) => "DISPLAY",
            Role::Session { .. } => X_DISPLAY_ENV,
        };
        command.env(name, display);
    }
    if std::env::var_os("XDG_RUNTIME_DIR").is_none_or(|value| value.is_empty()) {
        command.env("XDG_RUNTIME_DIR", &launch.runtime_dir);
    }
    command.spawn()
}

/// kiosk-session beside our own program, else from `PATH`.
fn program(role: &Role) -> PathBuf {
    match role {
        Role::Command(words) => words.first().map_or_else(PathBuf::new, PathBuf::from),
        Role::Session { .. } => {
            let beside = std::env::current_exe().ok().and_then(|own| own.parent().map(|dir| dir.join("kiosk-session")));
            beside.filter(|path: &PathBuf| Path::exists(path)).unwrap_or_else(|| "kiosk-session".into())
        }
    }
}

fn watch(kiosk: &mut Kiosk, mut child: Child, launch: Launch, failures: u32, started: Duration) -> io::Result<()> {
    let pid = Pid::from_child(&child);
    descriptors::restore_limit(pid);
    let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
    kiosk.main_loop.lifecycle.child = Some(pid);
    let source = Generic::new(pidfd, Interest::READ, Mode::Level);
    let inserted = kiosk.main_loop.handle.insert_source(source, move |_, _, kiosk| {
        let status = match child.try_wait() {
            Ok(Some(status)) => status,
            Ok(None) => return Ok(PostAction::Continue),
            Err(error) => {
                tracing::error!(%error, "child status not read");
                ExitStatus::from_raw(1 << 8)
            }
        };
        kiosk.main_loop.lifecycle.child = None;
        // Ends what is left of its group.
        let _ = kill_process_group(pid, Signal::TERM);
        ended(kiosk, launch.clone(), status, failures, started);
        Ok(PostAction::Remove)
    });
    inserted.map(drop).map_err(|error| io::Error::other(error.to_string()))
}

fn ended(kiosk: &mut Kiosk, launch: Launch, status: ExitStatus, failures: u32, started: Duration) {
    if kiosk.main_loop.lifecycle.exit().is_some() {
        return;
    }
    match launch.role {
        Role::Command(_) => kiosk.stop(Exit(exit_code(status))),
        Role::Session { .. } => {
            kiosk.problem(format!("kiosk-session ended ({status}); it is started again"));
            let failures = if kiosk.now().saturating_sub(started) > HEALTHY { 0 } else { failures };
            again(kiosk, launch, failures);
        }
    }
}

fn again(kiosk: &mut Kiosk, launch: Launch, failures: u32) {
    let mut launch = Some(launch);
    kiosk.after(delay(failures), move |kiosk| {
        if let Some(launch) = launch.take() {
            start_after_failures(kiosk, launch, failures + 1);
        }
    });
}

fn delay(failures: u32) -> Duration {
    MIN_DELAY.saturating_mul(1 << failures.min(6)).min(MAX_DELAY)
}

/// The child's own status, or 128 and the signal that ended it.
fn exit_code(status: ExitStatus) -> u8 {
    match (status.code(), status.signal()) {
        (Some(code), _) => code as u8,
        (None, Some(signal)) => 128u8.saturating_add(signal as u8),
        (None, None) => 1,
    }
}

/// Sends SIGTERM to the child's process group.
pub fn end(pid: Pid) {
    if let Err(error) = kill_process_group(pid, Signal::TERM) {
        tracing::debug!(%error, "child not signalled");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_status_is_the_commands() {
        assert_eq!(exit_code(ExitStatus::from_raw(7 << 8)), 7);
        assert_eq!(exit_code(ExitStatus::from_raw(15)), 143);
        assert_eq!(exit_code(ExitStatus::from_raw(9)), 137);
    }

    #[test]
    fn new_starts_slow_down_and_never_stop() {
        assert_eq!(delay(0), MIN_DELAY);
        assert!(delay(3) > delay(2));
        assert_eq!(delay(60), MAX_DELAY);
    }
}
