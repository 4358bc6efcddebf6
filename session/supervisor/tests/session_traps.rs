//! kiosk-session with the real Chromium, headless, and pages that do what they can to stay: a command or a reset is
//! carried out nevertheless, and soon.

#![allow(clippy::unwrap_used, clippy::panic)]

mod session_support;

use kiosk_core::api::State;
use serde_json::Value;
use session_support::hand::Hand;
use session_support::site::Site;
use session_support::{BROWSER, Compositor, SOON, Session, last_failure, until};

const HEADLESS: &str =
    "extra-args = [\"--headless=new\", \"--ozone-platform=headless\", \"--remote-debugging-port=0\"]\n";
const TELL: &str = "<body style='background:#264'><script>const tell = text => fetch('/tell', { method: 'POST', body: text });</script>";

fn page(script: &str) -> String {
    format!("{TELL}<script>{script}</script>")
}

/// A page that, once it was touched, wants to be asked before it is left, and does this.
fn trapped(trap: &str) -> (Site, Compositor, Session) {
    let script = format!(
        "onbeforeunload = event => {{ event.preventDefault(); return 'stay'; }};
         document.onclick = () => {{ setTimeout(() => {{ tell('armed'); {trap} }}, 100); }}; tell('trap');"
    );
    let site = Site::start(&[("/", &page("tell('home');")), ("/trap", &page(&script))]);
    let base = tempfile::tempdir().unwrap();
    let mut compositor = Compositor::listen(base.path());
    let session = Session::start(base, &format!("[shell]\nurl = \"{}\"\n{HEADLESS}", site.url("/")));
    compositor.accept();
    compositor.until_state(State::Ready, BROWSER);
    session.kioskctl(&["open", &site.url("/trap")]);
    until("the trap", SOON, || site.has_told("trap"));
    Hand::of(&session).click(400, 400);
    until("its begin", SOON, || site.has_told("armed"));
    (site, compositor, session)
}

/// `kioskctl` fails if the page is not shown within 20 s.
#[test]
fn no_page_keeps_what_is_ordered_from_the_screen() {
    for trap in [
        // It has to be asked anew each time, or leaves the browser without a current document.
        "setInterval(() => location.reload(), 10);",
        "setInterval(() => { for (let i = 0; i < 50; i++) location.hash = Math.random(); }, 0);",
        "onbeforeunload = () => { while (true); };",
        "onpagehide = () => { while (true); };",
        "while (true);",
    ] {
        // Each of them where it is likeliest to fail.
        let all = trap.contains("reload") || trap.contains("pagehide");
        for (order, shown) in [("home", "/"), ("reload", "/trap"), ("clear-data", "/")] {
            if order != "home" && !all {
                continue;
            }
            let (site, _compositor, session) = trapped(trap);
            session.kioskctl(&[order]);
            let status: Value = serde_json::from_str(&session.kioskctl(&["status", "--json"])).unwrap();
            let url = status["session"]["url"].as_str().unwrap().split('#').next().unwrap();
            assert_eq!(status["session"]["state"], "ready", "{trap}: {status}");
            let ended = order == "reload" && url == site.url("/");
            assert!(ended || url == site.url(shown), "{order} leads to {url}: {trap}");
            assert_eq!(status["session"]["restarts"], 0, "{trap}: {status}");
        }
    }
}

/// It begins to go there while what was ordered is already on its way, and the browser would let it.
#[test]
fn home_stays_although_the_page_before_it_goes_on_by_itself_all_the_time() {
    for loops in
        ["setInterval(() => { location = '/loop?' + Math.random(); }, 1);", "onload = () => location.reload();"]
    {
        let loops = page(&format!("{loops} tell('loop');"));
        let site = Site::start(&[("/", &page("tell('home');")), ("/loop", &loops)]);
        let base = tempfile::tempdir().unwrap();
        let mut compositor = Compositor::listen(base.path());
        let session = Session::start(base, &format!("[shell]\nurl = \"{}\"\n{HEADLESS}", site.url("/")));
        compositor.accept();
        compositor.until_state(State::Ready, BROWSER);
        for round in 0..12 {
            session.kioskctl(&["open", &site.url("/loop")]);
            session.kioskctl(&["home"]);
            let looped = || site.told().iter().filter(|told| *told == "loop").count();
            let before = looped();
            let status: Value = serde_json::from_str(&session.kioskctl(&["status", "--json"])).unwrap();
            assert_eq!(status["session"]["url"], site.url("/"), "round {round}");
            session.kioskctl(&["wait", "ready", "--stable", "500ms", "--timeout", "10s"]);
            assert!(looped() <= before + 1, "round {round}: it goes on");
            assert_eq!(status["session"]["restarts"], 0, "{status}");
        }
    }
}

/// One that a worker answers with an error, or not at all: only the network has it.
#[test]
fn a_page_whose_service_worker_fails_is_shown_past_it() {
    for answer in ["Response.error()", "new Promise(() => {})"] {
        let home = "navigator.serviceWorker.register('/sw.js').then(() => navigator.serviceWorker.ready).then(() => tell('kept'));
            tell('home');";
        let worker = format!(
            "addEventListener('install', () => skipWaiting()); addEventListener('activate', e => e.waitUntil(clients.claim()));
             addEventListener('fetch', e => {{ if (e.request.mode == 'navigate') e.respondWith({answer}); }});"
        );
        let site = Site::start(&[("/", &page(home)), ("/sw.js", &worker)]);
        let base = tempfile::tempdir().unwrap();
        let mut compositor = Compositor::listen(base.path());
        let session = Session::start(base, &format!("[shell]\nurl = \"{}\"\n{HEADLESS}", site.url("/")));
        compositor.accept();
        compositor.until_state(State::Ready, BROWSER);
        // The second worker that fails where the network has the page is removed.
        for loads in 2..5 {
            until("the worker", SOON, || site.has_told("kept"));
            let _ = session.kioskctl_command(&["reload"]).output().unwrap();
            let homes = || site.told().iter().filter(|told| *told == "home").count();
            until("the page past its worker", SOON, || homes() >= loads);
            session.kioskctl(&["wait", "ready", "--timeout", "60s"]);
        }
        assert!(session.log().contains("service worker"), "{}", session.log());
        // In the same words on the screen, in status, and in the log.
        let why = match answer {
            "Response.error()" => "its service worker has no page",
            _ => "a service worker does not answer",
        };
        compositor.until(SOON, |report| report.reason.contains(why));
        assert!(last_failure(&session).contains(why), "{}", last_failure(&session));
        let warned = |line: &&str| line.contains("WARN") && line.contains(why);
        assert!(session.log().lines().any(|line| warned(&line)), "{}", session.log());
    }
}
