//! kiosk-agent beside a real kioskd: what it is asked over HTTP happens on the screen, and what happens there it tells.

use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::Command,
};

use serde_json::Value;

use crate::{
    kiosk::Kiosk,
    process::{PATIENCE, Running, program},
};

/// An agent of this kioskd, on a Unix socket.
struct Agent {
    _process: Running,
    socket: PathBuf,
}

impl Agent {
    fn of(kiosk: &Kiosk) -> Self {
        let socket = kiosk.socket("http.sock");
        let mut command = Command::new(program("kiosk-agent"));
        command.arg("--socket").arg(&socket).env("KIOSK_RUNTIME_DIR", kiosk.socket(""));
        command.env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent").env_remove("JOURNAL_STREAM");
        let mut process = Running::start(command);
        process.wait_for(&socket);
        Self { _process: process, socket }
    }

    /// A request, whose answer is still to be read.
    fn begin(&self, method: &str, path: &str, body: &str) -> BufReader<UnixStream> {
        let mut stream = UnixStream::connect(&self.socket).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        BufReader::new(stream)
    }

    /// The body of an answer that is good.
    fn ask(&self, method: &str, path: &str, body: &str) -> Vec<u8> {
        let mut answer = Vec::new();
        self.begin(method, path, body).read_to_end(&mut answer).unwrap();
        let head = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("no answer");
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{path}: {}", String::from_utf8_lossy(&answer));
        answer.split_off(head + 4)
    }
}

/// Of the one output, as `/v1/outputs` has it.
fn rotation(agent: &Agent) -> u64 {
    let outputs: Value = serde_json::from_slice(&agent.ask("GET", "/v1/outputs", "")).unwrap();
    outputs[0]["rotation"].as_u64().unwrap_or_else(|| panic!("{outputs}"))
}

#[test]
fn the_screen_is_rotated_looked_at_and_followed_over_http() {
    let kiosk = Kiosk::start();
    let agent = Agent::of(&kiosk);
    let mut events = agent.begin("GET", "/v1/events", "").lines().map(Result::unwrap);
    events.find(|line| line.starts_with("data:")).expect("no first event");
    assert_eq!(rotation(&agent), 0);

    agent.ask("PATCH", "/v1/outputs/HEADLESS-1", r#"{"rotation": 90}"#);

    assert_eq!(rotation(&agent), 90);
    events.find(|line| line.starts_with("data:") && line.contains(r#""rotation":90"#)).expect("the events have ended");
    let picture = agent.ask("GET", "/v1/screenshot", "");
    let reader = png::Decoder::new(std::io::Cursor::new(picture)).read_info().unwrap();
    assert_eq!((reader.info().width, reader.info().height), (800, 1280));
    let metrics = String::from_utf8(agent.ask("GET", "/metrics", "")).unwrap();
    assert!(metrics.contains(r#"kiosk_output_rotation_degrees{output="HEADLESS-1"} 90"#), "{metrics}");
}
