//! A front end of DevTools at the address that `kioskctl inspect` gives.

use std::net::TcpStream;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

use super::operator::{ANSWER, Followed};

pub struct Inspector {
    bridge: Followed,
    socket: WebSocket<TcpStream>,
    last: i64,
}

impl Inspector {
    /// At `address`, to which `bridge` is the way.
    pub fn open(bridge: Followed, address: &str) -> Result<Self> {
        let host = address.strip_prefix("ws://").and_then(|rest| rest.split('/').next()).context("no address")?;
        let stream = TcpStream::connect(host)?;
        stream.set_read_timeout(Some(ANSWER))?;
        let (socket, _) = client(address, stream).map_err(|error| anyhow::anyhow!("{address}: {error}"))?;
        Ok(Self { bridge, socket, last: 0 })
    }

    /// What the browser answers to a command.
    pub fn ask(&mut self, method: &str, params: &Value) -> Result<Value> {
        self.last += 1;
        let command = json!({ "id": self.last, "method": method, "params": params });
        self.socket.send(Message::text(command.to_string()))?;
        let deadline = Instant::now() + ANSWER;
        while Instant::now() < deadline {
            let Message::Text(text) = self.socket.read()? else { continue };
            let message: Value = serde_json::from_str(&text)?;
            if message["id"] == self.last {
                ensure!(message["error"].is_null(), "{method}: {}", message["error"]);
                return Ok(message["result"].clone());
            }
        }
        bail!("{method} was not answered in {ANSWER:?}")
    }

    /// Waits until the device has ended it; the bridge is still there for another one.
    pub fn ends(mut self) -> Result<()> {
        let deadline = Instant::now() + ANSWER;
        loop {
            match self.socket.read() {
                Ok(Message::Close(_)) => break,
                Ok(_) => ensure!(Instant::now() < deadline, "the inspection goes on"),
                Err(tokio_tungstenite::tungstenite::Error::Io(error))
                    if error.kind() == std::io::ErrorKind::WouldBlock =>
                {
                    bail!("the inspection goes on")
                }
                Err(_) => break,
            }
        }
        drop(self.bridge);
        Ok(())
    }
}
