//! Shared by all objects: the last snapshot, the channel to the event loop, and access control.

use std::sync::Arc;
use std::time::Duration;

use kiosk_bus::Failure;
use kiosk_core::authority::{Action, Authority};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use zbus::Connection;
use zbus::message::Header;

use crate::command::{Call, Command, CommandError, Reply};
use crate::snapshot::Snapshot;

/// How long an answer waits for the snapshot that contains its effect.
const PUBLISH_TIMEOUT: Duration = Duration::from_millis(500);

/// Which message bus the objects are on, besides the socket in the runtime directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bus {
    /// The system bus, as soon as there is one.
    System,
    /// The bus at this D-Bus address.
    Address(String),
    /// No bus.
    None,
}

/// What every object needs.
pub(super) struct Shared {
    /// The newest snapshot; closed when the loop has ended.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// Hands a call to the event loop; never blocks.
    pub to_loop: Box<dyn Fn(Call) + Send + Sync>,
    /// Decides by peer credentials or polkit.
    pub authority: Authority,
    /// Time limit for the event loop's answer.
    pub loop_timeout: Duration,
}

/// A command for the loop, and the action that the caller needs to be allowed.
pub type Request = (Action, Command);

impl Shared {
    /// Checks the caller's right, sends the command to the loop, and waits until its effect is published.
    pub async fn ask(
        &self,
        (action, request): Request,
        connection: &Connection,
        header: &Header<'_>,
    ) -> Result<Reply, Failure> {
        self.authority.check(connection, header, action).await?;
        let (reply, answer) = oneshot::channel();
        (self.to_loop)(Call { request, reply });
        let answer = match timeout(self.loop_timeout, answer).await {
            Ok(Ok(answer)) => answer.map_err(refused)?,
            Ok(Err(_dropped)) => return Err(Failure::not_ready("kioskd is ending, try again when it is back")),
            Err(_elapsed) => {
                let seconds = self.loop_timeout.as_secs_f32();
                return Err(Failure::not_ready(format!(
                    "kioskd did not answer within {seconds} s: its log (journalctl -t kioskd) may say why"
                )));
            }
        };
        if let Reply::Serial(serial) = answer {
            self.published(serial).await;
        }
        Ok(answer)
    }

    /// Waits until the layout with `serial` is published, so that a caller that has the answer reads its effect.
    async fn published(&self, serial: u32) {
        let mut snapshots = self.snapshots.clone();
        let reached = snapshots.wait_for(|s| s.serial.wrapping_sub(serial) <= u32::MAX / 2);
        // After the timeout the answer is sent anyway.
        let _ = timeout(PUBLISH_TIMEOUT, reached).await;
    }
}

/// The loop's refusal, by its D-Bus name.
fn refused(error: CommandError) -> Failure {
    let kind = match &error {
        CommandError::NotReady(_) => "NotReady",
        CommandError::NotFound(_) => "NotFound",
        CommandError::StaleSerial(_) => "StaleSerial",
        CommandError::ModeRejected(_) => "ModeRejected",
        CommandError::InvalidArgument(_) => "InvalidArgument",
        CommandError::Unsupported(_) => "Unsupported",
        CommandError::Failed(_) => "Failed",
    };
    Failure::kiosk(kind, error.to_string())
}
