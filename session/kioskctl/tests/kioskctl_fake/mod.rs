//! Stand-ins for kioskd and kiosk-session, peer to peer in a directory or on a bus, and kioskctl run against
//! them as a process. What they answer is set by the test; what they were asked is kept for it.

#![allow(dead_code, reason = "each test program uses a part")]

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Seek, Write};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use kiosk_client::Service;
use zbus::connection::Builder;
use zbus::message::Type;
use zbus::{Connection, Guid, Message, MessageStream, OwnedGuid, Structure, Variant};

#[path = "../limit/mod.rs"]
mod limit;

pub mod security_context;

pub use limit::{Limit, output};

type Values = BTreeMap<String, Variant<'static>>;

/// A service's state.
pub struct Shared {
    service: Service,
    pub properties: Mutex<Values>,
    /// Of the second shell, the third and so on: what differs from the first.
    pub others: Mutex<Vec<Values>>,
    /// Outputs by the last part of their object path.
    pub outputs: Mutex<BTreeMap<String, Values>>,
    /// Input devices by the last part of their object path.
    pub inputs: Mutex<BTreeMap<String, Values>>,
    /// Method and arguments of each call that is no question.
    pub calls: Mutex<Vec<(String, String)>>,
    /// The error that such calls are answered with.
    pub error: Mutex<Option<(&'static str, &'static str)>>,
    /// Whether such a call ends the connection instead.
    pub hang_up: Mutex<bool>,
    pub picture: Mutex<Vec<u8>>,
    /// How many inspections have ended.
    pub inspected: Mutex<usize>,
    connections: Mutex<Vec<Connection>>,
}

pub struct Fake {
    pub shared: Arc<Shared>,
    socket: Option<PathBuf>,
    runtime: tokio::runtime::Handle,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// Where a fake serves.
enum Endpoint {
    Socket(UnixListener),
    Bus(String),
}

impl Fake {
    pub fn session(directory: &Path) -> Fake {
        Fake::peer_to_peer(Service::Session, directory)
    }

    pub fn compositor(directory: &Path) -> Fake {
        Fake::peer_to_peer(Service::Compositor, directory)
    }

    fn peer_to_peer(service: Service, directory: &Path) -> Fake {
        let path = directory.join(service.socket());
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path).unwrap();
        listener.set_nonblocking(true).unwrap();
        Fake::start(service, Endpoint::Socket(listener), Some(path))
    }

    pub fn on_bus(service: Service, address: &str) -> Fake {
        Fake::start(service, Endpoint::Bus(address.to_owned()), None)
    }

    fn start(service: Service, place: Endpoint, socket: Option<PathBuf>) -> Fake {
        let shared = Arc::new(Shared {
            service,
            properties: Mutex::new(properties(service)),
            others: Mutex::default(),
            outputs: Mutex::new(outputs()),
            inputs: Mutex::new(inputs()),
            calls: Mutex::default(),
            error: Mutex::default(),
            hang_up: Mutex::default(),
            picture: Mutex::new(b"\x89PNG\r\n\x1a\nand so on".to_vec()),
            inspected: Mutex::default(),
            connections: Mutex::default(),
        });
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let (ready, is_ready) = mpsc::channel();
        let thread = std::thread::spawn({
            let shared = shared.clone();
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    match place {
                        Endpoint::Socket(listener) => {
                            tokio::spawn(accept(shared, listener));
                        }
                        Endpoint::Bus(address) => {
                            let bus = Builder::address(address.as_str()).build().await.unwrap();
                            let messages = MessageStream::from(&bus);
                            shared.connections.lock().unwrap().push(bus.clone());
                            bus.request_name(shared.service.name()).await.unwrap();
                            tokio::spawn(answer(shared, bus, messages));
                        }
                    }
                    ready.send(tokio::runtime::Handle::current()).unwrap();
                    let _ = stopped.await;
                });
            }
        });
        let runtime = is_ready.recv_timeout(limit::LIMIT).unwrap();
        Fake { shared, socket, runtime, stop: Some(stop), thread: Some(thread) }
    }

    /// Sets properties and says so in one signal.
    pub fn change(&self, values: &[(&str, Variant<'static>)]) {
        let service = self.shared.service;
        let changed: HashMap<String, Variant<'static>> =
            values.iter().map(|(name, value)| ((*name).to_owned(), value.try_clone().unwrap())).collect();
        for (name, value) in values {
            self.shared.properties.lock().unwrap().insert((*name).to_owned(), value.try_clone().unwrap());
        }
        let connections = self.shared.connections.lock().unwrap().clone();
        let (done, is_done) = mpsc::channel();
        self.runtime.spawn(async move {
            for connection in connections {
                let body = (service.name(), &changed, Vec::<String>::new());
                let properties = "org.freedesktop.DBus.Properties";
                let none: Option<&str> = None;
                // A client may have gone.
                let _ = connection.emit_signal(none, service.path(), properties, "PropertiesChanged", &body).await;
            }
            done.send(()).unwrap();
        });
        is_done.recv_timeout(limit::LIMIT).unwrap();
    }

    /// A second shell on DP-1 beside the first on HDMI-A-1, in this state.
    pub fn second_shell(&self, state: &'static str) {
        let other = [("State", state.into()), ("Url", "http://second".into()), ("BrowserPid", 5432u32.into())];
        let other = other.into_iter().map(|(name, value): (&str, Variant<'static>)| (name.to_owned(), value));
        *self.shared.others.lock().unwrap() = vec![other.collect()];
        // In a signal of its own object, for those who wait; what it says is read anew.
        self.change(&[("Shells", vec!["HDMI-A-1", "DP-1"].into())]);
    }

    pub fn calls(&self) -> Vec<(String, String)> {
        self.shared.calls.lock().unwrap().clone()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        if let Some(socket) = &self.socket {
            let _ = std::fs::remove_file(socket);
        }
        drop(self.stop.take());
        self.thread.take().unwrap().join().unwrap();
    }
}

async fn accept(shared: Arc<Shared>, listener: UnixListener) {
    let listener = tokio::net::UnixListener::from_std(listener).unwrap();
    let guid = OwnedGuid::from(Guid::generate());
    loop {
        let stream = listener.accept().await.unwrap().0.into_std().unwrap();
        let (shared, guid) = (shared.clone(), guid.clone());
        tokio::spawn(async move {
            // A client that only looked whether there is a listener is no fault.
            let Ok(messages) = Builder::unix_stream(stream).server(guid).p2p().build_message_stream().await else {
                return;
            };
            let connection = Connection::from(&messages);
            shared.connections.lock().unwrap().push(connection.clone());
            answer(shared, connection, messages).await;
        });
    }
}

async fn answer(shared: Arc<Shared>, connection: Connection, mut messages: MessageStream) {
    while let Some(Ok(message)) = messages.next().await {
        if message.message_type() != Type::MethodCall {
            continue;
        }
        // The reply may fail when the client has gone.
        let _ = reply(&shared, &connection, &message).await;
        if *shared.hang_up.lock().unwrap() && !shared.calls.lock().unwrap().is_empty() {
            let _ = connection.close().await;
            return;
        }
    }
}

async fn reply(shared: &Arc<Shared>, connection: &Connection, message: &Message) -> zbus::Result<()> {
    let header = message.header();
    let member = header.member().unwrap().to_string();
    match member.as_str() {
        "GetAll" => {
            let mut all = clone(&shared.properties.lock().unwrap());
            if let Some((_, number)) = header.path().unwrap().split_once("/shells/") {
                let number: usize = number.parse().unwrap();
                all.extend(clone(&shared.others.lock().unwrap()[number - 1]));
            }
            connection.reply(&header, &all).await
        }
        "GetManagedObjects" => {
            let below = |parent: &str, interface: &str, objects: &Mutex<BTreeMap<String, Values>>| {
                let objects = objects.lock().unwrap();
                let object = |(name, values): (&String, &Values)| {
                    let path = format!("/org/kioskd/Compositor1/{parent}/{name}").try_into().unwrap();
                    (path, HashMap::from([(interface.to_owned(), clone(values))]))
                };
                objects.iter().map(object).collect::<Vec<_>>()
            };
            let mut objects = below("outputs", "org.kioskd.Output1", &shared.outputs);
            objects.extend(below("inputs", "org.kioskd.Input1", &shared.inputs));
            let objects: HashMap<zbus::OwnedObjectPath, HashMap<String, Values>> = objects.into_iter().collect();
            connection.reply(&header, &objects).await
        }
        _ => {
            let body = message.body();
            let arguments = body.deserialize::<Structure<'_>>();
            let arguments = arguments.map_or_else(|_| String::new(), |arguments| arguments.to_string());
            // Which object a property was written of is as much of the call as its arguments.
            let object = header.path().unwrap().rsplit('/').next().unwrap().to_owned();
            let other = member == "Set" || header.path().unwrap().contains("/shells/");
            let method = if other { format!("{member} {object}") } else { member.clone() };
            shared.calls.lock().unwrap().push((method, arguments));
            if *shared.hang_up.lock().unwrap() {
                return Ok(());
            }
            let error = *shared.error.lock().unwrap();
            if let Some((name, text)) = error {
                return connection.reply_error(&header, name, &text).await;
            }
            match member.as_str() {
                "ApplyOutputs" => connection.reply(&header, &8u32).await,
                "ShowPairing" => {
                    let (url, ..): (String, String, HashMap<String, zbus::OwnedVariant>) =
                        message.body().deserialize().unwrap();
                    let shown = if url.is_empty() { "http://192.168.1.5/".to_owned() } else { url };
                    connection.reply(&header, &shown).await
                }
                "Frames" => {
                    let counts = [("direct", 7u64), ("composed", 3), ("lost-flips", 0), ("missed-latches", 1)];
                    let times = [("handling", (90u64, 80u64, 400u64)), ("draw", (1_200, 1_000, 2_000))];
                    let counts: HashMap<&str, u64> = counts.into_iter().chain([("frames", 10)]).collect();
                    connection.reply(&header, &(counts, HashMap::from(times))).await
                }
                // Two lines, and then it ends.
                "Console" => {
                    let (mut ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
                    let one = r#"{"level":"warning","line":3,"source":"console","text":"one","url":"http://a/x.js"}"#;
                    write!(ours, "{one}\n{{\"lost\":3}}\n").unwrap();
                    connection.reply(&header, &zbus::Fd::from(std::os::fd::OwnedFd::from(theirs))).await
                }
                // Says each command back, until the other side goes; "end" in one is the end, "huge" has a long answer.
                "Inspect" => {
                    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
                    let shared = shared.clone();
                    std::thread::spawn(move || {
                        echo(&ours);
                        *shared.inspected.lock().unwrap() += 1;
                    });
                    connection.reply(&header, &zbus::Fd::from(std::os::fd::OwnedFd::from(theirs))).await
                }
                "Forget" | "ReloadConfiguration" => connection.reply(&header, &vec!["HDMI-A-1: rotation 0"]).await,
                // A text with "long" in it does not fit.
                "ShowMessage" => {
                    let (text, _): (String, HashMap<String, zbus::OwnedVariant>) =
                        message.body().deserialize().unwrap();
                    connection.reply(&header, &(!text.contains("long"), 30u32)).await
                }
                "Screenshot" => {
                    let picture = shared.picture.lock().unwrap().clone();
                    connection.reply(&header, &zbus::Fd::from(memory_file(&picture))).await
                }
                _ => connection.reply(&header, &()).await,
            }
        }
    }
}

/// How long the answer to "huge" is at least, bytes.
pub const HUGE: usize = 31 << 20;

fn echo(mut socket: &std::os::unix::net::UnixStream) {
    let mut reader = std::io::BufReader::new(socket);
    let mut command = Vec::new();
    while std::io::BufRead::read_until(&mut reader, 0, &mut command).is_ok_and(|count| count > 0) {
        let text = String::from_utf8_lossy(&command);
        let text = text.trim_end_matches('\0');
        if text.contains("huge") {
            let _ = write!(socket, "{{\"huge\":\"{}\"}}\0", "y".repeat(HUGE));
        } else if text.contains("end") || write!(socket, "{{\"echo\":{text}}}\0").is_err() {
            return;
        }
        command.clear();
    }
}

fn memory_file(content: &[u8]) -> std::os::fd::OwnedFd {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    file.rewind().unwrap();
    file.into()
}

fn clone(values: &Values) -> Values {
    values.iter().map(|(name, value)| (name.clone(), value.try_clone().unwrap())).collect()
}

fn properties(service: Service) -> Values {
    let all: Vec<(&str, Variant<'static>)> = match service {
        Service::Session => vec![
            ("State", "loading".into()),
            ("Url", "http://localhost:3000".into()),
            ("Since", 5_000_000u64.into()),
            ("Restarts", 1u32.into()),
            ("LastFailure", ("page crashed", "reload", 4_000_000u64).into()),
            ("MemoryBytes", (300u64 << 20).into()),
            ("BrowserPid", 4321u32.into()),
            ("Refused", 7u32.into()),
            ("Failures", BTreeMap::from([("page", 3u32), ("server", 0u32)]).into()),
            ("RestartCauses", BTreeMap::from([("failure", 1u32), ("order", 0u32)]).into()),
            ("RestartReason", "its program was replaced".into()),
            ("WaitingFor", "http://localhost:3000 is loading".into()),
        ],
        Service::Compositor => vec![
            ("Version", "0.1.0".into()),
            ("Backend", "kms".into()),
            ("Accessibility", vec!["slow-keys"].into()),
            ("Renderer", "pixman".into()),
            ("Stage", "splash".into()),
            ("SystemScreen", "".into()),
            ("ActiveVt", 1u32.into()),
            ("FirstFrame", 8_000_000u64.into()),
            ("FirstPage", 14_000_000u64.into()),
            ("Serial", 7u32.into()),
            ("Problems", vec!["a file was skipped"].into()),
        ],
    };
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// DP-1 stands to the right of HDMI-A-1; VGA-1 has no display.
fn modes() -> Variant<'static> {
    vec![(1920u32, 1080u32, 59_940u32, false), (1280, 720, 60_000, true)].into()
}

fn outputs() -> BTreeMap<String, Values> {
    let output = |name: &str, connected: bool, x: i32, rotation: u32| -> (String, Values) {
        let all: Vec<(&str, Variant<'static>)> = vec![
            ("Name", name.to_owned().into()),
            ("Make", if connected { "Dell" } else { "" }.into()),
            ("Model", if connected { "U2720Q" } else { "" }.into()),
            ("SerialNumber", if connected { format!("S{x}") } else { String::new() }.into()),
            ("Connected", connected.into()),
            ("Power", connected.into()),
            ("PowerReason", if connected { "" } else { "off by the configuration" }.into()),
            ("Rotation", rotation.into()),
            ("Scale", 1.5f64.into()),
            ("Position", (x, 0i32).into()),
            ("Mode", (1920u32, 1080u32, 59_940u32).into()),
            ("Modes", modes()),
            ("Interlaced", vec![false, true].into()),
            ("Mirror", "".into()),
            ("Brightness", (-1i32).into()),
            ("Scanout", "composited: rotated".into()),
            ("Colours", if connected { "night light until Mon 07:00, drawn" } else { "" }.into()),
            ("FramesComposed", 10u64.into()),
            ("FramesDirect", 0u64.into()),
        ];
        let all = all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        (name.replace('-', "_2d"), all)
    };
    [output("DP-1", true, 1920, 0), output("HDMI-A-1", true, 0, 270), output("VGA-1", false, 0, 0)].into()
}

/// Two panels of one name, a third that can't be told from its keys, and a mouse.
fn inputs() -> BTreeMap<String, Values> {
    let input = |path: &str, name: &str, id: &str, kind: &str, output: &str, calibration: Vec<f64>| {
        let all: Vec<(&str, Variant<'static>)> = vec![
            ("Name", name.to_owned().into()),
            ("Id", id.to_owned().into()),
            ("Kind", kind.to_owned().into()),
            ("Output", output.to_owned().into()),
            ("Calibration", calibration.into()),
            ("Trusted", (kind != "pointer").into()),
            ("Layout", if kind == "keyboard" { "de(neo)" } else { "" }.into()),
        ];
        (path.to_owned(), all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    };
    [
        input("Elo", "Elo", "Elo@1-1", "touch", "HDMI-A-1", vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0]),
        input("Elo_n2", "Elo", "Elo@1-2", "touch", "DP-1", vec![0.0, -1.0, 1.0, 1.0, 0.0, 0.5]),
        input("A_20mouse", "A mouse", "A mouse", "pointer", "", Vec::new()),
        input("Panel", "Panel", "Panel", "keyboard", "", Vec::new()),
        input("Panel_n2", "Panel", "Panel", "touch", "DP-1", vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0]),
    ]
    .into()
}

/// kioskctl, peer to peer in `directory`.
pub fn kioskctl(directory: &Path, arguments: &[&str]) -> Command {
    // The fake is used by other programs' tests, too, which have no kioskctl.
    let mut command = Command::new(option_env!("CARGO_BIN_EXE_kioskctl").unwrap_or("kioskctl"));
    command.args(arguments).env("KIOSK_RUNTIME_DIR", directory).stdin(Stdio::null());
    command
}

/// Runs it to its end.
pub fn run(directory: &Path, arguments: &[&str]) -> Output {
    output(&mut kioskctl(directory, arguments))
}

/// The exit code and what was said on standard output and standard error.
pub fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// Runs it with `--json`, and wants it to be done.
pub fn json(directory: &Path, arguments: &[&str]) -> serde_json::Value {
    let output = output(kioskctl(directory, arguments).arg("--json"));
    let (code, out, err) = said(&output);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    serde_json::from_str(&out).unwrap()
}

/// A kioskctl that goes on; killed at the end of the test.
pub struct Running {
    pub child: Child,
    lines: BufReader<ChildStdout>,
    _limit: Limit,
}

impl Running {
    pub fn start(directory: &Path, arguments: &[&str]) -> Running {
        let mut child = kioskctl(directory, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Running { _limit: Limit::of(&child), child, lines }
    }

    /// The next line, as JSON.
    pub fn line(&mut self) -> serde_json::Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"))
    }

    /// Closes the reading end of its standard output.
    pub fn stop_reading(&mut self) {
        let null = Command::new("true").stdout(Stdio::piped()).spawn().unwrap().stdout.unwrap();
        self.lines = BufReader::new(null);
    }

    /// Until it sleeps; then how often it has been woken up so far.
    pub fn wakeups(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches")).unwrap();
        line.split_whitespace().last().unwrap().parse().unwrap()
    }

    /// Whether it is still running after `time`.
    pub fn runs_for(&mut self, time: Duration) -> bool {
        std::thread::sleep(time);
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The most memory that a process has had, KiB.
pub fn peak_kib(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}
