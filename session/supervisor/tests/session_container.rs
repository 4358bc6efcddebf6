//! A shell in a container (`shell.container`), with a substitute for Podman that logs its arguments: each error is one
//! sentence, a container that ends is started again, and none outlives its session. With the real Podman:
//! `make test-containers`.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../kioskctl/tests/kioskctl_fake/security_context.rs"]
mod security_context;
mod session_support;

use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};

use kiosk_core::api::State;
use serde_json::Value;
use session_support::{Compositor, SOON, Session, kill, processes, until};

/// Logs its arguments in `podman.log`. It has the image `good`, which runs until it is ended, and `short`, which ends
/// at once.
const PODMAN: &str = r#"#!/bin/sh
here=${0%/bin/podman}
echo "$@" >>"$here/podman.log"
case "$*" in
"image exists good"|"image exists short") exit 0 ;;
"image exists broken") echo "cannot find UID mappings" >&2; exit 125 ;;
"image exists"*) exit 1 ;;
rm*) exit 0 ;;
*good*) exec /bin/sleep 1000.MARK ;;
*short*) echo "starting" >&2; echo "no display at all" >&2; exit 3 ;;
esac
exit 99
"#;

struct Bench {
    compositor: Compositor,
    session: Session,
}

/// A session with this definition; `podman`: whether it is installed. The mark identifies its container.
fn start(definition: &str, podman: bool, mark: &str) -> Bench {
    let base = tempfile::tempdir().unwrap();
    std::fs::create_dir(base.path().join("bin")).unwrap();
    if podman {
        let program = base.path().join("bin/podman");
        std::fs::write(&program, PODMAN.replace("MARK", mark)).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let file = base.path().join("shell.json");
    std::fs::write(&file, definition).unwrap();
    let display = UnixListener::bind(base.path().join("wayland-0")).unwrap();
    std::thread::spawn(move || {
        loop {
            security_context::manage(&display);
        }
    });
    let mut compositor = Compositor::listen(base.path());
    let path = base.path().join("bin").display().to_string();
    let config = format!("[shell]\nurl = \"\"\ncontainer = {file:?}\n");
    let session = Session::start_with(base, &config, &[("PATH", &path)]);
    compositor.accept();
    Bench { compositor, session }
}

impl Bench {
    /// Podman's logged runs, once there are `count`.
    fn runs(&self, count: usize) -> Vec<String> {
        let file = self.session.runtime_dir.join("podman.log");
        let runs = || {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            text.lines().filter(|line| line.starts_with("run ")).map(str::to_owned).collect::<Vec<_>>()
        };
        until("that many runs", SOON, || runs().len() >= count);
        runs()
    }
}

fn mark() -> String {
    format!("{:05}{}", std::process::id() % 100_000, session_support::free_port())
}

/// The reported reason why it does not run.
#[track_caller]
fn told(definition: &str, podman: bool) -> String {
    let mut bench = start(definition, podman, &mark());
    bench.compositor.until(SOON, |report| !report.reason.is_empty()).pop().unwrap().reason
}

#[test]
fn a_container_runs_confined_is_started_again_and_ends_with_the_session() {
    let mark = format!("1{}", mark());
    let mut bench = start(r#"{ "name": "hmi", "image": "good", "network": "host" }"#, true, &mark);
    let first = bench.compositor.until_state(State::Ready, SOON).pid;
    let run = bench.runs(1).remove(0);
    let socket = format!("source={}/state/web/hmi.wayland", bench.session.runtime_dir.display());
    for wanted in ["--cap-drop=all", "--read-only", "--network=host", &socket, "target=/run/kiosk/wayland-0"] {
        assert!(run.contains(wanted), "{wanted} is not in {run}");
    }
    assert!(!run.contains(&format!("source={}/wayland-0", bench.session.runtime_dir.display())), "kioskd's own: {run}");
    until("the container", SOON, || processes(&mark).len() == 1);
    kill(processes(&mark)[0]);
    bench.compositor.until(SOON, |report| report.state == State::Ready && report.pid != first);
    assert_eq!(bench.runs(2).len(), 2);
    until("the container again", SOON, || processes(&mark).len() == 1);
    assert!(bench.session.terminate().success());
    assert_eq!(processes(&mark), [0; 0]);
}

/// Whether the reason is in the log, on the screen while the start is tried again, and a signal on D-Bus.
#[track_caller]
fn is_told_everywhere(definition: &str, wanted: &str) {
    let mut bench = start(definition, true, &mark());
    let socket = bench.session.runtime_dir.join("session.sock");
    until("the session's socket", SOON, || socket.exists());
    let signals = signals(&socket);
    let reported = |report: &kiosk_core::api::Report| report.state == State::Backoff && report.message.contains(wanted);
    bench.compositor.until(SOON, reported);
    let signal = signals.recv_timeout(SOON).unwrap_or_else(|_| panic!("no signal says {wanted:?}"));
    assert!(signal.contains(wanted), "the signal says {signal:?}");
    let log = bench.session.log();
    assert!(log.lines().any(|line| line.contains("WARN") && line.contains(wanted)), "{wanted:?} is not in the log");
    assert!(session_support::last_failure(&bench.session).contains(wanted));
}

/// The reasons of the signals Failed.
fn signals(socket: &Path) -> std::sync::mpsc::Receiver<String> {
    use futures_util::StreamExt;
    let (sender, reasons) = std::sync::mpsc::channel();
    let stream = UnixStream::connect(socket).unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let connection = zbus::connection::Builder::unix_stream(stream).p2p().build().await.unwrap();
            let mut messages = zbus::MessageStream::from(&connection);
            while let Some(Ok(message)) = messages.next().await {
                if message.header().member().is_some_and(|member| member == "Failed") {
                    let (reason, ..): (String, String, std::collections::HashMap<String, zbus::OwnedVariant>) =
                        message.body().deserialize().unwrap();
                    if sender.send(reason).is_err() {
                        return;
                    }
                }
            }
        });
    });
    reasons
}

#[test]
fn what_is_wrong_with_a_container_is_in_the_log_on_the_screen_and_a_signal() {
    is_told_everywhere(r#"{ "name": "hmi", "image": "other" }"#, "the image other is not on this device");
    let mounts = r#"{ "name": "hmi", "image": "good", "mounts": [{ "source": "/nonexistent", "target": "/x" }] }"#;
    is_told_everywhere(mounts, "mounts[0].source /nonexistent is not there");
    is_told_everywhere(r#"{ "name": "hmi", "image": "short" }"#, "exit status 3: no display at all");
}

#[test]
fn what_keeps_a_container_from_running_is_a_sentence() {
    let image = |image: &str| format!(r#"{{ "name": "hmi", "image": "{image}" }}"#);
    for (definition, podman, wanted) in [
        (image("good"), false, "podman is not installed, and shell.container needs it"),
        (image("other"), true, "the image other is not on this device: `podman pull` or `podman load` it as user"),
        (image("broken"), true, "podman can't be used: cannot find UID mappings"),
        (image("short"), true, "exit status 3: no display at all"),
        (r#"{ "name": "hmi" }"#.into(), true, "shell.json: missing field `image`"),
        (r#"{ "name": "hmi", "image": "good", "privileged": true }"#.into(), true, "unknown field `privileged`"),
        (
            r#"{ "name": "hmi", "image": "good", "mounts": [{ "source": "/nonexistent", "target": "/x" }] }"#.into(),
            true,
            "mounts[0].source /nonexistent is not there: No such file",
        ),
    ] {
        let told = told(&definition, podman);
        assert!(told.contains(wanted), "{told:?} does not say {wanted:?}");
    }
}

/// Serves a request like the unit, and returns the answer.
fn served(root: &Path, request: &str) -> Value {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_kiosk-session"))
        .arg("--serve-container")
        .env("KIOSK_ROOT", root)
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .spawn()
        .unwrap();
    writeln!(&ours, "{request}").unwrap();
    let mut answer = String::new();
    BufReader::new(ours).read_line(&mut answer).unwrap();
    child.wait().unwrap();
    serde_json::from_str(&answer).unwrap()
}

#[test]
fn a_request_for_what_is_not_configured_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let answer = |request: &str| served(root.path(), request)["line"].as_str().unwrap().to_owned();
    assert_eq!(answer(r#"{"shell":0,"display":"wayland-0"}"#), "shell 0 of the configuration is no container");
    assert_eq!(answer(r#"{"shell":9999,"display":"wayland-0"}"#), "shell 9999 of the configuration is no container");
    assert!(answer(r#"{"shell":0,"display":"w","file":"/tmp/x.json"}"#).contains("unknown field `file`"));
    assert!(answer("podman run --privileged").starts_with("no request for a container"));
    assert!(answer(&"x".repeat(10_000)).starts_with("no request for a container"));
    std::fs::create_dir_all(root.path().join("etc/kiosk")).unwrap();
    std::fs::write(root.path().join("etc/kiosk/config.toml"), "[shell]\ncontainer = \"/nonexistent.json\"\n").unwrap();
    assert_eq!(answer(r#"{"shell":0,"display":"../x"}"#), "\"../x\" is no socket's name");
    assert!(answer(r#"{"shell":0,"display":"wayland-0"}"#).contains("/nonexistent.json can't be read: No such file"));
}
