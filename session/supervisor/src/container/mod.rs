//! A shell in a container (`[shell] container`): what kiosk-session starts in a browser's place. Podman needs rights
//! that kiosk-session's sandbox does not allow, so it runs in a unit of its own (kiosk-container.socket), and
//! kiosk-session supervises [`client`], which lives as long as the container. Without such a unit (no systemd),
//! [`runner`] runs it as kiosk-session's child.
//!
//! Both report why a container ended by one line on a pipe, descriptor 4; the exit status is the container's.

mod client;
mod runner;
mod served;
mod watched;

use std::ffi::OsString;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rustix::pipe::{PipeFlags, pipe_with};

use crate::browser::{self, Surroundings};
use crate::launcher::{LaunchError, Order};
use kiosk_core::config::Shell;

/// Where kiosk-container.socket listens.
pub const LAUNCH_SOCKET: &str = "/run/kiosk-container/launch.sock";

/// The arguments that select the roles.
const RUN: &str = "--run-container";
const ASK: &str = "--ask-for-container";
const SERVE: &str = "--serve-container";
/// The pipe for that line.
const SAID: &str = "/proc/self/fd/4";
/// Longest line, bytes.
const MAX_SAID: usize = 1024;
/// Exit status of a role that failed before there was a container.
const FAILED: u8 = 125;

/// The order to start for the shell with this number, and the pipe to read its line from ([`said`]).
///
/// # Errors
///
/// No pipe can be made.
pub fn order(shell: &Shell, number: usize, surroundings: &Surroundings) -> Result<(Order, OwnedFd), LaunchError> {
    let failed = |error: rustix::io::Errno| LaunchError::Spawn(shell.container.display().to_string(), error.into());
    let pipes = || pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).map_err(failed);
    let ((nothing, _), (reader, writer)) = (pipes()?, pipes()?);
    let arguments: Vec<OsString> = if Path::new(LAUNCH_SOCKET).exists() {
        let display = surroundings.wayland_display.file_name().unwrap_or_default();
        vec![ASK.into(), LAUNCH_SOCKET.into(), number.to_string().into(), display.into()]
    } else {
        let base = surroundings.directories.base.as_os_str();
        let (number, url) = (number.to_string(), shell.url.without_user());
        vec![RUN.into(), number.into(), shell.container.clone().into(), base.into(), url.as_str().into()]
    };
    let environment = browser::environment(surroundings);
    let program = PathBuf::from("/proc/self/exe");
    Ok((Order { program, arguments, environment, pipe: Some((nothing, writer)) }, reader))
}

/// Reads the line that a role has written, after its end.
pub fn said(reader: &OwnedFd) -> Option<String> {
    let mut bytes = [0; MAX_SAID];
    let read = rustix::io::read(reader, &mut bytes).ok()?;
    let text = String::from_utf8_lossy(bytes.get(..read)?).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// Writes the line to the pipe, and to the log.
fn leave(line: &str) {
    eprintln!("kiosk-session: {line}");
    let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = kiosk_core::text::shortened(&line, MAX_SAID / 4);
    if let Ok(mut file) = std::fs::File::options().write(true).open(SAID) {
        let _ = file.write_all(line.as_bytes());
    }
}

/// Plays a role if `arguments` (without the program's own name) ask for one. Returns only then, with the container's
/// exit status.
pub fn play(mut arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let role = arguments.next()?;
    let rest: Vec<OsString> = arguments.collect();
    let ended = match (role.to_str()?, rest.as_slice()) {
        (RUN, [number, file, directory, url]) => {
            let shell = number.to_string_lossy().parse().unwrap_or_default();
            runner::alone(shell, Path::new(file), Path::new(directory), &url.to_string_lossy())
        }
        (ASK, [socket, number, display]) => client::run(Path::new(socket), &number.to_string_lossy(), display),
        (SERVE, []) => served::serve(),
        (RUN | ASK | SERVE, _) => {
            eprintln!("kiosk-session: {} is for kiosk-session's own use", role.display());
            return Some(ExitCode::from(2));
        }
        _ => return None,
    };
    if !ended.line.is_empty() {
        leave(&ended.line);
    }
    Some(ExitCode::from(ended.status))
}

/// How a container ended.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ended {
    /// The container's exit status, or [`FAILED`].
    status: u8,
    /// For a person; may be empty.
    line: String,
}

impl Ended {
    /// It was never started.
    fn failed(why: impl ToString) -> Self {
        Ended { status: FAILED, line: why.to_string() }
    }
}
