//! The one limit on waiting for a child process: after it the child is killed, so that the reader of its lines or
//! waits for its end goes on and fails with a name, where the gate would otherwise never end.

#![allow(dead_code, reason = "each test program uses a part")]

use std::os::fd::OwnedFd;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// Far more than anything here takes on the busiest machine.
pub const LIMIT: Duration = Duration::from_secs(180);

/// Kills a child that is still there when the time is up; dropped, it does nothing any more.
pub struct Limit {
    _done: Sender<()>,
}

impl Limit {
    pub fn of(child: &Child) -> Limit {
        Limit::after(child, LIMIT)
    }

    fn after(child: &Child, limit: Duration) -> Limit {
        let pidfd: OwnedFd = pidfd_open(Pid::from_child(child), PidfdFlags::empty()).unwrap();
        let (done, is_done) = channel();
        std::thread::spawn(move || {
            if is_done.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                eprintln!("a child hangs: killed after {limit:?}");
                let _ = pidfd_send_signal(&pidfd, Signal::KILL);
            }
        });
        Limit { _done: done }
    }
}

/// What it says and ends with; a panic when it hangs.
#[track_caller]
pub fn output(command: &mut Command) -> Output {
    output_within(command, LIMIT)
}

#[track_caller]
fn output_within(command: &mut Command, limit: Duration) -> Output {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let limit = Limit::after(&child, limit);
    let output = child.wait_with_output().unwrap();
    drop(limit);
    assert!(output.status.code().is_some(), "{command:?} was killed: {output:?}");
    output
}

#[test]
fn a_child_that_hangs_is_a_failure_with_a_name() {
    let limit = Duration::from_millis(50);
    let hung = std::panic::catch_unwind(|| output_within(Command::new("sleep").arg("1000"), limit));
    let said = *hung.unwrap_err().downcast::<String>().unwrap();
    assert!(said.contains("\"sleep\" \"1000\" was killed"), "{said}");
    assert!(output_within(&mut Command::new("true"), Duration::from_secs(60)).status.success());
}
