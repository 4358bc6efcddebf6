//! `org.kioskd.Session1` for a client of `session.sock`, with a session whose state the test sets.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "session_support/program.rs"]
mod program;

use std::collections::HashMap;
use std::path::Path;
use std::process::Command as Process;
use std::sync::Arc;
use std::time::Duration;

use kiosk_core::api::{SESSION_INTERFACE as INTERFACE, SESSION_PATH as PATH, State, session_path};
use kiosk_core::authority::Authority;
use kiosk_core::config::{Allowed, Url, UrlPattern};
use kiosk_session::bus::{self, Call, Endpoints, Shared, Status};
use kiosk_session::machine::{Command, Counts, Refusal};
use tokio::sync::{Notify, mpsc, watch};
use zbus::fdo::{IntrospectableProxy, ObjectManagerProxy, PropertiesProxy};
use zbus::{Connection, Message, MessageStream, OwnedVariant, Variant};

const SHIPPED: &str = include_str!("../../../assets/dbus/interfaces/org.kioskd.Session1.xml");

struct World {
    directory: tempfile::TempDir,
    status: watch::Sender<Status>,
    calls: mpsc::Receiver<Call>,
    look: Arc<Notify>,
}

impl World {
    async fn start() -> World {
        let directory = tempfile::tempdir().unwrap();
        let status = watch::Sender::new(Status {
            state: State::Waiting,
            url: "http://localhost:3000".into(),
            since: 42,
            restarts: 0,
            refused: 0,
            restart_reason: String::new(),
            waiting_for: String::new(),
            last_failure: (String::new(), String::new(), 0),
            pid: 0,
            readies: 0,
            failures: 0,
            failure_counts: Counts::default(),
            restart_causes: Counts::default(),
        });
        let (sender, calls) = mpsc::channel(4);
        let home = Url::parse("http://localhost:3000").unwrap();
        let shared = Shared {
            status: status.subscribe(),
            calls: sender,
            home,
            allowed: Allowed::new(["http://localhost:3000"], &[UrlPattern::parse("https://example.org/*").unwrap()]),
            browses: true,
            console: bus::Console::new(|| {}),
            inspect: bus::Inspect::new(drop),
            output: "*".into(),
            authority: Authority::default(),
        };
        let look = Arc::new(Notify::new());
        let endpoints = Endpoints { runtime_dir: directory.path().to_owned(), bus: None };
        tokio::spawn(bus::serve(endpoints, vec![shared], look.clone()));
        World { directory, status, calls, look }
    }

    fn socket(&self) -> std::path::PathBuf {
        self.directory.path().join("session.sock")
    }

    async fn connect(&self) -> Connection {
        connect(&self.socket()).await
    }
}

async fn connect(socket: &Path) -> Connection {
    let end = tokio::time::Instant::now() + Duration::from_secs(10);
    let stream = loop {
        match std::os::unix::net::UnixStream::connect(socket) {
            Ok(stream) => break stream,
            Err(error) if tokio::time::Instant::now() > end => panic!("{error}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    };
    zbus::connection::Builder::unix_stream(stream).p2p().build().await.unwrap()
}

async fn call(
    client: &Connection,
    method: &str,
    url: Option<&str>,
    options: &[(&str, Variant<'_>)],
) -> Result<(), zbus::Error> {
    let options: HashMap<&str, &Variant<'_>> = options.iter().map(|(key, value)| (*key, value)).collect();
    let reply = match (method, url) {
        ("Home" | "Stop" | "Start", _) => client.call_method(None::<&str>, PATH, Some(INTERFACE), method, &()).await,
        (_, Some(url)) => client.call_method(None::<&str>, PATH, Some(INTERFACE), method, &(url, options)).await,
        (_, None) => client.call_method(None::<&str>, PATH, Some(INTERFACE), method, &(options,)).await,
    };
    reply.map(drop)
}

fn error_name(error: &zbus::Error) -> String {
    match error {
        zbus::Error::MethodError(name, ..) => name.to_string(),
        other => panic!("{other}"),
    }
}

/// The interface's element, without white space between elements and without comments.
fn interface(xml: &str) -> String {
    let begin = xml.find(&format!("<interface name=\"{INTERFACE}\"")).unwrap();
    let length = xml[begin..].find("</interface>").unwrap();
    let lines = xml[begin..begin + length].lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with("<!--")).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn the_shipped_interface_is_the_live_one() {
    let world = World::start().await;
    let client = world.connect().await;
    let proxy = IntrospectableProxy::builder(&client).destination(INTERFACE).path(PATH).build().await.unwrap();
    let live = proxy.introspect().await.unwrap();
    assert_eq!(interface(SHIPPED), interface(&live), "the live one:\n{live}");
}

#[tokio::test]
async fn properties_are_those_of_the_session_and_changes_are_announced_once_each() {
    let world = World::start().await;
    let client = world.connect().await;
    let proxy = PropertiesProxy::builder(&client).destination(INTERFACE).path(PATH).build().await.unwrap();
    let all = proxy.get_all(INTERFACE.try_into().unwrap()).await.unwrap();
    let mut names: Vec<&str> = all.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "BrowserPid",
            "Failures",
            "LastFailure",
            "MemoryBytes",
            "Refused",
            "RestartCauses",
            "RestartReason",
            "Restarts",
            "Shells",
            "Since",
            "State",
            "Url",
            "WaitingFor"
        ]
    );
    assert_eq!(all["State"], OwnedVariant::try_from(Variant::from("waiting")).unwrap());
    let objects = ObjectManagerProxy::builder(&client).destination(INTERFACE).path("/").build().await.unwrap();
    assert!(objects.get_managed_objects().await.unwrap().keys().any(|path| path.as_str() == PATH));

    let mut messages = MessageStream::from(&client);
    world.status.send_modify(|status| {
        status.state = State::Ready;
        status.since = 43;
        status.readies += 1;
        status.last_failure = ("a".into(), "b".into(), 5);
        status.failures += 1;
    });
    let mut signals = Vec::new();
    while signals.len() < 3 {
        use futures_util::StreamExt;
        let next = tokio::time::timeout(Duration::from_secs(10), messages.next());
        let message: Message = next.await.unwrap().unwrap().unwrap();
        if let Some(member) = message.header().member() {
            let member = member.to_string();
            if member == "PropertiesChanged" {
                let (_, changed, _): (String, HashMap<String, OwnedVariant>, Vec<String>) =
                    message.body().deserialize().unwrap();
                let mut names: Vec<String> = changed.into_keys().collect();
                names.sort_unstable();
                assert_eq!(names, ["LastFailure", "Since", "State"]);
            }
            signals.push(member);
        }
    }
    assert_eq!(signals, ["PropertiesChanged", "Failed", "Ready"]);
}

#[tokio::test]
async fn no_reader_is_told_a_password_or_a_token() {
    use futures_util::StreamExt;
    let world = World::start().await;
    let client = world.connect().await;
    let proxy = PropertiesProxy::builder(&client).destination(INTERFACE).path(PATH).build().await.unwrap();
    proxy.get_all(INTERFACE.try_into().unwrap()).await.unwrap();
    let mut messages = MessageStream::from(&client);
    world.status.send_modify(|status| {
        status.url = "http://ann:secret@localhost/?token=secret&page=1".into();
        status.last_failure = ("https://ann:secret@h/ did not answer".into(), "retry".into(), 5);
        status.failures += 1;
    });
    let mut told = Vec::new();
    while told.len() < 2 {
        let next = tokio::time::timeout(Duration::from_secs(10), messages.next());
        let message: Message = next.await.unwrap().unwrap().unwrap();
        if message.message_type() == zbus::message::Type::Signal {
            told.push(String::from_utf8_lossy(message.data()).into_owned());
        }
    }
    told.push(format!("{:?}", proxy.get_all(INTERFACE.try_into().unwrap()).await.unwrap()));
    assert!(told[0].contains("http://***@localhost/?token=***&page=1"), "{told:?}");
    assert!(told.iter().all(|text| text.contains("***@") && !text.contains("secret")), "{told:?}");
}

#[tokio::test]
async fn commands_reach_the_session_and_its_refusals_the_caller() {
    let mut world = World::start().await;
    let client = world.connect().await;
    let expected = [
        ("Reload", None, Command::Reload { hard: false }),
        ("Open", Some("https://example.org/x"), Command::Open { url: Url::parse("https://example.org/x").unwrap() }),
        ("Home", None, Command::Home),
        ("Restart", None, Command::Restart),
        ("Stop", None, Command::Stop),
        ("Start", None, Command::Start),
        ("ClearData", None, Command::ClearData),
    ];
    for (method, url, command) in expected {
        let (answer, ()) = tokio::join!(call(&client, method, url, &[]), async {
            let call = world.calls.recv().await.unwrap();
            assert_eq!(call.command, command);
            call.reply.send(Ok(())).unwrap();
        });
        answer.unwrap();
    }
    let refusals =
        [(Refusal::Stopped, "NotReady"), (Refusal::NoBrowser, "NotReady"), (Refusal::NotABrowser, "Unsupported")];
    for (refusal, name) in refusals {
        let hard = [("hard", Variant::from(true))];
        let (answer, ()) = tokio::join!(call(&client, "Reload", None, &hard), async {
            let call = world.calls.recv().await.unwrap();
            assert_eq!(call.command, Command::Reload { hard: true });
            call.reply.send(Err(refusal)).unwrap();
        });
        assert_eq!(error_name(&answer.unwrap_err()), format!("org.kioskd.Error.{name}"));
    }
    world.calls.close();
    let answer = call(&client, "Home", None, &[]).await.unwrap_err();
    assert_eq!(error_name(&answer), "org.kioskd.Error.NotReady", "the session is ending");
}

#[tokio::test]
async fn invalid_arguments_are_refused_before_they_reach_the_session() {
    let mut world = World::start().await;
    let client = world.connect().await;
    for url in ["javascript:alert(1)", "file:///etc/shadow", "data:text/html,x", "localhost:3000", ""] {
        let answer = call(&client, "Open", Some(url), &[]).await.unwrap_err();
        assert_eq!(error_name(&answer), "org.kioskd.Error.UrlNotAllowed", "{url}");
    }
    let elsewhere = call(&client, "Open", Some("http://example.com:8080/"), &[]).await.unwrap_err();
    assert_eq!(error_name(&elsewhere), "org.kioskd.Error.UrlNotAllowed");
    assert!(
        elsewhere
            .to_string()
            .contains("browser.allow must name it, by a pattern such as \"http://example.com:8080/*\""),
        "{elsewhere}"
    );
    let wrong = [("hard", Variant::from("yes")), ("soft", Variant::from(true))];
    for option in wrong {
        let answer = call(&client, "Reload", None, &[option]).await.unwrap_err();
        assert_eq!(error_name(&answer), "org.kioskd.Error.InvalidArgument");
    }
    assert!(world.calls.try_recv().is_err());
}

/// As another user; only root can do so.
#[tokio::test]
async fn others_may_read_and_change_nothing() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let mut world = World::start().await;
    drop(world.connect().await);
    let directory = world.directory.path();
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o755)).unwrap();
    // Where every user can run it.
    let kioskctl = directory.join("kioskctl");
    std::fs::copy(program::kioskctl(), &kioskctl).unwrap();
    let run = async |arguments: &'static [&'static str]| {
        let mut command = Process::new(&kioskctl);
        command.args(arguments).env("KIOSK_RUNTIME_DIR", directory).uid(65534).gid(65534);
        command.env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent");
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    };
    let status = run(&["status", "--json"]).await;
    assert!(String::from_utf8_lossy(&status.stdout).contains("waiting"), "{status:?}");
    let reload = run(&["reload"]).await;
    assert_eq!(reload.status.code(), Some(4), "{reload:?}");
    assert!(world.calls.try_recv().is_err());
}

#[tokio::test]
async fn the_socket_is_made_anew_with_its_directory() {
    let world = World::start().await;
    drop(world.connect().await);
    std::fs::remove_file(world.socket()).unwrap();
    world.look.notify_one();
    drop(world.connect().await);
}

#[tokio::test]
async fn each_shell_has_an_object_of_its_own() {
    use futures_util::StreamExt;
    let directory = tempfile::tempdir().unwrap();
    let home = Url::parse("http://localhost:3000").unwrap();
    let (mut calls, mut states, mut shells) = (Vec::new(), Vec::new(), Vec::new());
    for output in ["HDMI-A-1", "HDMI-A-2"] {
        let status = watch::Sender::new(Status {
            state: State::Ready,
            url: format!("http://localhost:3000/{output}"),
            since: 1,
            restarts: 0,
            refused: 0,
            restart_reason: String::new(),
            waiting_for: String::new(),
            last_failure: (String::new(), String::new(), 0),
            pid: 0,
            readies: 0,
            failures: 0,
            failure_counts: Counts::default(),
            restart_causes: Counts::default(),
        });
        let (sender, receiver) = mpsc::channel(4);
        shells.push(Shared {
            status: status.subscribe(),
            calls: sender,
            home: home.clone(),
            allowed: Allowed::new([home.as_str()], &[]),
            browses: true,
            console: bus::Console::new(|| {}),
            inspect: bus::Inspect::new(drop),
            output: output.into(),
            authority: Authority::default(),
        });
        states.push(status);
        calls.push(receiver);
    }
    let endpoints = Endpoints { runtime_dir: directory.path().to_owned(), bus: None };
    tokio::spawn(bus::serve(endpoints, shells, Arc::new(Notify::new())));
    let client = connect(&directory.path().join("session.sock")).await;
    let outputs = OwnedVariant::try_from(Variant::from(vec!["HDMI-A-1", "HDMI-A-2"])).unwrap();
    for (number, output) in ["HDMI-A-1", "HDMI-A-2"].into_iter().enumerate() {
        let path = session_path(number);
        let proxy = PropertiesProxy::builder(&client).destination(INTERFACE).path(path.as_str()).build().await.unwrap();
        let all = proxy.get_all(INTERFACE.try_into().unwrap()).await.unwrap();
        let url = OwnedVariant::try_from(Variant::from(format!("http://localhost:3000/{output}"))).unwrap();
        assert_eq!((&all["Url"], &all["Shells"]), (&url, &outputs));
    }
    assert_eq!(session_path(1), "/org/kioskd/Session1/shells/1");

    let asked = client.call_method(None::<&str>, "/org/kioskd/Session1/shells/1", Some(INTERFACE), "Home", &());
    let (answer, ()) = tokio::join!(asked, async {
        let call = calls[1].recv().await.unwrap();
        assert_eq!(call.command, Command::Home);
        call.reply.send(Ok(())).unwrap();
    });
    answer.unwrap();
    assert!(calls[0].try_recv().is_err(), "the first shell was asked too");

    let mut messages = MessageStream::from(&client);
    states[1].send_modify(|status| status.state = State::Offline);
    let next = tokio::time::timeout(Duration::from_secs(10), messages.next());
    let message: Message = next.await.unwrap().unwrap().unwrap();
    assert_eq!(message.header().path().map(|path| path.to_string()), Some(session_path(1)));
}

#[tokio::test]
async fn a_peer_that_asks_and_does_not_read_is_dropped_and_others_are_served() {
    use std::io::Write;
    let world = World::start().await;
    drop(world.connect().await);
    let socket = world.socket();
    let flood = tokio::task::spawn_blocking(move || {
        let mut stream = authenticated(&socket);
        let ask = Message::method_call(PATH, "GetAll").interface("org.freedesktop.DBus.Properties");
        let ask = ask.build(&INTERFACE).unwrap();
        let end = std::time::Instant::now() + Duration::from_secs(60);
        while std::time::Instant::now() < end {
            if let Err(error) = stream.write_all(ask.data()) {
                return error.kind();
            }
        }
        std::io::ErrorKind::TimedOut
    });
    assert_eq!(flood.await.unwrap(), std::io::ErrorKind::BrokenPipe, "the peer was not dropped");
    drop(world.connect().await);
}

/// An authenticated connection, without a D-Bus library.
fn authenticated(socket: &Path) -> std::os::unix::net::UnixStream {
    use std::io::{Read, Write};
    let mut stream = std::os::unix::net::UnixStream::connect(socket).unwrap();
    let limit = Some(Duration::from_secs(20));
    stream.set_write_timeout(limit).unwrap();
    stream.set_read_timeout(limit).unwrap();
    let uid = rustix::process::geteuid().as_raw().to_string();
    let uid: String = uid.bytes().map(|byte| format!("{byte:02x}")).collect();
    write!(stream, "\0AUTH EXTERNAL {uid}\r\n").unwrap();
    assert!(stream.read(&mut [0; 256]).unwrap() > 0);
    stream.write_all(b"BEGIN\r\n").unwrap();
    stream
}

/// Peak memory of this process, KiB, since [`forget_peak`] (proc(5), `clear_refs`).
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

#[tokio::test]
async fn what_is_announced_costs_nothing_and_has_a_time_to_come() {
    use std::io::{Read, Write};
    /// 15 peers announce 1,905 MiB; the limit of memory for them, KiB, while other tests run.
    const MAX_GROWTH: usize = 64 * 1024;
    let world = World::start().await;
    drop(world.connect().await);
    let socket = world.socket();
    forget_peak();
    let (before, announced) = (peak(), 127u32 * 1024 * 1024);
    let peers = tokio::task::spawn_blocking(move || {
        let mut peers: Vec<_> = (0..15).map(|_| authenticated(&socket)).collect();
        for peer in &mut peers {
            let fixed = [&b"l\x01\x00\x01"[..], &announced.to_le_bytes(), &1u32.to_le_bytes(), &[0; 4]].concat();
            peer.write_all(&fixed).unwrap();
            peer.write_all(&[0; 1000]).unwrap();
        }
        // What they sent has been read when the incomplete connection is closed.
        peers.iter_mut().map(|peer| peer.read_to_end(&mut Vec::new())).collect::<Vec<_>>()
    });
    drop(world.connect().await);
    let ended = peers.await.unwrap();
    assert!(ended.iter().all(|ended| matches!(ended, Ok(0))), "{ended:?}");
    let grown = peak().saturating_sub(before);
    assert!(grown < MAX_GROWTH, "{grown} KiB");
}

#[tokio::test]
async fn invalid_arguments_of_any_length_are_refused_in_a_sentence() {
    let mut world = World::start().await;
    let client = world.connect().await;
    let long = "ü".repeat(1 << 19);
    let none = HashMap::<&str, Variant<'_>>::new();
    let urls = [
        String::new(),
        "\u{1b}[31m".into(),
        "javascript:alert(1)".into(),
        "file:///etc/passwd".into(),
        "localhost:3000".into(),
        long.clone(),
        format!("{long}:x"),
        format!("http://{long}/"),
        format!("http://a:{long}/"),
        "http://".repeat(1 << 18),
    ];
    let mut refused = Vec::new();
    for url in &urls {
        refused.push(client.call_method(None::<&str>, PATH, Some(INTERFACE), "Open", &(url, &none)).await);
    }
    let options = HashMap::from([(long.as_str(), Variant::from(1u8))]);
    refused.push(client.call_method(None::<&str>, PATH, Some(INTERFACE), "Reload", &options).await);
    let hard = HashMap::from([("hard", Variant::from("yes"))]);
    refused.push(client.call_method(None::<&str>, PATH, Some(INTERFACE), "Reload", &hard).await);
    for answer in refused {
        let Err(zbus::Error::MethodError(name, Some(text), _)) = answer else { panic!("{answer:?}") };
        assert!(name.starts_with("org.kioskd.Error."), "{name}");
        assert!(!text.is_empty() && text.len() < 1500 && !text.chars().any(char::is_control), "{text}");
    }
    assert!(world.calls.try_recv().is_err(), "the session was asked");
}
