//! The other end of [`super::client`]: an instance of kiosk-container@.service, one a container. Its standard input is
//! the connection, over which it gets only the shell's number. The definition comes from the configuration, so that a
//! compromised browser cannot start a container of its own.

use std::future::Future;
use std::os::fd::AsFd;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::Ended;
use super::runner::{self, Job};
use kiosk_core::api;
use kiosk_core::config::{Config, Sources};

/// Longest request, bytes.
const MAX_REQUEST: u64 = 1024;

/// The request for a container.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    /// The shell's number in the configuration.
    pub shell: usize,
    /// The name of its Wayland socket in kioskd's directory.
    pub display: String,
}

/// How it ended.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Answer {
    /// As [`Ended::status`].
    pub status: u8,
    /// As [`Ended::line`].
    pub line: String,
}

pub(super) fn serve() -> Ended {
    runner::block_on(async {
        match answered().await {
            Ok(ended) => Ended { line: String::new(), ..ended },
            Err(error) => Ended::failed(format!("the connection of a shell: {error}")),
        }
    })
}

async fn answered() -> std::io::Result<Ended> {
    let stream = std::os::unix::net::UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    stream.set_nonblocking(true)?;
    let (reader, mut writer) = UnixStream::from_std(stream)?.into_split();
    let mut reader = BufReader::new(reader.take(MAX_REQUEST));
    let mut line = String::new();
    reader.read_line(&mut line).await?;
    let mut nothing = [0; 16];
    // The client has closed the connection, or sent more than one request.
    let gone = async { drop(reader.read(&mut nothing).await) };
    let ended = match serde_json::from_str::<Request>(&line) {
        Ok(request) => run(&request, gone).await,
        Err(error) => Ended::failed(format!("no request for a container: {error}")),
    };
    if !ended.line.is_empty() {
        eprintln!("kiosk-session: {}", ended.line);
    }
    let answer = Answer { status: ended.status, line: kiosk_core::text::shortened(&ended.line, super::MAX_SAID) };
    let mut text = serde_json::to_string(&answer)?;
    text.push('\n');
    writer.write_all(text.as_bytes()).await?;
    Ok(ended)
}

async fn run(request: &Request, gone: impl Future<Output = ()>) -> Ended {
    let config = Config::load(&Sources::system()).config;
    let Some(shell) = config.all_shells().get(request.shell).filter(|shell| shell.is_container()) else {
        return Ended::failed(format!("shell {} of the configuration is no container", request.shell));
    };
    if request.display.contains('/') || request.display.starts_with('.') {
        return Ended::failed(format!("{:?} is no socket's name", request.display));
    }
    let display = api::runtime_dir().join(&request.display);
    let directory =
        PathBuf::from(std::env::var_os("RUNTIME_DIRECTORY").unwrap_or_else(|| "/run/kiosk-container".into()));
    let url = shell.url.without_user();
    let job = Job {
        shell: request.shell,
        file: &shell.container,
        display: &display,
        directory: &directory,
        url: url.as_str(),
        unit: true,
    };
    runner::run(&job, gone).await
}
