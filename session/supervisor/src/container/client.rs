//! Stands for the container within kiosk-session's sandbox: it asks kiosk-container.socket's unit to run the container,
//! and lives as long as it. When it is terminated, the container ends.

use std::ffi::OsStr;
use std::path::Path;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::signal::unix::{SignalKind, signal};

use super::served::{Answer, Request};
use super::{Ended, runner};

/// Longest answer, bytes.
const MAX_ANSWER: u64 = 8 << 10;

pub(super) fn run(socket: &Path, number: &str, display: &OsStr) -> Ended {
    let Ok(shell) = number.parse() else { return Ended::failed(format!("{number} is no shell's number")) };
    let request = Request { shell, display: display.to_string_lossy().into_owned() };
    runner::block_on(async {
        match run_remotely(socket, &request).await {
            Ok(ended) => ended,
            Err(error) => Ended::failed(format!("kiosk-container.socket can't be used: {error}")),
        }
    })
}

async fn run_remotely(socket: &Path, request: &Request) -> std::io::Result<Ended> {
    let mut terminate = signal(SignalKind::terminate())?;
    let (reader, mut writer) = UnixStream::connect(socket).await?.into_split();
    let mut text = serde_json::to_string(request)?;
    text.push('\n');
    writer.write_all(text.as_bytes()).await?;
    let mut answer = String::new();
    let mut reader = BufReader::new(reader.take(MAX_ANSWER));
    let read = reader.read_line(&mut answer);
    tokio::pin!(read);
    tokio::select! {
        done = &mut read => drop(done?),
        _ = terminate.recv() => {
            writer.shutdown().await?;
            read.await?;
        }
    }
    Ok(match serde_json::from_str::<Answer>(&answer) {
        Ok(answer) => Ended { status: answer.status, line: answer.line },
        Err(_) => Ended::failed("the unit of kiosk-container.socket ended without a word; its journal says why"),
    })
}
