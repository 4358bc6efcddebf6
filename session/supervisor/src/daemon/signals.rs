//! The signals of the daemon: SIGTERM and SIGINT shut it down, SIGHUP is only logged.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM, SIGINT and SIGHUP.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    told: bool,
}

impl Signals {
    /// In a tokio runtime. Fails only where no more files can be opened.
    pub fn new() -> std::io::Result<Self> {
        let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let hangup = signal(SignalKind::hangup())?;
        Ok(Signals { terminate, interrupt, hangup, told: false })
    }

    /// Waits for SIGTERM or SIGINT.
    pub async fn end(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => break,
                _ = self.interrupt.recv() => break,
                _ = self.hangup.recv() => {
                    tracing::info!("SIGHUP has no effect: use `systemctl restart kiosk-session` for a new configuration");
                }
            }
        }
        if !self.told {
            self.told = true;
            tracing::info!("shutting down");
        }
    }
}
