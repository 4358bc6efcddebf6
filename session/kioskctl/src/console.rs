//! `console`: what the page's console says, line by line, here or from afar, until it is interrupted or its output is closed. A
//! stream that ends, as with kiosk-session and each hour from afar, is begun again.

use std::time::Duration;

use kiosk_client::{Client, Exit, Failure, Outcome, page};
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;

use crate::outcome::{print, printable};

/// Before the next try, where the stream has ended.
const PAUSE: Duration = Duration::from_secs(2);
/// Longest line, bytes: kiosk-session's have some thousand characters.
const MAX_LINE: usize = 64 << 10;

/// Of the kiosk here.
pub async fn here(client: &Client, shell: Option<&str>, as_json: bool) -> Result<Outcome, Failure> {
    follow(async || listen(client, shell, as_json).await).await
}

/// Listens to one stream after the other. The first one has to be there; the others come when they can.
pub async fn follow(listen: impl AsyncFn() -> Result<(), Failure>) -> Result<Outcome, Failure> {
    listen().await?;
    loop {
        tokio::time::sleep(PAUSE).await;
        match listen().await {
            Err(failure) if failure.exit != Exit::NotRunning => return Err(failure),
            _ => {}
        }
    }
}

/// To the end of one stream.
async fn listen(client: &Client, shell: Option<&str>, as_json: bool) -> Result<(), Failure> {
    let end = std::os::unix::net::UnixStream::from(page::console(client, shell).await?);
    let wrong = |error| Failure::new(Exit::Failed, format!("kiosk-session's console can't be read: {error}"));
    end.set_nonblocking(true).map_err(wrong)?;
    let mut stream = UnixStream::from_std(end).map_err(wrong)?;
    let mut bytes = Vec::new();
    loop {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = bytes.drain(..=end).collect();
            show(&line, as_json)?;
        }
        if bytes.len() > MAX_LINE || !matches!(stream.read_buf(&mut bytes).await, Ok(1..)) {
            return Ok(());
        }
    }
}

/// One line, as kiosk-session says it.
pub fn show(line: &[u8], as_json: bool) -> Result<(), Failure> {
    let Ok(said) = serde_json::from_slice::<Value>(line) else { return Ok(()) };
    print(&if as_json { said.to_string() } else { text(&said) })
}

/// For people: `warning: it is hot (http://a/x.js:5)`.
fn text(said: &Value) -> String {
    let word = |key: &str| said.get(key).and_then(Value::as_str).unwrap_or_default();
    if let Some(lost) = said.get("lost").and_then(Value::as_u64) {
        return format!("({lost} lines were not read in time)");
    }
    let source = match word("source") {
        "exception" => "uncaught ",
        "browser" => "browser ",
        _ => "",
    };
    let lines: Vec<String> = word("text").lines().map(printable).collect();
    let mut shown = format!("{source}{}: {}", printable(word("level")), lines.join("\n    "));
    let place = printable(word("url"));
    match said.get("line").and_then(Value::as_u64) {
        _ if place.is_empty() => {}
        Some(line) => shown.push_str(&format!(" ({place}:{line})")),
        None => shown.push_str(&format!(" ({place})")),
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lines_are_for_people_and_move_no_cursor() {
        let said = json!({ "level": "error", "source": "exception", "text": "Error: no\n  at x\u{1b}[2J", "url": "http://a/", "line": 3 });
        assert_eq!(text(&said), "uncaught error: Error: no\n      at x\u{fffd}[2J (http://a/:3)");
        let said = json!({ "level": "info", "source": "console", "text": "hot", "url": "", "line": null });
        assert_eq!(text(&said), "info: hot");
        assert_eq!(text(&json!({ "lost": 3 })), "(3 lines were not read in time)");
    }
}
