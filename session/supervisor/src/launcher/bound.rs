//! Starts a program that dies with its parent. `PR_SET_PDEATHSIG` can only be set by the process itself, so
//! [`super::process`] starts kiosk-session in this role, which then execs the program; process id and file descriptors
//! stay.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};

/// The first argument in this role. Behind it: the parent's process id, the program, its arguments.
pub const ROLE: &str = "--become-shell";
/// Exit status when the program can't be run, by the shells' convention.
const CAN_NOT_RUN: u8 = 127;

/// Plays the role if `arguments` (without the program's own name) ask for it. Returns only then, and only when
/// it has failed.
pub fn become_shell(mut arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    if arguments.next()? != ROLE {
        return None;
    }
    let parent = arguments.next().and_then(|text| text.to_str()?.parse().ok()).and_then(Pid::from_raw);
    let Some(program) = arguments.next() else {
        eprintln!("kiosk-session: {ROLE} is for kiosk-session's own use");
        return Some(ExitCode::from(2));
    };
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        eprintln!("kiosk-session: the shell will outlive a kiosk-session that is killed: {error}");
    }
    // The parent may have died already.
    if parent.is_none() || getppid() != parent {
        return Some(ExitCode::from(CAN_NOT_RUN));
    }
    let error = Command::new(&program).args(arguments).exec();
    eprintln!("kiosk-session: {} could not be run: {error}", program.to_string_lossy());
    Some(ExitCode::from(CAN_NOT_RUN))
}
