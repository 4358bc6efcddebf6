//! kiosk-session with the real Chromium, headless: from a server that starts late to the page, and back to the page
//! after each process has died. Fails without Chromium, as the session alone proves nothing.

#![allow(clippy::unwrap_used, clippy::panic)]

mod session_support;

use std::time::{Duration, Instant};

use kiosk_core::api::{Notice, State};
use serde_json::Value;
use session_support::{BROWSER, Compositor, DemoShell, SOON, Session, free_port, kill, last_failure, processes, until};

/// Chromium draws nothing: there is no Wayland compositor here.
const HEADLESS: &str = "extra-args = [\"--headless=new\", \"--ozone-platform=headless\"]\n";

fn start(url: &str, more: &str) -> (Compositor, Session) {
    let base = tempfile::tempdir().unwrap();
    let mut compositor = Compositor::listen(base.path());
    let session = Session::start(base, &format!("[shell]\nurl = \"{url}\"\n{HEADLESS}{more}"));
    compositor.accept();
    (compositor, session)
}

fn status(session: &Session) -> Value {
    let status: Value = serde_json::from_str(&session.kioskctl(&["status", "--json"])).unwrap();
    status["session"].clone()
}

#[test]
fn the_page_is_shown_after_a_late_server_and_after_each_process_was_killed() {
    let port = free_port();
    let (mut compositor, mut session) = start(&format!("http://localhost:{port}"), "");
    compositor.until_state(State::Waiting, SOON);
    let profile = session.runtime_dir.join("state/web/profile");
    until("the browser, before the server is there", BROWSER, || profile.join("Default").exists());
    let server = DemoShell::start(&session.runtime_dir, port);
    let seen = compositor.until(BROWSER, |report| report.state == State::Ready);
    let states: Vec<State> = seen.iter().map(|report| report.state).collect();
    assert!(states.contains(&State::Loading) && !states.contains(&State::Crashed), "{states:?}");
    let first = compositor.last.clone().unwrap().pid;
    assert_eq!(server.page_loads(), 1);
    let shown = status(&session);
    assert_eq!((&shown["state"], &shown["browser-pid"]), (&"ready".into(), &first.into()));
    assert!(shown["memory-bytes"].as_u64().unwrap() > 20_000_000, "{shown}");

    // Reload: the same browser fetches the page again, and the compositor gets no report that would cover it.
    session.kioskctl(&["reload"]);
    assert_eq!(
        (server.page_loads(), &status(&session)["state"]),
        (2, &"ready".into()),
        "it is there when that is said"
    );
    session.kioskctl(&["wait", "ready", "--timeout", "60s"]);
    compositor.stays_silent(Duration::from_millis(300));
    assert_eq!(status(&session)["browser-pid"], first);

    // Chromium is killed.
    kill(first);
    let second = compositor.until(BROWSER, |r| r.state == State::Ready && r.pid != first).pop().unwrap().pid;
    assert_eq!(server.page_loads(), 3);

    // The server is gone: a reload shows the splash, not an error page; the page returns with the server.
    drop(server);
    let failed = session.kioskctl_command(&["reload"]).output().unwrap();
    let said = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(!failed.status.success() && said.contains("connection refused"), "{said}");
    compositor.until_state(State::Offline, BROWSER);
    let server = DemoShell::start(&session.runtime_dir, port);
    let back = compositor.until_state(State::Ready, BROWSER);
    assert_eq!(back.pid, second, "no new browser for that");

    // kiosk-session is killed: its browser ends with it, and the next one starts.
    session.kill();
    session.start_again();
    compositor.accept();
    let third = compositor.until(BROWSER, |report| report.state == State::Ready).pop().unwrap().pid;
    assert!(!processes("--type=zygote").is_empty());
    let mark = format!("--user-data-dir={}", profile.display());
    let left: Vec<u32> = processes(&mark);
    assert!(left.contains(&third) && !left.contains(&second), "{left:?}");

    // An orderly end leaves nothing behind.
    assert!(session.terminate().success());
    until("the end of all browser processes", SOON, || processes(&mark).is_empty());
    drop(server);
}

#[test]
fn a_page_may_say_itself_when_it_is_ready() {
    let base = tempfile::tempdir().unwrap();
    let page = base.path().join("page.html");
    let text = "<body style='background:#123'><script>setTimeout(() => kiosk.ready(), 1500)</script>";
    std::fs::write(&page, text).unwrap();
    let url = format!("file://{}", page.display());
    let (mut compositor, session) = start(&url, "[shell.ready]\npage = \"explicit\"\n");
    compositor.until_state(State::Loading, BROWSER);
    let loading = Instant::now();
    compositor.until_state(State::Ready, BROWSER);
    assert!(loading.elapsed() > Duration::from_millis(1400), "{:?}", loading.elapsed());
    assert_eq!(status(&session)["url"], url);
}

#[test]
fn a_page_that_hangs_or_crashes_is_shown_again() {
    let base = tempfile::tempdir().unwrap();
    let server = DemoShell::start(base.path(), 0);
    let (mut compositor, session) = start(&format!("http://localhost:{}", server.port), "");
    let first = compositor.until_state(State::Ready, BROWSER).pid;
    page_processes(first).into_iter().for_each(kill);
    compositor.until_state(State::Crashed, BROWSER);
    assert_eq!(compositor.until_state(State::Ready, BROWSER).pid, first, "the browser lives on");

    // Stopped, it answers no heartbeat; after two failures in a minute the browser is replaced.
    page_processes(first).into_iter().for_each(stop);
    let second = compositor.until(BROWSER, |r| r.state == State::Ready && r.pid != first).pop().unwrap();
    assert_ne!(second.pid, first);
    assert!(status(&session)["last-failure"]["reason"].as_str().unwrap().contains("does not answer"));
}

#[test]
fn a_hanging_page_is_recovered_by_each_step_from_a_reload_to_a_new_browser() {
    let base = tempfile::tempdir().unwrap();
    let server = DemoShell::start(base.path(), 0);
    let (mut compositor, session) = start(&format!("http://localhost:{}", server.port), "");
    let first = compositor.until_state(State::Ready, BROWSER).pid;
    let stopped = Instant::now();
    page_processes(first).into_iter().for_each(stop);
    until("the first step", SOON, || last_action(&session) == "loaded again");
    assert!(stopped.elapsed() < Duration::from_secs(17), "noticed after {:?}", stopped.elapsed());
    compositor.until_state(State::Crashed, SOON);
    assert_eq!(last_action(&session), "loaded again in a new process");
    assert_eq!(compositor.until_state(State::Ready, BROWSER).pid, first, "the browser lives on");
    // A stopped browser can only be replaced.
    stop(first);
    let second = compositor.until(BROWSER, |r| r.state == State::Ready && r.pid != first).pop().unwrap();
    assert_ne!(second.pid, first);
}

/// The GPU process is stopped: page and browser still answer, but the picture does not change.
#[test]
fn a_browser_that_draws_nothing_of_a_page_that_moves_is_replaced() {
    let base = tempfile::tempdir().unwrap();
    let server = DemoShell::start(base.path(), 0);
    let (mut compositor, session) = start(&format!("http://localhost:{}/?animate=1", server.port), "");
    let first = compositor.until_state(State::Ready, BROWSER).pid;
    let drawing: Vec<u32> =
        processes("--type=gpu-process").into_iter().filter(|pid| group(*pid) == Some(first)).collect();
    assert!(!drawing.is_empty());
    drawing.into_iter().for_each(stop);
    let mut asked = compositor.last.as_ref().unwrap().ping;
    let stopped = Instant::now();
    let second = loop {
        assert!(stopped.elapsed() < BROWSER, "it is asked for a sign of life again and again, and not replaced");
        let report = compositor.until(BROWSER, |report| report.ping != asked || report.pid != first).pop().unwrap();
        if report.pid != first {
            break report;
        }
        asked = report.ping;
        for answers in [false, true] {
            compositor.notify(&Notice::Pinged { number: asked, answers, commits: Some(9) });
        }
    };
    assert_eq!(last_failure(&session), "the page waits for frames, and chromium draws none", "{second:?}");
    compositor.until(BROWSER, |report| report.state == State::Ready && report.pid != first);
}

#[test]
fn a_browser_whose_program_is_replaced_is_restarted_when_idle() {
    let base = tempfile::tempdir().unwrap();
    let server = DemoShell::start(base.path(), 0);
    // A separate browser: links to Debian's files, and a program that can be replaced.
    let debian = std::path::Path::new("/usr/lib/chromium");
    let own = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(debian).unwrap().flatten() {
        std::os::unix::fs::symlink(entry.path(), own.path().join(entry.file_name())).unwrap();
    }
    let program = own.path().join("chromium");
    let replace = || {
        std::fs::copy(debian.join("chromium"), own.path().join("new")).unwrap();
        std::fs::rename(own.path().join("new"), &program).unwrap();
    };
    replace();
    let browser = format!("browser = \"{}\"\n", program.display());
    let (mut compositor, session) = start(&format!("http://localhost:{}", server.port), &browser);
    let first = compositor.until_state(State::Ready, BROWSER).pid;
    assert_eq!(status(&session)["restart-reason"], "");
    replace();
    compositor.until(Duration::from_secs(90), |report| report.when_idle);
    assert_eq!(status(&session)["restart-reason"], "its program was replaced by another version");
    assert_eq!(status(&session)["browser-pid"], first, "somebody may be there");
    compositor.notify(&Notice::Idle {});
    compositor.until(BROWSER, |report| report.state == State::Ready && report.pid != first);
    assert_eq!(status(&session)["restart-reason"], "");
}

/// The page's process is one of the renderers that do not belong to the browser's own interface; one is a spare.
fn page_processes(browser: u32) -> Vec<u32> {
    let ours = processes("--type=renderer").into_iter().filter(|pid| group(*pid) == Some(browser));
    let line = |pid: u32| std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    ours.filter(|pid| !line(*pid).contains("top-chrome") && !line(*pid).contains("extension-process")).collect()
}

fn stop(pid: u32) {
    let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
}

/// The action after the last failure.
fn last_action(session: &Session) -> String {
    status(session)["last-failure"]["action"].as_str().unwrap_or_default().to_owned()
}

fn group(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(2)?.parse().ok()
}
