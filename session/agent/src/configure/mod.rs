//! Changes of configuration keys from afar. The agent itself may write nowhere, so `kiosk-agent --configure` does it, as root in a
//! unit of its own that is off by default (`kiosk-configure.socket`): it takes one order a connection, from the agent alone.
//! [`ask`] is the agent's side, [`serve`](helper::serve) the other one.

pub mod bundle;
pub mod helper;
mod plan;

use std::path::{Path, PathBuf};
use std::time::Duration;

use hyper::StatusCode;
use kiosk_core::config::ROOT_ENV;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::answer::Problem;
pub use plan::Change;

/// Largest order and answer, bytes.
const MAX_LINE: u64 = 128 << 10;
/// For all of it: a slow disk, and a kiosk that takes its screens down and up.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// The helper's socket, and the variable with another place for tests.
const SOCKET: &str = "/run/kiosk-configure.sock";
const SOCKET_ENV: &str = "AGENT_CONFIGURE_SOCKET";

/// What the helper is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Change keys.
    Change(Change),
    /// Keep the change that waits for it.
    Confirm,
}

/// What it answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// As `docs/schemas/told.json`.
    Told(Value),
    /// Status and sentence.
    Refused(u16, String),
}

/// Has the helper do it.
pub async fn ask(order: &Order) -> Result<Value, Problem> {
    let socket = std::env::var_os(SOCKET_ENV).map_or_else(|| PathBuf::from(SOCKET), PathBuf::from);
    let answer = tokio::time::timeout(ANSWER_TIMEOUT, exchange(&socket, order)).await;
    let away = |detail: String| Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail);
    let reply = answer.map_err(|_| away("kiosk-configure does not answer".into()))?;
    let reply = reply.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused => {
            let detail = "the configuration can't be changed from here; on the device `systemctl enable --now \
                          kiosk-configure.socket` allows it";
            Problem::new(StatusCode::CONFLICT, detail)
        }
        _ => away(format!("kiosk-configure can't be asked: {error}")),
    })?;
    match reply {
        Reply::Told(told) => Ok(told),
        Reply::Refused(status, detail) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Err(Problem::new(status, detail))
        }
    }
}

async fn exchange(socket: &Path, order: &Order) -> std::io::Result<Reply> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(&serde_json::to_vec(order)?).await?;
    stream.shutdown().await?;
    let mut answer = Vec::new();
    stream.take(MAX_LINE).read_to_end(&mut answer).await?;
    Ok(serde_json::from_slice(&answer)?)
}

/// What is taken for `/`.
pub fn root() -> PathBuf {
    std::env::var_os(ROOT_ENV).filter(|root| !root.is_empty()).unwrap_or_else(|| "/".into()).into()
}

/// Where both programs keep what is not a configuration.
fn state_directory() -> PathBuf {
    std::env::var_os("STATE_DIRECTORY").unwrap_or_else(|| "/var/lib/kiosk-configure".into()).into()
}
