//! kiosk-session with the real Chromium, headless, and malformed pages and failing browsers: none of them ends the
//! session, and everything that can be shown is shown.

#![allow(clippy::unwrap_used, clippy::panic)]

mod session_support;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kiosk_core::api::State;
use session_support::site::Site;
use session_support::{BROWSER, Compositor, SOON, Session, headless, last_failure, until};

const TELL: &str = "<body style='background:#264'><script>const tell = text => fetch('/tell', { method: 'POST', body: text });</script>";

fn page(script: &str) -> String {
    format!("{TELL}<script>{script}</script>")
}

fn start(url: &str, more: &str) -> (Compositor, Session) {
    let base = tempfile::tempdir().unwrap();
    let mut compositor = Compositor::listen(base.path());
    let session = Session::start(base, &headless(url, more));
    compositor.accept();
    until("its socket", SOON, || session.runtime_dir.join("session.sock").exists());
    (compositor, session)
}

fn status(session: &Session) -> serde_json::Value {
    let status: serde_json::Value = serde_json::from_str(&session.kioskctl(&["status", "--json"])).unwrap();
    status["session"].clone()
}

/// Resident memory of kiosk-session itself, KiB.
fn memory(session: &Session) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/status", session.child.id())).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_page_that_redirects_for_ever_is_said_and_shown_when_it_has_come_to_its_end() {
    let site = Site::start(&[]);
    site.answer("/", 302, "Location: /a\r\n", "");
    site.answer("/a", 302, "Location: /\r\n", "");
    let (mut compositor, session) = start(&site.url("/"), "");
    until("the reason", SOON, || !last_failure(&session).is_empty());
    assert!(last_failure(&session).contains("redirect"), "{}", last_failure(&session));
    site.answer("/", 200, "", &page("tell('here');"));
    compositor.until_state(State::Ready, BROWSER);
}

/// A server that answers the first line of each request by `answer`, and keeps the connection open.
fn server(answer: impl Fn(&str, &mut std::net::TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let (port, answer) = (listener.local_addr().unwrap().port(), Arc::new(answer));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let answer = answer.clone();
            std::thread::spawn(move || {
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
                let first = lines.next().unwrap_or_default();
                let agent = lines.take_while(|line| !line.is_empty()).any(|line| line.contains("Mozilla"));
                answer(if agent { &first } else { "probe" }, &mut stream);
            });
        }
    });
    port
}

#[test]
fn a_server_that_hangs_after_its_headers_has_its_page_soon_after_it_is_well() {
    let well = Arc::new(AtomicBool::new(false));
    let seen = well.clone();
    let port = server(move |_, stream| {
        let length = 4000;
        let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\r\n");
        if seen.load(Ordering::Relaxed) {
            let body = format!("{:length$}", "<body style='background:#264'>well");
            let _ = stream.write_all(body.as_bytes());
        } else {
            std::thread::sleep(Duration::from_secs(300));
        }
    });
    let (mut compositor, session) = start(&format!("http://localhost:{port}/"), "");
    compositor.until_state(State::Loading, BROWSER);
    // The browser has an answer without a page: it shows nothing, and the splash stays.
    compositor.stays_silent(Duration::from_secs(2));
    well.store(true, Ordering::Relaxed);
    session.kioskctl(&["reload"]);
    assert_eq!(status(&session)["state"], "ready");
}

#[test]
fn a_page_of_a_gigabyte_costs_the_session_nothing() {
    let port = server(|line, stream| {
        let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<body style='background:#264'>big ");
        if line != "probe" {
            let block = vec![b'x'; 1 << 20];
            for _ in 0..1024 {
                if stream.write_all(&block).is_err() {
                    return;
                }
            }
        }
    });
    let (mut compositor, session) = start(&format!("http://localhost:{port}/"), "");
    compositor.until_state(State::Ready, BROWSER);
    assert!(memory(&session) < 60_000, "{} KiB", memory(&session));
    assert!(session.kioskctl(&["status"]).contains("ready"));
}

#[test]
fn a_flood_of_console_messages_costs_the_session_nothing_and_the_page_goes_on() {
    // 100 MB, in lines of 100 KB.
    let flood = "const line = 'x'.repeat(100000); let n = 0; const go = () => {
        for (let i = 0; i < 50; i++, n++) console.log(line + n); n < 1000 ? setTimeout(go) : tell('flooded'); }; setTimeout(go, 300);";
    for ready in ["first-paint", "explicit"] {
        let site = Site::start(&[]);
        let explicit = "<script>const called = () => setTimeout(() => n < 1000 ? called() : kiosk.ready(), 50); called();</script>";
        site.answer("/", 200, "", &(page(flood) + if ready == "explicit" { explicit } else { "" }));
        let (mut compositor, session) = start(&site.url("/"), &format!("[shell.ready]\npage = \"{ready}\"\n"));
        compositor.until_state(State::Ready, BROWSER);
        until("the end of the flood", BROWSER, || site.has_told("flooded"));
        assert!(memory(&session) < 100_000, "{} KiB", memory(&session));
        assert_eq!((&status(&session)["state"], &status(&session)["restarts"]), (&"ready".into(), &0.into()));
    }
}

#[test]
fn escapes_of_a_terminal_in_a_title_and_an_address_reach_no_terminal() {
    let script = "document.title = '\\x1b]0;owned\\x07\\x1b[2J'; history.pushState(0, document.title, '/\\x1b[31m\\x07#\\x1b[2J');
        console.error('\\x1b[2J'); tell('done');";
    let site = Site::start(&[("/", &page(script))]);
    let (mut compositor, session) = start(&site.url("/"), "");
    compositor.until_state(State::Ready, BROWSER);
    until("the page's end", SOON, || site.has_told("done"));
    assert!(
        !session.kioskctl(&["status"]).contains('\u{1b}')
            && !session.kioskctl(&["status", "--json"]).contains('\u{1b}')
    );
    let log = session.log();
    let own: Vec<&str> = log.lines().filter(|line| line.contains(" INFO ") || line.contains(" WARN ")).collect();
    assert!(
        !own.is_empty() && own.iter().all(|line| !line.contains("\u{1b}[2J") && !line.contains('\u{7}')),
        "{own:?}"
    );
}

#[test]
fn a_page_that_leaves_fullscreen_and_asks_without_end_is_still_the_page() {
    let script = "setTimeout(() => { document.exitFullscreen().catch(() => {}); moveTo(9, 9); resizeTo(99, 99); window.close(); self.close();
        try { while (true) alert('again'); } catch (error) { tell('over'); } }, 500);";
    let site = Site::start(&[("/", &page(script))]);
    let (mut compositor, session) = start(&site.url("/"), "[browser]\ndialogs = { alert = \"dismiss\" }\n");
    compositor.until_state(State::Ready, BROWSER);
    until("the end of its loop", SOON, || site.has_told("over"));
    compositor.stays_silent(Duration::from_millis(500));
    assert_eq!((&status(&session)["state"], &status(&session)["restarts"]), (&"ready".into(), &0.into()));
}

/// A program in place of the browser: it runs `before`, then the real browser if `before` ends.
fn wrapper(folder: &Path, before: &str) -> PathBuf {
    let program = folder.join("browser");
    std::fs::write(&program, format!("#!/bin/sh\n{before}\nexec chromium \"$@\"\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    program
}

#[test]
fn a_browser_that_prints_garbage_on_the_pipe_is_replaced_until_one_speaks() {
    let folder = tempfile::tempdir().unwrap();
    // Half a megabyte of random bytes, then an unfinished message; the second start is the real browser.
    let once = format!(
        "if [ ! -e {0}/spoken ]; then touch {0}/spoken; head -c 500000 /dev/urandom >&4; trap '' TERM; while :; do sleep 1; done; fi",
        folder.path().display()
    );
    let program = wrapper(folder.path(), &once);
    let site = Site::start(&[("/", &page("tell('here');"))]);
    let (mut compositor, session) = start(&site.url("/"), &format!("browser = \"{}\"\n", program.display()));
    compositor.until_state(State::Ready, BROWSER);
    // It ignores SIGTERM too, and is killed.
    assert_eq!(status(&session)["restarts"], 1);
    until("the end of the first", SOON, || session_support::processes(&format!("{}", program.display())).is_empty());
}

#[test]
fn a_browser_that_is_missing_is_said_and_one_that_comes_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("browser");
    let site = Site::start(&[("/", &page("tell('here');"))]);
    let (mut compositor, session) = start(&site.url("/"), &format!("browser = \"{}\"\n", program.display()));
    until("the reason", SOON, || last_failure(&session).contains("is not installed"));
    wrapper(folder.path(), "");
    compositor.until_state(State::Ready, BROWSER);
}

#[test]
fn a_stopped_browser_is_killed() {
    let site = Site::start(&[("/", &page("tell('here');"))]);
    let (mut compositor, mut session) = start(&site.url("/"), "");
    let pid = compositor.until_state(State::Ready, BROWSER).pid;
    // A stopped process reacts to SIGKILL only.
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(pid.cast_signed()).unwrap(),
        rustix::process::Signal::STOP,
    )
    .unwrap();
    let asked = Instant::now();
    assert!(session.terminate().success());
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    until("the end of all its processes", SOON, || {
        session_support::processes(&format!("--user-data-dir={}", session.runtime_dir.display())).is_empty()
    });
}

/// kiosk-session with a profile on a file system that `mount` created at its state directory.
fn on_file_system(mount: &str) {
    let site = Site::start(&[("/", &page("tell('here');"))]);
    let base = tempfile::tempdir().unwrap();
    let mut compositor = Compositor::listen(base.path());
    let session = Session::start_in(base, &headless(&site.url("/"), ""), mount);
    compositor.accept();
    compositor.until_state(State::Ready, BROWSER);
    assert_eq!(status(&session)["state"], "ready");
}

#[test]
fn a_disk_that_is_full_keeps_no_page_from_the_screen() {
    on_file_system(
        "mkdir -p state && mount -t tmpfs -o size=64k kiosk state && { head -c 1000000 /dev/zero >state/full || true; }",
    );
}

#[test]
fn a_root_that_is_read_only_keeps_no_page_from_the_screen() {
    on_file_system("mkdir -p state && mount -t tmpfs -o ro kiosk state");
}
