//! The running shell: its process, and for a browser the pipe and the page. Its tasks only move bytes; messages are
//! handled in the daemon's loop.

use std::time::Duration;

use rustix::pipe::{PipeFlags, pipe_with};
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::sync::mpsc;

use super::{Input, pipe};
use crate::browser::{self, Surroundings};
use crate::container;
use crate::devtools::{frame, loggable};
use crate::launcher::{LaunchError, Process};
use crate::page::{Page, Rules};
use kiosk_core::config::Shell as Configured;

/// One shell, from its start to its end.
pub(super) struct Shell {
    /// Process id of the group's leader.
    pub pid: u32,
    /// `None`: it is not a browser.
    pub page: Option<Page>,
    /// `None`: it does not read, which was reported.
    to_browser: Option<mpsc::Sender<Vec<u8>>>,
    inputs: mpsc::UnboundedSender<Input>,
    generation: u64,
    kill: mpsc::UnboundedSender<Duration>,
}

impl Shell {
    /// Starts the configured shell. Its messages are sent to `inputs` with the number `generation`.
    pub fn start(
        configured: &Configured,
        rules: Rules,
        surroundings: &Surroundings,
        inputs: &mpsc::UnboundedSender<Input>,
        generation: u64,
    ) -> Result<Shell, LaunchError> {
        let (to_browser, outgoing) = mpsc::channel(pipe::MAX_ORDERS);
        let mut said = None;
        let (order, page) = match configured.command_line() {
            _ if configured.is_container() => {
                let (order, reader) = container::order(configured, surroundings.number, surroundings)?;
                said = Some(reader);
                (order, None)
            }
            Some(words) => (browser::command_order(configured, &words, surroundings)?, None),
            None => {
                let failed = |error: std::io::Error| LaunchError::Spawn(configured.browser.clone(), error);
                let pipes = || pipe_with(PipeFlags::CLOEXEC).map_err(|error| failed(error.into()));
                let ((their_reader, writer), (reader, their_writer)) = (pipes()?, pipes()?);
                let order = browser::order(configured, surroundings, (their_reader, their_writer))?;
                let writer = Sender::from_owned_fd(writer).map_err(failed)?;
                let reader = Receiver::from_owned_fd(reader).map_err(failed)?;
                tokio::spawn(pipe::write(writer, outgoing));
                tokio::spawn(pipe::read(reader, inputs.clone(), generation));
                let mut page = Page::new(rules);
                page.number_choosers_from(generation);
                (order, Some(page))
            }
        };
        let process = Process::spawn(order)?;
        let pid = process.pid().as_raw_nonzero().get().unsigned_abs();
        let (kill, kills) = mpsc::unbounded_channel();
        let ended = inputs.clone();
        tokio::spawn(async move {
            let how = process.ended(kills).await;
            // The reason, if the container's role wrote one.
            let how = said.as_ref().and_then(container::said).unwrap_or(how);
            let _ = ended.send(Input::Exited { generation, how });
        });
        let mut shell = Shell { pid, page, to_browser: Some(to_browser), inputs: inputs.clone(), generation, kill };
        shell.flush();
        Ok(shell)
    }

    /// Sends the page's commands to the browser.
    pub fn flush(&mut self) {
        let Some(page) = &mut self.page else { return };
        for message in page.take_outgoing() {
            tracing::trace!(message = %loggable(&message), "to the browser");
            // If the pipe is closed the browser is exiting, which is reported separately.
            let sent = self.to_browser.as_ref().map(|to_browser| to_browser.try_send(frame(&message)));
            if let Some(Err(mpsc::error::TrySendError::Full(_))) = sent {
                self.to_browser = None;
                let why = "the browser does not read what it is told";
                let _ = self.inputs.send(Input::PipeClosed { generation: self.generation, why });
            }
        }
    }

    /// Terminates it, by SIGKILL after `grace`; its exit is reported as an input.
    pub fn kill(&self, grace: Duration) {
        let _ = self.kill.send(grace);
    }
}
