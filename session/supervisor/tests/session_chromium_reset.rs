//! The reset of kiosk-session with the real Chromium, headless: what one visitor left, at any site, is not there for
//! the next one.

#![allow(clippy::unwrap_used, clippy::panic)]

mod session_support;

use kiosk_core::api::{Notice, State};
use session_support::site::Site;
use session_support::{BROWSER, Compositor, SOON, Session, headless, until};

/// Reports what it finds of an earlier visit, and stores all that a page can store.
const VISIT: &str = "<body style='background:#264'><script>
    const tell = text => fetch('/tell', { method: 'POST', body: text });
    const opened = () => new Promise((done, failed) => { const order = indexedDB.open('d'); let fresh = false;
        order.onupgradeneeded = () => { fresh = true; }; order.onsuccess = () => done(!fresh); order.onerror = failed; });
    (async () => {
        const found = [document.cookie && 'cookie', localStorage.a && 'local', sessionStorage.a && 'session',
            await opened() && 'database', (await caches.keys()).length && 'cache',
            (await navigator.serviceWorker.getRegistrations()).length && 'worker'].filter(Boolean);
        document.cookie = 'a=1;max-age=9999'; localStorage.a = sessionStorage.a = 1; await caches.open('c');
        await navigator.serviceWorker.register('/worker.js');
        // At the last moment too, when it is left.
        addEventListener('pagehide', () => { localStorage.late = 1; document.cookie = 'late=1;max-age=9999'; });
        // The session forgets what was before when it hears of the page, which may be after this line.
        while (history.length > 1) await new Promise(done => setTimeout(done, 20));
        tell('visit: ' + found.join() + ' of ' + history.length);
    })();</script>";

fn site() -> Site {
    let site = Site::start(&[("/", VISIT)]);
    site.answer("/worker.js", 200, "Content-Type: text/javascript\r\n", "");
    site
}

/// By another name than the other site: cookies belong to the host, with any port.
fn elsewhere(site: &Site, path: &str) -> String {
    format!("http://127.0.0.1:{}{path}", site.port)
}

fn visit(site: &Site, number: usize) -> String {
    until("the visit", SOON, || site.told().len() >= number);
    site.told()[number - 1].clone()
}

#[test]
fn what_a_visitor_left_anywhere_is_gone_and_home_is_shown_when_the_reset_is_told_to_be_done() {
    let (home, other) = (site(), site());
    let base = tempfile::tempdir().unwrap();
    let mut compositor = Compositor::listen(base.path());
    let allowed = format!("[browser]\nallow = [\"{}\"]\n", elsewhere(&other, "/*"));
    let session = Session::start(base, &headless(&home.url("/"), &allowed));
    compositor.accept();
    compositor.until_state(State::Ready, BROWSER);
    let clean = "visit:  of 1";
    assert_eq!(visit(&home, 1), clean);
    session.kioskctl(&["open", &elsewhere(&other, "/")]);
    assert_eq!(visit(&other, 1), clean);
    // Everything is kept for the same visitor.
    session.kioskctl(&["reload"]);
    assert_eq!(visit(&other, 2), "visit: cookie,local,session,database,cache,worker of 1");

    compositor.notify(&Notice::Reset { number: 1 });
    let done = compositor.until(BROWSER, |report| report.reset == 1).pop().unwrap();
    assert_eq!(done.state, State::Ready);
    let status: serde_json::Value = serde_json::from_str(&session.kioskctl(&["status", "--json"])).unwrap();
    assert_eq!((&status["session"]["url"], &status["session"]["restarts"]), (&home.url("/").into(), &0.into()));
    assert_eq!(visit(&home, 2), clean);
    session.kioskctl(&["open", &elsewhere(&other, "/")]);
    assert_eq!(visit(&other, 3), clean);
    // The same by command.
    session.kioskctl(&["clear-data"]);
    assert_eq!(visit(&home, 3), clean);
}

#[test]
fn a_page_that_hangs_or_asks_does_not_keep_the_next_visitor_from_a_clean_one() {
    for stubborn in [
        "setTimeout(() => { tell('stubborn'); while (true); }, 500);",
        "onbeforeunload = () => 'stay'; setTimeout(() => { tell('stubborn'); confirm('x'); }, 500);",
    ] {
        let (home, other) = (site(), Site::start(&[]));
        other.answer("/", 200, "", &format!("{VISIT}<script>{stubborn}</script>"));
        let base = tempfile::tempdir().unwrap();
        let mut compositor = Compositor::listen(base.path());
        let allowed = format!("[browser]\nallow = [\"{}\"]\n", elsewhere(&other, "/*"));
        let session = Session::start(base, &headless(&home.url("/"), &allowed));
        compositor.accept();
        compositor.until_state(State::Ready, BROWSER);
        visit(&home, 1);
        session.kioskctl(&["open", &elsewhere(&other, "/")]);
        until("it to be stubborn", SOON, || other.has_told("stubborn"));
        compositor.notify(&Notice::Reset { number: 5 });
        compositor.until(BROWSER, |report| report.reset == 5);
        assert_eq!(visit(&home, 2), "visit:  of 1", "{stubborn}");
    }
}

#[test]
fn the_zoom_is_the_configured_one_and_what_somebody_zoomed_to_is_not_kept() {
    let page =
        "<body style='background:#264'><script>fetch('/tell', { method: 'POST', body: devicePixelRatio });</script>";
    let site = Site::start(&[("/", page)]);
    let base = tempfile::tempdir().unwrap();
    let preferences = base.path().join("state/web/profile/Default/Preferences");
    let mut compositor = Compositor::listen(base.path());
    let mut session = Session::start(base, &headless(&site.url("/"), "[browser]\nzoom = 1.5\n"));
    compositor.accept();
    compositor.until_state(State::Ready, BROWSER);
    assert_eq!(visit(&site, 1), "1.5");
    assert!(session.terminate().success());
    // As a visitor's keys or wheel would change it.
    let mut kept: serde_json::Value = serde_json::from_slice(&std::fs::read(&preferences).unwrap()).unwrap();
    kept["partition"]["per_host_zoom_levels"] = serde_json::json!({ "x": { "localhost": { "zoom_level": -6.0 } } });
    std::fs::write(&preferences, kept.to_string()).unwrap();
    session.start_again();
    compositor.accept();
    compositor.until_state(State::Ready, BROWSER);
    assert_eq!(visit(&site, 2), "1.5");
    session.kioskctl(&["clear-data"]);
    assert_eq!(visit(&site, 3), "1.5");
}

#[test]
fn what_popups_and_frames_of_other_sites_store_to_the_last_moment_is_gone_too() {
    // Each stores all the time, and when it is left.
    const STORM: &str = "<script>const store = by => { localStorage.a = by; document.cookie = 'a=1;max-age=9999'; };
        setInterval(store, 1, 'timer'); for (const at of ['pagehide', 'visibilitychange', 'unload']) addEventListener(at, () => store(at));</script>";
    let found = "<script>const found = localStorage.a || 'nothing';
        fetch('/tell', { method: 'POST', body: location.pathname + ' found ' + found });</script>";
    let other = Site::start(&[("/frame", &format!("{found}{STORM}")), ("/popup", &format!("{found}{STORM}"))]);
    let home = format!(
        "<body style='background:#264'><iframe src='{}'></iframe><script>setTimeout(() => open('{}'), 300)</script>",
        elsewhere(&other, "/frame"),
        elsewhere(&other, "/popup")
    );
    let home = Site::start(&[("/", &home)]);
    let base = tempfile::tempdir().unwrap();
    let mut compositor = Compositor::listen(base.path());
    let allowed = format!("[browser]\nnew-windows = \"popup\"\nallow = [\"{}\"]\n", elsewhere(&other, "/*"));
    let config =
        headless(&home.url("/"), &allowed).replace("extra-args = [", "extra-args = [\"--disable-popup-blocking\", ");
    let _session = Session::start(base, &config);
    compositor.accept();
    compositor.until_state(State::Ready, BROWSER);
    for number in 1..=4 {
        until("frame and popup", SOON, || other.told().len() == 2 * number as usize);
        assert!(other.told().iter().all(|told| told.ends_with("found nothing")), "{:?}", other.told());
        compositor.notify(&Notice::Reset { number });
        compositor.until(BROWSER, |report| report.reset == number);
    }
}
