//! The socket by which root on the device has a code shown (`kioskctl agent enrol`), or its certificate renewed (`kioskctl
//! agent renew`): one word a connection, and one answer. Its
//! file is for the agent's own user alone, and so for root.

use std::os::unix::net;
use std::time::Duration;

use kiosk_enrolment::local::{LocalAnswer, LocalOrder, MAX_ORDER};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use super::Desk;
use super::machine::LIFE;
use crate::serve::ACCEPT_PAUSE;

/// For an order to arrive, and for an answer to leave.
const WORD_TIMEOUT: Duration = Duration::from_secs(5);

/// Serves it for ever, one at a time.
pub async fn serve(listener: net::UnixListener, desk: Desk) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = UnixListener::from_std(listener)?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => talk(stream, &desk).await,
            Err(error) => {
                tracing::warn!(%error, "an order to enrol was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn talk(mut stream: UnixStream, desk: &Desk) {
    let mut order = Vec::new();
    let mut limited = (&mut stream).take(MAX_ORDER);
    let read = limited.read_to_end(&mut order);
    let Ok(Ok(_)) = tokio::time::timeout(WORD_TIMEOUT, read).await else { return };
    let answer = match serde_json::from_slice(&order) {
        Ok(LocalOrder::Start) => match desk.start().await {
            Ok(shown) => LocalAnswer::Shown { code: shown.code.to_string(), url: shown.url, seconds: LIFE.as_secs() },
            Err(error) => LocalAnswer::Refused(error.to_string()),
        },
        Ok(LocalOrder::Stop) => LocalAnswer::Stopped(desk.stop().await),
        Ok(LocalOrder::Renew) => match desk.ask().await {
            Ok(renewed) => LocalAnswer::Renewed(renewed),
            Err(error) => LocalAnswer::Refused(error.to_string()),
        },
        Err(error) => LocalAnswer::Refused(format!("the order can't be read: {error}")),
    };
    let answer = serde_json::to_vec(&answer).unwrap_or_default();
    // Who has gone does not want it.
    let _ = tokio::time::timeout(WORD_TIMEOUT, stream.write_all(&answer)).await;
}
