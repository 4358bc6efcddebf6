//! QEMU's machine protocol: one JSON object a line over a Unix socket.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

/// QEMU answers within milliseconds; this long means that it hangs.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// A connection; calls from several threads take turns.
pub(super) struct Qmp {
    socket: Mutex<BufReader<UnixStream>>,
}

impl Qmp {
    pub fn connect(path: &Path) -> Result<Self> {
        let socket = UnixStream::connect(path).with_context(|| path.display().to_string())?;
        socket.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        let mut reader = BufReader::new(socket);
        reader.read_line(&mut String::new()).context("QEMU's greeting")?;
        let qmp = Self { socket: Mutex::new(reader) };
        qmp.execute("qmp_capabilities", &json!({}))?;
        Ok(qmp)
    }

    /// Waits for this event and gives what it says. Those that came while a command was carried out are gone.
    pub fn event(&self, name: &str, timeout: Duration) -> Result<Value> {
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        let deadline = Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            ensure!(!left.is_zero(), "no {name} within {timeout:?}");
            socket.get_ref().set_read_timeout(Some(left))?;
            let mut line = String::new();
            let read = socket.read_line(&mut line);
            socket.get_ref().set_read_timeout(Some(ANSWER_TIMEOUT))?;
            if read.with_context(|| format!("no {name} within {timeout:?}"))? == 0 {
                bail!("QEMU ended without {name}");
            }
            let event: Value = serde_json::from_str(&line)?;
            if event["event"] == name {
                return Ok(event["data"].clone());
            }
        }
    }

    /// Carries out a command and gives what it returns.
    pub fn execute(&self, command: &str, arguments: &Value) -> Result<Value> {
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        let mut line = serde_json::to_vec(&json!({ "execute": command, "arguments": arguments }))?;
        line.push(b'\n');
        socket.get_mut().write_all(&line).context("QEMU is gone")?;
        loop {
            let mut answer = String::new();
            if socket.read_line(&mut answer).with_context(|| format!("QEMU's answer to {command}"))? == 0 {
                bail!("QEMU ended during {command}");
            }
            let answer: Value = serde_json::from_str(&answer)?;
            if let Some(error) = answer.get("error") {
                bail!("QEMU refused {command} {arguments}: {}", error["desc"]);
            }
            // Anything else is an event, and nothing here waits for one.
            if let Some(value) = answer.get("return") {
                return Ok(value.clone());
            }
        }
    }
}
