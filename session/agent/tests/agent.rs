//! kiosk-agent as a process, between stand-ins for both services and a client that writes its requests byte by byte: what is
//! served, and what is refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

#[path = "../../kioskctl/tests/kioskctl_fake/mod.rs"]
mod fake;
mod reply;

use fake::Fake;
use reply::Reply;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
/// One whose file in /etc everybody can read.
const OPEN: &str = "fedcba9876543210fedcba9876543210";
/// Far more than any answer takes on the busiest machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running agent, on a Unix socket and on loopback.
struct Agent {
    child: Child,
    socket: PathBuf,
    port: u16,
    directory: tempfile::TempDir,
}

impl Agent {
    fn start() -> Agent {
        let directory = tempfile::tempdir().unwrap();
        private(&directory.path().join("token"), &format!("{TOKEN}\n"));
        let socket = directory.path().join("http.sock");
        // Free a moment ago; the agent ends, and the test with it, where it is taken since.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(env!("CARGO_BIN_EXE_kiosk-agent"))
            .arg("--socket")
            .arg(&socket)
            .args(["--http", &format!("127.0.0.1:{port}")])
            .env("KIOSK_RUNTIME_DIR", directory.path())
            .env("CREDENTIALS_DIRECTORY", directory.path())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut agent = Agent { child, socket, port, directory };
        let until = Instant::now() + PATIENCE;
        // The Unix socket first: a connection to a free port of one's own may be one to itself.
        while UnixStream::connect(&agent.socket).is_err() || TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(agent.child.try_wait().unwrap().is_none(), "the agent has ended");
            assert!(Instant::now() < until, "the agent does not listen");
            std::thread::yield_now();
        }
        agent
    }

    fn directory(&self) -> &Path {
        self.directory.path()
    }

    fn unix(&self) -> UnixStream {
        let stream = UnixStream::connect(&self.socket).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    fn tcp(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Over the Unix socket, with a body of JSON where there is one.
    fn ask(&self, method: &str, path: &str, body: &str) -> Reply {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        let kind = if body.is_empty() { String::new() } else { "Content-Type: application/json\r\n".to_owned() };
        exchange(self.unix(), format!("{head}{kind}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes())
    }

    /// Over loopback, with these headers.
    fn knock(&self, path: &str, headers: &str) -> Reply {
        exchange(self.tcp(), format!("GET {path} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n").as_bytes())
    }
}

/// A file for its owner alone.
fn private(file: &Path, text: &str) {
    std::fs::write(file, text).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Reply {
    /// The sentence of a problem, whose form is looked at.
    #[track_caller]
    fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{:?} {}", self.head, String::from_utf8_lossy(&self.body));
        assert!(self.head.contains("content-type: application/problem+json"), "{}", self.head);
        let json = self.json();
        assert_eq!(json["status"], status);
        json["detail"].as_str().unwrap().to_owned()
    }
}

/// Writes, and reads to the end.
fn exchange(mut stream: impl Read + Write, request: &[u8]) -> Reply {
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    // What comes after an answer that ends the connection early is no fault.
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}"),
    }
    Reply::of(&answer)
}

#[test]
fn the_state_is_what_kioskctl_prints() {
    let agent = Agent::start();
    let (_session, _compositor) = (Fake::session(agent.directory()), Fake::compositor(agent.directory()));
    let status = agent.ask("GET", "/v1/status", "").json();
    assert_eq!(status["session"]["state"], "loading");
    assert_eq!(status["compositor"]["outputs"][0]["name"], "HDMI-A-1");
    assert_eq!((&status["errors"], &status["slots"]), (&json!([]), &Value::Null));
    assert_eq!(agent.ask("GET", "/v1/outputs", "").json(), status["compositor"]["outputs"]);
    assert_eq!(agent.ask("GET", "/v1/inputs", "").json()[0]["id"], "Elo@1-1");
    assert_eq!(agent.ask("GET", "/v1/accessibility", "").json()["slow-keys"], true);
    assert_eq!(agent.ask("GET", "/v1/openapi.json", "").json()["openapi"], "3.1.0");
}

#[test]
fn verbs_reach_the_services() {
    let agent = Agent::start();
    let (session, compositor) = (Fake::session(agent.directory()), Fake::compositor(agent.directory()));
    for (path, body, method) in [
        ("/v1/reload", r#"{"hard": true}"#, "Reload"),
        ("/v1/open", r#"{"url": "http://localhost:3000/two"}"#, "Open"),
        ("/v1/home", "", "Home"),
        ("/v1/restart", "{}", "Restart"),
        ("/v1/stop", "", "Stop"),
        ("/v1/start", "", "Start"),
        ("/v1/clear-data", "", "ClearData"),
    ] {
        let reply = agent.ask("POST", path, body);
        assert_eq!((reply.status, reply.json()), (200, json!({ "done": true })), "{path}");
        assert_eq!(session.calls().last().unwrap().0, method);
    }
    for (path, body, method) in [
        ("/v1/outputs/confirm", "", "Confirm"),
        ("/v1/outputs/forget", r#"{"key": "rotation"}"#, "Forget"),
        ("/v1/message", r#"{"text": "Closed"}"#, "ShowMessage"),
        ("/v1/pairing", r#"{"code": "ABC-123", "expires": 60}"#, "ShowPairing"),
        ("/v1/dismiss", "", "Dismiss"),
        ("/v1/keyboard", r#"{"keyboard": "hide"}"#, "SetKeyboard"),
        ("/v1/accessibility", r#"{"aid": "contrast", "state": "on"}"#, "SetAccessibility"),
        ("/v1/vt", r#"{"vt": 2}"#, "SwitchVt"),
        ("/v1/config/reload", "", "ReloadConfiguration"),
    ] {
        let reply = agent.ask("POST", path, body);
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        assert_eq!(compositor.calls().last().unwrap().0, method);
    }
    let rotated = agent.ask("PATCH", "/v1/outputs/DP-1", r#"{"rotation": 90.0, "scale": 1.5, "lasting": "temporary"}"#);
    let told = rotated.json();
    assert_eq!((&told["mode"], &told["revert-after"], &told["serial"]), (&json!("temporary"), &json!(15), &json!(8)));
    assert_eq!(told["changes"], json!([{ "output": "DP-1", "rotation": 90, "scale": 1.5 }]));
    assert_eq!(compositor.calls().last().unwrap().0, "ApplyOutputs");
    let off = agent.ask("PATCH", "/v1/outputs/*", r#"{"power": "off"}"#).json();
    assert_eq!(off["changes"].as_array().unwrap().len(), 3);
    let mapped = agent.ask("PATCH", "/v1/inputs/Elo%401-1", r#"{"output": "auto"}"#).json();
    assert_eq!(mapped, json!({ "device": "Elo@1-1", "output": "auto" }));
    let picture = agent.ask("GET", "/v1/screenshot?output=DP-1", "");
    assert!(picture.head.contains("content-type: image/png") && picture.body.starts_with(b"\x89PNG"), "{picture:?}");
}

#[test]
fn a_request_that_is_wrong_is_told_what_is_allowed_and_reaches_nobody() {
    let agent = Agent::start();
    let (session, compositor) = (Fake::session(agent.directory()), Fake::compositor(agent.directory()));
    for (method, path, body, status, says) in [
        ("GET", "/v1/nothing", "", 404, "openapi.json"),
        ("DELETE", "/v1/status", "", 405, "GET"),
        ("GET", "/v1/status?token=x", "", 400, "question mark"),
        ("GET", "/v1/status", "{}", 400, "no body"),
        ("POST", "/v1/open", "", 400, "url"),
        ("POST", "/v1/open", "{", 400, "EOF"),
        ("POST", "/v1/open", "[\"http://localhost\", null]", 400, "JSON object"),
        ("POST", "/v1/open", r#"{"url": "localhost"}"#, 400, "url"),
        ("POST", "/v1/open", r#"{"url": "http://localhost", "now": 1}"#, 400, "unknown field `now`"),
        ("POST", "/v1/dismiss", r#"{"all": true}"#, 400, "unknown field"),
        ("POST", "/v1/vt", r#"{"vt": 64}"#, 400, "vt"),
        ("POST", "/v1/vt", r#"{"vt": 2.5}"#, 400, "whole number"),
        ("POST", "/v1/vt", "{}", 400, "vt"),
        ("POST", "/v1/stop", r#"{"shell": null}"#, 400, "null"),
        ("PATCH", "/v1/outputs/DP-1", r#"{"scale": null}"#, 400, "scale"),
        ("PATCH", "/v1/outputs/DP-1", r#"{"rotation": -90}"#, 400, "whole number"),
        ("PATCH", "/v1/outputs/DP-1", "{}", 400, "rotation"),
        ("PATCH", "/v1/outputs/DP-1", r#"{"rotation": 45}"#, 400, "90"),
        ("PATCH", "/v1/outputs/DP-1", r#"{"scale": 9}"#, 400, "scale"),
        ("PATCH", "/v1/outputs/DP-1", r#"{"scale": {"a": []}}"#, 400, "scale"),
        ("PATCH", "/v1/outputs/DP-1", r#"{"rotation": 90, "revert-after": 5}"#, 400, "temporary"),
        ("PATCH", "/v1/outputs/DP-9", r#"{"rotation": 90}"#, 404, "DP-9"),
        ("PATCH", "/v1/inputs/Elo", r#"{"trusted": true}"#, 404, "Elo@1-1"),
        ("PATCH", "/v1/inputs/Panel", "{}", 400, "either"),
        ("POST", "/v1/home", r#"{"shell": "HDMI-A-7"}"#, 404, "HDMI-A-7"),
    ] {
        let said = agent.ask(method, path, body).problem(status);
        assert!(said.contains(says), "{method} {path} {body}: {said}");
    }
    assert!(session.calls().is_empty() && compositor.calls().is_empty());
    let form = "POST /v1/dismiss HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}";
    exchange(agent.unix(), form.as_bytes()).problem(415);
}

#[test]
fn a_refusal_of_a_service_has_its_status_and_its_name() {
    let agent = Agent::start();
    let session = Fake::session(agent.directory());
    for (name, status) in [
        ("org.kioskd.Error.InvalidArgument", 400),
        ("org.kioskd.Error.UrlNotAllowed", 403),
        ("org.kioskd.Error.NotAuthorized", 403),
        ("org.kioskd.Error.NotFound", 404),
        ("org.kioskd.Error.NotReady", 409),
        ("org.kioskd.Error.Failed", 500),
    ] {
        *session.shared.error.lock().unwrap() = Some((name, "because of that"));
        let reply = agent.ask("POST", "/v1/home", "");
        assert_eq!(reply.problem(status), "because of that");
        assert_eq!(reply.json()["name"], name);
    }
}

#[test]
fn services_that_are_away_are_said_to_be_and_come_back_by_themselves() {
    let agent = Agent::start();
    assert!(agent.ask("GET", "/v1/status", "").problem(503).contains("neither kioskd nor kiosk-session is running"));
    assert!(agent.ask("POST", "/v1/home", "").problem(503).contains("kiosk-session is not running"));
    let metrics = agent.ask("GET", "/metrics", "");
    assert!(String::from_utf8(metrics.body).unwrap().contains("kiosk_up{program=\"kioskd\"} 0.0"));
    let _compositor = Fake::compositor(agent.directory());
    let status = agent.ask("GET", "/v1/status", "").json();
    assert_eq!((&status["session"], &status["compositor"]["stage"]), (&Value::Null, &json!("splash")));
}

#[test]
fn metrics_are_openmetrics_with_bounded_labels() {
    let agent = Agent::start();
    let (_session, _compositor) = (Fake::session(agent.directory()), Fake::compositor(agent.directory()));
    let reply = agent.ask("GET", "/metrics", "");
    assert!(reply.head.contains("content-type: application/openmetrics-text; version=1.0.0"), "{}", reply.head);
    let text = String::from_utf8(reply.body).unwrap();
    for line in [
        "kiosk_up{program=\"kiosk-session\"} 1.0",
        "kiosk_stage{stage=\"splash\"} 1.0",
        "kiosk_shell_state{shell=\"0\",state=\"loading\"} 1.0",
        "kiosk_shell_state{shell=\"0\",state=\"ready\"} 0.0",
        "kiosk_shell_restarts_total{shell=\"0\"} 1",
        "kiosk_output_frames_composed_total{output=\"DP-1\"} 10",
        "kiosk_output_connected{output=\"VGA-1\"} 0.0",
    ] {
        assert!(text.lines().any(|other| other == line), "{line} is missing:\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
    // What a page or a monitor can choose at will is no label.
    assert!(!text.contains("localhost") && !text.contains("Dell") && !text.contains("crashed\"} 1"), "{text}");
}

#[test]
fn events_tell_the_state_now_and_at_each_change() {
    let agent = Agent::start();
    let session = Fake::session(agent.directory());
    let mut stream = agent.unix();
    stream.write_all(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut seen = Vec::new();
    let mut until = |wanted: &str| {
        let mut buffer = [0; 4096];
        while !String::from_utf8_lossy(&seen).contains(wanted) {
            let read = stream.read(&mut buffer).unwrap();
            assert!(read > 0, "the stream ended: {}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&buffer[..read]);
        }
    };
    until("event: status\ndata: {");
    until("\"state\":\"loading\"");
    session.change(&[("State", "ready".into())]);
    until("\"state\":\"ready\"");
    drop(session);
    until("kiosk-session is not running");
}

#[test]
fn the_console_is_a_stream_of_events_that_ends_with_the_session_s() {
    let agent = Agent::start();
    let listen = |query: &str| {
        let mut stream = agent.unix();
        let head = format!("GET /v1/console{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    };
    assert!(listen("").starts_with("HTTP/1.1 503"), "nothing runs");
    let session = Fake::session(agent.directory());
    let told = listen("");
    assert!(told.starts_with("HTTP/1.1 200") && told.contains("text/event-stream"), "{told}");
    assert!(
        told.contains("event: console\ndata: {\"level\":\"warning\",") && told.contains("\"text\":\"one\""),
        "{told}"
    );
    assert!(told.contains("event: console\ndata: {\"lost\":3}\n\n"), "{told}");
    assert_eq!(session.calls().last().unwrap().0, "Console");
    assert!(listen("?shell=7").starts_with("HTTP/1.1 404"));
    assert!(listen("?output=7").starts_with("HTTP/1.1 400"));
    *session.shared.error.lock().unwrap() = Some(("org.kioskd.Error.Unsupported", "it is no browser"));
    assert!(listen("").starts_with("HTTP/1.1 409"));
}

#[test]
fn devtools_are_a_websocket_that_ends_with_the_session_s() {
    use tokio_tungstenite::tungstenite::{Message, client};
    let agent = Agent::start();
    let session = Fake::session(agent.directory());
    let ask = |path: &str, headers: &str| {
        let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        exchange(agent.unix(), head.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n").as_bytes())
    };
    let plain = ask("/v1/inspect", "");
    assert!(plain.problem(426).contains("WebSocket") && plain.head.contains("upgrade: websocket"), "{}", plain.head);
    let asked = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    assert_eq!(ask("/v1/inspect", &format!("{asked}Sec-WebSocket-Key: short\r\n")).status, 426);
    let good = format!("{asked}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
    for query in ["seconds=0", "seconds=3601", "seconds=-1", "seconds=x", "seconds=1&seconds=2", "who=x"] {
        assert_eq!(ask(&format!("/v1/inspect?{query}"), &good).status, 400, "{query}");
    }
    assert_eq!(ask("/v1/inspect", &format!("{good}Origin: http://localhost\r\n")).status, 403);
    assert_eq!(session.calls(), [], "none of it reached the session");

    let (mut front_end, answer) = client("ws://localhost/v1/inspect?seconds=60", agent.unix()).unwrap();
    assert_eq!(answer.status(), 101);
    let (method, arguments) = session.calls().last().unwrap().clone();
    assert!(method == "Inspect" && arguments.contains("60") && arguments.contains("admin"), "{method} {arguments}");
    front_end.send(Message::text(r#"{"id":1}"#)).unwrap();
    assert_eq!(front_end.read().unwrap().into_text().unwrap().as_str(), r#"{"echo":{"id":1}}"#);
    let long = format!("{{\"id\":2,\"x\":\"{}\"}}", "y".repeat(1 << 20));
    front_end.send(Message::text(long.as_str())).unwrap();
    assert_eq!(front_end.read().unwrap().into_text().unwrap().as_str(), format!("{{\"echo\":{long}}}"));
    // As long as the browser's longest: it is not held whole.
    front_end.send(Message::text("\"huge\"")).unwrap();
    let huge = front_end.read().unwrap().into_text().unwrap();
    assert!(huge.len() > fake::HUGE && huge.ends_with("y\"}"), "{}", huge.len());
    let peak = fake::peak_kib(agent.child.id());
    assert!(peak < fake::HUGE >> 10, "{peak} KiB");
    front_end.send(Message::text("\"end\"")).unwrap();
    assert!(matches!(front_end.read().unwrap(), Message::Close(Some(_))));

    *session.shared.error.lock().unwrap() = Some(("org.kioskd.Error.NotReady", "anna is looking at the page"));
    assert_eq!(ask("/v1/inspect", &good).status, 409);
}

#[test]
fn nobody_without_the_token_gets_in_over_loopback() {
    let agent = Agent::start();
    let _compositor = Fake::compositor(agent.directory());
    let host = format!("Host: 127.0.0.1:{}\r\n", agent.port);
    let good = format!("{host}Authorization: Bearer {TOKEN}\r\n");
    assert_eq!(agent.knock("/v1/status", &good).status, 200);
    let none = agent.knock("/v1/status", &host);
    none.problem(401);
    assert!(none.head.contains("www-authenticate: bearer"));
    for wrong in ["Bearer 0123456789abcdef0123456789abcdeg", "Bearer", "Basic Og==", "Bearer é"] {
        agent.knock("/v1/status", &format!("{host}Authorization: {wrong}\r\n")).problem(401);
    }
    agent.knock(&format!("/v1/status?token={TOKEN}"), &host).problem(401);
    agent.knock(&format!("/v1/status?access_token={TOKEN}"), &good).problem(400);
    // A path that is not there is no news for those without the token.
    agent.knock("/v1/nothing", &host).problem(401);
    // The Unix socket's file is the proof.
    assert_eq!(agent.ask("GET", "/v1/status", "").status, 200);
}

#[test]
fn requests_of_web_pages_are_refused() {
    let agent = Agent::start();
    let _compositor = Fake::compositor(agent.directory());
    let token = format!("Authorization: Bearer {TOKEN}\r\n");
    for host in ["evil.example", "localhost.evil.example:8377", "192.168.1.5", "127.0.0.1@evil", ""] {
        agent.knock("/v1/status", &format!("Host: {host}\r\n{token}")).problem(403);
    }
    agent.knock("/v1/status", &format!("Host: localhost\r\nOrigin: http://localhost:3000\r\n{token}")).problem(403);
    agent.knock("/v1/status", &format!("Host: localhost\r\nOrigin: null\r\n{token}")).problem(403);
    agent.knock("/v1/status", &format!("Host: localhost\r\nHost: evil.example\r\n{token}")).problem(400);
    agent.knock("/v1/status", &token).problem(400);
    agent.knock("http://evil.example/v1/status", &format!("Host: localhost\r\n{token}")).problem(403);
    let fine = agent.knock("/v1/status", &format!("Host: [::1]:8377\r\n{token}"));
    assert_eq!(fine.status, 200);
    assert!(!fine.head.contains("access-control"));
}

#[test]
fn an_oversized_body_is_refused_by_its_content_length() {
    let agent = Agent::start();
    let head = "POST /v1/message HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    // By its length alone: not one byte of it is sent.
    exchange(agent.unix(), format!("{head}Content-Length: 1000000000\r\n\r\n").as_bytes()).problem(413);
    // Without a length, when there was too much.
    let mut stream = agent.unix();
    stream.write_all(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).unwrap();
    let chunk = [b"4000\r\n".as_slice(), &[b' '; 0x4000], b"\r\n"].concat();
    let sent = (0..10_000).take_while(|_| stream.write_all(&chunk).is_ok()).count();
    assert!(sent < 1000, "{sent} chunks were taken");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    Reply::of(&answer).problem(413);
}

#[test]
fn headers_without_end_and_ones_that_are_too_slow_end_the_connection() {
    let agent = Agent::start();
    let mut long = agent.unix();
    let line = format!("X: {}\r\n", "a".repeat(1000));
    let _ = long.write_all(b"GET /v1/status HTTP/1.1\r\n");
    let sent = (0..10_000).take_while(|_| long.write_all(line.as_bytes()).is_ok()).count();
    assert!(sent < 5000, "{sent} headers were taken");
    let mut slow = agent.unix();
    slow.write_all(b"GET /v1/status HTTP/1.1\r\nHost: loc").unwrap();
    let mut idle = agent.unix();
    // Both are ended by the agent: the test's own patience would be an error.
    for stream in [&mut slow, &mut idle] {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).inspect_err(|error| assert_ne!(error.kind(), ErrorKind::WouldBlock));
    }
}

#[test]
fn a_thousand_connections_leave_place_for_the_next() {
    let agent = Agent::start();
    let _compositor = Fake::compositor(agent.directory());
    let good = format!("Host: localhost\r\nAuthorization: Bearer {TOKEN}\r\n");
    // Whoever has no token has the places of such alone, however many come; wrong ones and none are told so as ever.
    let mut held: Vec<TcpStream> = (0..300).map(|_| agent.tcp()).collect();
    for number in 0..1000 {
        let mut stranger = agent.tcp();
        let _ = stranger.write_all(b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer no\r\n\r\n");
        let place = number % held.len();
        held[place] = stranger;
        if number % 100 == 0 {
            assert_eq!(agent.knock("/v1/status", &good).status, 200);
        }
    }
    agent.knock("/v1/status", "Host: localhost\r\n").problem(401);
    // Those who have it have so many places, and the next is told.
    let ask = |stream: &mut TcpStream| {
        stream.write_all(format!("GET /v1/openapi.json HTTP/1.1\r\n{good}\r\n").as_bytes()).unwrap();
        let mut start = [0; 12];
        stream.read_exact(&mut start).unwrap();
        String::from_utf8_lossy(&start).into_owned()
    };
    let mut theirs: Vec<TcpStream> = (0..70).map(|_| agent.tcp()).collect();
    let answers: Vec<String> = theirs.iter_mut().map(ask).collect();
    assert_eq!(answers.iter().filter(|start| *start == "HTTP/1.1 200").count(), 64, "{answers:?}");
    assert_eq!(answers.iter().filter(|start| *start == "HTTP/1.1 503").count(), 6, "{answers:?}");
    // Loopback is full, and the Unix socket is not.
    assert_eq!(agent.ask("GET", "/v1/status", "").status, 200);
    drop((held, theirs));
    let until = Instant::now() + PATIENCE;
    while agent.knock("/v1/status", &good).status != 200 {
        assert!(Instant::now() < until, "loopback stays full");
    }
    // Whoever may open the Unix socket may do everything: there, too, those beyond the limit are told so at once.
    let mut held: Vec<UnixStream> = (0..300).map(|_| agent.unix()).collect();
    let mut refused = String::new();
    held.last_mut().unwrap().read_to_string(&mut refused).unwrap();
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    Reply::of(refused.as_bytes()).problem(503);
}

#[test]
fn a_connection_with_too_many_requests_is_told_to_wait() {
    let agent = Agent::start();
    let _compositor = Fake::compositor(agent.directory());
    let mut stream = agent.unix();
    let request = "GET /v1/openapi.jso HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(400);
    let last = "GET /v1/openapi.jso HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(format!("{request}{last}").as_bytes()).unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    assert!(answers.contains("HTTP/1.1 404 ") && answers.contains("HTTP/1.1 429 "), "{answers}");
    assert!(answers.to_lowercase().contains("retry-after: 1"));
}

#[test]
fn a_flood_of_requests_that_are_refused_is_answered_slowly() {
    let agent = Agent::start();
    let (begun, mut stream) = (Instant::now(), agent.tcp());
    let request = "GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(49);
    let last = "GET /v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(format!("{request}{last}").as_bytes()).unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    assert_eq!(answers.matches("HTTP/1.1 401 ").count(), 50);
    // At least: as many as 50 a second, whatever the machine could do.
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[test]
fn an_agent_with_nothing_to_serve_or_a_weak_token_says_so_and_ends() {
    let run = |arguments: &[&str], token: Option<&str>| {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_kiosk-agent"));
        command.args(arguments).env_remove("CREDENTIALS_DIRECTORY");
        if let Some(token) = token {
            private(&directory.path().join("token"), token);
            command.env("CREDENTIALS_DIRECTORY", directory.path());
        }
        command.env("KIOSK_ROOT", directory.path());
        if token.is_some_and(|token| token == OPEN) {
            let source = directory.path().join("etc/kiosk/agent-token");
            std::fs::create_dir_all(source.parent().unwrap()).unwrap();
            private(&source, OPEN);
            std::fs::set_permissions(&source, std::fs::Permissions::from_mode(0o644)).unwrap();
        }
        let output = fake::output(&mut command);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for (arguments, token, says) in [
        (&[][..], None, "nothing to serve"),
        (&["--http", "127.0.0.1:0"], None, "needs a token"),
        (&["--http", "127.0.0.1:0"], Some("#none"), "at least 32"),
        (&["--http", "127.0.0.1:0"], Some(OPEN), "agent-token can be read by everybody"),
        (&["--http", "0.0.0.0:8377"], Some(TOKEN), "loopback"),
        (&["--http", "[2001:db8::1]:8377"], Some(TOKEN), "loopback"),
    ] {
        let (code, said) = run(arguments, token);
        assert_eq!(code, Some(2), "{arguments:?}: {said}");
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
}
