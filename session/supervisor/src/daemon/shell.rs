//! The running shell as the daemon holds it: its process, and for a browser the pipe and the page behind it. Its
//! tasks only move bytes; what they bring is judged in the daemon's loop.

use std::time::Duration;

use rustix::pipe::{PipeFlags, pipe_with};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::sync::mpsc;

use super::Input;
use crate::browser::{self, Surroundings};
use crate::devtools::{Frames, frame};
use crate::launcher::{LaunchError, Process};
use crate::page::{Page, Rules};
use kiosk_core::config::Shell as Configured;

/// What is read from the pipe at a time.
const BLOCK: usize = 16 * 1024;

/// One shell, from its start to its end.
pub(super) struct Shell {
    pub pid: u32,
    /// `None`: it is no browser.
    pub page: Option<Page>,
    to_browser: mpsc::UnboundedSender<Vec<u8>>,
    kill: mpsc::UnboundedSender<Duration>,
}

impl Shell {
    /// Starts what is configured. What comes from it is sent to `inputs` with the number `generation`.
    pub fn start(
        configured: &Configured,
        rules: Rules,
        surroundings: &Surroundings,
        inputs: &mpsc::UnboundedSender<Input>,
        generation: u64,
    ) -> Result<Shell, LaunchError> {
        let (to_browser, outgoing) = mpsc::unbounded_channel();
        let (order, page) = match configured.command_line() {
            Some(words) => (browser::command_order(&words, surroundings)?, None),
            None => {
                let failed = |error: std::io::Error| LaunchError::Spawn(configured.browser.clone(), error);
                let pipes = || pipe_with(PipeFlags::CLOEXEC).map_err(|error| failed(error.into()));
                let ((their_reader, writer), (reader, their_writer)) = (pipes()?, pipes()?);
                let order = browser::order(configured, surroundings, (their_reader, their_writer))?;
                let writer = Sender::from_owned_fd(writer).map_err(failed)?;
                let reader = Receiver::from_owned_fd(reader).map_err(failed)?;
                tokio::spawn(write(writer, outgoing));
                tokio::spawn(read(reader, inputs.clone(), generation));
                (order, Some(Page::new(rules)))
            }
        };
        let process = Process::spawn(order)?;
        let pid = process.pid().as_raw_nonzero().get().unsigned_abs();
        let (kill, kills) = mpsc::unbounded_channel();
        let inputs = inputs.clone();
        tokio::spawn(async move {
            let how = process.ended(kills).await;
            let _ = inputs.send(Input::Exited { generation, how });
        });
        let mut shell = Shell { pid, page, to_browser, kill };
        shell.flush();
        Ok(shell)
    }

    /// Sends what the page has for the browser.
    pub fn flush(&mut self) {
        let Some(page) = &mut self.page else { return };
        for message in page.take_outgoing() {
            tracing::trace!(%message, "to the browser");
            // Without its end of the pipe the browser is about to end: that is heard of otherwise.
            let _ = self.to_browser.send(frame(&message));
        }
    }

    /// Ends it, by force after `grace`; its end is heard of as an input.
    pub fn kill(&self, grace: Duration) {
        let _ = self.kill.send(grace);
    }
}

async fn write(mut pipe: Sender, mut messages: mpsc::UnboundedReceiver<Vec<u8>>) {
    while let Some(message) = messages.recv().await {
        if let Err(error) = pipe.write_all(&message).await {
            return tracing::debug!(%error, "the browser does not take orders any more");
        }
    }
}

async fn read(mut pipe: Receiver, inputs: mpsc::UnboundedSender<Input>, generation: u64) {
    let mut frames = Frames::default();
    let mut block = vec![0; BLOCK];
    loop {
        match pipe.read(&mut block).await {
            Ok(0) => break,
            Err(error) => {
                tracing::debug!(%error, "the browser can't be heard any more");
                break;
            }
            Ok(count) => frames.push(&block[..count]),
        }
        while let Some(message) = frames.pop() {
            let message: Value = message;
            if inputs.send(Input::FromBrowser { generation, message }).is_err() {
                return;
            }
        }
    }
    let _ = inputs.send(Input::PipeClosed { generation });
}
