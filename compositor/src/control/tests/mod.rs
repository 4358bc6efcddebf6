//! The control plane from outside: real connections, a fake event loop.

mod bus;
mod calls;
mod errors;
mod hostile;
mod inputs;
mod interfaces;
mod peers;

use crate::boot_times::BootTimes;
use crate::command::{ApplyMode, Call, Command, CommandError, OutputChange, Reply};
use crate::snapshot::{InputSnapshot, OutputSnapshot, ShellSnapshot, Snapshot};
use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::mpsc;
use zbus::connection::Builder;
use zbus::message::Type;
use zbus::{Connection, Message, MessageStream, OwnedVariant, Variant};

use super::service::start_with;
use super::*;

/// Longer than anything here takes, and short enough not to hang a test run.
const SOON: Duration = Duration::from_secs(10);
const COMPOSITOR: &str = "org.kioskd.Compositor1";
const OUTPUT: &str = "org.kioskd.Output1";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const HDMI: &str = "/org/kioskd/Compositor1/outputs/HDMI_2dA_2d1";

/// A control plane whose calls come out of `calls`.
struct Fixture {
    handle: ControlHandle,
    calls: mpsc::UnboundedReceiver<Call>,
    directory: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        Self::with(Bus::None, Duration::from_secs(5))
    }

    fn with(bus: Bus, loop_timeout: Duration) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let (to_loop, calls) = mpsc::unbounded_channel();
        let listen_on = ListenOn { runtime_dir: directory.path().to_owned(), bus };
        let handle = start_with(listen_on, move |call| assert!(to_loop.send(call).is_ok()), snapshot(), loop_timeout);
        Self { handle, calls, directory }
    }

    fn socket(&self) -> std::path::PathBuf {
        self.directory.path().join("compositor.sock")
    }

    /// Waits for the socket: the thread makes it after `start` has returned.
    fn stream(&self) -> std::os::unix::net::UnixStream {
        let since = std::time::Instant::now();
        loop {
            match std::os::unix::net::UnixStream::connect(self.socket()) {
                Ok(stream) => return stream,
                Err(error) => assert!(since.elapsed() < SOON, "{error}"),
            }
            std::thread::yield_now();
        }
    }

    async fn connect(&self) -> Connection {
        Builder::unix_stream(self.stream()).p2p().build().await.unwrap()
    }

    /// The next call for the loop.
    async fn call(&mut self) -> Call {
        self.calls.recv().await.unwrap()
    }

    /// What the loop was asked, after it has answered with `reply`.
    async fn answer(&mut self, reply: Result<Reply, CommandError>) -> Command {
        let call = self.call().await;
        call.reply.send(reply).unwrap();
        call.request
    }
}

fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(SOON * 3, test).await.expect("the test hangs") })
}

fn output(name: &str) -> OutputSnapshot {
    OutputSnapshot {
        name: name.into(),
        make: "Dell".into(),
        connected: true,
        power: true,
        power_reason: String::new(),
        scale: 1.0,
        mode: (1920, 1080, 60000),
        modes: vec![(1920, 1080, 60000, true), (1920, 1080, 59940, false), (3840, 2160, 30000, false)],
        interlaced: vec![false, true, false],
        brightness: -1,
        scanout: "composited: the splash".into(),
        ..Default::default()
    }
}

fn snapshot() -> Snapshot {
    Snapshot {
        backend: "kms".into(),
        renderer: "pixman".into(),
        stage: "splash".into(),
        system_screen: "pairing".into(),
        keyboard: "hidden".into(),
        accessibility: vec!["sticky-keys".into()],
        active_vt: 1,
        boot: BootTimes { first_frame: 8_000_000, first_page: 14_000_000 },
        serial: 7,
        outputs: vec![output("HDMI-A-1"), OutputSnapshot { brightness: 50, ..output("eDP-1") }],
        inputs: vec![InputSnapshot { name: "Mouse".into(), kind: "pointer".into(), ..Default::default() }],
        shells: vec![ShellSnapshot { output: "HDMI-A-1".into(), stage: "splash".into() }],
        problems: vec!["one".into()],
    }
}

async fn method<B>(
    connection: &Connection,
    path: &str,
    interface: &str,
    member: &str,
    body: &B,
) -> zbus::Result<Message>
where
    B: serde::Serialize + zbus::DynamicType,
{
    connection.call_method(None::<&str>, path, Some(interface), member, body).await
}

async fn get(connection: &Connection, path: &str, interface: &str, name: &str) -> OwnedVariant {
    method(connection, path, PROPERTIES, "Get", &(interface, name)).await.unwrap().body().deserialize().unwrap()
}

async fn set(connection: &Connection, path: &str, interface: &str, name: &str, value: Variant<'_>) -> zbus::Result<()> {
    method(connection, path, PROPERTIES, "Set", &(interface, name, value)).await.map(|_| ())
}

/// The error's name and text.
fn refusal<T: std::fmt::Debug>(result: zbus::Result<T>) -> (String, String) {
    match result {
        Err(zbus::Error::MethodError(name, text, _)) => (name.to_string(), text.unwrap_or_default()),
        Err(zbus::Error::FDO(error)) => {
            use zbus::DBusError;
            (error.name().to_string(), error.description().unwrap_or_default().to_owned())
        }
        other => panic!("no error reply: {other:?}"),
    }
}

/// The next signal, as member, path and message.
async fn signal(stream: &mut MessageStream) -> (String, String, Message) {
    loop {
        let message = stream.next().await.unwrap().unwrap();
        if message.message_type() == Type::Signal {
            let header = message.header();
            let (member, path) = (header.member().unwrap().to_string(), header.path().unwrap().to_string());
            return (member, path, message);
        }
    }
}

type Changed = (String, HashMap<String, OwnedVariant>, Vec<String>);
