//! What goes on: `status --watch` and `wait`, by the stream of events. A stream that ends is begun again.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use kiosk_client::{Exit, Failure, Outcome, Status};
use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until};

use super::boot_time;
use super::connection::Remote;
use crate::cli::Condition;
use crate::status::Screenful;
use crate::wait::{self, Waiting};

/// Before the next try, where a stream ended or can't be had.
const PAUSE: Duration = Duration::from_secs(2);
/// Longest event, bytes; the state of a kiosk with many outputs is much shorter.
const MAX_EVENT: usize = 4 << 20;

/// A device's stream of events.
struct Stream {
    body: Incoming,
    read: Vec<u8>,
    /// The device's CLOCK_BOOTTIME less ours, microseconds.
    ahead: Option<i128>,
}

impl Stream {
    async fn open(remote: &Remote) -> Result<Self, Failure> {
        let answer = remote.send("GET", "/v1/events", None, "text/event-stream").await?;
        let ours = i128::from(kiosk_client::state::now());
        let ahead = boot_time(&answer).map(|theirs| i128::from(theirs) - ours);
        Ok(Stream { body: answer.into_body(), read: Vec::new(), ahead })
    }

    /// The next state; `None`: the stream has ended. May be dropped and called again.
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.read.windows(2).position(|two| two == b"\n\n") {
                let event: Vec<u8> = self.read.drain(..end + 2).collect();
                let event = String::from_utf8_lossy(&event);
                let data = event.lines().find_map(|line| line.strip_prefix("data: "));
                if let Some(state) = data.and_then(|data| serde_json::from_str(data).ok()) {
                    return Some(state);
                }
                continue;
            }
            if self.read.len() > MAX_EVENT {
                return None;
            }
            let frame = self.body.frame().await?.ok()?;
            self.read.extend_from_slice(frame.data_ref()?);
        }
    }

    /// What the device's clock says now.
    fn now(&self) -> Option<u64> {
        u64::try_from(i128::from(kiosk_client::state::now()) + self.ahead?).ok()
    }
}

/// Until it is interrupted, or its output is closed.
pub async fn status(remote: &Remote, as_json: bool) -> Result<Outcome, Failure> {
    let mut screenful = Screenful::new(as_json);
    let mut stream = Stream::open(remote).await?;
    loop {
        match stream.next().await {
            Some(json) => {
                let status = Status::told(&json).ok_or_else(|| remote.strange())?;
                screenful.show(status, json, stream.now())?;
            }
            None => stream = again(remote).await?,
        }
    }
}

/// Until it is so, or the time is up.
pub async fn wait(
    remote: &Remote,
    what: Condition,
    shell: Option<&str>,
    stable: Option<Duration>,
    timeout: Option<Duration>,
) -> Result<Outcome, Failure> {
    wait::check(what, shell)?;
    let begun = Instant::now();
    let mut waiting = Waiting::new(stable.unwrap_or_default());
    let held = async {
        let mut stream = Stream::open(remote).await?;
        loop {
            tokio::select! {
                json = stream.next() => match json {
                    Some(json) => {
                        let status = Status::told(&json).ok_or_else(|| remote.strange())?;
                        waiting.take(wait::look(&status, what, shell))?;
                    }
                    None => {
                        waiting.take(Err(Failure::new(Exit::NotRunning, "the device ended the connection")))?;
                        stream = again(remote).await?;
                    }
                },
                () = sleep_until(waiting.until().unwrap_or(begun)), if waiting.until().is_some() => {}
            }
            if waiting.is_over() {
                return Ok(());
            }
        }
    };
    let result = wait::within(begun, timeout, held).await;
    wait::ended(result, begun, timeout, waiting)
}

/// A stream again, as often as it takes; whom the device does not let in it need not be asked again.
async fn again(remote: &Remote) -> Result<Stream, Failure> {
    loop {
        sleep(PAUSE).await;
        match Stream::open(remote).await {
            Ok(stream) => return Ok(stream),
            Err(failure) if failure.is_final() => return Err(failure),
            Err(_away) => {}
        }
    }
}
