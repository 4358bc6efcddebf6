//! kiosk-session as a process, with a shell that is not a browser: starts, ends and restarts.

#![allow(clippy::unwrap_used, clippy::panic)]

mod session_support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use kiosk_core::api::{Report, State};
use session_support::{Compositor, SOON, Session, free_port, kill, processes, until};

/// A shell that starts a helper; both have `mark` in their command lines.
fn command(mark: &str) -> String {
    format!("[shell]\ncommand = [\"sh\", \"-c\", \"sleep 1000{mark} & wait; true\"]\n")
}

fn mark() -> String {
    format!("{:04}{}", std::process::id() % 10_000, free_port())
}

fn start(config: &str) -> (Compositor, Session) {
    let base = tempfile::tempdir().unwrap();
    let mut compositor = Compositor::listen(base.path());
    let session = Session::start(base, config);
    compositor.accept();
    (compositor, session)
}

#[test]
fn a_shell_that_ends_is_back_within_a_second_with_nothing_left_of_the_first() {
    let mark = mark();
    let (mut compositor, _session) = start(&command(&mark));
    let first = compositor.until_state(State::Ready, SOON).pid;
    until("the shell and its helper", SOON, || processes(&mark).len() == 2);
    let killed = Instant::now();
    kill(first);
    let second = compositor.until(SOON, |report| report.state == State::Ready && report.pid != first).pop().unwrap();
    assert!(killed.elapsed() < Duration::from_secs(1), "{:?}", killed.elapsed());
    assert_ne!(second.pid, first);
    until("only the new shell and its helper", SOON, || processes(&mark).len() == 2);
    assert!(processes(&mark).contains(&second.pid));
}

#[test]
fn sigterm_ends_the_shell_and_then_the_session() {
    let mark = mark();
    let (mut compositor, mut session) = start(&command(&mark));
    compositor.until_state(State::Ready, SOON);
    let socket = session.runtime_dir.join("session.sock");
    until("the session's socket", SOON, || socket.exists());
    assert!(session.terminate().success());
    assert_eq!(processes(&mark), [] as [u32; 0]);
    assert!(!socket.exists());
}

#[test]
fn a_shell_that_ignores_sigterm_is_ended_by_force() {
    let mark = mark();
    let config = format!("[shell]\ncommand = [\"sh\", \"-c\", \"trap '' TERM; while :; do sleep 1{mark}; done\"]\n");
    let (mut compositor, mut session) = start(&config);
    compositor.until_state(State::Ready, SOON);
    until("its helper, behind the trap", SOON, || processes(&mark).len() == 2);
    let asked = Instant::now();
    assert!(session.terminate().success());
    assert!(asked.elapsed() > Duration::from_secs(2), "it had its time: {:?}", asked.elapsed());
    assert_eq!(processes(&mark), [] as [u32; 0]);
}

#[test]
fn the_shell_dies_with_a_session_that_is_killed() {
    let mark = mark();
    let (mut compositor, mut session) = start(&command(&mark));
    let shell = compositor.until_state(State::Ready, SOON).pid;
    until("the shell and its helper", SOON, || processes(&mark).len() == 2);
    let old = processes(&mark);
    session.kill();
    until("the end of the shell", SOON, || !processes(&mark).contains(&shell));
    session.start_again();
    compositor.accept();
    compositor.until_state(State::Ready, SOON);
    let new = processes(&mark);
    assert!(!new.iter().any(|pid| old.contains(pid)), "{old:?} {new:?}");
}

#[test]
fn a_new_compositor_gets_a_new_shell_within_seconds() {
    let mark = mark();
    let (mut compositor, session) = start(&command(&mark));
    let first = compositor.until_state(State::Ready, SOON).pid;
    // The report comes before the shell's exec, and a shell that is not found yet would count as ended. With its helper
    // the start is complete: during the exec it has no command line for a moment.
    until("the shell and its helper", SOON, || processes(&mark).len() == 2);
    drop(compositor);
    until("the end of the shell without a screen", SOON, || processes(&mark).is_empty());
    let back = Instant::now();
    let mut compositor = Compositor::listen(&session.runtime_dir);
    compositor.accept();
    // Its first report may be of the shell that has ended but is not reaped yet.
    let another = |report: &Report| report.state == State::Ready && ![0, first].contains(&report.pid);
    compositor.until(SOON, another);
    assert!(back.elapsed() < Duration::from_secs(5), "{:?}", back.elapsed());
}

#[test]
fn a_missing_browser_is_said_in_one_sentence_and_tried_again() {
    let (mut compositor, mut session) = start("[shell]\nurl = \"http://localhost:9\"\nbrowser = \"no-such-browser\"\n");
    let report = compositor.until_state(State::Backoff, SOON);
    let sentence = "no-such-browser is not installed: install the package chromium or set shell.browser";
    assert!(report.message.starts_with(sentence), "{}", report.message);
    let status = session.kioskctl(&["status", "--json"]);
    assert!(status.contains(sentence), "{status}");
    assert!(session.child.try_wait().unwrap().is_none(), "it does not give up");
}

/// A web server's answers, and the number of requests.
#[derive(Default)]
struct Answers {
    status: AtomicU16,
    asked: AtomicU32,
}

fn server(answers: Arc<Answers>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 1024]);
            let _ = write!(stream, "HTTP/1.1 {} X\r\nContent-Length: 0\r\n\r\n", answers.status.load(Relaxed));
            answers.asked.fetch_add(1, Relaxed);
        }
    });
    port
}

#[test]
fn a_command_with_the_url_waits_for_an_answer_that_is_configured_as_one() {
    let mark = mark();
    let answers = Arc::new(Answers::default());
    answers.status.store(404, Relaxed);
    let url = format!("http://127.0.0.1:{}/x{mark}", server(answers.clone()));
    let command = "command = [\"sh\", \"-c\", \"sleep 1000; :\", \"{url}\"]";
    let config = format!("[shell]\nurl = \"{url}\"\n{command}\nready.http-status = \"200-299\"\n");
    let (mut compositor, _session) = start(&config);
    until("the third question", SOON, || answers.asked.load(Relaxed) > 2);
    assert_eq!(processes(&mark), [] as [u32; 0], "404 was taken for an answer");
    answers.status.store(204, Relaxed);
    let pid = compositor.until_state(State::Ready, SOON).pid;
    until("the command with the URL in it", SOON, || processes(&url).contains(&pid));
}

#[test]
fn a_session_ends_with_the_compositor_that_started_it() {
    let mark = mark();
    let base = tempfile::tempdir().unwrap();
    let directory = base.path().to_owned();
    // Its parent is this thread, which is also the compositor: when the thread ends, the parent is gone.
    let (session, shell) = std::thread::spawn({
        let mark = mark.clone();
        move || {
            let mut compositor = Compositor::listen(&directory);
            let session = Session::start(base, &command(&mark));
            compositor.accept();
            (session, compositor.until_state(State::Ready, SOON).pid)
        }
    })
    .join()
    .unwrap();
    let mut session = session;
    assert!(session.wait(SOON).success());
    assert!(!processes(&mark).contains(&shell));
}

/// A service manager's socket at `path`: each call returns the next message.
fn service_manager(path: &Path) -> impl Fn() -> String + use<> {
    let manager = std::os::unix::net::UnixDatagram::bind(path).unwrap();
    manager.set_read_timeout(Some(SOON)).unwrap();
    move || {
        let mut buffer = [0; 512];
        let length = manager.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }
}

#[test]
fn the_service_manager_is_notified_of_readiness_status_and_watchdog_pings() {
    let mark = mark();
    let base = tempfile::tempdir().unwrap();
    let path = base.path().join("notify");
    let received = service_manager(&path);
    let mut compositor = Compositor::listen(base.path());
    let environment = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "2000000")];
    let _session = Session::start_with(base, &command(&mark), &environment);
    assert_eq!(received(), "READY=1");
    compositor.accept();
    while received() != "STATUS=ready" {}
    let started = Instant::now();
    for _ in 0..3 {
        while received() != "WATCHDOG=1" {}
    }
    assert!(started.elapsed() > Duration::from_secs(1), "in its own time: {:?}", started.elapsed());
    let shell = processes(&mark)[0];
    let environment = std::fs::read(format!("/proc/{shell}/environ")).unwrap();
    let text = String::from_utf8_lossy(&environment);
    assert!(!text.contains("NOTIFY_SOCKET") && !text.contains("WATCHDOG"), "the shell can't speak for us");
}

/// The configuration of a shell that does nothing.
fn table(name: &str, output: &str, mark: &str) -> String {
    format!("[[shells]]\noutput = \"{output}\"\ncommand = [\"sh\", \"-c\", \"sleep 1000{name}{mark} & wait; true\"]\n")
}

/// Two shells that do nothing, and the compositor's end of their connections, by number.
fn two_shells(mark: &str) -> ([Compositor; 2], Session) {
    two_shells_with(mark, tempfile::tempdir().unwrap(), &[])
}

/// As [`two_shells`], in this directory and with these environment variables.
fn two_shells_with(mark: &str, base: tempfile::TempDir, environment: &[(&str, &str)]) -> ([Compositor; 2], Session) {
    let mut one = Compositor::listen(base.path());
    let config = format!("{}{}", table("1", "HDMI-A-1", mark), table("2", "HDMI-A-2", mark));
    let session = Session::start_with(base, &config, environment);
    let mut other = one.another();
    one.accept();
    other.accept();
    let number = |compositor: &mut Compositor| compositor.until_state(State::Ready, SOON).shell;
    match (number(&mut one), number(&mut other)) {
        (0, 1) => ([one, other], session),
        (1, 0) => ([other, one], session),
        numbers => panic!("{numbers:?}"),
    }
}

fn environment(pid: u32, variable: &str) -> Option<String> {
    let variables = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    let variables = String::from_utf8_lossy(&variables).into_owned();
    variables.split('\0').find_map(|entry| entry.strip_prefix(variable)?.strip_prefix('=')).map(str::to_owned)
}

#[test]
fn each_shell_has_its_own_process_and_screen_and_fails_independently() {
    let mark = mark();
    let ([mut first, mut second], mut session) = two_shells(&mark);
    let pid = |compositor: &Compositor| compositor.last.as_ref().unwrap().pid;
    let (left, right) = (pid(&first), pid(&second));
    for (shell, display) in [(left, "wayland-0"), (right, "wayland-1")] {
        until("the shell's environment", SOON, || {
            environment(shell, "WAYLAND_DISPLAY").is_some_and(|path| path.ends_with(display))
        });
    }
    until("both shells and their helpers", SOON, || processes(&mark).len() == 4);
    assert_ne!(environment(left, "HOME"), None);

    kill(right);
    let again = second.until(SOON, |report| report.state == State::Ready && report.pid != right).pop().unwrap();
    until("the second shell again, alone", SOON, || processes(&mark).len() == 4);
    assert!(processes(&mark).contains(&left) && processes(&mark).contains(&again.pid));
    first.stays_silent(Duration::from_millis(200));

    let status: serde_json::Value = serde_json::from_str(&session.kioskctl(&["status", "--json"])).unwrap();
    let shells = status["shells"].as_array().unwrap();
    let pids: Vec<u64> = shells.iter().map(|shell| shell["browser-pid"].as_u64().unwrap()).collect();
    assert_eq!(pids, [u64::from(left), u64::from(again.pid)]);
    assert_eq!([&shells[0]["output"], &shells[1]["output"]], ["HDMI-A-1", "HDMI-A-2"]);
    assert_eq!(status["session"]["browser-pid"], left);

    session.kioskctl(&["stop", "-s", "HDMI-A-2"]);
    second.until_state(State::Stopped, SOON);
    until("the first shell and its helper alone", SOON, || processes(&mark).len() == 2);
    assert!(processes(&mark).contains(&left));
    session.kioskctl(&["start", "--shell", "1"]);
    second.until_state(State::Ready, SOON);
    session.kioskctl(&["restart"]);
    first.until(SOON, |report| report.state == State::Ready && report.pid != left);
    let unknown = session.kioskctl_command(&["restart", "-s", "2"]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(1));
    let error = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(error.contains("HDMI-A-1") && error.contains("HDMI-A-2"), "{error}");

    assert!(session.terminate().success());
    assert_eq!(processes(&mark), [] as [u32; 0]);
}

#[test]
fn shells_of_a_session_that_was_killed_are_replaced_each_by_its_own() {
    let mark = mark();
    let ([mut first, mut second], mut session) = two_shells(&mark);
    session.kill();
    session.start_again();
    first.accept();
    second.accept();
    first.until_state(State::Ready, SOON);
    second.until_state(State::Ready, SOON);
    until("two shells and their helpers", SOON, || processes(&mark).len() == 4);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(processes(&mark).len(), 4, "one shell's start ended the other's");
}

#[test]
fn a_shell_that_is_not_configured_any_more_leaves_nothing_behind() {
    let mark = mark();
    let ([mut first, _second], mut session) = two_shells(&mark);
    until("two shells and their helpers", SOON, || processes(&mark).len() == 4);
    // As a browser of the second one would leave it.
    let profile = session.runtime_dir.join("state/web/shell-1/profile");
    std::fs::create_dir_all(&profile).unwrap();
    std::os::unix::fs::symlink("host-4711", profile.join("SingletonLock")).unwrap();
    std::fs::write(profile.join("Cookies"), "").unwrap();
    session.kill();
    session.configure(&table("1", "HDMI-A-1", &mark));
    session.start_again();
    first.accept();
    first.until_state(State::Ready, SOON);
    until("the first shell and its helper alone", SOON, || processes(&mark).len() == 2);
    let second = format!("sleep 10002{mark}");
    assert_eq!(processes(&second.replace("sleep ", "")), [] as [u32; 0], "the second one's helper lives on");
    assert!(profile.join("SingletonLock").symlink_metadata().is_err(), "its profile is marked as used");
    assert!(profile.join("Cookies").exists(), "but what the page keeps there is not ours to forget");
    let status: serde_json::Value = serde_json::from_str(&session.kioskctl(&["status", "--json"])).unwrap();
    assert_eq!(status["shells"].as_array().unwrap().len(), 1);
    let unknown = session.kioskctl_command(&["reload", "-s", "1"]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(1));
}

#[test]
fn the_service_manager_hears_of_every_shell() {
    let mark = mark();
    let base = tempfile::tempdir().unwrap();
    let path = base.path().join("notify");
    let received = service_manager(&path);
    let environment = [("NOTIFY_SOCKET", path.to_str().unwrap())];
    let (_compositors, session) = two_shells_with(&mark, base, &environment);
    assert_eq!(received(), "READY=1");
    while received() != "STATUS=0: ready; 1: ready" {}
    session.kioskctl(&["stop", "-s", "1"]);
    while received() != "STATUS=0: ready; 1: Stopped" {}
}

#[test]
fn an_idle_session_sleeps() {
    let mark = mark();
    let (mut compositor, session) = start(&command(&mark));
    compositor.until_state(State::Ready, SOON);
    let task = format!("/proc/{}/task", session.pid().as_raw_nonzero());
    let switches = || -> u64 {
        let tasks = std::fs::read_dir(&task).unwrap().flatten();
        let status = tasks.map(|task| std::fs::read_to_string(task.path().join("status")).unwrap_or_default());
        status
            .filter_map(|text| {
                text.lines().find_map(|l| l.strip_prefix("voluntary_ctxt_switches:")?.trim().parse::<u64>().ok())
            })
            .sum()
    };
    // Until the retries for a message bus have become slow.
    std::thread::sleep(Duration::from_secs(8));
    let before = switches();
    std::thread::sleep(Duration::from_secs(6));
    let woken = switches() - before;
    assert!(woken <= 3, "woken {woken} times in 6 s");
}
