//! kiosk-session with the real Chromium, headless, and pages that wait for their next page: for a server that takes its
//! time, or for a service worker that never answers. The browser lets no question of the session's through to a page that
//! waits.

#![allow(clippy::unwrap_used, clippy::panic)]

mod session_support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kiosk_core::api::State;
use serde_json::Value;
use session_support::hand::Hand;
use session_support::server::Server;
use session_support::site::Site;
use session_support::{BROWSER, Compositor, SOON, Session, headless, last_failure, until};

const TELL: &str = "<body style='background:#264'><script>const tell = text => fetch('/tell', { method: 'POST', body: text });</script>";
/// Longer than the time limit of a heartbeat with the interval before it, twice.
const SLOW: Duration = Duration::from_secs(25);

fn page(script: &str) -> String {
    format!("{TELL}<script>{script}</script>")
}

fn start(url: &str) -> (Compositor, Session) {
    let base = tempfile::tempdir().unwrap();
    let mut compositor = Compositor::listen(base.path());
    let session = Session::start(base, &headless(url, "").replace("[\"", "[\"--remote-debugging-port=0\", \""));
    compositor.accept();
    compositor.until_state(State::Ready, BROWSER);
    (compositor, session)
}

fn status(session: &Session) -> Value {
    let status: Value = serde_json::from_str(&session.kioskctl(&["status", "--json"])).unwrap();
    status["session"].clone()
}

/// A page that pays by a form when it is touched, and does this after that; how often it was paid.
fn paying(then: &str) -> (Server, Arc<AtomicUsize>, Compositor, Session) {
    let paid = Arc::new(AtomicUsize::new(0));
    let (count, home) = (paid.clone(), page(&format!("onclick = () => {{ document.forms[0].submit(); {then} }};")));
    let server = Server::start(move |request| match request.target.as_str() {
        "/" => ("200 OK", "Content-Type: text/html\r\n".into(), format!("<form method=post action=/pay></form>{home}")),
        "/pay" => {
            count.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(SLOW);
            ("200 OK", "Content-Type: text/html\r\n".into(), page("fetch('/paid')"))
        }
        _ => ("204 No Content", String::new(), String::new()),
    });
    let (compositor, session) = start(&format!("http://localhost:{}/", server.port));
    (server, paid, compositor, session)
}

#[test]
fn a_form_whose_server_takes_its_time_is_waited_for_and_sent_once() {
    let (server, paid, _compositor, session) = paying("");
    Hand::of(&session).click(400, 400);
    until("the answer", Duration::from_secs(60), || server.requests().iter().any(|request| request.target == "/paid"));
    assert_eq!(paid.load(Ordering::Relaxed), 1);
    assert_eq!((last_failure(&session).as_str(), &status(&session)["restarts"]), ("", &0.into()));
}

#[test]
fn a_page_that_hangs_while_it_waits_for_the_next_is_noticed() {
    let (server, _paid, _compositor, session) = paying("setTimeout(() => { while (true); }, 300);");
    let mut hand = Hand::of(&session);
    hand.click(400, 400);
    until("the order", SOON, || server.requests().iter().any(|request| request.target == "/pay"));
    until("the reason", Duration::from_secs(40), || !last_failure(&session).is_empty());
    assert_eq!(last_failure(&session), "the page does not answer any more");
    session.kioskctl(&["wait", "ready", "--timeout", "60s"]);
}

/// The page stays until it is loaded again past the worker; the browser alone would wait for minutes.
#[test]
fn a_service_worker_that_never_answers_is_got_past_when_the_page_loads_itself_again_and_at_the_start() {
    let script = |then: &str| {
        page(&format!(
            "navigator.serviceWorker.register('/sw.js').then(() => navigator.serviceWorker.ready).then(() => {{ tell('kept'); {then} }}); tell('home');"
        ))
    };
    let worker = "addEventListener('install', () => skipWaiting()); addEventListener('activate', e => e.waitUntil(clients.claim()));
        addEventListener('fetch', e => { if (e.request.mode == 'navigate') e.respondWith(new Promise(() => {})); });";
    let site = Site::start(&[("/", &script("setTimeout(() => location.reload(), 500);")), ("/sw.js", worker)]);
    let (mut compositor, session) = start(&site.url("/"));
    until("the worker", SOON, || site.has_told("kept"));
    site.answer("/", 200, "", &script(""));
    until("the page past its worker", BROWSER, || site.told().iter().filter(|told| *told == "home").count() == 2);
    assert!(last_failure(&session).ends_with("its service worker does not answer"), "{}", last_failure(&session));
    session.kioskctl(&["wait", "ready", "--timeout", "20s"]);
    assert_eq!(status(&session)["restarts"], 0);
    compositor.stays_silent(Duration::from_millis(300));
    // A browser that has just been started.
    let _ = session.kioskctl_command(&["restart"]).output().unwrap();
    compositor.until(BROWSER, |report| report.reason.ends_with("its service worker does not answer"));
    until("the page past its worker", BROWSER, || site.told().iter().filter(|told| *told == "home").count() == 3);
    session.kioskctl(&["wait", "ready", "--timeout", "20s"]);
}
