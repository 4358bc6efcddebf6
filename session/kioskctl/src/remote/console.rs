//! `console` from afar, by the stream of `/v1/console`.

use http_body_util::BodyExt;
use kiosk_client::{Failure, Outcome};

use super::Remote;
use super::requests::with_query;
use crate::console::{follow, show};

/// Longest event, bytes.
const MAX_EVENT: usize = 256 << 10;

/// Until it is interrupted.
pub async fn console(remote: &Remote, shell: Option<&str>, as_json: bool) -> Result<Outcome, Failure> {
    follow(async || listen(remote, shell, as_json).await).await
}

/// To the end of one stream.
async fn listen(remote: &Remote, shell: Option<&str>, as_json: bool) -> Result<(), Failure> {
    let path = with_query("/v1/console", &[("shell", shell)]);
    let mut body = remote.send("GET", &path, None, "text/event-stream").await?.into_body();
    let mut bytes = Vec::new();
    while bytes.len() <= MAX_EVENT {
        let Some(Ok(frame)) = body.frame().await else { return Ok(()) };
        bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = bytes.drain(..=end).collect();
            if let Some(said) = line.strip_prefix(b"data: ") {
                show(said, as_json)?;
            }
        }
    }
    Ok(())
}
