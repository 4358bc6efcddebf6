//! One running shell: starts it, terminates it, and reaps it together with its process group.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, pidfd_open, waitid,
};
use tokio::net::unix::pipe;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::{LaunchError, Order, bound};

/// A running process. [`Process::ended`] waits for its exit and has to be polled to completion.
#[derive(Debug)]
pub struct Process {
    pid: Pid,
    /// Not a pipe, but polled like one: readable once the process has exited.
    pidfd: pipe::Receiver,
}

impl Process {
    /// Starts `order`. The caller's process must not reap children by itself.
    pub fn spawn(order: Order) -> Result<Self, LaunchError> {
        let name = order.program.display().to_string();
        Self::try_spawn(order).map_err(|error| LaunchError::Spawn(name, error))
    }

    fn try_spawn(order: Order) -> io::Result<Self> {
        // Also right when the file was replaced by an upgrade.
        let mut command = Command::new("/proc/self/exe");
        command.arg(bound::ROLE).arg(std::process::id().to_string()).arg(&order.program).args(&order.arguments);
        for (name, value) in &order.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.stdin(Stdio::null()).process_group(0);
        if let Some((reads, writes)) = order.pipe {
            let mappings =
                vec![FdMapping { parent_fd: reads, child_fd: 3 }, FdMapping { parent_fd: writes, child_fd: 4 }];
            command.fd_mappings(mappings).map_err(io::Error::other)?;
        }
        let child = command.spawn()?;
        let pid = Pid::from_child(&child);
        let watched = pidfd_open(pid, PidfdFlags::NONBLOCK).map_err(io::Error::from);
        let watched = watched.and_then(pipe::Receiver::from_owned_fd_unchecked);
        match watched {
            Ok(pidfd) => Ok(Process { pid, pidfd }),
            Err(error) => {
                end_group(pid);
                Err(error)
            }
        }
    }

    /// Process id, and number of its process group.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Waits for the exit and describes it. A duration received from `orders` sends SIGTERM, and SIGKILL after that
    /// time.
    pub async fn ended(self, mut orders: mpsc::UnboundedReceiver<Duration>) -> String {
        let mut force = None;
        loop {
            let forced = async {
                match force {
                    Some(after) => sleep(after).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                ended = self.pidfd.readable() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "shell's process not watched");
                    }
                    break;
                }
                Some(grace) = orders.recv(), if force.is_none() => {
                    // To the leader alone, which terminates its helpers itself.
                    let _ = kill_process(self.pid, Signal::TERM);
                    force = Some(grace);
                }
                () = forced => {
                    tracing::warn!(pid = self.pid.as_raw_nonzero(), "shell did not exit after SIGTERM: killed");
                    end_group(self.pid);
                    force = Some(Duration::MAX);
                }
            }
        }
        // Before it is reaped: until then its id cannot be reused.
        end_group(self.pid);
        let status = waitid(WaitId::Pid(self.pid), WaitIdOptions::EXITED);
        match status {
            Ok(Some(status)) => describe(status.exit_status(), status.terminating_signal()),
            Ok(None) | Err(_) => "its status is not known".to_owned(),
        }
    }
}

/// Kills every process of the group that `leader` leads.
pub fn end_group(leader: Pid) {
    match kill_process_group(leader, Signal::KILL) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => {}
        Err(error) => tracing::warn!(%error, "processes of the shell not killed"),
    }
}

fn describe(status: Option<i32>, signal: Option<i32>) -> String {
    match (status, signal) {
        (Some(status), _) => format!("exit status {status}"),
        (None, Some(9)) => "killed (SIGKILL)".to_owned(),
        (None, Some(11)) => "crashed (SIGSEGV)".to_owned(),
        (None, Some(6)) => "aborted (SIGABRT)".to_owned(),
        (None, Some(15)) => "terminated (SIGTERM)".to_owned(),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "its status is not known".to_owned(),
    }
}
