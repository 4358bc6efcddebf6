//! A person's input in a headless browser: pages may do some things only after a touch. It uses a DevTools connection
//! of its own, beside the session's: the browser needs `--remote-debugging-port=0` for it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::{SOON, Session, until};

/// A DevTools connection to the page (the part of RFC 6455 that it needs).
pub struct Hand {
    stream: TcpStream,
    sent: u64,
}

impl Hand {
    /// Connects to the page of this session's browser.
    pub fn of(session: &Session) -> Hand {
        let file = session.profile("DevToolsActivePort");
        let mut port = None;
        until("the browser's port", SOON, || {
            port = std::fs::read_to_string(&file).ok().and_then(|text| text.lines().next()?.parse::<u16>().ok());
            port.is_some()
        });
        let port = port.unwrap();
        let pages: Value = serde_json::from_str(&get(port, "/json/list")).unwrap();
        let page = pages.as_array().unwrap().iter().find(|page| page["type"] == "page").unwrap();
        let address = page["webSocketDebuggerUrl"].as_str().unwrap();
        let (_, path) = address.split_once("/devtools").unwrap();
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        let key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n";
        write!(
            stream,
            "GET /devtools{path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{key}\r\n"
        )
        .unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        Hand { stream, sent: 0 }
    }

    /// Clicks at this position of the page.
    pub fn click(&mut self, x: u32, y: u32) {
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": x, "y": y, "button": "left", "clickCount": 1 });
            self.order("Input.dispatchMouseEvent", &event);
        }
    }

    /// Drops data of this kind, which was dragged from elsewhere, at this position of the page.
    pub fn drop_at(&mut self, x: u32, y: u32, kind: &str, data: &str) {
        for step in ["dragEnter", "dragOver", "drop"] {
            let data = json!({ "items": [{ "mimeType": kind, "data": data }], "dragOperationsMask": 1 });
            self.order("Input.dispatchDragEvent", &json!({ "type": step, "x": x, "y": y, "data": data }));
        }
    }

    /// Presses this letter's key so many times, without waiting for any of them.
    pub fn type_at_once(&mut self, letter: &str, times: usize) {
        for _ in 0..times {
            for kind in ["keyDown", "keyUp"] {
                let event = json!({ "type": kind, "key": letter, "code": format!("Key{}", letter.to_uppercase()) });
                self.send("Input.dispatchKeyEvent", &event);
            }
        }
    }

    /// Presses a key once: `key` and `code` as in the page's event, `number` as Windows has it, and the text it types.
    pub fn press(&mut self, key: &str, code: &str, number: u32, text: &str) {
        let event = |kind: &str, text: &str| json!({ "type": kind, "key": key, "code": code, "windowsVirtualKeyCode": number, "text": text });
        self.order("Input.dispatchKeyEvent", &event("keyDown", text));
        self.order("Input.dispatchKeyEvent", &event("keyUp", ""));
    }

    fn send(&mut self, method: &str, parameters: &Value) {
        self.sent += 1;
        let text = json!({ "id": self.sent, "method": method, "params": parameters }).to_string();
        let length = u16::try_from(text.len()).unwrap().to_be_bytes();
        // One text frame, with a mask of zeros.
        let mut frame = vec![0x81, 0x80 | 126, length[0], length[1], 0, 0, 0, 0];
        frame.extend_from_slice(text.as_bytes());
        self.stream.write_all(&frame).unwrap();
    }

    fn order(&mut self, method: &str, parameters: &Value) {
        self.send(method, parameters);
        loop {
            let answer: Value = serde_json::from_slice(&self.frame()).unwrap();
            if answer["id"] == self.sent {
                assert!(answer["error"].is_null(), "{answer}");
                return;
            }
        }
    }

    fn frame(&mut self) -> Vec<u8> {
        let mut head = [0; 2];
        self.stream.read_exact(&mut head).unwrap();
        let length = match head[1] {
            126 => {
                let mut length = [0; 2];
                self.stream.read_exact(&mut length).unwrap();
                u64::from(u16::from_be_bytes(length))
            }
            127 => {
                let mut length = [0; 8];
                self.stream.read_exact(&mut length).unwrap();
                u64::from_be_bytes(length)
            }
            length => u64::from(length),
        };
        let mut text = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut text).unwrap();
        text
    }
}

/// The body of an answer of the browser's DevTools server.
fn get(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut reader = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line).unwrap() > 2 {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}
