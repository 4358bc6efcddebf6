//! QEMU's machine protocol: one JSON object a line over a Unix socket.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
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
            // Anything else is an event, and nobody here waits for one.
            if let Some(value) = answer.get("return") {
                return Ok(value.clone());
            }
        }
    }
}
