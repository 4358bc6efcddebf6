//! The page's console as a stream of server-sent events: what kiosk-session hands out line by line while somebody listens. It
//! ends with its reader, with the session, and after an hour: nobody listens for ever by having forgotten it.

use std::os::fd::OwnedFd;
use std::os::unix::net;
use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use kiosk_client::{Client, page};
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::sync::mpsc;

use super::answer::{self, Answer, Problem};
use super::places::Place;

/// For how long one request listens.
const LONGEST: Duration = Duration::from_secs(3600);
/// Longest line, bytes: kiosk-session's have some thousand characters.
const MAX_LINE: usize = 64 << 10;

/// Of a shell; `None`: the first. `place` is held as long as it goes on.
pub async fn start(place: Place, shell: Option<&str>) -> Result<Answer, Problem> {
    let end = page::console(&Client::from_environment(), shell).await?;
    let stream = stream(end).map_err(|error| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, format!("kiosk-session's console can't be read: {error}"))
    })?;
    // One that is being sent, one that waits.
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        let left = sender.clone();
        tokio::select! {
            () = tell(stream, sender) => {}
            () = left.closed() => {}
            () = tokio::time::sleep(LONGEST) => {}
        }
        drop(place);
    });
    Ok(answer::stream("text/event-stream", receiver))
}

fn stream(end: OwnedFd) -> std::io::Result<UnixStream> {
    let end = net::UnixStream::from(end);
    end.set_nonblocking(true)?;
    UnixStream::from_std(end)
}

async fn tell(mut stream: UnixStream, sender: mpsc::Sender<Bytes>) {
    // A listener learns at once that he listens.
    if sender.send(Bytes::from_static(b": the console\n\n")).await.is_err() {
        return;
    }
    let mut bytes = Vec::new();
    loop {
        match stream.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = bytes.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let event = format!("event: console\ndata: {}\n\n", line.trim_end());
            if sender.send(event.into()).await.is_err() {
                return;
            }
        }
        if bytes.len() > MAX_LINE {
            return;
        }
    }
}
