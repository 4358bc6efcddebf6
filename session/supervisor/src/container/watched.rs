//! A running program, Podman with the container, whose last lines on standard error are kept. Its output is copied to
//! the log.

use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

/// Bytes of its output that are kept: a line or two.
const KEPT: usize = 2048;
/// Wait for the pipe's end after the program's exit: a surviving child may keep it open.
const LAST_WORDS_TIMEOUT: Duration = Duration::from_millis(200);

/// The end of a program's standard error.
#[derive(Debug, Default)]
pub(super) struct Tail(Vec<u8>);

impl Tail {
    fn take(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
        let over = self.0.len().saturating_sub(KEPT);
        self.0.drain(..over);
    }

    /// The last line with something in it; empty: there is none.
    pub fn last_line(&self) -> String {
        let text = String::from_utf8_lossy(&self.0);
        text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default().to_owned()
    }
}

/// A running program.
pub(super) struct Watched {
    child: Child,
    stderr: Option<ChildStderr>,
    /// The end of its output.
    pub tail: Tail,
}

impl Watched {
    pub fn start(program: &std::path::Path, arguments: &[String]) -> std::io::Result<Self> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let stderr = child.stderr.take();
        Ok(Self { child, stderr, tail: Tail::default() })
    }

    /// Waits for its exit; returns the exit status, 128 and the number for a signal.
    pub async fn ended(&mut self) -> u8 {
        let status = loop {
            tokio::select! {
                status = self.child.wait() => break status,
                () = hear(&mut self.stderr, &mut self.tail), if self.stderr.is_some() => {}
            }
        };
        let rest = async {
            while self.stderr.is_some() {
                hear(&mut self.stderr, &mut self.tail).await;
            }
        };
        let _ = timeout(LAST_WORDS_TIMEOUT, rest).await;
        let Ok(status) = status else { return super::FAILED };
        let signal = std::os::unix::process::ExitStatusExt::signal(&status).map(|signal| 128 + signal);
        status.code().or(signal).and_then(|code| u8::try_from(code).ok()).unwrap_or(super::FAILED)
    }

    /// Sends SIGTERM, which Podman forwards to the container.
    pub fn ask_to_end(&self) {
        if let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
    }

    /// Ends it by force.
    pub fn kill(&mut self) {
        let _ = self.child.start_kill();
    }
}

/// The next piece of what it writes.
async fn hear(stderr: &mut Option<ChildStderr>, tail: &mut Tail) {
    let Some(pipe) = stderr else { return };
    let mut bytes = [0; 4096];
    match pipe.read(&mut bytes).await {
        Ok(read) if read > 0 => {
            let bytes = bytes.get(..read).unwrap_or_default();
            tail.take(bytes);
            let _ = std::io::stderr().write_all(bytes);
        }
        _ => *stderr = None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &str) -> (u8, String) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut watched =
                Watched::start(std::path::Path::new("/bin/sh"), &["-c".into(), script.to_owned()]).unwrap();
            (watched.ended().await, watched.tail.last_line())
        })
    }

    #[test]
    fn the_last_line_and_the_exit_status_of_a_program_are_kept() {
        assert_eq!(run("echo first >&2; echo 'last one ' >&2; echo >&2; exit 3"), (3, "last one".into()));
        assert_eq!(run("kill -9 $$"), (137, String::new()));
    }

    #[test]
    fn endless_output_is_bounded_to_one_line() {
        let mut tail = Tail::default();
        for _ in 0..1000 {
            tail.take(&[b'x'; 4096]);
        }
        assert_eq!(tail.0.len(), KEPT);
        assert_eq!(run("head -c 300000 /dev/zero | tr '\\0' x >&2; echo >&2; echo end >&2"), (0, "end".into()));
    }
}
