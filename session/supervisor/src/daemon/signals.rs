//! The signals that end the daemon in order.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM, as a service manager sends it, and SIGINT of a terminal.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    told: bool,
}

impl Signals {
    /// In a tokio runtime. Fails only where no more files can be opened.
    pub fn new() -> std::io::Result<Self> {
        let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(Signals { terminate, interrupt, told: false })
    }

    /// Waits for the next of them.
    pub async fn end(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        if !self.told {
            self.told = true;
            tracing::info!("told to end");
        }
    }
}
